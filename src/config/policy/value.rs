//! The values of a section's keys: type, range and default of each.

use std::ops::RangeInclusive;

use super::node::Value;
use super::section::Section;

/// The least number that counts as "more than 0".
pub(super) const ABOVE_ZERO: f64 = f64::MIN_POSITIVE;

impl<'a> Section<'a> {
    /// A whole number.
    pub(super) fn u64(&mut self, key: &'static str, range: RangeInclusive<u64>, default: Option<u64>) -> u64 {
        let expected = match (range.start(), range.end()) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("a whole number from {from} to {to}"),
        };
        let found = self.read(key, &expected, default, |value| match value {
            Value::Whole(n) => u64::try_from(*n).ok().filter(|n| range.contains(n)),
            _ => None,
        });
        found.unwrap_or(*range.start())
    }

    /// A whole number of 32 bits.
    pub(super) fn u32(&mut self, key: &'static str, range: RangeInclusive<u32>, default: Option<u32>) -> u32 {
        let wide = u64::from(*range.start())..=u64::from(*range.end());
        let value = self.u64(key, wide, default.map(u64::from));
        u32::try_from(value).unwrap_or(*range.end())
    }

    /// A whole number, or null for none.
    pub(super) fn u32_or_none(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        default: Option<u32>,
    ) -> Option<u32> {
        match self.take(key).map(|node| &node.value) {
            Some(Value::Null) => None,
            Some(_) => Some(self.u32(key, range, None)),
            None => default,
        }
    }

    /// A whole number of 64 bits, or null, as if absent, for none.
    pub(super) fn u64_or_none(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        match self.take(key).map(|node| &node.value) {
            Some(Value::Null) | None => None,
            Some(_) => Some(self.u64(key, range, None)),
        }
    }

    /// A finite number; a range from [`ABOVE_ZERO`] is shown as "more than 0".
    pub(super) fn f64(&mut self, key: &'static str, range: RangeInclusive<f64>, default: Option<f64>) -> f64 {
        let (from, to) = (*range.start(), *range.end());
        let expected = if from == ABOVE_ZERO {
            format!("a number of more than 0, up to {to}")
        } else {
            format!("a number from {from} to {to}")
        };
        let found = self.read(key, &expected, default, |value| {
            let number = match value {
                Value::Whole(n) => *n as f64,
                Value::Number(n) => *n,
                _ => return None,
            };
            range.contains(&number).then_some(number)
        });
        found.unwrap_or(from)
    }

    /// One of a few words.
    ///
    /// The first word is the stand-in for a faulty one without a default.
    pub(super) fn word<T: Copy, const N: usize>(
        &mut self,
        key: &'static str,
        words: &[(&str, T); N],
        default: Option<T>,
    ) -> T {
        const { assert!(N > 0) };
        let list = alternatives(&words.each_ref().map(|(word, _)| *word));
        let found = self.read(key, &list, default, |value| match value {
            Value::Text(text) => words
                .iter()
                .find(|(word, _)| word == text)
                .map(|(_, meaning)| *meaning),
            _ => None,
        });
        found.unwrap_or(words[0].1)
    }

    /// A text; `expected` says which.
    pub(super) fn text(&mut self, key: &'static str, expected: &str) -> Option<&'a str> {
        self.read(key, expected, None, |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// A list of texts, empty only with a fault; `expected` says which.
    pub(super) fn texts(&mut self, key: &'static str, expected: &str) -> Vec<&'a str> {
        let nodes = self.read(key, expected, None, |value| match value {
            Value::List(nodes) if !nodes.is_empty() => Some(nodes),
            _ => None,
        });
        let mut texts = Vec::new();
        for (number, node) in (1..).zip(nodes.into_iter().flatten()) {
            match &node.value {
                // No program can be given a NUL.
                Value::Text(text) if !text.contains('\0') => texts.push(text.as_str()),
                other => {
                    let what = format!("{}; give a text, in quotes if need be", other.in_words());
                    let path = format!("{}.{number}", self.path_of(key));
                    self.faults.add_at(&path, node.at, what);
                }
            }
        }
        texts
    }

    /// A list of at most `most` whole numbers, empty only with a fault.
    pub(super) fn wholes(&mut self, key: &'static str, range: RangeInclusive<u64>, most: usize) -> Vec<u64> {
        let expected = format!(
            "a list of 1 to {most} whole numbers from {} to {}",
            range.start(),
            range.end()
        );
        let found = self.read(key, &expected, None, |value| match value {
            Value::List(nodes) if !nodes.is_empty() && nodes.len() <= most => nodes
                .iter()
                .map(|node| match &node.value {
                    Value::Whole(n) => u64::try_from(*n).ok().filter(|n| range.contains(n)),
                    _ => None,
                })
                .collect::<Option<Vec<u64>>>(),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// What `meaning` makes of the value. Reports one it cannot use, and an absent one without default.
    fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        default: Option<T>,
        meaning: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let path = self.path_of(key);
        let Some(node) = self.take(key) else {
            if default.is_none() && self.is_mapping {
                self.faults.add(&path, format!("is missing; give {expected}"));
            }
            return default;
        };
        let found = meaning(&node.value);
        if found.is_none() {
            self.faults
                .add(&path, format!("{}; give {expected}", node.value.in_words()));
        }
        found
    }
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

//! The values of a section's keys: type, range and default of each.

use std::ops::RangeInclusive;

use serde_json::Value as Json;

use super::kind::Kind;
use super::node::{Node, Value};
use super::note::{Absent, number};
use super::section::Section;

impl<'a> Section<'a> {
    /// A whole number.
    pub(super) fn u64(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        absent: impl Into<Absent<u64>>,
    ) -> u64 {
        let least = *range.start();
        self.whole(key, range, absent).unwrap_or(least)
    }

    /// A whole number of 32 bits.
    pub(super) fn u32(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        absent: impl Into<Absent<u32>>,
    ) -> u32 {
        let most = *range.end();
        let value = self.u64(key, wide(range), absent.into().map(u64::from));
        u32::try_from(value).unwrap_or(most)
    }

    /// A whole number, or null for none.
    pub(super) fn u32_or_none(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        absent: Absent<Option<u32>>,
    ) -> Option<u32> {
        let most = *range.end();
        let value = self.whole_or_none(key, wide(range), absent.map(|value| value.map(u64::from)));
        value.map(|value| u32::try_from(value).unwrap_or(most))
    }

    /// A whole number of 64 bits, or null, as if absent, for none.
    pub(super) fn u64_or_none(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.whole_or_none(key, range, Absent::Is(None))
    }

    /// A whole number; none with a fault, or where nothing holds for an absent one.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        absent: impl Into<Absent<u64>>,
    ) -> Option<u64> {
        let tell = |n: &u64| Json::from(*n);
        self.read(key, whole_of(&range), absent.into(), tell, |value| {
            whole_in(value, &range)
        })
    }

    fn whole_or_none(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        absent: Absent<Option<u64>>,
    ) -> Option<u64> {
        let kind = Kind::OrNull(Box::new(whole_of(&range)));
        let tell = |n: &Option<u64>| Json::from(*n);
        let found = self.read(key, kind, absent, tell, |value| match value {
            Value::Null => Some(None),
            value => whole_in(value, &range).map(Some),
        });
        found.unwrap_or(Some(*range.start()))
    }

    /// A finite number; a range from [`super::kind::ABOVE_ZERO`] is shown as "more than 0".
    pub(super) fn f64(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        absent: impl Into<Absent<f64>>,
    ) -> f64 {
        let from = *range.start();
        self.number(key, range, absent).unwrap_or(from)
    }

    /// The same; none with a fault, or where nothing holds for an absent one.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        absent: impl Into<Absent<f64>>,
    ) -> Option<f64> {
        let (from, to) = (*range.start(), *range.end());
        let tell = |n: &f64| number(*n);
        self.read(key, Kind::Number { from, to }, absent.into(), tell, |value| {
            let number = match value {
                Value::Whole(n) => *n as f64,
                Value::Number(n) => *n,
                _ => return None,
            };
            range.contains(&number).then_some(number)
        })
    }

    /// One of a few words.
    ///
    /// The first word is the stand-in for a faulty one without a default.
    pub(super) fn word<T: Copy + PartialEq, const N: usize>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T); N],
        absent: impl Into<Absent<T>>,
    ) -> T {
        const { assert!(N > 0) };
        self.choice(key, words, absent).unwrap_or(words[0].1)
    }

    /// The same; none with a fault, or where nothing holds for an absent one.
    pub(super) fn choice<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        absent: impl Into<Absent<T>>,
    ) -> Option<T> {
        let kind = Kind::Word(words.iter().map(|(word, _)| *word).collect());
        let tell = |meant: &T| {
            let word = words.iter().find(|(_, meaning)| meaning == meant);
            word.map_or(Json::Null, |(word, _)| Json::from(*word))
        };
        self.read(key, kind, absent.into(), tell, |value| match value {
            Value::Text(text) => {
                let word = words.iter().find(|(word, _)| word == text);
                word.map(|(_, meaning)| *meaning)
            }
            _ => None,
        })
    }

    /// A text; `expected` says which.
    pub(super) fn text(&mut self, key: &'static str, expected: &str) -> Option<&'a str> {
        let tell = |text: &&str| Json::from(*text);
        self.read_as(
            key,
            (Kind::Text, expected),
            Absent::Required,
            tell,
            |value| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            },
        )
    }

    /// A list of texts, empty only with a fault; `expected` says which.
    pub(super) fn texts(&mut self, key: &'static str, expected: &str) -> Vec<&'a str> {
        let kind = Kind::List {
            of: Box::new(Kind::Text),
            least: 1,
            most: None,
        };
        let tell = |nodes: &&Vec<Node>| nodes.iter().filter_map(text_of).map(Json::from).collect();
        let nodes = self.read_as(
            key,
            (kind, expected),
            Absent::Required,
            tell,
            |value| match value {
                Value::List(nodes) if !nodes.is_empty() => Some(nodes),
                _ => None,
            },
        );
        let mut texts = Vec::new();
        for (number, node) in (1..).zip(nodes.into_iter().flatten()) {
            let Some(text) = text_of(node) else {
                let what = format!("{}; give a text, in quotes if need be", node.value.in_words());
                let path = format!("{}.{number}", self.path_of(key));
                self.faults.add_at(&path, node.at, what);
                continue;
            };
            texts.push(text);
        }
        texts
    }

    /// A list of at most `most` whole numbers, empty only with a fault.
    pub(super) fn wholes(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        most: usize,
        absent: Absent<Vec<u64>>,
    ) -> Vec<u64> {
        let kind = Kind::List {
            of: Box::new(whole_of(&range)),
            least: 1,
            most: Some(most),
        };
        let tell = |list: &Vec<u64>| Json::from(list.clone());
        let found = self.read(key, kind, absent, tell, |value| match value {
            Value::List(nodes) if !nodes.is_empty() && nodes.len() <= most => {
                nodes.iter().map(|node| whole_in(&node.value, &range)).collect()
            }
            _ => None,
        });
        found.unwrap_or_default()
    }

    fn read<T: Clone>(
        &mut self,
        key: &'static str,
        kind: Kind,
        absent: Absent<T>,
        tell: impl Fn(&T) -> Json,
        meaning: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let expected = kind.in_words();
        self.read_as(key, (kind, &expected), absent, tell, meaning)
    }

    /// What `meaning` makes of the value, noted as `tell` tells it. Reports one that it cannot use, and an absent one
    /// that is required.
    fn read_as<T: Clone>(
        &mut self,
        key: &'static str,
        (kind, expected): (Kind, &str),
        absent: Absent<T>,
        tell: impl Fn(&T) -> Json,
        meaning: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(key);
        let found = match node {
            Some(node) => meaning(&node.value),
            None => absent.value().cloned(),
        };
        let missing = node.is_none() && matches!(absent, Absent::Required);
        match node {
            Some(node) if found.is_none() => {
                let what = format!("{}; give {expected}", node.value.in_words());
                self.faults.add(&self.path_of(key), what);
            }
            None if missing && self.is_there => {
                self.faults
                    .add(&self.path_of(key), format!("is missing; give {expected}"));
            }
            _ => {}
        }
        if !missing {
            let value = found.as_ref().map_or(Json::Null, &tell);
            self.note(key, kind, absent.map(|default| tell(&default)), value);
        }
        found
    }
}

fn wide(range: RangeInclusive<u32>) -> RangeInclusive<u64> {
    u64::from(*range.start())..=u64::from(*range.end())
}

fn whole_of(range: &RangeInclusive<u64>) -> Kind {
    Kind::Whole {
        from: *range.start(),
        to: *range.end(),
    }
}

fn whole_in(value: &Value, range: &RangeInclusive<u64>) -> Option<u64> {
    match value {
        Value::Whole(n) => u64::try_from(*n).ok().filter(|n| range.contains(n)),
        _ => None,
    }
}

/// No program can be given a NUL.
fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) if !text.contains('\0') => Some(text),
        _ => None,
    }
}

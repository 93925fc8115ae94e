//! `retry`, of the document and of a class: what is not given there is taken from the document.

use super::section::Section;
use crate::policy::{Growth, RetryRules, RetryTable};
use crate::task::ErrorKind;

const DAY_MS: u64 = 86_400_000;
pub(super) const WEEK_MS: u64 = 604_800_000;
const DELAYS_MAX: usize = 64;
/// The failures that are tried again, and so can have rules of their own.
const KINDS: [(&str, ErrorKind); 5] = [
    ("retryable", ErrorKind::Retryable),
    ("rate_limited", ErrorKind::RateLimited),
    ("timeout", ErrorKind::Timeout),
    ("no_model", ErrorKind::NoModel),
    ("yielded", ErrorKind::Yielded),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exponential,
    Fixed,
    List,
}

/// The fields as they are given or inherited.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    kind: Kind,
    base_ms: u64,
    factor: f64,
    max_ms: u64,
    full_jitter: bool,
    max_attempts: u32,
    delays_ms: Vec<u64>,
}

/// `retry` of the document, and what classes start from.
pub(super) struct Retry {
    pub(super) table: RetryTable,
    draft: Draft,
}

/// `retry` of the document.
pub(super) fn read(document: &mut Section<'_>) -> Retry {
    let base = Draft {
        kind: Kind::Exponential,
        base_ms: 1_000,
        factor: 2.0,
        max_ms: 60_000,
        full_jitter: true,
        max_attempts: 3,
        delays_ms: Vec::new(),
    };
    let (table, draft) = section(document.child("retry"), &base, None);
    Retry { table, draft }
}

/// `retry` of a class, over the document's.
pub(super) fn of_class(class: &mut Section<'_>, document: &Retry) -> Option<RetryTable> {
    class.take("retry")?;
    let (table, _) = section(class.child("retry"), &document.draft, Some(&document.table));
    Some(table)
}

fn section(mut section: Section<'_>, base: &Draft, inherited: Option<&RetryTable>) -> (RetryTable, Draft) {
    let draft = fields(&mut section, base);
    let budget_per_minute = section.u32_or_none(
        "budget_per_minute",
        1..=1_000_000,
        inherited.and_then(|table| table.budget_per_minute),
    );
    let mut on = section.child("on");
    let mut kinds = inherited.map(|table| table.kinds.clone()).unwrap_or_default();
    for (name, kind) in KINDS {
        if on.take(name).is_none() {
            continue;
        }
        let mut own = on.child(name);
        let rules = fields(&mut own, &draft).rules();
        own.close(&[]);
        kinds.retain(|(named, _)| *named != kind);
        kinds.push((kind, rules));
    }
    on.close(&[]);
    section.close(&[]);
    let table = RetryTable {
        rules: draft.rules(),
        kinds,
        budget_per_minute,
    };
    (table, draft)
}

fn fields(section: &mut Section<'_>, base: &Draft) -> Draft {
    let words = [
        ("exponential", Kind::Exponential),
        ("fixed", Kind::Fixed),
        ("list", Kind::List),
    ];
    let kind = section.word("kind", &words, Some(base.kind));
    let draft = Draft {
        kind,
        base_ms: section.u64("base_ms", 1..=DAY_MS, Some(base.base_ms)),
        factor: section.f64("factor", 1.0..=1_000.0, Some(base.factor)),
        max_ms: section.u64("max_ms", 1..=WEEK_MS, Some(base.max_ms)),
        full_jitter: section.word(
            "jitter",
            &[("full", true), ("none", false)],
            Some(base.full_jitter),
        ),
        max_attempts: section.u32("max_attempts", 1..=1_000, Some(base.max_attempts)),
        delays_ms: delays(section, kind, base),
    };
    let (base_at, max_at) = (section.path_of("base_ms"), section.path_of("max_ms"));
    let faults = section.faults;
    let is_told = faults.touched(&base_at) || faults.touched(&max_at);
    if kind == Kind::Exponential && draft.max_ms < draft.base_ms && !is_told {
        let what = format!(
            "is {}, below base_ms; give at least {}, or a lower base_ms",
            draft.max_ms, draft.base_ms
        );
        faults.add(&max_at, what);
    }
    draft
}

/// The delays of a list, which has them; any other kind has none.
fn delays(section: &mut Section<'_>, kind: Kind, base: &Draft) -> Vec<u64> {
    let is_given = section.take("delays_ms").is_some();
    match kind {
        Kind::List if is_given || base.delays_ms.is_empty() => {
            section.wholes("delays_ms", 0..=WEEK_MS, DELAYS_MAX)
        }
        Kind::List => base.delays_ms.clone(),
        Kind::Exponential | Kind::Fixed if is_given => {
            let what = "is for kind: list alone; leave it out, or give kind: list".to_owned();
            section.faults.add(&section.path_of("delays_ms"), what);
            Vec::new()
        }
        Kind::Exponential | Kind::Fixed => base.delays_ms.clone(),
    }
}

impl Draft {
    fn rules(&self) -> RetryRules {
        RetryRules {
            growth: match self.kind {
                Kind::Exponential => Growth::Exponential {
                    base_ms: self.base_ms,
                    factor: self.factor,
                    max_ms: self.max_ms,
                },
                Kind::Fixed => Growth::Fixed(self.base_ms),
                Kind::List => Growth::List(self.delays_ms.clone()),
            },
            full_jitter: self.full_jitter,
            max_attempts: self.max_attempts,
        }
    }
}

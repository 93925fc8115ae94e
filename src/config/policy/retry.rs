//! `retry`, of the document and of a class: what is not given there is taken from the document.

use super::note::{Absent, Needs, Place};
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
    /// Where they stand; the document itself for those that hold where it says nothing.
    place: Place,
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
    kinds: Vec<(ErrorKind, Draft)>,
}

/// `retry` of the document.
pub(super) fn read(document: &mut Section<'_>) -> Retry {
    let base = Draft {
        place: Place::document(),
        kind: Kind::Exponential,
        base_ms: 1_000,
        factor: 2.0,
        max_ms: 60_000,
        full_jitter: true,
        max_attempts: 3,
        delays_ms: Vec::new(),
    };
    section(document.child("retry"), &base, None)
}

/// `retry` of a class, over the document's. One that is absent is read all the same, so that it is known what holds.
pub(super) fn of_class(class: &mut Section<'_>, document: &Retry) -> Option<RetryTable> {
    let is_given = class.take("retry").is_some();
    let own = class.child_as("retry", document.draft.place.clone());
    let retry = section(own, &document.draft, Some(document));
    is_given.then_some(retry.table)
}

fn section(mut section: Section<'_>, base: &Draft, document: Option<&Retry>) -> Retry {
    let draft = fields(&mut section, base);
    let inherited = document.and_then(|retry| retry.table.budget_per_minute);
    let budget_per_minute = section.u32_or_none(
        "budget_per_minute",
        1..=1_000_000,
        base.absent("budget_per_minute", inherited),
    );
    let mut on = section.child("on");
    let mut kinds = document.map(|retry| retry.kinds.clone()).unwrap_or_default();
    for (name, kind) in KINDS {
        let is_given = on.take(name).is_some();
        let of_document = kinds.iter().find(|(named, _)| *named == kind && !is_given);
        let from = of_document.map_or(&draft, |(_, inherited)| inherited);
        let mut own = on.alike_as("KIND", name, from.place.clone());
        let read = fields(&mut own, from);
        own.close(&[]);
        if is_given {
            kinds.retain(|(named, _)| *named != kind);
            kinds.push((kind, read));
        }
    }
    on.close(&[]);
    section.close(&[]);
    let rules = |(kind, draft): &(ErrorKind, Draft)| (*kind, draft.rules());
    let table = RetryTable {
        rules: draft.rules(),
        kinds: kinds.iter().map(rules).collect(),
        budget_per_minute,
    };
    Retry { table, draft, kinds }
}

fn fields(section: &mut Section<'_>, base: &Draft) -> Draft {
    let words = [
        ("exponential", Kind::Exponential),
        ("fixed", Kind::Fixed),
        ("list", Kind::List),
    ];
    let jitter = [("full", true), ("none", false)];
    let kind = section.word("kind", &words, base.absent("kind", base.kind));
    let draft = Draft {
        place: section.place.clone(),
        kind,
        base_ms: section.u64("base_ms", 1..=DAY_MS, base.absent("base_ms", base.base_ms)),
        factor: section.f64("factor", 1.0..=1_000.0, base.absent("factor", base.factor)),
        max_ms: section.u64("max_ms", 1..=WEEK_MS, base.absent("max_ms", base.max_ms)),
        full_jitter: section.word("jitter", &jitter, base.absent("jitter", base.full_jitter)),
        max_attempts: section.u32(
            "max_attempts",
            1..=1_000,
            base.absent("max_attempts", base.max_attempts),
        ),
        delays_ms: delays(section, kind, base),
    };
    let (base_at, max_at) = (section.path_of("base_ms"), section.path_of("max_ms"));
    let faults = section.faults;
    let is_told = faults.touched(&base_at) || faults.touched(&max_at);
    // In a section that is absent it would be said again of what it takes from another.
    if kind == Kind::Exponential && draft.max_ms < draft.base_ms && !is_told && section.is_there {
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
        Kind::List => {
            let absent = match base.delays_ms.as_slice() {
                [] => Absent::Required,
                delays => base.absent("delays_ms", delays.to_vec()),
            };
            let delays = section.wholes("delays_ms", 0..=WEEK_MS, DELAYS_MAX, absent);
            section.needs("delays_ms", Needs::Word("kind", "list"));
            delays
        }
        Kind::Exponential | Kind::Fixed if is_given => {
            let what = "is for kind: list alone; leave it out, or give kind: list".to_owned();
            section.faults.add(&section.path_of("delays_ms"), what);
            Vec::new()
        }
        Kind::Exponential | Kind::Fixed => base.delays_ms.clone(),
    }
}

impl Draft {
    /// What holds for a `key` that is absent where this is what it is taken from.
    fn absent<T>(&self, key: &str, value: T) -> Absent<T> {
        if self.place == Place::document() {
            Absent::Is(value)
        } else {
            Absent::As(value, self.place.of(key))
        }
    }

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

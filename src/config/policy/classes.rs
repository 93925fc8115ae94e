//! `classes` and `default_class`: the business scenarios.

use super::kind::{ABOVE_ZERO, Kind, Names};
use super::lanes::{CONCURRENCY_MAX, PRIORITY_MAX};
use super::note::{Absent, Needs};
use super::rate;
use super::retry::{self, Retry};
use super::scheduler::BYPASS_MAX;
use super::section::Section;
use crate::policy::{Aging, Class, MaxWait, OnDependencyFailed, OnMaxWait};
use crate::scheduler::rules::{ClassTerms, LookAhead, Order};
use crate::task::ClassName;

/// As a regular expression.
pub(super) const NAME_LETTERS: &str = "^[A-Za-z0-9_-]+$";
const NAMES: Names = Names {
    noun: "class",
    placeholder: "NAME",
    is_required: true,
    length_max: Some(ClassName::MAX_LEN),
    letters: Some(NAME_LETTERS),
};
const SHARE_MAX: u32 = 1_000_000;
/// A second, as lanes are looked over once in it, to a week.
const MAX_WAIT_MS: std::ops::RangeInclusive<u64> = 1_000..=604_800_000;
/// Each bucket is a consumer per lane and model; 200 of them is what one replicated stream bears.
const SHARDS_MAX: u32 = 64;
/// Keys of the design that this version does not have yet.
const LATER: [&str; 3] = ["tenant_rate", "result_ttl", "events"];
/// A millisecond to a week.
const SLO_MS: std::ops::RangeInclusive<u64> = 1..=604_800_000;
const AGING_BASE_MAX: f64 = 1e9;
/// Per second: above it the exponent is at its clamp within half a second.
const ALPHA_MAX: f64 = 100.0;
/// A worker leases what it looks at.
const WINDOW_MAX: u32 = 64;

/// The classes with legal names, in document order.
pub(super) fn read(document: &mut Section<'_>, retry: &Retry) -> Vec<Class> {
    let section = document.child_of("classes", Kind::Names(&NAMES), Absent::Required);
    let (faults, mut classes) = (section.faults, Vec::new());
    if section.is_empty() && !faults.touched(section.path()) {
        faults.add(
            section.path(),
            "has no class; give at least one: NAME: { priority: 1, share: 1 }".to_owned(),
        );
    }
    for (name, at, node) in section.entries() {
        let mut class = section.named(&NAMES, name, node);
        let name = ClassName::new(name);
        if let Err(error) = &name {
            faults.add_at(class.path(), *at, format!("is no class name: {error}"));
        }
        classes.extend(one(&mut class, name.ok(), retry));
        class.close(&LATER);
    }
    classes
}

/// Reads the whole class even where its name is none, for the faults in it.
fn one(section: &mut Section<'_>, name: Option<ClassName>, retry: &Retry) -> Option<Class> {
    let priority = section.u32("priority", 0..=PRIORITY_MAX, None);
    let share = section.u32("share", 1..=SHARE_MAX, None);
    let max_concurrent = section.u32_or_none("max_concurrent", 1..=CONCURRENCY_MAX, Absent::Is(None));
    let shards = u16::try_from(section.u32("shards", 1..=SHARDS_MAX, Some(1))).unwrap_or(1);
    let hand = u16::try_from(section.u32("hand", 1..=u32::from(shards), Some(1))).unwrap_or(1);
    let max_wait = max_wait(section);
    let on_dependency_failed = section.word(
        "on_dependency_failed",
        &[
            ("dead", OnDependencyFailed::Dead),
            ("run", OnDependencyFailed::Run),
        ],
        Some(OnDependencyFailed::Dead),
    );
    let retry = retry::of_class(section, retry);
    let slo_ms = section.u64_or_none("slo_ms", SLO_MS);
    let (aging, lookahead) = (aging(section, share), lookahead(section));
    let rate = rate::read(section);
    Some(Class {
        name: name?,
        priority,
        share,
        max_concurrent,
        shards,
        hand,
        max_wait,
        on_dependency_failed,
        retry,
        slo_ms,
        aging,
        lookahead,
        rate,
    })
}

fn aging(section: &mut Section<'_>, share: u32) -> Option<Aging> {
    let is_given = section.take("aging").is_some();
    let mut aging = section.child("aging");
    let share = Absent::As(f64::from(share), section.place.of("share"));
    let read = Aging {
        base: aging.f64("base", 0.0..=AGING_BASE_MAX, share),
        alpha: aging.f64("alpha", ABOVE_ZERO..=ALPHA_MAX, Some(ClassTerms::AGING_ALPHA)),
    };
    aging.close(&[]);
    is_given.then_some(read)
}

fn lookahead(section: &mut Section<'_>) -> LookAhead {
    #[derive(Clone, Copy, PartialEq)]
    enum Word {
        Fifo,
        Aged,
        Edf,
    }
    let words = [("fifo", Word::Fifo), ("aged", Word::Aged), ("edf", Word::Edf)];
    let mut section = section.child_of("lookahead", Kind::Mapping, Absent::Off);
    // A look-ahead that is given says how far; without one it is off.
    let off = (!section.is_there).then_some(LookAhead::OFF.window);
    let order = section.word("order", &words, Some(Word::Fifo));
    let alpha = section.f64("alpha", ABOVE_ZERO..=ALPHA_MAX, Some(ClassTerms::AGING_ALPHA));
    let read = LookAhead {
        window: section.u32("window", 1..=WINDOW_MAX, off),
        order: match order {
            Word::Fifo => Order::Fifo,
            Word::Aged => Order::Aged { alpha },
            Word::Edf => Order::Edf,
        },
        bypass_max: section.u32("bypass_max", 1..=BYPASS_MAX, Some(LookAhead::OFF.bypass_max)),
    };
    section.close(&[]);
    read
}

/// Both or none: a bound that nothing follows from is a mistake, and so is the other way round.
fn max_wait(section: &mut Section<'_>) -> Option<MaxWait> {
    let given = ["max_wait_ms", "on_max_wait"].map(|key| section.take(key).is_some());
    let alone = match given {
        [true, false] => Some(("max_wait_ms", "on_max_wait: promote, demote or expire")),
        [false, true] => Some(("on_max_wait", "max_wait_ms")),
        _ => None,
    };
    if let Some((there, missing)) = alone {
        let what = format!("says nothing alone; give {missing} as well");
        section.faults.add(&section.path_of(there), what);
        return None;
    }
    let words = [
        ("promote", OnMaxWait::Promote),
        ("demote", OnMaxWait::Demote),
        ("expire", OnMaxWait::Expire),
    ];
    let ms = section.whole("max_wait_ms", MAX_WAIT_MS, Absent::Off);
    let then = section.choice("on_max_wait", &words, Absent::Off);
    section.needs("max_wait_ms", Needs::Key("on_max_wait"));
    section.needs("on_max_wait", Needs::Key("max_wait_ms"));
    Some(MaxWait { ms: ms?, then: then? })
}

/// The class that takes what no other does; must be one of `classes`.
pub(super) fn read_default(document: &mut Section<'_>, classes: &[Class]) -> Option<ClassName> {
    let known = classes
        .iter()
        .map(|c| c.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let expected = if known.is_empty() {
        "one of the classes".to_owned()
    } else {
        format!("one of {known}")
    };
    let given = document.text("default_class", &expected)?;
    let found = classes
        .iter()
        .find(|c| c.name.as_str() == given)
        .map(|c| c.name.clone());
    if found.is_none() {
        document.faults.add(
            "default_class",
            format!("is {given:?}, which is no class; give {expected}"),
        );
    }
    found
}

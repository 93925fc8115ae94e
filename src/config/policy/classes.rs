//! `classes` and `default_class`: the business scenarios.

use super::lanes::{CONCURRENCY_MAX, PRIORITY_MAX};
use super::retry::{self, Retry};
use super::section::Section;
use crate::policy::{Class, MaxWait, OnMaxWait};
use crate::task::ClassName;

const SHARE_MAX: u32 = 1_000_000;
/// A second, as lanes are looked over once in it, to a week.
const MAX_WAIT_MS: std::ops::RangeInclusive<u64> = 1_000..=604_800_000;
/// Each bucket is a consumer per lane and model; 200 of them is what one replicated stream bears.
const SHARDS_MAX: u32 = 64;
/// Keys of the design that this version does not have yet.
const LATER: [&str; 4] = ["lookahead", "rate", "result_ttl", "events"];

/// The classes with legal names, in document order.
pub(super) fn read(document: &mut Section<'_>, retry: &Retry) -> Vec<Class> {
    let section = document.child("classes");
    let faults = section.faults;
    let (path, mut classes) = (section.path.clone(), Vec::new());
    if section.is_empty() && !faults.touched(&path) {
        faults.add(
            &path,
            "has no class; give at least one: NAME: { priority: 1, share: 1 }".to_owned(),
        );
    }
    for (name, at, node) in section.entries() {
        let mut class = Section::open(section.path_of(name), node, faults);
        let name = ClassName::new(name);
        if let Err(error) = &name {
            faults.add_at(&class.path, *at, format!("is no class name: {error}"));
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
    let max_concurrent = section.u32_or_none("max_concurrent", 1..=CONCURRENCY_MAX, None);
    let shards = u16::try_from(section.u32("shards", 1..=SHARDS_MAX, Some(1))).unwrap_or(1);
    let max_wait = max_wait(section);
    let retry = retry::of_class(section, retry);
    Some(Class {
        name: name?,
        priority,
        share,
        max_concurrent,
        shards,
        max_wait,
        retry,
    })
}

/// Both or none: a bound that nothing follows from is a mistake, and so is the other way round.
fn max_wait(section: &mut Section<'_>) -> Option<MaxWait> {
    let (path, faults) = (section.path.clone(), section.faults);
    let given = ["max_wait_ms", "on_max_wait"].map(|key| section.take(key).is_some());
    match given {
        [true, true] => (),
        [false, false] => return None,
        [has_ms, _] => {
            let (there, missing) = match has_ms {
                true => ("max_wait_ms", "on_max_wait: promote, demote or expire"),
                false => ("on_max_wait", "max_wait_ms"),
            };
            faults.add(
                &format!("{path}.{there}"),
                format!("says nothing alone; give {missing} as well"),
            );
            return None;
        }
    }
    let words = [
        ("promote", OnMaxWait::Promote),
        ("demote", OnMaxWait::Demote),
        ("expire", OnMaxWait::Expire),
    ];
    Some(MaxWait {
        ms: section.u64("max_wait_ms", MAX_WAIT_MS, None),
        then: section.word("on_max_wait", &words, Some(OnMaxWait::Expire)),
    })
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

//! `overload`: when a level is entered and left, and what follows.

use serde_json::Value as Json;

use super::kind::{ABOVE_ZERO, Kind};
use super::node::Value;
use super::note::{Absent, number};
use super::section::Section;
use crate::policy::{Level, OnInfeasible, OverloadRules};

const WEEK_S: u64 = 604_800;
const HOUR_S: u64 = 3_600;
/// More tasks than a lane's stream holds.
const DEPTH_MAX: u64 = 1_000_000_000;
/// More bytes than any server stores.
const BYTES_MAX: u64 = 1 << 60;
/// So near to 1 that a level would be left at once, and entered again.
const LEAVE_AT_MAX: f64 = 0.95;
const DRAIN_MAX: u32 = 1_000_000;
/// Levels above the first.
const LEVELS: usize = 3;

/// `overload`.
pub(super) fn read(document: &mut Section<'_>) -> OverloadRules {
    let default = OverloadRules::default();
    let mut section = document.child("overload");
    let infeasible = [
        ("accept", OnInfeasible::Accept),
        ("refuse_certain", OnInfeasible::Certain),
        ("refuse_expected", OnInfeasible::Expected),
    ];
    let rules = OverloadRules {
        wait_s: wait_s(&mut section, default.wait_s),
        full: full(&mut section, default.full),
        retry_full: section.f64("retry_full", ABOVE_ZERO..=1.0, Some(default.retry_full)),
        storage_bytes: section.u64_or_none("storage_bytes", 1..=BYTES_MAX),
        leave_at: section.f64("leave_at", ABOVE_ZERO..=LEAVE_AT_MAX, Some(default.leave_at)),
        depth_min: section.u64("depth_min", 1..=DEPTH_MAX, Some(default.depth_min)),
        hold_ms: section.u64("hold_s", 1..=HOUR_S, Some(default.hold_ms / 1000)) * 1000,
        no_workers: level(&mut section, default.no_workers),
        archive_drain_per_s: section.u32(
            "archive_drain_per_s",
            1..=DRAIN_MAX,
            Some(default.archive_drain_per_s),
        ),
        infeasible: section.word("infeasible", &infeasible, Some(default.infeasible)),
    };
    section.close(&[]);
    rules
}

fn level(section: &mut Section<'_>, default: Level) -> Level {
    let highest = u64::from(Level::CoreOnly.number());
    let number = section.u64("no_workers", 0..=highest, Some(default.number().into()));
    Level::of_number(number).unwrap_or(default)
}

fn wait_s(section: &mut Section<'_>, default: [u64; LEVELS]) -> [u64; LEVELS] {
    let given = section.wholes("wait_s", 1..=WEEK_S, LEVELS, Absent::Is(default.to_vec()));
    section.amend("wait_s", |noted| {
        noted.kind = three(Kind::Whole { from: 1, to: WEEK_S })
    });
    rising(section, "wait_s", &given).unwrap_or(default)
}

fn full(section: &mut Section<'_>, default: [f64; LEVELS]) -> [f64; LEVELS] {
    let parts = match section.take("full").map(|node| &node.value) {
        None => default,
        Some(value) => {
            let given: Option<Vec<f64>> = match value {
                Value::List(nodes) => nodes.iter().map(|node| part(&node.value)).collect(),
                _ => None,
            };
            rising(section, "full", &given.unwrap_or_default()).unwrap_or(default)
        }
    };
    let kind = three(Kind::Number {
        from: ABOVE_ZERO,
        to: 1.0,
    });
    let tell = |parts: [f64; LEVELS]| Json::from(parts.map(number).to_vec());
    section.note("full", kind, Absent::Is(tell(default)), tell(parts));
    parts
}

/// One for each level.
fn three(of: Kind) -> Kind {
    Kind::List {
        of: Box::new(of),
        least: LEVELS,
        most: Some(LEVELS),
    }
}

/// A number of more than 0, up to 1.
fn part(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Whole(1) => 1.0,
        Value::Number(number) => *number,
        _ => return None,
    };
    (number > 0.0 && number <= 1.0).then_some(number)
}

fn rising<T: PartialOrd + Copy>(
    section: &mut Section<'_>,
    key: &'static str,
    given: &[T],
) -> Option<[T; LEVELS]> {
    let three: Option<[T; LEVELS]> = given.try_into().ok();
    let path = section.path_of(key);
    match three {
        Some(three) if three.is_sorted() => Some(three),
        _ if section.faults.touched(&path) => None,
        Some(_) => {
            let what = "falls; give the thresholds of levels 1, 2 and 3 in rising order".to_owned();
            section.faults.add(&path, what);
            None
        }
        None => {
            let what = match key {
                "full" => "is no list of three parts; give three numbers of more than 0, up to 1, rising",
                _ => "has not three numbers; give the thresholds of levels 1, 2 and 3, rising",
            };
            section.faults.add(&path, what.to_owned());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse_policy;
    use crate::policy::{Level, OnInfeasible, OverloadRules};

    const LEAST: &str = "
version: 1
classes:
  a: { priority: 1, share: 1 }
default_class: a
models:
  m: { executor: simulate }
";

    fn read(overload: &str) -> Result<OverloadRules, String> {
        let yaml = format!("{LEAST}{overload}");
        let read = parse_policy("p", &yaml);
        read.map(|policy| policy.overload).map_err(|f| f.to_string())
    }

    #[test]
    fn what_is_given_counts_and_what_is_absent_has_its_default() {
        assert_eq!(read("").unwrap(), OverloadRules::default());
        let given = "overload: { wait_s: [1, 2, 3], full: [0.1, 0.2, 1], retry_full: 0.3, storage_bytes: 9, \
                     leave_at: 0.5, depth_min: 4, hold_s: 6, no_workers: 3, archive_drain_per_s: 7, \
                     infeasible: refuse_expected }";
        let expected = OverloadRules {
            wait_s: [1, 2, 3],
            full: [0.1, 0.2, 1.0],
            retry_full: 0.3,
            storage_bytes: Some(9),
            leave_at: 0.5,
            depth_min: 4,
            hold_ms: 6_000,
            no_workers: Level::CoreOnly,
            archive_drain_per_s: 7,
            infeasible: OnInfeasible::Expected,
        };
        assert_eq!(read(given).unwrap(), expected);
    }

    #[test]
    fn every_fault_is_told_with_what_to_do() {
        for (given, told) in [
            ("{ wait_s: [3, 2, 4] }", "in rising order"),
            ("{ wait_s: [1, 2] }", "has not three numbers"),
            ("{ wait_s: 7 }", "a list of 1 to 3 whole numbers"),
            ("{ full: [0.5, 0.4, 0.9] }", "in rising order"),
            ("{ full: [0.5, 2, 3] }", "is no list of three parts"),
            ("{ full: 1 }", "is no list of three parts"),
            ("{ leave_at: 1 }", "up to 0.95"),
            ("{ no_workers: 4 }", "a whole number from 0 to 3"),
            ("{ infeasible: drop }", "refuse_certain"),
            ("{ wait: [1, 2, 3] }", "did you mean wait_s?"),
        ] {
            let faults = read(&format!("overload: {given}")).unwrap_err();
            assert!(faults.contains(told), "{given}: {faults}");
            assert_eq!(faults.lines().count(), 1, "{given}: {faults}");
        }
    }
}

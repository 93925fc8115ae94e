//! `marking`, `callbacks` and `bounds`: the rules that hold for every class.

use serde_json::json;

use super::kind::Kind;
use super::node::Value;
use super::note::{Absent, number};
use super::retry::WEEK_MS;
use super::section::Section;
use crate::policy::{Bounds, CallbackRules, Marking};
use crate::task::Lane;

const NUMBER_MAX: f64 = 1e9;
const YEAR_S: u64 = 31_536_000;
const DAY_MS: u64 = 86_400_000;
/// Well under the time after which the server gives the delivery to another coordinator.
const CALLBACK_TIMEOUT_MS_MAX: u64 = 20_000;
/// One less than the server's own bound on deliveries, so that a worker speaks first.
const CRASH_LIMIT_MAX: u32 = 99;

/// What marks a task where nothing is said.
const DEADLINE_WITHIN_S: u64 = 7_200;
const BUSINESS_WEIGHT_OVER: f64 = 5.0;

/// `marking`: absent is the default, null is none. In one that is given, an absent condition is off.
pub(super) fn marking(document: &mut Section<'_>) -> Option<Marking> {
    let given = document.take("marking").map(|node| &node.value);
    let lane = Lane::Core;
    let absent = Absent::Is(json!({
        "deadline_within_s": DEADLINE_WITHIN_S,
        "business_weight_over": number(BUSINESS_WEIGHT_OVER),
        "lane": lane.as_str(),
    }));
    if let Some(Value::Null) = given {
        document.off("marking", absent);
        return None;
    }
    let mut section = document.child_of("marking", Kind::OrNull(Box::new(Kind::Mapping)), absent);
    let (within, over) = match given {
        None => (Absent::Is(DEADLINE_WITHIN_S), Absent::Is(BUSINESS_WEIGHT_OVER)),
        Some(_) => (Absent::Off, Absent::Off),
    };
    let within = section.whole("deadline_within_s", 1..=YEAR_S, within);
    let over = section.number("business_weight_over", 0.0..=NUMBER_MAX, over);
    let lanes = Lane::ALL.map(|lane| (lane.as_str(), lane));
    let lane = section.word("lane", &lanes, Some(lane));
    if within.is_none() && over.is_none() && !section.faults.touched("marking") {
        let what = "marks nothing; give deadline_within_s or business_weight_over, or null for no marking";
        section.faults.add("marking", what.to_owned());
    }
    section.close(&[]);
    Some(Marking {
        deadline_within_s: within,
        business_weight_over: over,
        lane,
    })
}

/// `callbacks`.
pub(super) fn callbacks(document: &mut Section<'_>) -> CallbackRules {
    let mut section = document.child("callbacks");
    let rules = CallbackRules {
        base_ms: section.u64("base_ms", 1..=DAY_MS, Some(5_000)),
        factor: section.f64("factor", 1.0..=1_000.0, Some(3.0)),
        max_ms: section.u64("max_ms", 1..=WEEK_MS, Some(3_600_000)),
        max_attempts: section.u32("max_attempts", 1..=1_000, Some(12)),
        timeout_ms: section.u64("timeout_ms", 1..=CALLBACK_TIMEOUT_MS_MAX, Some(10_000)),
    };
    let (base_ms, max_ms, faults) = (rules.base_ms, rules.max_ms, section.faults);
    if max_ms < base_ms && !faults.touched("callbacks.base_ms") && !faults.touched("callbacks.max_ms") {
        let what = format!("is {max_ms}, below base_ms; give at least {base_ms}, or a lower base_ms");
        faults.add("callbacks.max_ms", what);
    }
    section.close(&[]);
    rules
}

/// `bounds`.
pub(super) fn bounds(document: &mut Section<'_>) -> Bounds {
    let mut section = document.child("bounds");
    let bounds = Bounds {
        crash_limit: section.u32("crash_limit", 1..=CRASH_LIMIT_MAX, Some(5)),
        max_timeouts: section.u32("max_timeouts", 1..=1_000, Some(2)),
        max_hops: section.u32("max_hops", 1..=10_000, Some(16)),
    };
    section.close(&[]);
    bounds
}

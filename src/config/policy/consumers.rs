//! Whether every consumer gets a place: limits against the number of consumers they are split over.

use super::fault::Collector;
use crate::policy::{Class, LanePolicy, Model};
use crate::task::Lane;

/// Reports limits that give less than one place to each consumer. The server reads a limit of 0
/// as 1000, so a consumer without a place would have a thousand.
pub(super) fn check(
    faults: &Collector,
    classes: &[Class],
    models: &[Model],
    core: &LanePolicy,
    normal: &LanePolicy,
) {
    if faults.touched("classes") || faults.touched("models") {
        return;
    }
    let models = u64::try_from(models.len()).unwrap_or(u64::MAX);
    for (lane, limits) in [(Lane::Core, core), (Lane::Normal, normal)] {
        let path = format!("lanes.{lane}.concurrency");
        let needed: u64 = classes.iter().map(|c| consumers(c, models)).sum();
        if u64::from(limits.concurrency) < needed && !faults.touched(&path) {
            faults.add(&path, lane_fault(limits.concurrency, classes, models, needed));
        }
    }
    for class in classes {
        let needed = consumers(class, models);
        if let Some(max) = class.max_concurrent
            && u64::from(max) < needed
        {
            let what = format!(
                "is {max}, fewer than the {needed} consumers per lane of the class ({}); give at least {needed}",
                product(class, models)
            );
            faults.add(&format!("classes.{}.max_concurrent", class.name), what);
        }
    }
}

fn consumers(class: &Class, models: u64) -> u64 {
    u64::from(class.shards).saturating_mul(models)
}

fn product(class: &Class, models: u64) -> String {
    let s = |n: u64| if n == 1 { "" } else { "s" };
    let shards = u64::from(class.shards);
    format!("{shards} shard{} × {models} model{}", s(shards), s(models))
}

fn lane_fault(concurrency: u32, classes: &[Class], models: u64, needed: u64) -> String {
    let terms: Vec<String> = classes
        .iter()
        .map(|c| format!("{} {}", c.name, product(c, models)))
        .collect();
    format!(
        "is {concurrency}, fewer than the lane's {needed} consumers ({} = {needed}); \
         give at least {needed}, or fewer classes, shards or models",
        terms.join(" + ")
    )
}

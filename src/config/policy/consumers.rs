//! Whether every consumer gets a place: limits against the number of consumers they are split over.

use super::fault::Collector;
use crate::policy::{CONSUMERS_MAX, Class, LanePolicy, Model};
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
        if needed > CONSUMERS_MAX as u64 && lane == Lane::Core && !faults.touched("classes") {
            faults.add(
                "classes",
                format!(
                    "need {needed} consumers per lane ({}), of {CONSUMERS_MAX} that a stream bears; give fewer classes, \
                     shards or models",
                    terms(classes, models)
                ),
            );
        } else if u64::from(limits.concurrency) < needed && !faults.touched(&path) {
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

fn terms(classes: &[Class], models: u64) -> String {
    let terms: Vec<String> = classes
        .iter()
        .map(|c| format!("{} {}", c.name, product(c, models)))
        .collect();
    terms.join(" + ")
}

fn lane_fault(concurrency: u32, classes: &[Class], models: u64, needed: u64) -> String {
    format!(
        "is {concurrency}, fewer than the lane's {needed} consumers ({} = {needed}); \
         give at least {needed}, or fewer classes, shards or models",
        terms(classes, models)
    )
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::config::parse_policy;

    fn check(yaml: &str, expected: Expect) {
        expected
            .assert_eq(&parse_policy("p.yaml", yaml).map_or_else(|f| f.to_string(), |_| "stands".to_owned()));
    }

    #[test]
    fn a_limit_has_a_place_for_each_consumer() {
        let yaml = "
version: 1
lanes:
  core: { concurrency: 9 }
classes:
  a: { priority: 1, share: 1, shards: 4, max_concurrent: 7 }
  b: { priority: 1, share: 1 }
default_class: a
models:
  m: { executor: simulate, cost: { unit: ms, initial: 0.5 } }
  n: { executor: simulate, cost: { unit: tokens, initial: 0 }, batch: { size_max: 0 } }
";
        check(
            yaml,
            expect![[r#"
            p.yaml:11:42: models.n.cost.unit: is the text "tokens"; give ms
            p.yaml:11:59: models.n.cost.initial: is 0; give a number of more than 0, up to 1000000000
            p.yaml:11:83: models.n.batch.size_max: is 0; give a whole number from 1 to 4096"#]],
        );
        check(
            &yaml.replace("tokens, initial: 0 }, batch: { size_max: 0 }", "ms }"),
            expect![[r#"
                p.yaml:4:24: lanes.core.concurrency: is 9, fewer than the lane's 10 consumers (a 4 shards × 2 models + b 1 shard × 2 models = 10); give at least 10, or fewer classes, shards or models
                p.yaml:6:58: classes.a.max_concurrent: is 7, fewer than the 8 consumers per lane of the class (4 shards × 2 models); give at least 8"#]],
        );
    }
}

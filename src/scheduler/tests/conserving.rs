//! No slot stays free while a task could be served.

use proptest::prelude::*;

use super::play::{Step, act, classes, rule, sight, steps};
use super::stage::{Stage, rules};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn while_anything_is_ready_something_is_picked(
        between in rule(),
        bypass_max in prop::option::of(1_u32..8),
        classes in classes(),
        steps in steps(sight()),
    ) {
        let mut stage = Stage::new(rules(between, bypass_max), &classes, 2);
        for step in steps {
            let has_work = stage.ready().next().is_some();
            let served = act(&mut stage, step);
            if matches!(step, Step::Serve(_)) {
                prop_assert_eq!(served.is_some(), has_work, "{} at {:?}", between.as_str(), stage.now);
            }
        }
    }
}

//! A queue that may not be served is nobody's obstacle.

use proptest::prelude::*;

use super::play::{Step, act, classes, rule, sight, steps};
use super::stage::{Stage, rules};
use crate::scheduler::facts::QueueId;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_limited_head_never_blocks_and_is_never_picked(
        between in rule(),
        bypass_max in prop::option::of(1_u32..8),
        classes in classes(),
        steps in steps(sight()),
    ) {
        let mut stage = Stage::new(rules(between, bypass_max), &classes, 2);
        for step in steps {
            let ready: Vec<QueueId> = stage.ready().map(|(queue, _)| queue).collect();
            let serves = matches!(step, Step::Serve(_));
            match act(&mut stage, step) {
                Some((queue, _)) => prop_assert!(ready.contains(&queue), "{queue:?} is not among {ready:?}"),
                None => prop_assert!(!serves || ready.is_empty(), "{ready:?} wait behind a limit"),
            }
        }
    }
}

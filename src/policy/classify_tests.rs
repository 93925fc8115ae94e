//! Class and lane, rule by rule.

use super::fixture::policy;
use super::*;
use crate::task::{ClassName, EpochMs, Lane};

const NOW: EpochMs = EpochMs(1_000_000_000);

fn chosen(facts: &Facts<'_>) -> (String, ClassRule, Lane, LaneRule) {
    let Classified {
        class,
        class_by,
        lane,
        lane_by,
        ..
    } = classify(&policy(), facts, NOW).unwrap();
    (class.to_string(), class_by, lane, lane_by)
}

#[test]
fn the_class_is_the_given_one_else_by_priority_else_the_default() {
    let backup = ClassName::new("backup").unwrap();
    let given = Facts {
        class: Some(&backup),
        priority: Some(1),
        ..Facts::default()
    };
    assert_eq!(
        chosen(&given),
        (
            "backup".to_owned(),
            ClassRule::Given,
            Lane::Normal,
            LaneRule::Default
        )
    );
    let first = Facts {
        priority: Some(1),
        ..Facts::default()
    };
    assert_eq!(
        chosen(&first),
        (
            "payment".to_owned(),
            ClassRule::Priority,
            Lane::Core,
            LaneRule::ClassPriority
        )
    );
    let none = Facts {
        priority: Some(2),
        ..Facts::default()
    };
    assert_eq!(
        chosen(&none),
        (
            "metrics".to_owned(),
            ClassRule::Default,
            Lane::Normal,
            LaneRule::Default
        )
    );
    assert_eq!(chosen(&Facts::default()).0, "metrics");
}

#[test]
fn an_unknown_class_is_refused_with_the_known_ones() {
    let given = ClassName::new("paymnt").unwrap();
    let refused = classify(
        &policy(),
        &Facts {
            class: Some(&given),
            ..Facts::default()
        },
        NOW,
    )
    .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no class \"paymnt\"; the classes are payment, auth, metrics, backup"
    );
}

#[test]
fn the_lane_is_the_given_one_else_marked_else_by_the_class() {
    let weigh = |w| Facts {
        business_weight: Some(w),
        ..Facts::default()
    };
    let due = |in_ms| Facts {
        deadline: Some(EpochMs(NOW.0 + in_ms)),
        ..Facts::default()
    };
    let cases = [
        (
            Facts {
                lane: Some(Lane::Normal),
                priority: Some(1),
                ..weigh(9.0)
            },
            Lane::Normal,
            LaneRule::Given,
        ),
        (due(7_199_999), Lane::Core, LaneRule::Deadline),
        (due(-1), Lane::Core, LaneRule::Deadline),
        (due(7_200_000), Lane::Normal, LaneRule::Default),
        (weigh(5.1), Lane::Core, LaneRule::BusinessWeight),
        (weigh(5.0), Lane::Normal, LaneRule::Default),
        (weigh(f64::NAN), Lane::Normal, LaneRule::Default),
        (
            Facts {
                priority: Some(1),
                ..due(1)
            },
            Lane::Core,
            LaneRule::Deadline,
        ),
        (
            Facts {
                priority: Some(1),
                ..Facts::default()
            },
            Lane::Core,
            LaneRule::ClassPriority,
        ),
    ];
    for (facts, lane, by) in cases {
        let found = chosen(&facts);
        assert_eq!((found.2, found.3), (lane, by), "{facts:?}");
    }
}

#[test]
fn without_marking_and_priority_bound_all_is_normal() {
    let mut policy = policy();
    policy.marking = None;
    policy.core.max_priority = None;
    let facts = Facts {
        priority: Some(1),
        business_weight: Some(9.0),
        deadline: Some(NOW),
        ..Facts::default()
    };
    assert_eq!(classify(&policy, &facts, NOW).unwrap().lane, Lane::Normal);
}

#[test]
fn urgency_is_the_given_one_within_its_scale_else_by_the_priority_of_the_class() {
    let cases = [
        (Some(7.5), Some(5), 7.5),
        (Some(0.0), Some(1), 0.0),
        (Some(10.5), Some(5), 10.0),
        (Some(f64::INFINITY), Some(5), 10.0),
        (Some(-1.0), Some(1), 0.0),
        (Some(f64::NAN), Some(1), 5.0),
        (None, Some(1), 5.0),
        (None, Some(3), 2.5),
        (None, Some(5), 10.0 / 6.0),
        // No class has this priority: that of the default class counts.
        (None, Some(0), 2.5),
        (None, None, 2.5),
    ];
    for (urgency, priority, expected) in cases {
        let facts = Facts {
            urgency,
            priority,
            ..Facts::default()
        };
        let found = classify(&policy(), &facts, NOW).unwrap();
        assert_eq!(found.urgency, expected, "{facts:?}");
    }
}

#[test]
fn business_weight_is_the_given_one_within_its_scale_else_by_the_share_of_the_class() {
    let mut policy = policy();
    for (class, share) in policy.classes.iter_mut().zip([40, 30, 20, 10]) {
        class.share = share;
    }
    let cases = [
        (Some(8.5), Some(5), 8.5),
        (Some(0.0), Some(1), 0.0),
        (Some(99.0), Some(5), 10.0),
        (Some(-0.5), Some(1), 0.0),
        (Some(f64::NAN), Some(5), 2.5),
        (None, Some(1), 10.0),
        (None, Some(3), 5.0),
        (None, Some(5), 2.5),
        (None, None, 5.0),
    ];
    for (business_weight, priority, expected) in cases {
        let facts = Facts {
            business_weight,
            priority,
            ..Facts::default()
        };
        let found = classify(&policy, &facts, NOW).unwrap();
        assert_eq!(found.business_weight, expected, "{facts:?}");
    }
}

#[test]
fn a_weight_beyond_its_scale_still_marks() {
    let mut policy = policy();
    policy.marking.as_mut().unwrap().business_weight_over = Some(50.0);
    let facts = Facts {
        business_weight: Some(60.0),
        ..Facts::default()
    };
    let found = classify(&policy, &facts, NOW).unwrap();
    assert_eq!((found.lane, found.business_weight), (Lane::Core, 10.0));
}

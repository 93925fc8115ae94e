//! Waiting never makes a task less urgent.

use std::time::Duration;

use proptest::prelude::*;

use crate::scheduler::credit::Standing;
use crate::scheduler::facts::{Head, QueueId};
use crate::scheduler::merit::{EXPONENT_MAX, Merit};
use crate::scheduler::picker::{Picker, Sight};
use crate::scheduler::rules::{Between, ClassTerms, Rules, ScoreWeights};
use crate::scheduler::tournament::{Contender, NEVER, nanos};
use crate::scheduler::{aging, score};
use crate::task::Moment;

const YEARS_S: f64 = 100.0 * 366.0 * 86_400.0;

fn at(s: f64) -> Moment {
    Moment(Duration::from_secs_f64(s))
}

/// Milliseconds, minutes and years.
fn wait_s() -> impl Strategy<Value = f64> {
    prop_oneof![0.0_f64..1.0, 0.0_f64..1_000.0, 0.0..YEARS_S]
}

fn aging_terms() -> impl Strategy<Value = ClassTerms> {
    (0.0_f64..1e6, 1e-3_f64..100.0).prop_map(|(aging_base, aging_alpha)| ClassTerms {
        aging_base,
        aging_alpha,
        ..ClassTerms::new(1.0, 1)
    })
}

fn head() -> impl Strategy<Value = Head> {
    (0.0_f64..10.0, 0.0_f64..10.0, prop::option::of(wait_s())).prop_map(
        |(urgency, business_weight, due_s)| Head {
            urgency,
            business_weight,
            deadline: due_s.map(at),
            ..Head::arrived(Moment::default())
        },
    )
}

fn weights() -> impl Strategy<Value = ScoreWeights> {
    (0.0_f64..1.0, 0.0_f64..1.0, 0.0_f64..1.0, 1.0_f64..1e9).prop_map(
        |(urgency, business, time, horizon_ms)| ScoreWeights {
            urgency,
            business,
            time,
            horizon_ms,
        },
    )
}

/// Whether its score is a number at both times, and no lower at the later one.
fn rises(merit: &Merit, a: f64, b: f64) -> bool {
    let [early, late] = [a.min(b), a.max(b)].map(|wait_s| merit.score(at(wait_s)));
    early.is_finite() && late.is_finite() && early <= late
}

fn goes_before(a: &Merit, b: &Merit, now: Moment) -> bool {
    a.duel(b, nanos(now)).0
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aging_is_monotone_in_wait(terms in aging_terms(), a in wait_s(), b in wait_s()) {
        let merit = aging::merit(&Head::arrived(Moment::default()), &terms);
        prop_assert!(rises(&merit, a, b));
    }

    #[test]
    fn score_is_monotone_in_wait(head in head(), weights in weights(), a in wait_s(), b in wait_s()) {
        prop_assert!(rises(&score::merit(&head, &weights), a, b));
    }

    /// Bases that differ by less than e to the 40th, which is more than 10 to the 17th.
    #[test]
    fn a_task_that_waits_long_enough_overtakes_any_base(
        terms in aging_terms(),
        more in prop_oneof![0.0_f64..1e3, 0.0_f64..1e17],
    ) {
        let above = ClassTerms { aging_base: terms.aging_base + more, ..terms };
        let wait_s = (more + 2.0).ln() / terms.aging_alpha * 1.001;
        prop_assert!(wait_s * terms.aging_alpha < EXPONENT_MAX);
        let old = aging::merit(&Head::arrived(Moment::default()), &terms);
        let fresh = aging::merit(&Head::arrived(at(wait_s)), &above);
        prop_assert!(goes_before(&old, &fresh, at(wait_s)));
        // And stays ahead of it.
        for later_s in [0.1, 1.0, 10.0, 1e3, YEARS_S] {
            prop_assert!(goes_before(&old, &fresh, at(wait_s + later_s)));
        }
    }

    #[test]
    fn the_wait_of_a_score_is_worth_its_weight_and_no_more(head in head(), weights in weights()) {
        let merit = score::merit(&head, &weights);
        let gained = merit.score(at(YEARS_S)) - merit.score(at(0.0));
        prop_assert!(gained <= weights.time + 1e-9);
        prop_assert!(gained >= 0.95 * weights.time);
    }
}

#[test]
fn heads_beyond_the_clamp_are_in_order_of_age_for_good_whatever_their_growth() {
    let terms = |alpha| ClassTerms {
        aging_alpha: alpha,
        ..ClassTerms::new(1.0, 1)
    };
    let old = aging::merit(&Head::arrived(at(0.0)), &terms(1.0));
    let young = aging::merit(&Head::arrived(at(1.0)), &terms(2.0));
    assert_eq!(old.duel(&young, nanos(at(100.0))), (true, NEVER));
    assert_eq!(young.duel(&old, nanos(at(100.0))), (false, NEVER));
}

#[test]
fn a_head_from_a_clock_that_is_ahead_came_now() {
    let mut picker = Picker::new(Rules {
        between: Between::Aging,
        bypass_max: None,
        ..Rules::default()
    });
    let terms = ClassTerms::new(1.0, 1);
    for _ in 0..2 {
        let class = picker.add_class(ClassTerms {
            aging_base: terms.aging_base + 1.0,
            ..terms
        });
        picker.add_queue(class, 0, 1.0);
    }
    let (ahead, behind) = (QueueId(0), QueueId(1));
    picker.stand(ahead, Standing::Ready, Some(Head::arrived(at(60.0))), at(10.0));
    picker.stand(behind, Standing::Ready, Some(Head::arrived(at(10.5))), at(11.0));
    assert_eq!(picker.pick(Sight::Heads, at(12.0)), Some(ahead));
}

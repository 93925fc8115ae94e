//! What holds of any evidence.

use proptest::prelude::*;

use super::super::{BUCKETS, Evidence, Finding, Plan, Ruling, Stage, Tally, Waits, judge};
use crate::task::ClassName;

fn waits() -> impl Strategy<Value = Waits> {
    prop::collection::vec((any::<u8>(), prop_oneof![0_u64..50, Just(u64::MAX / 2)]), 0..6).prop_map(|pairs| {
        let mut waits = Waits::default();
        for (bucket, count) in pairs {
            waits.add(bucket, count);
        }
        waits
    })
}

prop_compose! {
    /// Counts that need not fit each other, and very large ones.
    fn tally()(
        counts in prop::array::uniform4(prop_oneof![0_u64..300, Just(0), Just(u64::MAX)]),
        waits in waits(),
        longest_ms in prop_oneof![0_u64..100_000, Just(u64::MAX)],
        waiting in 0_u64..100,
    ) -> Tally {
        let [ended, failed, with_slo, kept_slo] = counts;
        Tally { ended, failed, with_slo, kept_slo, waits, longest_ms, waiting }
    }
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop::collection::btree_map(prop_oneof![Just("a"), Just("b"), Just("c")], tally(), 0..3).prop_map(
        |classes| {
            let named = |(name, tally): (&str, Tally)| (ClassName::new(name).unwrap(), tally);
            Evidence {
                classes: classes.into_iter().map(named).collect(),
            }
        },
    )
}

fn merged(parts: &[&Evidence]) -> Evidence {
    let mut sum = Evidence::default();
    for part in parts {
        sum.merge(part);
    }
    sum
}

fn is_sound(finding: &Finding) -> bool {
    let parts = [finding.stable, finding.canary, finding.p_value, finding.level];
    parts.iter().all(|part| (0.0..=1.0).contains(part))
        && (-1.0..=1.0).contains(&finding.difference)
        && (-1.0..=1.0).contains(&finding.upper)
        && finding.error.is_finite()
        && finding.error >= 0.0
}

proptest! {
    #[test]
    fn evidence_merges_in_any_order(a in evidence(), b in evidence(), c in evidence()) {
        let (left, right) = (merged(&[&a, &b]), merged(&[&b, &c]));
        prop_assert_eq!(merged(&[&left, &c]), merged(&[&a, &right]));
        prop_assert_eq!(merged(&[&a, &b]), merged(&[&b, &a]));
        prop_assert_eq!(merged(&[&a, &Evidence::default()]), a);
    }

    #[test]
    fn every_judgement_is_of_numbers_whatever_was_counted(
        looks in prop::collection::vec((evidence(), evidence(), 0_u64..5_000), 1..20),
        index in 0_usize..6,
    ) {
        let plan = Plan::new(&[]);
        let mut stage = Stage::new(index);
        let mut elapsed_ms = 0;
        for (stable, canary, more) in &looks {
            elapsed_ms += more;
            let judgement = judge(&plan, &mut stage, stable, canary, elapsed_ms);
            for finding in &judgement.findings {
                prop_assert!(is_sound(finding), "{:?}", finding);
            }
            if let Ruling::Hold { missing } = &judgement.ruling {
                prop_assert!(!missing.is_empty());
            }
            let told = judgement.to_string();
            prop_assert!(!told.contains("NaN") && !told.contains("inf"), "{}", told);
        }
    }

    /// The order of classes and how looks are cut up among coordinators change nothing.
    #[test]
    fn what_two_coordinators_saw_is_what_one_would_have_seen(parts in prop::collection::vec((evidence(), evidence()), 1..4)) {
        let plan = Plan::new(&[]);
        let all = |of: fn(&(Evidence, Evidence)) -> &Evidence| merged(&parts.iter().map(of).collect::<Vec<_>>());
        let back: Vec<_> = parts.iter().rev().cloned().collect();
        let all_back = |of: fn(&(Evidence, Evidence)) -> &Evidence| merged(&back.iter().map(of).collect::<Vec<_>>());
        let one = judge(&plan, &mut Stage::new(0), &all(|part| &part.0), &all(|part| &part.1), 1_000);
        let other = judge(&plan, &mut Stage::new(0), &all_back(|part| &part.0), &all_back(|part| &part.1), 1_000);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_quantile_of_waits_is_off_by_a_bucket_at_most(mut ms in prop::collection::vec(0_u64..1_000_000, 1..300)) {
        let mut waits = Waits::default();
        ms.iter().for_each(|ms| waits.record(*ms));
        ms.sort_unstable();
        let exact = ms[(0.99 * ms.len() as f64).ceil() as usize - 1] as f64;
        let told = waits.quantile_ms(0.99).unwrap();
        prop_assert!(told >= exact && told <= (exact * 1.1).max(1.0), "{} {}", told, exact);
        prop_assert_eq!(waits.len(), ms.len() as u64);
        prop_assert!(waits.buckets().all(|(bucket, _)| bucket < BUCKETS));
    }
}

#[test]
fn an_empty_evidence_decides_nothing() {
    let mut stage = Stage::new(0);
    let none = Evidence::default();
    for second in 1..=3_600 {
        let judgement = judge(&Plan::new(&[]), &mut stage, &none, &none, second * 1_000);
        assert!(matches!(judgement.ruling, Ruling::Hold { .. }));
    }
}

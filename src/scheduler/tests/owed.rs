//! What classes are owed that could not be served for a moment, and who pays for it.

use proptest::prelude::*;

use crate::scheduler::credit::{Credit, Standing};
use crate::scheduler::facts::ClassId;

const SHARES: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
const QUANTUM_MS: f64 = 50.0;
/// What the slots of a worker hold of one class.
const SLOTS_MS: f64 = 8_000.0;

fn credit() -> (Credit, Vec<ClassId>) {
    let mut credit = Credit::new(QUANTUM_MS);
    let classes: Vec<ClassId> = SHARES.iter().map(|share| credit.add(*share)).collect();
    stand(&mut credit, &classes, Standing::Ready);
    (credit, classes)
}

fn stand(credit: &mut Credit, classes: &[ClassId], standing: Standing) {
    for class in classes {
        if standing == Standing::Delayed {
            credit.delayed(*class, SLOTS_MS);
        }
        credit.stand(*class, standing);
    }
}

/// Serves so many tasks, and says what each class got.
fn serve(credit: &mut Credit, tasks: u32, cost_ms: f64) -> Vec<f64> {
    let mut got = vec![0.0; SHARES.len()];
    for _ in 0..tasks {
        let class = credit.choose().expect("one is ready");
        credit.charge(class, cost_ms);
        got[class.0] += cost_ms;
    }
    got
}

#[test]
fn one_far_in_debt_that_is_served_alone_for_a_moment_grants_nobody_hundreds_of_rounds() {
    let (mut credit, classes) = credit();
    let (others, indebted) = classes.split_at(3);
    credit.charge(indebted[0], 33_000.0);
    stand(&mut credit, others, Standing::Delayed);
    assert_eq!(serve(&mut credit, 16, 1_250.0), [0.0, 0.0, 0.0, 20_000.0]);
    stand(&mut credit, others, Standing::Ready);
    // Nobody has the slots for himself, and who had them waits until he is even.
    let got = serve(&mut credit, 90, 250.0);
    for (got, part) in got.iter().zip([40.0, 30.0, 20.0, 0.0]) {
        assert!(
            (got - part * 250.0).abs() <= 2_000.0,
            "{got} instead of {}",
            part * 250.0
        );
    }
}

proptest! {
    /// Classes that rest again and again, for as many tasks as there are slots.
    #[test]
    fn who_rests_at_times_gets_its_share_in_the_end(
        rests in prop::collection::vec((0_usize..16, 1_u32..24), 200..300),
    ) {
        let (mut credit, classes) = credit();
        let (mut got, mut all) = (vec![0.0; SHARES.len()], 0.0);
        for (which, tasks) in rests {
            let resting: Vec<ClassId> = classes.iter().copied().filter(|class| which >> class.0 & 1 == 1).collect();
            // Somebody can always be served.
            let resting = if resting.len() == classes.len() { &resting[1..] } else { &resting[..] };
            stand(&mut credit, resting, Standing::Delayed);
            let served = serve(&mut credit, tasks, 250.0);
            got.iter_mut().zip(&served).for_each(|(all, served)| *all += served);
            all += f64::from(tasks) * 250.0;
            stand(&mut credit, &classes, Standing::Ready);
            // A while in which nobody rests.
            let served = serve(&mut credit, 48, 250.0);
            got.iter_mut().zip(&served).for_each(|(all, served)| *all += served);
            all += 48.0 * 250.0;
        }
        for (got, share) in got.iter().zip(SHARES) {
            prop_assert!((got / all - share).abs() <= 0.01, "{} of {} instead of {}", got, all, share);
        }
    }
}

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

/// What a task costs where a rate is limited.
const TASK_MS: f64 = 1_000.0;

/// One class of 10 % whose rate is limited, so that it is delayed but for one task in `SLOTS`, and one of 40 % that has
/// taken all the rest for a long time.
struct Limited {
    credit: Credit,
    flooding: ClassId,
    idle: ClassId,
    limited: ClassId,
}

impl Limited {
    const SLOTS: usize = 64;

    fn new() -> Self {
        let mut credit = Credit::new(QUANTUM_MS);
        let [flooding, idle, _, limited] = SHARES.map(|share| credit.add(share));
        credit.stand(flooding, Standing::Ready);
        let mut this = Self {
            credit,
            flooding,
            idle,
            limited,
        };
        this.shut();
        (0..20).for_each(|_| _ = this.second());
        this
    }

    fn shut(&mut self) {
        self.credit.delayed(self.limited, Self::SLOTS as f64 * TASK_MS);
        self.credit.stand(self.limited, Standing::Delayed);
    }

    /// As many tasks as there are slots, one of them of the limited class.
    fn second(&mut self) -> Vec<f64> {
        self.credit.stand(self.limited, Standing::Ready);
        let mut got = serve(&mut self.credit, 1, TASK_MS);
        self.shut();
        let others = serve(&mut self.credit, Self::SLOTS as u32 - 1, TASK_MS);
        got.iter_mut().zip(others).for_each(|(got, other)| *got += other);
        got
    }

    /// Fails where the class that comes gets another part than its share says, over a few seconds.
    fn assert_no_lead(&mut self) {
        let mut got = [0.0; SHARES.len()];
        for _ in 0..4 {
            let more = self.second();
            got.iter_mut().zip(more).for_each(|(got, more)| *got += more);
            let [flooding, idle] = [self.flooding, self.idle].map(|class| got[class.0] / SHARES[class.0]);
            let bound = 2.0 * TASK_MS / SHARES[self.idle.0] + QUANTUM_MS;
            assert!((flooding - idle).abs() <= bound, "{flooding} and {idle}");
        }
    }
}

#[test]
fn one_that_comes_while_another_is_delayed_has_no_lead_over_those_who_are_served() {
    let mut limited = Limited::new();
    // Whether the delayed one is so in that very moment, or goes first just then, makes no difference.
    for standing in [Standing::Delayed, Standing::Ready] {
        limited.credit.stand(limited.limited, standing);
        limited.credit.stand(limited.idle, Standing::Ready);
        limited.assert_no_lead();
        limited.credit.emptied(limited.idle);
        limited.credit.stand(limited.idle, Standing::Absent);
        (0..20).for_each(|_| _ = limited.second());
    }
}

#[test]
fn one_that_comes_in_debt_while_another_is_delayed_pays_it_first() {
    let mut limited = Limited::new();
    let debt_ms = 30.0 * TASK_MS;
    limited.credit.charge(limited.idle, debt_ms);
    limited.credit.stand(limited.idle, Standing::Ready);
    let mut before = 0.0;
    loop {
        let class = limited.credit.choose().expect("one is ready");
        if class == limited.idle {
            break;
        }
        limited.credit.charge(class, TASK_MS);
        before += TASK_MS;
    }
    let due = debt_ms * SHARES[limited.flooding.0] / SHARES[limited.idle.0];
    assert!((before - due).abs() <= 2.0 * TASK_MS, "{before} instead of {due}");
}

#[test]
fn one_that_was_delayed_for_long_makes_up_for_twice_what_it_keeps_at_most() {
    let mut limited = Limited::new();
    (0..400).for_each(|_| _ = limited.second());
    limited.credit.stand(limited.limited, Standing::Ready);
    let mut alone = 0.0;
    while limited.credit.choose() == Some(limited.limited) {
        limited.credit.charge(limited.limited, TASK_MS);
        alone += TASK_MS;
    }
    let kept = Limited::SLOTS as f64 * TASK_MS + 4.0 * QUANTUM_MS * SHARES[limited.limited.0];
    assert!(
        (kept..=2.0 * kept + TASK_MS).contains(&alone),
        "{alone} of {kept}"
    );
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

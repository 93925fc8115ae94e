//! Surplus round robin between classes, in cost.
//!
//! A FIFO consumer hides the cost of its head until it is delivered, so a class is charged an
//! estimate when a task is asked for and the rest when it is done. A class is served while its
//! balance is above zero and may overdraw it by one task; when none is, the next one in turn is
//! granted `quantum · weight`. A class that cannot be served for a moment is granted its part all
//! the same and goes first when it can be.
//!
//! Two classes that stay backlogged differ in service per weight by at most
//! `2 · c_max / w_min + quantum` (Shreedhar and Varghese's deficit round robin, with the
//! surplus form's overdraft of one task).

/// A class by its place in the list it was added in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub usize);

/// Least cost a task is charged, in ms of one slot: taking and settling a task is work too, and
/// a class of free tasks would otherwise be served without end.
pub const COST_MIN_MS: f64 = 1.0;

/// What a class may do just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be chosen.
    Ready,
    /// It keeps its place in the rounds and is chosen later.
    Delayed,
    /// It has nothing to be served, and earns nothing.
    Absent,
}

/// Rounds a delayed class may make up for.
const DELAYED_ROUNDS_MAX: f64 = 4.0;

/// The balances of all classes.
#[derive(Debug, Clone)]
pub struct Shares {
    quantum_ms: f64,
    share_sum: f64,
    accounts: Vec<Account>,
    /// The class that is granted its quantum next.
    next: usize,
}

#[derive(Debug, Clone)]
struct Account {
    share: f64,
    balance_ms: f64,
}

impl Shares {
    /// No classes yet. `quantum_ms` is what a whole round adds, over all shares together.
    #[must_use]
    pub fn new(quantum_ms: f64) -> Self {
        Self {
            quantum_ms,
            share_sum: 0.0,
            accounts: Vec::new(),
            next: 0,
        }
    }

    /// Adds a class of that share with a balance to begin with, in ms of one slot. A random
    /// balance keeps many workers with few slots from swinging together.
    pub fn add(&mut self, share: f64, balance_ms: f64) -> ClassId {
        self.share_sum += share;
        self.accounts.push(Account { share, balance_ms });
        ClassId(self.accounts.len() - 1)
    }

    /// Begins the rounds at the class in which `phase`, from 0 to 1, falls when the shares are
    /// laid end to end.
    pub fn start_at(&mut self, phase: f64) {
        let mut reach = phase.clamp(0.0, 1.0) * self.share_sum;
        self.next = self.accounts.len().saturating_sub(1);
        for (at, account) in self.accounts.iter().enumerate() {
            reach -= account.share;
            if reach < 0.0 {
                self.next = at;
                return;
            }
        }
    }

    /// The class to serve next among the ready ones, or none when none is ready. Charge it before
    /// the next call.
    pub fn choose(&mut self, standing: impl Fn(ClassId) -> Standing) -> Option<ClassId> {
        let standing: Vec<Standing> = (0..self.accounts.len()).map(|at| standing(ClassId(at))).collect();
        if !standing.contains(&Standing::Ready) {
            return None;
        }
        self.skip_fruitless_rounds(&standing);
        // After the skip some class passes zero within two rounds.
        for _ in 0..=2 * self.accounts.len() {
            if let Some(class) = self.in_credit(&standing) {
                return Some(class);
            }
            if standing[self.next] != Standing::Absent {
                self.accounts[self.next].balance_ms += self.gain(self.next);
            }
            self.next = (self.next + 1) % self.accounts.len();
        }
        standing.iter().position(|s| *s == Standing::Ready).map(ClassId)
    }

    /// A class that was delayed in its turn or got something back, or else the one whose turn it is.
    fn in_credit(&self, standing: &[Standing]) -> Option<ClassId> {
        let count = self.accounts.len();
        (0..count)
            .map(|step| (self.next + step) % count)
            .find(|at| standing[*at] == Standing::Ready && self.accounts[*at].balance_ms > 0.0)
            .map(ClassId)
    }

    /// Takes `cost_ms` off the balance of `class`; a negative cost gives back.
    pub fn charge(&mut self, class: ClassId, cost_ms: f64) {
        self.accounts[class.0].balance_ms -= cost_ms;
    }

    /// A class that could not be served keeps the credit of a few rounds and `more_ms`: enough to make
    /// up for a busy server, too little to crowd out the others after a long time at a limit.
    pub fn delayed(&mut self, class: ClassId, more_ms: f64) {
        let most_ms = DELAYED_ROUNDS_MAX * self.gain(class.0) + more_ms;
        let account = &mut self.accounts[class.0];
        account.balance_ms = account.balance_ms.min(most_ms);
    }

    /// An emptied class keeps its debt, not its credit: nobody saves up service while idle.
    pub fn emptied(&mut self, class: ClassId) {
        let account = &mut self.accounts[class.0];
        account.balance_ms = account.balance_ms.min(0.0);
    }

    /// What `class` may still use before its turn ends, in ms of one slot; negative is a debt.
    #[must_use]
    pub fn balance_ms(&self, class: ClassId) -> f64 {
        self.accounts[class.0].balance_ms
    }

    fn gain(&self, at: usize) -> f64 {
        self.quantum_ms * self.accounts[at].share / self.share_sum
    }

    /// Grants at once the whole rounds in which every ready class would only pay back debt, so
    /// that one very long task costs arithmetic instead of thousands of rounds.
    fn skip_fruitless_rounds(&mut self, standing: &[Standing]) {
        let rounds_to_credit = |at: usize| (-self.accounts[at].balance_ms / self.gain(at)).floor();
        let indebted = (0..self.accounts.len()).filter(|at| standing[*at] == Standing::Ready);
        let rounds = indebted.map(rounds_to_credit).fold(f64::INFINITY, f64::min);
        if !rounds.is_finite() || rounds < 2.0 {
            return;
        }
        for at in (0..self.accounts.len()).filter(|at| standing[*at] != Standing::Absent) {
            self.accounts[at].balance_ms += (rounds - 1.0) * self.gain(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shares(of: &[f64], quantum_ms: f64) -> Shares {
        let mut shares = Shares::new(quantum_ms);
        for share in of {
            shares.add(*share, 0.0);
        }
        shares
    }

    fn only_first(class: ClassId) -> Standing {
        if class.0 == 0 {
            Standing::Ready
        } else {
            Standing::Absent
        }
    }

    fn second_delayed(class: ClassId) -> Standing {
        if class.0 == 0 {
            Standing::Ready
        } else {
            Standing::Delayed
        }
    }

    #[test]
    fn equal_tasks_are_served_in_proportion_to_shares() {
        let mut shares = shares(&[40.0, 30.0, 20.0, 10.0], 50.0);
        let mut served = [0_u32; 4];
        for _ in 0..2000 {
            let class = shares.choose(|_| Standing::Ready).unwrap();
            shares.charge(class, 5.0);
            served[class.0] += 1;
        }
        for (count, want) in served.iter().zip([800, 600, 400, 200]) {
            assert!(count.abs_diff(want) <= 12, "{served:?}");
        }
    }

    #[test]
    fn a_class_that_was_idle_has_no_credit_to_spend() {
        let mut shares = shares(&[1.0, 1.0], 10.0);
        for _ in 0..1000 {
            let class = shares.choose(only_first).unwrap();
            shares.charge(class, 5.0);
            shares.emptied(ClassId(1));
        }
        let next: Vec<usize> = (0..20)
            .map(|_| {
                let class = shares.choose(|_| Standing::Ready).unwrap();
                shares.charge(class, 5.0);
                class.0
            })
            .collect();
        assert!(next.iter().filter(|c| **c == 1).count() <= 12, "{next:?}");
    }

    #[test]
    fn a_class_that_is_delayed_at_times_still_gets_its_share() {
        let mut shares = shares(&[40.0, 30.0, 20.0, 10.0], 50.0);
        let mut served = [0_u32; 4];
        for step in 0..2000 {
            let second_of_three = |class: ClassId| match (class.0, step % 3) {
                (0, 1) => Standing::Delayed,
                _ => Standing::Ready,
            };
            let class = shares.choose(second_of_three).unwrap();
            shares.charge(class, 5.0);
            served[class.0] += 1;
        }
        for (count, want) in served.iter().zip([800, 600, 400, 200]) {
            assert!(count.abs_diff(want) <= 20, "{served:?}");
        }
    }

    #[test]
    fn a_class_delayed_for_long_saves_up_a_few_rounds() {
        let mut shares = shares(&[1.0, 1.0], 10.0);
        for _ in 0..1000 {
            let class = shares.choose(second_delayed).unwrap();
            shares.charge(class, 5.0);
            shares.delayed(ClassId(1), 7.0);
        }
        assert!(shares.balance_ms(ClassId(1)) <= 4.0 * 5.0 + 7.0);
    }

    #[test]
    fn a_huge_debt_is_paid_off_without_walking_every_round() {
        let mut shares = shares(&[1.0], 1.0);
        shares.charge(ClassId(0), 1e9);
        assert_eq!(shares.choose(|_| Standing::Ready), Some(ClassId(0)));
    }

    proptest! {
        #[test]
        fn the_gap_between_backlogged_classes_stays_within_the_bound(
            of in prop::collection::vec(1_u32..100, 2..6),
            costs in prop::collection::vec(1.0_f64..200.0, 400),
            estimate in 1.0_f64..200.0,
        ) {
            let of: Vec<f64> = of.into_iter().map(f64::from).collect();
            let sum: f64 = of.iter().sum();
            let quantum = 50.0;
            let mut shares = shares(&of, quantum);
            let mut service = vec![0.0; of.len()];
            let c_max = costs.iter().copied().fold(estimate, f64::max);
            let w_min = of.iter().copied().fold(f64::INFINITY, f64::min) / sum;
            for cost in costs {
                let class = shares.choose(|_| Standing::Ready).unwrap();
                shares.charge(class, estimate);
                shares.charge(class, cost - estimate);
                service[class.0] += cost / (of[class.0] / sum);
            }
            let most = service.iter().copied().fold(0.0, f64::max);
            let least = service.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(most - least <= 2.0 * c_max / w_min + quantum, "{most} {least}");
        }
    }
}

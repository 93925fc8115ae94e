//! What a task is charged: the time it held its slot, unless its execution was shared.

use std::time::Duration;

use crate::executor::Cost;

/// What is known of it before the task has given its slot back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bill {
    /// What its execution cost more than the time it took, in ms; negative is less.
    over_ms: f64,
}

impl Bill {
    /// Its execution took so long and cost this.
    pub(super) fn execution(&mut self, cost: Cost, took: Duration) {
        self.over_ms = match cost {
            Cost::Elapsed => 0.0,
            Cost::Ms(cost_ms) => cost_ms - took.as_secs_f64() * 1000.0,
        };
    }

    /// What it is charged, in ms of one slot, after holding its slot for `took`; at least 0.
    pub(super) fn cost_ms(self, took: Duration) -> f64 {
        (took.as_secs_f64() * 1000.0 + self.over_ms).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_around_the_execution_is_always_its_own() {
        let (took, executed) = (Duration::from_millis(120), Duration::from_millis(100));
        let charged = |cost| {
            let mut bill = Bill::default();
            bill.execution(cost, executed);
            bill.cost_ms(took)
        };
        assert_eq!(Bill::default().cost_ms(took), 120.0);
        assert_eq!(charged(Cost::Elapsed), 120.0);
        assert_eq!(charged(Cost::Ms(3.0)), 23.0);
        assert_eq!(charged(Cost::Ms(5000.0)), 5020.0);
    }
}

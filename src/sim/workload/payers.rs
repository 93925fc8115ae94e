//! Who pays, where a trace names nobody: few tenants send most tasks.

use super::draws::{Draws, Purpose};

/// Tenants of one flow.
pub(super) const TENANTS: u32 = 20;

/// Draws tenants 0 to 19, tenant `n` with a weight of `1 / (n + 1)` (Zipf's law of exponent 1): tenant 0 sends 28 %.
#[derive(Debug, Clone)]
pub(super) struct Payers(Draws);

impl Payers {
    /// Those of `flow` under `seed`.
    pub(super) fn new(seed: u64, flow: u32) -> Self {
        Self(Draws::new(seed, Purpose::Tenants, flow))
    }

    /// The next.
    pub(super) fn draw(&mut self) -> u32 {
        let weight = |tenant: u32| 1.0 / f64::from(tenant + 1);
        let all: f64 = (0..TENANTS).map(weight).sum();
        let mut left = self.0.uniform() * all;
        (0..TENANTS - 1)
            .find(|tenant| {
                left -= weight(*tenant);
                left < 0.0
            })
            .unwrap_or(TENANTS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenant_sends_28_percent_and_the_last_a_twentieth_of_that() {
        let mut payers = Payers::new(1, 0);
        let mut counts = [0_u32; TENANTS as usize];
        (0..100_000).for_each(|_| counts[payers.draw() as usize] += 1);
        assert!((27_000..29_000).contains(&counts[0]), "{counts:?}");
        assert!((1_200..1_600).contains(&counts[19]), "{counts:?}");
    }
}

//! Pairs of runs, put together. These machines are noisy, so what counts is the ratio within a
//! pair, and of the pairs the median.

use serde::Serialize;

use super::rate::Run;

/// A run of the floor and one of the mesh, one right after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The bare client loop.
    pub floor: Run,
    /// The mesh.
    pub mesh: Run,
}

/// Two quantiles, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub p50_us: u64,
    /// The 99th percentile.
    pub p99_us: u64,
}

/// What the pairs were run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// Slots of the worker.
    pub slots: u32,
    /// Tasks per pull that made the floor fastest.
    pub floor_pull: usize,
    /// Tasks in each run.
    pub tasks: usize,
}

/// What `bench e2e` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Tasks per second through the mesh; median.
    pub tasks_per_s: f64,
    /// Tasks per second of the floor; median.
    pub floor_tasks_per_s: f64,
    /// Mesh over floor; median of the pairs.
    pub ratio: f64,
    /// Every pair's ratio, in order.
    pub ratios: Vec<f64>,
    /// Publishes per second while the mesh works; median.
    pub publish_per_s: f64,
    /// From publish to executor start at 200 tasks per second, in µs; median.
    pub start_us_p50: u64,
    /// The same, 99th percentile.
    pub start_us_p99: u64,
    /// Slots of the worker.
    pub slots: u32,
    /// Tasks per pull that made the floor fastest.
    pub floor_pull: usize,
    /// Tasks in each run.
    pub tasks: usize,
    /// When a write of the server reaches the disk.
    pub sync_interval: &'static str,
}

impl Summary {
    /// Puts the pairs together.
    #[must_use]
    pub fn of(pairs: &[Pair], start: Latency, conditions: Conditions) -> Self {
        let ratios: Vec<f64> = pairs
            .iter()
            .map(|p| p.mesh.tasks_per_s / p.floor.tasks_per_s)
            .collect();
        let over = |of: fn(&Pair) -> f64| median(pairs.iter().map(of).collect());
        Self {
            tasks_per_s: over(|p| p.mesh.tasks_per_s).round(),
            floor_tasks_per_s: over(|p| p.floor.tasks_per_s).round(),
            ratio: median(ratios.clone()),
            ratios,
            publish_per_s: over(|p| p.mesh.publish_per_s).round(),
            start_us_p50: start.p50_us,
            start_us_p99: start.p99_us,
            slots: conditions.slots,
            floor_pull: conditions.floor_pull,
            tasks: conditions.tasks,
            sync_interval: "always",
        }
    }
}

/// The middle one, or the mean of the two in the middle; 0 of none.
pub(super) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    match of.len() {
        0 => 0.0,
        n if n % 2 == 1 => of[n / 2],
        n => f64::midpoint(of[n / 2 - 1], of[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(Vec::new()), 0.0);
    }
}

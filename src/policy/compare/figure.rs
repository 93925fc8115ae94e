//! What is compared. Of every figure less is better.

use crate::policy::rollout::Tally;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Figure {
    /// The mean wait of those that started, in ms.
    WaitMean,
    /// Half of them waited no longer than this, in ms.
    WaitMedian,
    /// 99 of 100 of them waited no longer than this, in ms.
    WaitP99,
    /// Tasks that missed their SLO over those that have one, 0 to 1.
    SloMissed,
    /// Executions that failed over those that ended, 0 to 1.
    Failed,
}

impl Figure {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::WaitMean,
        Self::WaitMedian,
        Self::WaitP99,
        Self::SloMissed,
        Self::Failed,
    ];

    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitMean => "wait_mean_ms",
            Self::WaitMedian => "wait_p50_ms",
            Self::WaitP99 => "wait_p99_ms",
            Self::SloMissed => "slo_missed",
            Self::Failed => "failed",
        }
    }

    /// Whether it is a part of tasks, 0 to 1; else a time in ms.
    #[must_use]
    pub const fn is_part(self) -> bool {
        matches!(self, Self::SloMissed | Self::Failed)
    }

    /// Of a quantile, the part of the tasks that it is of, 0 to 1.
    pub(super) const fn part(self) -> Option<f64> {
        match self {
            Self::WaitMedian => Some(0.5),
            Self::WaitP99 => Some(0.99),
            Self::WaitMean | Self::SloMissed | Self::Failed => None,
        }
    }

    /// Whether that of all classes follows from those of each. A quantile does not: which class has more of the tasks
    /// would count as a difference.
    #[must_use]
    pub const fn adds_up(self) -> bool {
        self.part().is_none()
    }

    /// Tasks behind it.
    pub(super) fn tasks(self, of: &Tally) -> u64 {
        match self {
            Self::WaitMean | Self::WaitMedian | Self::WaitP99 => of.waits.len(),
            Self::SloMissed => of.with_slo,
            Self::Failed => of.ended,
        }
    }

    /// What it is; 0 without tasks.
    pub(super) fn of(self, of: &Tally) -> f64 {
        let part = |bad: u64, all: u64| if all == 0 { 0.0 } else { bad as f64 / all as f64 };
        match self {
            Self::WaitMean => of.waits.mean_ms(),
            Self::WaitMedian => of.waits.quantile_within_ms(0.5),
            Self::WaitP99 => of.waits.quantile_within_ms(0.99),
            Self::SloMissed => part(of.with_slo.saturating_sub(of.kept_slo), of.with_slo),
            Self::Failed => part(of.failed.min(of.ended), of.ended),
        }
    }

    /// The variance of what it is, if its tasks were independent of each other: a lower bound of what it can be. Of
    /// quantiles none.
    pub(super) fn variance(self, of: &Tally) -> f64 {
        let tasks = self.tasks(of) as f64;
        let binomial = |bad: u64| {
            // One more of each: none of a hundred is no proof of none at all.
            let part = (bad as f64 + 1.0) / (tasks + 2.0);
            part * (1.0 - part) / tasks
        };
        match self {
            Self::WaitMedian | Self::WaitP99 => 0.0,
            Self::WaitMean => of.waits.variance_ms2() / tasks,
            Self::SloMissed => binomial(of.with_slo.saturating_sub(of.kept_slo)),
            Self::Failed => binomial(of.failed.min(of.ended)),
        }
    }
}

//! What is to happen to a rollout, and what that rests on.

use super::share::Share;
use crate::task::ClassName;

/// A difference is clear when it is by so many standard errors.
const CLEAR_ERRORS: f64 = 2.5;

/// A p-value that holds a promotion up, without any correction: one of twenty.
const DOUBT: f64 = 0.05;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Executions that failed.
    Failures,
    /// Tasks that missed their SLO.
    Slo,
    /// Tasks that waited longer than the 99th percentile of the stable track.
    Waits,
}

/// One comparison of both tracks in this stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What was compared.
    pub measure: Measure,
    /// Of which class; none for all together.
    pub class: Option<ClassName>,
    /// The stable track's rate of what is bad, 0 to 1; 0 without tasks. Of waits: of those over the limit.
    pub stable: f64,
    /// The canary's rate. Of waits: of those over the limit by more than the margin.
    pub canary: f64,
    /// Stable tasks behind it.
    pub stable_tasks: u64,
    /// Canary tasks behind it.
    pub canary_tasks: u64,
    /// Canary less stable, as it was in the same blocks of time, −1 to 1.
    pub difference: f64,
    /// Standard error of the difference, as blocks differ from each other.
    pub error: f64,
    /// A rollback needs a difference that is clear of this.
    pub least: f64,
    /// The difference is below this at every look, with a probability of 1 less the plan's `promote_alpha`.
    pub upper: f64,
    /// What `upper` must be below for a promotion.
    pub margin: f64,
    /// The probability, at most, of such evidence from a canary that is no worse by the margin; valid at every look.
    pub p_value: f64,
    /// A p-value up to this rolls back.
    pub level: f64,
    /// Whether there was any task that it could be about, compared yet or not.
    pub is_measured: bool,
    /// Of waits: the stable track's limit in ms, its 99th percentile. None for all classes, as each has its own.
    pub limit_ms: Option<f64>,
}

/// What speaks against the canary for certain.
#[derive(Debug, Clone, PartialEq)]
pub enum Harm {
    /// One comparison does.
    Worse(Finding),
    /// A task of the canary track does not get its turn.
    Starved {
        /// Of which class.
        class: ClassName,
        /// For how long it has waited, in ms.
        longest_ms: u64,
        /// For how long it might have, in ms.
        bound_ms: f64,
        /// The longest wait on the stable track, in ms.
        stable_ms: f64,
    },
}

/// What a promotion rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Every comparison that counts shows that the canary is no worse by the margin.
    Shown,
    /// The stage has reached its longest time, and nothing speaks against the canary.
    Default,
    /// The canary has all tasks: there was nothing to compare with.
    Unwatched,
}

/// What a promotion waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Missing {
    /// The stage's shortest time.
    Time {
        /// What is left of it, in ms.
        left_ms: u64,
    },
    /// Tasks that ended on the canary track.
    CanaryTasks {
        /// How many there are.
        have: u64,
        /// How many there must be.
        need: u64,
    },
    /// Tasks that ended on the stable track: there is nothing to compare with.
    StableTasks,
    /// The proof that the canary is no worse by the margin.
    Proof(Finding),
    /// Certainty: the canary looks worse, and that may still be chance.
    Doubt(Finding),
    /// A task on the canary track that has waited too long may still get its turn.
    Turn {
        /// Of which class.
        class: ClassName,
        /// For how long it has waited, in ms.
        longest_ms: u64,
    },
}

/// What is to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    /// Nothing yet.
    Hold {
        /// What a promotion waits for; at least one.
        missing: Vec<Missing>,
    },
    /// The canary gets more.
    Promote {
        /// Its share in the next stage; none when the rollout is done.
        to: Option<Share>,
        /// Why.
        ground: Ground,
    },
    /// The canary gets nothing any more.
    RollBack(Harm),
}

/// A ruling with everything it was read off.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What is to happen.
    pub ruling: Ruling,
    /// What was compared: all classes together, then one by one in the order of their names.
    pub findings: Vec<Finding>,
}

impl Ground {
    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Default => "default",
            Self::Unwatched => "unwatched",
        }
    }
}

impl Measure {
    /// Every one, in the order of their indexes.
    pub const ALL: [Measure; 3] = [Measure::Failures, Measure::Slo, Measure::Waits];

    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Slo => "slo_missed",
            Self::Waits => "waits",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl Finding {
    /// Whether the canary is worse for certain.
    ///
    /// The p-value bounds false alarms. The standard errors are for bursts that hit one track only: they make single
    /// blocks look certain, and blocks differ.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.p_value <= self.level && self.is_clear(CLEAR_ERRORS)
    }

    /// Whether the canary looks worse, which may be chance.
    #[must_use]
    pub fn may_be_worse(&self) -> bool {
        self.p_value <= DOUBT && self.is_clear(1.0)
    }

    fn is_clear(&self, errors: f64) -> bool {
        self.difference - errors * self.error >= self.least
    }

    /// Whether the canary is shown to be no worse by the margin. What no task has is no worse.
    #[must_use]
    pub fn is_no_worse(&self) -> bool {
        self.upper < self.margin || !self.is_measured
    }
}

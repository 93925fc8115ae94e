//! What a scheduling policy is made of: the rule between classes, the order within one, and their parameters.
//!
//! The policy document is their one owner and checks the ranges that are noted here.

/// How a free slot chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The rule between classes.
    pub between: Between,
    /// Service that one round adds for all shares together, in ms of one slot; more than 0.
    pub quantum_ms: f64,
    /// Picks of later tasks that a head may be passed over for before it is next, at least 1; none where only the
    /// rule's own bound holds. [`Between::Weighted`] takes no notice of it: its bound is in cost.
    pub bypass_max: Option<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            between: Between::Weighted,
            quantum_ms: 50.0,
            bypass_max: Some(1_000),
        }
    }
}

/// The rule between classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Between {
    /// The oldest head first.
    Fifo,
    /// The most urgent lane and class first, with a floor for all others.
    Strict {
        /// Part of the service that is kept for those who are not the most urgent, 0 to 0.5.
        floor: f64,
    },
    /// Surplus round robin in cost.
    Weighted,
    /// The earliest deadline first.
    Edf {
        /// What becomes of a task that cannot meet its deadline any more.
        infeasible: Infeasible,
    },
    /// `base + exp(alpha · wait)`, both of the class.
    Aging,
    /// A weighted sum of urgency, business weight and wait.
    Score(ScoreWeights),
    /// Levels by attained service.
    Mlfq(MlfqRules),
}

impl Between {
    /// Part of the service that [`Between::Strict`] keeps for the less urgent where nothing is said.
    pub const FLOOR: f64 = 0.05;

    /// Whether it looks at the heads of queues.
    #[must_use]
    pub const fn compares_heads(&self) -> bool {
        !matches!(self, Self::Weighted | Self::Strict { .. })
    }

    /// The rule's name in documents and reports.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Strict { .. } => "strict",
            Self::Weighted => "weighted",
            Self::Edf { .. } => "edf",
            Self::Aging => "aging",
            Self::Score(_) => "score",
            Self::Mlfq(_) => "mlfq",
        }
    }
}

/// What becomes of a task that cannot meet its own deadline any more. A class's SLO puts tasks in order, but none is
/// given up for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Infeasible {
    /// It is served in its turn all the same.
    Serve,
    /// It ends as expired.
    Drop,
    /// It is put into the archive.
    Park,
}

/// Weights of the multi-factor score; each from 0 to 1, their sum more than 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreWeights {
    /// Of the urgency.
    pub urgency: f64,
    /// Of the business weight.
    pub business: f64,
    /// Of the wait.
    pub time: f64,
    /// After this wait the time's part is at 63 %, in ms; more than 0. A nearer deadline takes its place.
    pub horizon_ms: f64,
}

impl ScoreWeights {
    /// What holds where nothing is said.
    pub const DEFAULT: Self = Self {
        urgency: 0.40,
        business: 0.35,
        time: 0.25,
        horizon_ms: 30_000.0,
    };
}

impl Default for ScoreWeights {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Parameters of the multi-level feedback queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MlfqRules {
    /// Whose service is counted.
    pub by: FlowKey,
    /// Service after which a flow leaves the top level, in ms of one slot; doubles from level to level; more than 0.
    pub quantum_ms: f64,
    /// Levels, 2 to 16.
    pub levels: u32,
    /// How often every flow is put back to the top, in ms; more than 0.
    pub boost_ms: u64,
}

impl MlfqRules {
    /// What holds where nothing is said.
    pub const DEFAULT: Self = Self {
        by: FlowKey::Tenant,
        quantum_ms: 50.0,
        levels: 8,
        boost_ms: 30_000,
    };
}

impl Default for MlfqRules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Whose service a multi-level feedback queue counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowKey {
    /// The tenant's.
    Tenant,
    /// That of the label `session`, else the tenant's.
    Session,
}

/// What the rules need to know of a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassTerms {
    /// Its part of the service among backlogged classes; more than 0.
    pub share: f64,
    /// Lower is more urgent.
    pub priority: u32,
    /// Score of a task that has not waited, under [`Between::Aging`].
    pub aging_base: f64,
    /// Growth of that score's exponent, per second; more than 0.
    pub aging_alpha: f64,
    /// Wait and service together that its tasks should keep to, in ms; the deadline of a task that has none.
    pub slo_ms: Option<u64>,
    /// The order within the class.
    pub lookahead: LookAhead,
}

impl ClassTerms {
    /// Growth of the exponent per second where a class says nothing.
    pub const AGING_ALPHA: f64 = 0.1;

    /// A class of that share and priority, and the defaults otherwise.
    #[must_use]
    pub const fn new(share: f64, priority: u32) -> Self {
        Self {
            share,
            priority,
            aging_base: share,
            aging_alpha: Self::AGING_ALPHA,
            slo_ms: None,
            lookahead: LookAhead::OFF,
        }
    }
}

/// How a worker chooses among the first tasks of a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookAhead {
    /// Tasks that are leased and compared, 1 to 64; 1 is off: they are served as they come.
    pub window: u32,
    /// What puts them in order.
    pub order: Order,
    /// Times a task of the window may be passed over for one that came later; at least 1.
    pub bypass_max: u32,
}

impl LookAhead {
    /// One after the other.
    pub const OFF: Self = Self {
        window: 1,
        order: Order::Fifo,
        bypass_max: 32,
    };
}

/// What puts the tasks of a window in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// As they came, the tenant with the least virtual counter first.
    Fifo,
    /// Cheap and heavy ones first, with age making up for it: the key `ln(weight / estimate) − alpha · arrival`.
    Aged {
        /// How fast age makes up, per second; more than 0.
        alpha: f64,
    },
    /// The earliest deadline first.
    Edf,
}

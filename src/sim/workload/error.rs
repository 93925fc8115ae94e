//! Why there is no workload.

/// A workload that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorkloadError {
    /// A number outside its range.
    #[error("{what} is {found}; give {min} to {max}")]
    OutOfRange {
        /// The flag that asks for it.
        what: &'static str,
        /// What was asked for.
        found: f64,
        /// The least allowed.
        min: f64,
        /// The most allowed.
        max: f64,
    },
    /// A choice that this kind does not have.
    #[error("the workload {kind} takes no {what}: {why}")]
    NotTaken {
        /// Name of the kind.
        kind: &'static str,
        /// The flag that asks for it.
        what: &'static str,
        /// What it has instead, and what to do.
        why: &'static str,
    },
    /// A trace whose tasks come faster than any number of slots serves them.
    #[error(
        "the trace would need {needed} slots at its own speed, of at most {max}; give --slots, or --load and --slots"
    )]
    TooFast {
        /// Slots it would need.
        needed: f64,
        /// The most allowed.
        max: u32,
    },
    /// A trace that a load stretches too far.
    #[error(
        "at that load the trace would last {days:.0} days, of at most {max}; give a higher --load or more --slots"
    )]
    TooLong {
        /// How long it would last.
        days: f64,
        /// The most allowed.
        max: u64,
    },
    /// It would not fit into memory.
    #[error(
        "the workload would have more than {max} tasks; make it shorter, or give a lower --load or fewer --slots"
    )]
    TooMany {
        /// The most allowed.
        max: u32,
    },
}

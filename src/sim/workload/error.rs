//! Why there is no workload.

/// A workload that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorkloadError {
    /// A number outside its range.
    #[error("{what} is {found}; give {min} to {max}")]
    OutOfRange {
        /// Which, in words.
        what: &'static str,
        /// What was asked for.
        found: f64,
        /// The least allowed.
        min: f64,
        /// The most allowed.
        max: f64,
    },
    /// A choice that this kind does not have.
    #[error("the workload {kind} takes no {what}: {why}; leave it out")]
    NotTaken {
        /// Name of the kind.
        kind: &'static str,
        /// Which choice, in words.
        what: &'static str,
        /// What it has instead.
        why: &'static str,
    },
    /// A trace whose tasks come faster than any number of slots serves them.
    #[error(
        "the trace would need {needed} slots at its own speed, of at most {max}; give slots, or a load and slots"
    )]
    TooFast {
        /// Slots it would need.
        needed: f64,
        /// The most allowed.
        max: u32,
    },
    /// It would not fit into memory.
    #[error("the workload would have more than {max} tasks; make it shorter, or lower its load or its slots")]
    TooMany {
        /// The most allowed.
        max: u32,
    },
}

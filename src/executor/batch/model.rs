//! What a model must be able to do so that tasks can share its runs.

use serde_json::Value;

use crate::task::ErrorKind;

/// A model that computes many inputs in one go, faster than one after the other.
pub trait Model: Send + Sync + 'static {
    /// An input that was read.
    type Item: Send + 'static;

    /// Reads the input of one task. Blocks; several are read at once, beside a run.
    ///
    /// # Errors
    /// Why the task fails, without having been in any batch.
    fn prepare(&self, input: &Value) -> Result<Prepared<Self::Item>, Refusal>;

    /// Computes all `items` in one run, and gives as many answers in the same order. Blocks; called for one batch at
    /// a time. Where it fails or panics for several items it is called again for fewer of them.
    ///
    /// # Errors
    /// Why there are no answers.
    fn run(&self, items: &[Self::Item]) -> Result<Vec<Answer>, String>;
}

/// An input, ready to be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prepared<I> {
    /// What the model computes.
    pub item: I,
    /// How much it is, in the model's tokens: what a batch is bounded by, and its time divided by.
    pub tokens: u64,
    /// A hash of the parameters that hold for a whole run: only inputs that agree in it share one.
    pub shape: u64,
}

/// An input that is not computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// How its task fails.
    pub kind: ErrorKind,
    /// What was wrong with it, for whoever reads the dead letter.
    pub message: String,
}

/// What came out for one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer itself.
    pub output: Value,
    /// What it took, as an object such as `{"tokens": 12}`.
    pub usage: Value,
}

//! Why a submission is not taken.

use crate::policy::{AddressError, BeginError, UnknownClass};
use crate::task::ModelName;
use crate::wire::BodyError;

/// Each names the field, what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// More than a message holds.
    #[error(
        "body: {bytes} bytes; at most {max} fit; make the input smaller, or raise the server's max_payload"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What fits.
        max: usize,
    },
    /// No task.
    #[error(
        "cannot read the task: {0}; send a JSON object or a MessagePack map with at least model and input"
    )]
    Unreadable(#[source] BodyError),
    /// The policy does not have the model.
    #[error(
        "model: no model {:?}; the models are {}; name one of them or add it to the policy",
        .given.as_str(),
        .known.iter().map(ModelName::as_str).collect::<Vec<_>>().join(", ")
    )]
    UnknownModel {
        /// What was asked for.
        given: ModelName,
        /// What there is, in document order.
        known: Vec<ModelName>,
    },
    /// The policy does not have the class.
    #[error("class: {0}; name one of them or add it to the policy")]
    UnknownClass(#[source] UnknownClass),
    /// A number that would end the task before it ran.
    #[error("{field}: 0 would fail every task; give at least 1 or leave it out")]
    Zero {
        /// Which number.
        field: &'static str,
    },
    /// An address nothing is ever delivered to.
    #[error("callback_url {0}")]
    CallbackUrl(#[source] AddressError),
    /// A `run_at` that cannot be kept.
    #[error(transparent)]
    Begin(BeginError),
}

impl Refusal {
    /// The field it is about; `body` when it is about the whole.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::TooLarge { .. } => "body".to_owned(),
            Self::Unreadable(error) => error.field().unwrap_or_else(|| "body".to_owned()),
            Self::UnknownModel { .. } => "model".to_owned(),
            Self::UnknownClass(_) => "class".to_owned(),
            Self::CallbackUrl(_) => "callback_url".to_owned(),
            Self::Begin(BeginError::TooFarAhead) => "run_at".to_owned(),
            Self::Begin(BeginError::AfterDeadline) => "deadline".to_owned(),
            Self::Zero { field } => (*field).to_owned(),
        }
    }

    /// The word programs go by; it never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "body_too_large",
            Self::Unreadable(_) => "body_unreadable",
            Self::UnknownModel { .. } => "unknown_model",
            Self::UnknownClass(_) => "unknown_class",
            Self::Zero { .. } | Self::Begin(_) => "out_of_range",
            Self::CallbackUrl(_) => "bad_callback_url",
        }
    }
}

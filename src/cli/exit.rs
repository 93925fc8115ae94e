//! Exit codes, and the one place that says which error leads to which.

use super::task::NotAccepted;
use crate::broker::publish::PublishError;
use crate::broker::topology::TopologyError;
use crate::broker::{ConnectError, RequestError, WriteError};
use crate::config::SettingsFaults;
use crate::gateway::Refusal;
use crate::telemetry;

/// How a command ended. Scripts depend on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It went wrong, or a check found something.
    Error = 1,
    /// Wrong flags or settings.
    Usage = 2,
    /// Understood, and not done because of a rule.
    Refused = 3,
    /// What was named does not exist.
    NotFound = 4,
    /// The credentials do not suffice.
    Auth = 5,
    /// A server cannot be reached; trying later may help.
    Unavailable = 6,
}

impl Exit {
    /// The name in JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Auth => "auth",
            Self::Unavailable => "unavailable",
        }
    }
}

/// An end that a command chose itself, with its message.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Stop {
    /// How the process ends.
    pub exit: Exit,
    /// For people.
    pub message: String,
}

impl Stop {
    /// Wrong flags or settings.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A rule forbids it.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }
}

/// Which exit an error leads to. An error no line here knows is [`Exit::Error`].
pub(super) fn of(error: &anyhow::Error) -> Exit {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.exit;
    }
    if let Some(error) = error.downcast_ref::<ConnectError>() {
        return match error {
            ConnectError::Credentials { .. } | ConnectError::Refused { .. } => Exit::Auth,
            ConnectError::Address { .. } => Exit::Usage,
            ConnectError::Unreachable { .. } => Exit::Unavailable,
        };
    }
    if let Some(error) = error.downcast_ref::<TopologyError>() {
        return match error {
            error if error.is_refusal() => Exit::Refused,
            error if error.is_unavailable() => Exit::Unavailable,
            _ => Exit::Error,
        };
    }
    if let Some(error) = error.downcast_ref::<NotAccepted>() {
        return match error {
            NotAccepted::Publish(error) => of_publish(error),
            NotAccepted::Offline => Exit::Unavailable,
        };
    }
    match error.downcast_ref::<WriteError>() {
        Some(WriteError::Publish(error)) => return of_publish(error),
        Some(WriteError::Request(_)) => return Exit::Unavailable,
        None => (),
    }
    if error.is::<Refusal>() {
        return Exit::Refused;
    }
    // The connection was open, so what failed is the server or the way to it.
    if error.is::<RequestError>() {
        return Exit::Unavailable;
    }
    let usage = error.is::<SettingsFaults>()
        || matches!(error.downcast_ref(), Some(telemetry::StartError::Filter { .. }));
    if usage { Exit::Usage } else { Exit::Error }
}

fn of_publish(error: &PublishError) -> Exit {
    match error {
        PublishError::Full { .. } | PublishError::TooLarge { .. } => Exit::Refused,
        PublishError::NoStream { .. } | PublishError::Unknown { .. } => Exit::Unavailable,
    }
}

/// What people are told: the error and its causes, each once. Some errors of this crate already
/// name their cause, and so do some of others.
pub(super) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_exit() {
        let unreachable = ConnectError::Unreachable {
            at: "nats://127.0.0.1:1".to_owned(),
            reason: "refused".to_owned(),
        };
        let full = || PublishError::Full {
            subject: "fl.task.core.c.m.0".to_owned(),
            reason: "maximum messages exceeded".to_owned(),
        };
        for (error, exit) in [
            (
                anyhow::Error::from(Stop::not_found("no such task")),
                Exit::NotFound,
            ),
            (Stop::refused("full").into(), Exit::Refused),
            (
                anyhow::Error::from(unreachable).context("while looking"),
                Exit::Unavailable,
            ),
            (NotAccepted::Offline.into(), Exit::Unavailable),
            (
                anyhow::Error::from(NotAccepted::Publish(full())).context("task t is not accepted"),
                Exit::Refused,
            ),
            (
                anyhow::Error::from(WriteError::Publish(full())).context("after 3 were replayed"),
                Exit::Refused,
            ),
            (Refusal::Zero { field: "timeout_ms" }.into(), Exit::Refused),
            (SettingsFaults(vec!["slots".to_owned()]).into(), Exit::Usage),
            (anyhow::anyhow!("anything"), Exit::Error),
        ] {
            assert_eq!(of(&error), exit, "{error}");
        }
    }

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let told = anyhow::anyhow!("no such file").context("cannot read p.yaml: no such file");
        assert_eq!(message(&told), "cannot read p.yaml: no such file");
        let untold = anyhow::anyhow!("no such file").context("cannot read p.yaml");
        assert_eq!(message(&untold), "cannot read p.yaml: no such file");
    }
}

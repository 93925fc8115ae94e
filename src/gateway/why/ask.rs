//! The question, asked by a tenant at a desk or by an operator.

use super::find::{Asked, Extent};
use super::look::Look;
use super::tell::Why;
use crate::broker::subject::RecordKey;
use crate::broker::{Broker, RequestError};
use crate::gateway::desk::{Desk, Named};
use crate::gateway::problem::Problem;
use crate::policy::Policy;
use crate::task::{EventKind, State, TaskId};

impl Desk {
    /// Why a task stands where it does.
    ///
    /// # Errors
    /// As [`Desk::status`].
    pub async fn why(&self, of: &Named) -> Result<Why, Problem> {
        let known = self.known(of).await?;
        let id = of.internal()?;
        let asked = Asked {
            id: &id,
            submission: known.submission,
            ended: known.ended,
            extent: Extent::Near,
        };
        let policy = self.policy();
        let look = Look::at(&self.broker, &policy).await?;
        let found = look.find(asked).await?.ok_or_else(|| of.unknown())?;
        Ok(look.tell(of.id.as_str(), found).await?)
    }
}

/// Why the task of that name, as it is called inside, stands where it does under `policy`; however it came in. None
/// where it is nowhere.
///
/// # Errors
/// [`RequestError`] when the server does not answer.
pub async fn why(broker: &Broker, policy: &Policy, id: &TaskId) -> Result<Option<Why>, RequestError> {
    let mut ended = broker.result(id).await?;
    if let Some(dead) = ended.as_ref().filter(|found| found.record.state == State::Dead)
        && broker.letter_taken(id, dead.stored_at).await? == Some(EventKind::Replay)
    {
        ended = None;
    }
    // One that nobody can read tells nothing; the task itself does.
    let submission = broker.submission(&RecordKey::Task(id.clone())).await;
    let asked = Asked {
        id,
        submission: submission.ok().flatten().map(|(submission, _)| submission),
        ended,
        extent: Extent::Everything,
    };
    let look = Look::at(broker, policy).await?;
    match look.find(asked).await? {
        Some(found) => Ok(Some(look.tell(id.as_str(), found).await?)),
        None => Ok(None),
    }
}

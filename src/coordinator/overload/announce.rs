//! Writing the level where gateways and late joiners see it, and telling when it changes.

use super::look::Seen;
use crate::broker::RequestError;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::policy::{Outlook, Standing, is_retry_full};
use crate::task::{EpochMs, Lane};
use crate::wire::OverloadNote;

/// Whoever leads writes it; whoever comes after goes on from there.
pub(super) struct Announcer {
    note: OverloadNote,
    revision: u64,
}

impl Announcer {
    /// Goes on from the record that stands.
    pub(super) async fn take_over(of: &Coordinator) -> Result<Self, RequestError> {
        let noted = of.broker.overload().await?;
        Ok(Self {
            note: noted.note.unwrap_or_else(|| OverloadNote::calm(EpochMs(0))),
            revision: noted.revision,
        })
    }

    pub(super) const fn standing(&self) -> Standing {
        self.note.standing
    }

    /// Writes what holds from now on, if there is anything to say: as long as something waits or a level holds, every
    /// look is, because gateways take a record that nobody confirms for void.
    pub(super) async fn announce(
        &mut self,
        of: &Coordinator,
        standing: Standing,
        seen: &Seen,
        archived: u64,
    ) {
        let lane = |lane| Outlook {
            backlog: seen.waiting(lane),
            drain_per_s: seen.rate(lane).per_s(),
        };
        let before = self.note;
        let was_full = before.is_retry_full.unwrap_or(before.refuses_timers());
        let note = OverloadNote {
            standing,
            core: lane(Lane::Core),
            normal: lane(Lane::Normal),
            archived,
            is_retry_full: Some(is_retry_full(&of.policy().overload, was_full, &seen.pressure)),
            at: clock::wall(),
        };
        of.metrics.overload(Some(standing.level.number()));
        if is_silent(&before) && is_silent(&note) {
            return;
        }
        match of.broker.write_overload(&note, self.revision).await {
            Ok(Some(revision)) => (self.note, self.revision) = (note, revision),
            // Another leads, or did: what it wrote counts.
            Ok(None) => return self.read_again(of).await,
            Err(error) => {
                tracing::warn!(%error, "the level of overload was not written; trying again");
                return self.read_again(of).await;
            }
        }
        let (from, to) = (before.standing.level, standing.level);
        if from == to {
            return;
        }
        let (cause, pressure) = (standing.cause, &seen.pressure);
        tracing::warn!(
            from = from.number(),
            to = to.number(),
            %cause,
            waiting = pressure.waiting,
            oldest_ms = pressure.oldest_ms,
            drain_per_s = pressure.drain_per_s,
            archived,
            "the level of overload has changed"
        );
        if let Err(error) = of.broker.tell_level(from, &note, self.revision).await {
            tracing::debug!(%error, "a change of the level of overload was not told");
        }
    }

    async fn read_again(&mut self, of: &Coordinator) {
        // Where it cannot be read either, the next write is refused, and then it is read.
        if let Ok(again) = Self::take_over(of).await {
            *self = again;
        }
    }
}

/// Whether it says nothing that anybody acts on.
fn is_silent(note: &OverloadNote) -> bool {
    let OverloadNote {
        standing,
        core,
        normal,
        archived,
        ..
    } = note;
    standing.level.number() == 0 && core.backlog + normal.backlog + archived == 0
}

//! What comes in on the inboxes of pulls: tasks, and how pulls ended.

use async_nats::{HeaderMap, Message};

use super::delivery::Delivery;
use crate::scheduler::intake::{AskEnd, PullId, QueueId, Source};

/// What came in.
#[derive(Debug)]
pub enum Pulled {
    /// A task.
    Task {
        /// From which queue.
        queue: QueueId,
        /// On which inbox.
        source: Source,
        /// The message.
        delivery: Box<Delivery>,
    },
    /// An ask ended without filling every place.
    AskEnded {
        /// Of which queue.
        queue: QueueId,
        /// Which.
        pull: PullId,
        /// How.
        end: AskEnd,
    },
    /// A wait ended without a task.
    WaitEnded {
        /// Of which queue.
        queue: QueueId,
        /// On which inbox.
        generation: u64,
        /// Whether other than by its expiry.
        refused: bool,
    },
}

/// The consumer that sent a task, as `<stream>.<consumer>`; None for a status.
pub(super) fn consumer_of(message: &Message) -> Option<&str> {
    let rest = message.reply.as_ref()?.strip_prefix("$JS.ACK.")?;
    // The longer form has domain and account hash in front.
    let skipped = if rest.matches('.').count() == 6 { 0 } else { 2 };
    let dot = |nth: usize| rest.match_indices('.').nth(nth).map(|(at, _)| at);
    let from = if skipped == 0 { 0 } else { dot(skipped - 1)? + 1 };
    rest.get(from..dot(skipped + 1)?)
}

/// Reads a status off the reply subject, which is `tail` behind the prefix of this worker's inboxes.
/// None for one that tells nothing.
pub(super) fn status(message: &Message, tail: &str, source: Source, generation: u64) -> Option<Pulled> {
    let mut tokens = tail.rsplit('.');
    let last: u64 = tokens.next()?.parse().ok()?;
    let status = message.status?.as_u16();
    match source {
        Source::Ask => {
            let queue = QueueId(tokens.next()?.parse().ok()?);
            let end = match (status, message.headers.as_ref().and_then(unfilled)) {
                (404, _) => AskEnd::Empty,
                (408, Some(unfilled)) => AskEnd::Expired { unfilled },
                (100, _) => return None,
                _ => AskEnd::Refused,
            };
            Some(Pulled::AskEnded {
                queue,
                pull: PullId(last),
                end,
            })
        }
        Source::Wait => {
            let queue = QueueId(usize::try_from(last).ok()?);
            Some(Pulled::WaitEnded {
                queue,
                generation,
                refused: status != 408,
            })
        }
    }
}

fn unfilled(headers: &HeaderMap) -> Option<u32> {
    headers.get("Nats-Pending-Messages")?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(reply: &str) -> Message {
        Message {
            subject: "fl.task.core.pay.m.0".into(),
            reply: Some(reply.into()),
            payload: bytes::Bytes::new(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn both_forms_of_an_ack_subject_name_the_consumer() {
        for reply in [
            "$JS.ACK.FL_CORE.pay=m=0.1.22.3.17954.9",
            "$JS.ACK._.hash.FL_CORE.pay=m=0.1.22.3.17954.9.r",
        ] {
            assert_eq!(consumer_of(&from(reply)), Some("FL_CORE.pay=m=0"), "{reply}");
        }
        assert_eq!(consumer_of(&from("_INBOX.x")), None);
        assert_eq!(consumer_of(&from("$JS.ACK.x")), None);
    }
}

//! One message as a consumer delivered it.

use async_nats::Message;

use super::header::MaybeHeaders;
use super::lease::Lease;
use super::publish::Original;
use crate::task::{EpochMs, Route};
use crate::wire::{Arrival, Origin, ReadHeaders};

/// A delivered message with what its ack subject tells.
#[derive(Debug)]
pub struct Delivery {
    /// Headers and body as they came.
    pub original: Original,
    /// Sequence in the stream.
    pub sequence: u64,
    /// How often it has been delivered, this time included.
    pub deliveries: u64,
    /// What the consumer still has for others.
    pub pending: u64,
    /// When the stream stored it.
    pub stored_at: EpochMs,
    /// The subject it was published to.
    pub subject: String,
    /// The duty to answer.
    pub lease: Lease,
}

impl Delivery {
    /// None when the message was not delivered by a consumer.
    pub(super) fn of(message: Message) -> Option<Delivery> {
        let reply = message.reply?;
        let info = AckInfo::parse(&reply)?;
        Some(Delivery {
            original: Original {
                body: message.payload,
                headers: message.headers,
            },
            sequence: info.sequence,
            deliveries: info.deliveries,
            pending: info.pending,
            stored_at: info.stored_at,
            subject: message.subject.to_string(),
            lease: Lease::new(reply),
        })
    }
}

impl Original {
    /// For [`crate::wire`] to read.
    #[must_use]
    pub fn headers(&self) -> impl ReadHeaders + '_ {
        MaybeHeaders(self.headers.as_ref())
    }
}

/// What the wire reads a task from; `origin` says which stream it lies in.
#[must_use]
pub fn arrival<'a>(
    route: &'a Route,
    headers: &'a dyn ReadHeaders,
    of: &'a Delivery,
    origin: fn(u64) -> Origin,
) -> Arrival<'a> {
    Arrival {
        route,
        headers,
        body: &of.original.body,
        origin: origin(of.sequence),
        stored_at: of.stored_at,
    }
}

/// The numbers in `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer
/// sequence>.<time stamp in ns>.<pending>`, with domain and account hash in front of the stream
/// when there are twelve tokens or more.
pub(super) struct AckInfo {
    pub(super) deliveries: u64,
    pub(super) sequence: u64,
    pub(super) stored_at: EpochMs,
    pub(super) pending: u64,
}

impl AckInfo {
    pub(super) fn parse(reply: &str) -> Option<AckInfo> {
        let rest = reply.strip_prefix("$JS.ACK.")?;
        let short = rest.bytes().filter(|b| *b == b'.').count() == 6;
        let mut tokens = rest.split('.').skip(if short { 2 } else { 4 });
        let mut number = || tokens.next()?.parse::<u64>().ok();
        let (deliveries, sequence, _, stored_ns, pending) =
            (number()?, number()?, number()?, number()?, number()?);
        let stored_at = EpochMs(i64::try_from(stored_ns / 1_000_000).ok()?);
        Some(AckInfo {
            deliveries,
            sequence,
            stored_at,
            pending,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_ack_subject_give_the_same_numbers() {
        for reply in [
            "$JS.ACK.S.c.1.22.3.1795469996716577244.9",
            "$JS.ACK._.hash.S.c.1.22.3.1795469996716577244.9.random",
        ] {
            let info = AckInfo::parse(reply).unwrap();
            assert_eq!(
                (info.deliveries, info.sequence, info.pending),
                (1, 22, 9),
                "{reply}"
            );
            assert_eq!(info.stored_at, EpochMs(1_795_469_996_716));
        }
        assert!(AckInfo::parse("_INBOX.x").is_none());
    }
}

//! The order of writes that loses nothing: stored, answered for, and only then acked.

use super::site::Site;
use super::worker::Kind;

pub(super) async fn nothing_is_acked_before_the_puback(kind: Kind) {
    let site = Site::open(kind).await;
    // Everything that passes, answers to others included.
    let mut wire = site.bare.hear(">").await;
    let worker = site.worker(1).await;
    for (id, input, wanted) in [
        ("good", "1", "fl.result.good"),
        (
            "bad",
            r#"{"fail_attempts":1,"fail_kind":"permanent"}"#,
            "fl.retry.report.core.pay.m",
        ),
    ] {
        site.task(id, &[], input).await;
        let (mut answer_to, mut answered) = (None, false);
        loop {
            let message = wire.next().await;
            let subject = message.subject.as_str();
            if subject == wanted {
                answer_to = message.reply;
            } else if answer_to.as_deref() == Some(subject) {
                answered = true;
            } else if subject.starts_with("$JS.ACK.FL_CORE.") && &message.payload[..] == b"+ACK" {
                break;
            }
        }
        assert!(answered, "{id}: acked before {wanted} had its PubAck");
    }
    site.close(worker).await;
}

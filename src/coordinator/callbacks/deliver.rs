//! One delivery: read the record, send it, and note what is to follow before the ack.

use super::post::Posted;
use crate::broker::WriteError;
use crate::broker::delivery::Delivery;
use crate::broker::subject;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::failpoint;
use crate::metrics::CallbackOutcome;
use crate::policy::{FailedDelivery, next_delivery};
use crate::task::TaskId;
use crate::wire::header::{CALLBACK, CALLBACK_TRY};
use crate::wire::{MessageKind, ReadHeaders, ResultRecord, message_id, result_body};

/// Brings the record that a message names to its receiver.
pub(in crate::coordinator) async fn deliver(of: &Coordinator, delivery: &Delivery) -> Result<(), WriteError> {
    let headers = delivery.original.headers();
    let id = subject::parse_callback_due(&delivery.subject);
    let (Some(id), Some(url)) = (id, headers.header(CALLBACK)) else {
        tracing::warn!(nats.subject = %delivery.subject, "a callback that names no task or no address is dropped");
        return Ok(());
    };
    let tries_before = headers
        .header(CALLBACK_TRY)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let found = match of.broker.result(&id).await {
        Err(error) if error.is_unreadable() => {
            tracing::warn!(task.id = %id, %error, "its record cannot be delivered");
            None
        }
        found => found?,
    };
    let Some(stored) = found else {
        tracing::warn!(task.id = %id, "there is no record to deliver: it has aged out, or is none");
        of.metrics.callback(CallbackOutcome::Expired);
        return Ok(());
    };
    let event = message_id(MessageKind::Callback, &id, stored.record.hop);
    let posted = of
        .poster
        .post(
            url,
            &event,
            clock::wall(),
            body(&stored.record),
            &of.policy().callbacks,
        )
        .await;
    failpoint::hit("callback.after_post");
    let outcome = match posted {
        Posted::Taken => CallbackOutcome::Delivered,
        Posted::Gone => {
            tracing::info!(task.id = %id, "the receiver of its result answered 410 Gone; giving up");
            CallbackOutcome::Gone
        }
        Posted::Refused(why) => {
            tracing::warn!(task.id = %id, "its result is not delivered: callback_url {why}");
            CallbackOutcome::Refused
        }
        Posted::Failed { what, retry_after_ms } => {
            let failed = FailedDelivery {
                task_id: &id,
                tries_before,
                retry_after_ms,
            };
            again(of, &failed, url, stored.record.hop, &what).await?
        }
    };
    of.metrics.callback(outcome);
    Ok(())
}

async fn again(
    of: &Coordinator,
    failed: &FailedDelivery<'_>,
    url: &str,
    hop: u32,
    what: &str,
) -> Result<CallbackOutcome, WriteError> {
    let (id, tries): (&TaskId, u32) = (failed.task_id, failed.tries_before + 1);
    let Some(delay_ms) = next_delivery(&of.policy().callbacks, failed) else {
        tracing::warn!(task.id = %id, tries, what, "its result could not be delivered; giving up");
        return Ok(CallbackOutcome::GivenUp);
    };
    let at = clock::wall().plus_ms(delay_ms);
    of.broker.publish_callback_at(id, hop, url, tries, at).await?;
    failpoint::hit("callback.after_schedule");
    tracing::info!(task.id = %id, tries, delay_ms, what, "its result was not taken; delivering it again");
    Ok(CallbackOutcome::Retried)
}

/// The record's body, under the name its tenant gave the task.
fn body(record: &ResultRecord) -> Vec<u8> {
    result_body(&ResultRecord {
        task_id: record.task_id.for_tenant(&record.tenant),
        ..record.clone()
    })
}

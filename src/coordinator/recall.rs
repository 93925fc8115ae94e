//! Making streams again that a server forgot.
//!
//! What is kept in memory alone, the registry, is gone with its contents when the server is started anew. Nobody misses the
//! contents, which are told again within a second; but without the stream there is nowhere to tell them.

use std::sync::Arc;
use std::time::Duration;

use super::Coordinator;
use crate::broker::topology;

/// Before what failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Looks whenever this coordinator begins to lead and whenever its connection is open again, until it stops.
pub(super) async fn run(of: Arc<Coordinator>) {
    let soft = of.lifecycle.soft().clone();
    tokio::select! { () = recall(&of) => (), () = soft.cancelled() => () }
}

async fn recall(of: &Coordinator) {
    let mut opened = of.broker.connections();
    loop {
        of.leader.leading().await;
        opened.mark_unchanged();
        match topology::recall(&of.broker).await {
            Ok(made) => {
                for stream in made {
                    tracing::info!(
                        stream.name = stream,
                        "made again: the server kept it in memory and was started anew"
                    );
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot make what the server keeps in memory; trying again (`fairlane streams apply` does it, too)");
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            }
        }
        tokio::select! {
            opened = opened.changed() => if opened.is_err() {
                // The client has ended, and with it everything here.
                return;
            },
            () = of.leader.deposed() => (),
        }
    }
}

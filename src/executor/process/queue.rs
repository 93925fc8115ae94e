//! Tasks that wait for a free process.

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::executor::Outcome;
use crate::task::TaskId;

/// Tasks that may wait at once; more wait outside. A worker has far fewer slots.
const REQUESTS_MAX: usize = 1024;

/// One task for one process.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) task_id: TaskId,
    /// What is written to the process, line break included.
    pub(super) line: Vec<u8>,
    /// Closed when nobody waits for the answer any more.
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// The end that keepers take from. The lock is held while waiting: it hands the queue from one idle
/// keeper to the next, in the order they came.
#[derive(Debug)]
pub(super) struct Queue(Mutex<mpsc::Receiver<Request>>);

impl Queue {
    /// Both ends.
    pub(super) fn new() -> (mpsc::Sender<Request>, Self) {
        let (requests, requested) = mpsc::channel(REQUESTS_MAX);
        (requests, Self(Mutex::new(requested)))
    }

    /// The next task that somebody waits for; never, once there can be none. A call that is dropped
    /// takes nothing.
    pub(super) async fn take(&self) -> Request {
        let mut requests = self.0.lock().await;
        loop {
            match requests.recv().await {
                Some(request) if request.reply.is_closed() => (),
                Some(request) => return request,
                None => std::future::pending().await,
            }
        }
    }
}

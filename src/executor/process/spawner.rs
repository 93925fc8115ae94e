//! A thread that starts the processes of a pool and lives as long as it.
//!
//! The kernel kills a child when the thread ends that started it. Threads of the runtime come and
//! go; this one ends with its pool.

use std::io;
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

struct Order {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// The thread's end of the line. The thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Spawner {
    orders: mpsc::Sender<Order>,
}

impl Spawner {
    /// Starts the thread, for `places` processes that may be asked for at once.
    pub(super) fn start(places: usize) -> io::Result<Self> {
        let (orders, ordered) = mpsc::channel(places.max(1));
        let runtime = Handle::current();
        thread::Builder::new()
            .name("fairlane-spawner".to_owned())
            .spawn(move || work(&runtime, ordered))?;
        Ok(Self { orders })
    }

    /// Starts a process.
    pub(super) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts processes is gone");
        let (reply, started) = oneshot::channel();
        let order = Order { command, reply };
        self.orders.send(order).await.map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}

fn work(runtime: &Handle, mut orders: mpsc::Receiver<Order>) {
    // Pipes are registered with the runtime that reads them.
    let _entered = runtime.enter();
    while let Some(Order { mut command, reply }) = orders.blocking_recv() {
        // Nobody waits for it any more: it is killed as it is dropped.
        let _ = reply.send(command.spawn());
    }
}

//! The server, held: it lives as long as the holder and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::duty::Duty;
use super::hidden::GUARD;
use super::start::{Started, started};
use super::{ServerOptions, StartError, version};

/// How long a server may take until it serves: a large store is read first.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The lock in a store. The server itself takes none: a second one on the same store starts, and
/// both write.
const LOCK: &str = "fairlane.lock";

/// A running nats-server on loopback. Dropped, it is told to end and ends by itself; [`stop`]
/// waits for that.
///
/// [`stop`]: Server::stop
#[derive(Debug)]
pub struct Server {
    url: String,
    pid: u32,
    held: Held,
    reader: TaskTracker,
    ended: CancellationToken,
}

impl Server {
    /// Starts a server and waits until it takes clients.
    ///
    /// # Errors
    /// [`StartError`], which says what to do. Nothing is left running then.
    pub async fn start(options: ServerOptions) -> Result<Self, StartError> {
        version::check(&options.program).await?;
        let folder = tempfile::Builder::new()
            .prefix("fairlane-")
            .tempdir()
            .map_err(StartError::Folder)?;
        let store = match &options.store {
            Some(store) => store.clone(),
            None => folder.path().join("store"),
        };
        let (mut held, replies, mut log) = launch(&options, &store, folder)?;
        let ready = started(&options, &store, replies, &mut log);
        let outcome = tokio::time::timeout(START_TIMEOUT, ready).await;
        match outcome.unwrap_or(Err(StartError::Late { after: START_TIMEOUT })) {
            Ok(started) => Ok(Self::running(held, started, log)),
            Err(error) => {
                // Without a reader the guard drops the log; it could not end with a full pipe.
                drop(log);
                held.end().await;
                Err(error)
            }
        }
    }

    fn running(held: Held, started: Started, log: Lines<BufReader<ChildStderr>>) -> Self {
        let (reader, ended) = (TaskTracker::new(), CancellationToken::new());
        reader.spawn(read_on(log, ended.clone()));
        Self {
            url: format!("nats://{}", started.address),
            pid: started.pid,
            held,
            reader,
            ended,
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id of nats-server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A folder that goes with the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.held.folder
    }

    /// Cancelled once the server has ended, asked or not.
    #[must_use]
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Ends the server and waits until its process and its temporary folder are gone.
    pub async fn stop(mut self) {
        self.held.end().await;
        self.reader.close();
        self.reader.wait().await;
    }
}

/// What keeps the server alive.
#[derive(Debug)]
struct Held {
    guard: Child,
    /// The guard ends the server when this is closed.
    lifeline: Option<ChildStdin>,
    folder: PathBuf,
}

impl Held {
    async fn end(&mut self) {
        self.lifeline = None;
        if let Err(error) = self.guard.wait().await {
            tracing::warn!(%error, "cannot wait for the guard of nats-server");
        }
        // Only a guard that was killed leaves it.
        if self.folder.exists()
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(path = %self.folder.display(), %error, "cannot remove the folder of nats-server");
        }
    }
}

type Launched = (Held, tokio::process::ChildStdout, Lines<BufReader<ChildStderr>>);

fn launch(options: &ServerOptions, store: &Path, folder: TempDir) -> Result<Launched, StartError> {
    let config = folder.path().join("nats.conf");
    fs::write(&config, options.config()).map_err(StartError::Folder)?;
    prepare(store).map_err(|source| StartError::Store {
        store: store.to_owned(),
        reason: source.to_string(),
    })?;
    let duty = Duty {
        remove: Some(folder.path().to_owned()),
        lock: Some(store.join(LOCK)),
        command: vec![
            options.program.clone().into(),
            "--config".into(),
            config.into(),
            "--store_dir".into(),
            store.into(),
        ],
    };
    let guard_failed = |source| StartError::Guard {
        guard: options.guard.clone(),
        source,
    };
    let mut guard = Command::new(&options.guard)
        .arg(GUARD)
        .args(duty.to_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal reaches the holder only, which then ends things in order.
        .process_group(0)
        .spawn()
        .map_err(guard_failed)?;
    let lifeline = guard.stdin.take();
    let (Some(replies), Some(log)) = (guard.stdout.take(), guard.stderr.take()) else {
        return Err(guard_failed(std::io::Error::other("it has no pipes")));
    };
    let held = Held {
        guard,
        lifeline,
        // The guard's from here on.
        folder: folder.keep(),
    };
    Ok((held, replies, BufReader::new(log).lines()))
}

/// Makes the store and shows that it can be written, so that the guard fails on nothing but its lock.
fn prepare(store: &Path) -> std::io::Result<()> {
    fs::create_dir_all(store)?;
    fs::File::create(store.join(LOCK)).map(drop)
}

/// Reads the log to its end, which is the server's: unread, it would block the server.
async fn read_on(mut log: Lines<BufReader<ChildStderr>>, ended: CancellationToken) {
    let _told = ended.drop_guard();
    loop {
        match log.next_line().await {
            Ok(Some(line)) => tracing::debug!(target: "nats", "{line}"),
            Ok(None) => return,
            // Bytes that are no UTF-8: that line is lost, the next may be read.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => (),
            Err(error) => {
                tracing::warn!(%error, "cannot read the log of nats-server");
                return;
            }
        }
    }
}

//! The child nats-server: it serves, it says why it does not, and nothing of it stays behind.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fairlane::dev::{Server, ServerOptions, StartError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgid, getpgrp};

use crate::support;

#[tokio::test]
async fn a_server_keeps_a_message_in_a_stream() {
    let server = support::server().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    assert_eq!(client.server_info().max_payload, 8 << 20);

    let jetstream = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::stream::Config {
        name: "TRY".into(),
        subjects: vec!["try".into()],
        ..Default::default()
    };
    let stream = jetstream.create_stream(config).await.unwrap();
    jetstream
        .publish("try", "kept".into())
        .await
        .unwrap()
        .await
        .unwrap();
    assert_eq!(stream.get_raw_message(1).await.unwrap().payload, "kept");
    server.stop().await;
}

#[tokio::test]
async fn stop_leaves_no_process_and_no_folder() {
    let server = support::server().await;
    let (pid, guard) = (server.pid(), parent(server.pid()));
    let folder = folder(guard);
    assert!(folder.join("nats.conf").exists() && is_alive(pid));

    let ended = server.ended().clone();
    server.stop().await;

    assert!(ended.is_cancelled());
    assert!(!is_alive(pid) && !is_alive(guard));
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_signal_to_the_terminal_reaches_neither_guard_nor_server() {
    let server = support::server().await;
    let group = getpgid(Some(Pid::from_raw(server.pid().cast_signed()))).unwrap();
    assert_ne!(group, getpgrp());
    server.stop().await;
}

#[test]
fn a_holder_killed_with_sigkill_leaves_no_process_and_no_folder() {
    let mut guarded = Guarded::start();
    kill(pid_of(&guarded.holder), Signal::SIGKILL).unwrap();
    guarded.expect_all_gone();
}

#[test]
fn a_guard_told_to_end_by_a_signal_ends_the_server_in_order() {
    let mut guarded = Guarded::start();
    kill(pid_of(&guarded.guard), Signal::SIGTERM).unwrap();
    guarded.expect_all_gone();
}

#[tokio::test]
async fn a_guard_killed_with_sigkill_takes_the_server_with_it() {
    let server = support::server().await;
    let guard = parent(server.pid());
    let folder = folder(guard);
    let mut connection = TcpStream::connect(server.url().trim_start_matches("nats://")).unwrap();

    kill(Pid::from_raw(guard.cast_signed()), Signal::SIGKILL).unwrap();

    // The kernel closes the connection when the server ends.
    let _ = connection.read_to_end(&mut Vec::new());
    server.ended().cancelled().await;
    server.stop().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_kept_store_is_found_again_with_its_streams() {
    let store = tempfile::tempdir().unwrap();
    for expected in [0, 1] {
        let server = Server::start(keeping(store.path())).await.unwrap();
        let client = async_nats::connect(server.url()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let mut stream = jetstream.get_or_create_stream("KEPT").await.unwrap();
        assert_eq!(stream.info().await.unwrap().state.messages, expected);
        jetstream
            .publish("KEPT", "x".into())
            .await
            .unwrap()
            .await
            .unwrap();
        server.stop().await;
    }
}

#[tokio::test]
async fn a_store_takes_one_server_at_a_time() {
    let store = tempfile::tempdir().unwrap();
    let first = Server::start(keeping(store.path())).await.unwrap();
    let refused = Server::start(keeping(store.path())).await.unwrap_err();
    assert!(matches!(refused, StartError::StoreInUse { .. }), "{refused}");

    first.stop().await;
    Server::start(keeping(store.path())).await.unwrap().stop().await;
}

#[tokio::test]
async fn what_cannot_start_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let at = |program: PathBuf| ServerOptions {
        program,
        ..support::options()
    };
    let taken = ServerOptions {
        port: Some(port),
        ..support::options()
    };
    let no_guard = ServerOptions {
        guard: "/bin/true".into(),
        ..support::options()
    };
    for (options, says) in [
        (at("/nowhere/nats-server".into()), "deploy/nats/get-server.sh"),
        (at("/nowhere/nats-server".into()), "FAIRLANE_NATS_SERVER"),
        (at("/bin/true".into()), "is no nats-server"),
        (at(fixture("fake-nats-server-2.10.0")), "2.10.0"),
        (at(fixture("fake-nats-server-2.10.0")), "2.14.6 or later"),
        (at(fixture("fake-nats-server-that-ends")), "no sense in nats.conf"),
        (taken, &format!("port {port} on 127.0.0.1 is taken")),
        (keeping("/dev/null".as_ref()), "cannot keep streams in /dev/null"),
        (no_guard, "/bin/true"),
    ] {
        let error = Server::start(options).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error:?} does not say {says:?}");
    }
}

/// A guard whose stdin another process holds, as `fairlane dev` does.
struct Guarded {
    holder: Child,
    guard: Child,
    server: u32,
    folder: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Self {
        let mut holder = Command::new("sleep")
            .arg("infinity")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut guard = Command::new(support::options().guard)
            .args(["__guard", "--remove"])
            .arg(folder.path())
            .arg("--")
            .arg(support::program())
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                "-1",
                "--jetstream",
                "--store_dir",
            ])
            .arg(folder.path())
            .stdin(holder.stdout.take().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let server = wait_for(guard.stdout.take().unwrap(), "started ");
        let server = server.trim_start_matches("started ").parse().unwrap();
        wait_for(guard.stderr.take().unwrap(), "Server is ready");
        Self {
            holder,
            guard,
            server,
            folder,
        }
    }

    fn expect_all_gone(&mut self) {
        assert!(self.guard.wait().unwrap().success());
        assert!(!is_alive(self.server));
        assert!(!self.folder.path().exists());
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn wait_for(output: impl Read, says: &str) -> String {
    let mut lines = BufReader::new(output).lines().map(Result::unwrap);
    lines.find(|line| line.contains(says)).unwrap()
}

fn keeping(store: &Path) -> ServerOptions {
    ServerOptions {
        store: Some(store.to_owned()),
        ..support::options()
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/fixtures")
        .join(name)
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    after_name.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The folder that a guard is to remove, off its command line.
fn folder(guard: u32) -> PathBuf {
    let line = std::fs::read_to_string(format!("/proc/{guard}/cmdline")).unwrap();
    let mut arguments = line.split('\0').skip_while(|argument| *argument != "--remove");
    arguments.nth(1).unwrap().into()
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

//! The child nats-server: it serves, it says why it does not, and nothing of it stays behind.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use fairlane::dev::{Server, ServerOptions, StartError};
use nix::sys::signal::Signal;
use nix::unistd::getpgrp;

use crate::support::process;
use crate::support::{self, Guarded};

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
    let (pid, guard) = (server.pid(), process::parent(server.pid()));
    let folder = process::folder_of(guard);
    assert!(folder.join("nats.conf").exists() && process::exists(pid));

    let ended = server.ended().clone();
    server.stop().await;

    assert!(ended.is_cancelled());
    assert!(!process::exists(pid) && !process::exists(guard));
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_signal_to_the_terminal_reaches_neither_guard_nor_server() {
    let server = support::server().await;
    assert_ne!(process::group(server.pid()), getpgrp());
    server.stop().await;
}

#[test]
fn a_holder_killed_with_sigkill_leaves_no_process_and_no_folder() {
    let mut guarded = Guarded::start();
    process::send(guarded.holder(), Signal::SIGKILL);
    guarded.expect_all_gone();
}

#[test]
fn a_guard_told_to_end_by_a_signal_ends_the_server_in_order() {
    let mut guarded = Guarded::start();
    process::send(guarded.guard(), Signal::SIGTERM);
    guarded.expect_all_gone();
}

#[tokio::test]
async fn a_guard_killed_with_sigkill_takes_the_server_with_it() {
    let server = support::server().await;
    let guard = process::parent(server.pid());
    let folder = process::folder_of(guard);
    let mut connection = TcpStream::connect(server.url().trim_start_matches("nats://")).unwrap();

    process::send(guard, Signal::SIGKILL);

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

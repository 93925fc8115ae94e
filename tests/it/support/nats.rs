//! A fresh nats-server for each test: own free port, own temporary store, gone with the test.

use std::path::{Path, PathBuf};

use fairlane::dev::{Server, ServerOptions};

/// The executable under test; it guards the servers.
const FAIRLANE: &str = env!("CARGO_BIN_EXE_fairlane");

/// A server that nothing else uses.
pub(crate) async fn server() -> Server {
    Server::start(options()).await.expect("nats-server starts")
}

/// What [`server`] starts with.
pub(crate) fn options() -> ServerOptions {
    ServerOptions::new(program(), FAIRLANE)
}

/// The same with a store that outlives it, at a port of its own where it comes back.
pub(crate) fn keeping(store: &Path, port: Option<u16>) -> ServerOptions {
    ServerOptions {
        store: Some(store.to_owned()),
        port,
        ..options()
    }
}

/// The nats-server executable. Tests without one prove nothing, so they fail.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings: make test passes the server this way"
)]
pub(crate) fn program() -> PathBuf {
    std::env::var_os("FAIRLANE_NATS_SERVER")
        .expect("set FAIRLANE_NATS_SERVER to a nats-server, as `make test` does: deploy/nats/get-server.sh prints one")
        .into()
}

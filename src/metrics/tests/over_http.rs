//! The three paths, asked over a real connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::metrics::exposition::{Exposition, recorder};
use crate::metrics::{Readiness, WorkerMetrics, serve};

async fn ask(at: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: fairlane\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_three_paths_answer_and_others_name_them() {
    let recorder = recorder().unwrap();
    let exposition = Exposition::from(recorder.handle());
    let worker = metrics::with_local_recorder(&recorder, WorkerMetrics::new);
    worker.lease_extensions(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (tell, readiness) = watch::channel(Readiness::default());
    let stop = CancellationToken::new();
    let asked = async {
        for (state, path, status, says) in [
            (Readiness::Starting, "/healthz", "200 OK", "alive"),
            (Readiness::Starting, "/readyz", "503 ", "starting"),
            (Readiness::Ready, "/readyz", "200 OK", "ready"),
            (Readiness::Draining, "/readyz", "503 ", "draining"),
            (Readiness::Draining, "/healthz", "200 OK", "alive"),
            (
                Readiness::Ready,
                "/metrics",
                "200 OK",
                "fairlane_lease_extensions_total 1\n",
            ),
            (
                Readiness::Ready,
                "/metrics",
                "200 OK",
                "text/plain; version=0.0.4",
            ),
            (Readiness::Ready, "/", "404 ", "/metrics, /healthz and /readyz"),
        ] {
            tell.send_replace(state);
            let answer = ask(at, path).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{path}: {answer}"
            );
            assert!(answer.contains(says), "{path}: {answer}");
        }
        stop.cancel();
    };
    let (served, ()) = tokio::join!(serve(listener, exposition, readiness, stop.clone()), asked);
    served.unwrap();
}

//! Bytes that no client library would send, straight to the server.

use std::io::{Read, Write};
use std::net::TcpStream;

use fairlane::dev::Server;

/// Publishes with `headers` as they are, or without any, and waits until the server has read it.
pub(crate) fn publish_raw(server: &Server, subject: &[u8], headers: &[u8], body: &[u8]) {
    let address = server.url().trim_start_matches("nats://");
    let mut stream = TcpStream::connect(address).expect("NATS listens");
    let options =
        b"{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}";
    let (head, total) = (headers.len(), headers.len() + body.len());
    let sizes = match head {
        0 => format!(" {total}"),
        _ => format!(" {head} {total}"),
    };
    let verb: &[u8] = if head == 0 { b"PUB " } else { b"HPUB " };
    let message = [verb, subject, sizes.as_bytes(), b"\r\n", headers, body].concat();
    let lines = [b"CONNECT ", &options[..], b"\r\n", &message, b"\r\nPING\r\n"].concat();
    stream.write_all(&lines).expect("NATS reads");
    let mut said = Vec::new();
    while !said.windows(4).any(|part| part == b"PONG") {
        let mut more = [0; 4096];
        let read = stream.read(&mut more).expect("NATS answers");
        assert!(read > 0, "NATS refuses: {}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&more[..read]);
    }
}

//! The bytes of version 1. A change here is a change of the protocol: these files stay for ever,
//! a later version adds its own beside them. `UPDATE_EXPECT=1` writes them.

use std::path::PathBuf;

use expect_test::expect_file;

use super::sample;
use crate::task::{BlockedOn, DeadReason};
use crate::wire::*;

fn stored(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/wire")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn lines(headers: &Headers) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

fn stored_headers(name: &str) -> Headers {
    let mut headers = Headers::default();
    for line in stored(name).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.set(name.to_owned(), value);
    }
    headers
}

fn hex(bytes: &[u8]) -> String {
    let row = |row: &[u8]| row.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n";
    bytes.chunks(32).map(row).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

#[test]
fn a_task_is_written_as_it_always_was() {
    let json = write_body(&sample::body(), Codec::Json).unwrap();
    expect_file!["../../../tests/golden/wire/task.json"].assert_eq(&String::from_utf8(json).unwrap());
    let message_pack = write_body(&sample::body(), Codec::MessagePack).unwrap();
    expect_file!["../../../tests/golden/wire/task.msgpack"].assert_eq(&hex(&message_pack));
    let headers = task_headers(&sample::task());
    expect_file!["../../../tests/golden/wire/task.headers"].assert_eq(&lines(&headers));
}

#[test]
fn a_report_a_dead_letter_and_a_result_are_written_as_they_always_were() {
    let report = report_headers(&sample::report());
    expect_file!["../../../tests/golden/wire/report.headers"].assert_eq(&lines(&report));
    let dead = dead_headers(&sample::report(), DeadReason::AttemptsExhausted);
    expect_file!["../../../tests/golden/wire/dead.headers"].assert_eq(&lines(&dead));
    let result = result_headers(&sample::result());
    expect_file!["../../../tests/golden/wire/result.headers"].assert_eq(&lines(&result));
    let body = String::from_utf8(result_body(&sample::result())).unwrap();
    expect_file!["../../../tests/golden/wire/result.json"].assert_eq(&body);
}

fn blocked() -> Blocked {
    Blocked {
        task: sample::task(),
        history: sample::report().history,
        on: BlockedOn::Dependencies,
    }
}

#[test]
fn a_task_that_waits_is_written_as_it_always_was() {
    let headers = blocked_headers(&blocked());
    expect_file!["../../../tests/golden/wire/blocked.headers"].assert_eq(&lines(&headers));
}

#[test]
fn what_version_1_wrote_is_read() {
    assert_eq!(
        parse_body(None, stored("task.json").as_bytes()).unwrap(),
        sample::body()
    );
    assert_eq!(
        parse_body(None, &unhex(&stored("task.msgpack"))).unwrap(),
        sample::body()
    );

    let (route, at) = (sample::route(), sample::NOON);
    let headers = stored_headers("task.headers");
    let arrival = Arrival {
        route: &route,
        headers: &headers,
        body: b"",
        origin: Origin::Lane(1),
        stored_at: at,
    };
    assert_eq!(read_facts(&arrival), Ok(sample::task()));

    let report = read_report(&route, &stored_headers("report.headers"), b"", 1, at);
    assert_eq!(report, Ok(sample::report()));
    let dead = read_dead(&stored_headers("dead.headers"), b"", 1, at).unwrap();
    assert_eq!(
        dead,
        DeadLetter {
            report: sample::report(),
            reason: DeadReason::AttemptsExhausted
        }
    );

    let waits = read_blocked(&stored_headers("blocked.headers"), b"", 1, at);
    assert_eq!(waits, Ok(Some(blocked())));

    let headers = stored_headers("result.headers");
    assert_eq!(
        read_result(&headers, stored("result.json").as_bytes()).unwrap(),
        sample::result()
    );
    let fence = read_fence(&headers).unwrap();
    assert_eq!(
        (fence.state, fence.hop, fence.worker.as_deref()),
        (sample::result().state, 2, Some("gpu 9"))
    );
}

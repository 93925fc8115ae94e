//! A child's stderr: logged line by line, never left unread, its end kept for the failure report.

use std::collections::VecDeque;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::throttle::Throttle;
use crate::clock;
use crate::task::{ModelName, TaskId};

/// How much of a line is logged, in bytes; the rest of the line is dropped.
const LINE_BYTES_MAX: usize = 4096;
/// Lines that a failure report quotes.
const TAIL_LINES: usize = 2;
/// How much of each, in bytes: both fit into `Fl-Error` with what stands before them.
const TAIL_BYTES_MAX: usize = 180;
/// Read at once.
const CHUNK_BYTES: usize = 16 << 10;

/// The last lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.0.len() == TAIL_LINES {
            self.0.pop_front();
        }
        self.0
            .push_back(text[..text.floor_char_boundary(TAIL_BYTES_MAX)].to_owned());
    }

    /// `text` with what the process said last.
    pub(super) fn after(&self, text: &str) -> String {
        let lines: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match lines.is_empty() {
            true => text.to_owned(),
            false => format!("{text}; it said: {}", lines.join(" | ")),
        }
    }
}

/// Whose stderr it is.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) model: ModelName,
    pub(super) pid: u32,
    /// The task it was last given.
    pub(super) task: watch::Receiver<Option<TaskId>>,
}

/// Reads to the end, or until `over` for a stderr that somebody else holds open.
pub(super) async fn drain(mut stderr: ChildStderr, origin: Origin, over: CancellationToken) -> Tail {
    let mut log = Log {
        origin,
        throttle: Throttle::new(clock::monotonic()),
        begun: Cut::default(),
        tail: Tail::default(),
    };
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let notice = log.throttle.notice_at().map(clock::instant);
        let read = tokio::select! {
            biased;
            () = over.cancelled() => break,
            () = until(notice) => {
                log.notice();
                continue;
            }
            read = stderr.read(&mut chunk) => read,
        };
        match read {
            Ok(0) | Err(_) => break,
            Ok(read) => log.take(&chunk[..read]),
        }
    }
    log.end()
}

async fn until(notice: Option<Instant>) {
    match notice {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

struct Log {
    origin: Origin,
    throttle: Throttle,
    begun: Cut,
    tail: Tail,
}

impl Log {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(rest) => {
                    self.begun.extend(rest);
                    self.line();
                }
                None => self.begun.extend(part),
            }
        }
    }

    fn line(&mut self) {
        let bytes = std::mem::take(&mut self.begun.0);
        let text = printable(&bytes);
        self.tail.push(&text);
        if self.throttle.admit(clock::monotonic()) {
            let Origin { model, pid, task } = &self.origin;
            match task.borrow().as_ref() {
                Some(id) => tracing::info!(%model, process.pid = pid, task.id = %id, "handler: {text}"),
                None => tracing::info!(%model, process.pid = pid, "handler: {text}"),
            }
        }
    }

    fn notice(&mut self) {
        let lines = self.throttle.take_dropped(clock::monotonic());
        if lines > 0 {
            let Origin { model, pid, .. } = &self.origin;
            tracing::warn!(%model, process.pid = pid, lines, "a handler writes more to stderr than is logged; lines were left out");
        }
    }

    fn end(mut self) -> Tail {
        if !self.begun.0.is_empty() {
            self.line();
        }
        self.notice();
        self.tail
    }
}

/// A line as it may be shown: no colours, no other orders to a terminal.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    shown.trim_end().to_owned()
}

/// The beginning of a line, as much of it as is kept.
#[derive(Debug, Default)]
struct Cut(Vec<u8>);

impl Cut {
    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_gives_no_orders_to_a_terminal() {
        assert_eq!(printable(b"\x1b[1mbold\tn\xff \r"), " [1mbold n\u{fffd}");
    }

    #[test]
    fn the_last_lines_are_kept_and_short() {
        let mut tail = Tail::default();
        assert_eq!(tail.after("exit status 1"), "exit status 1");
        for line in ["first", "second", "", &"é".repeat(500)] {
            tail.push(line);
        }
        let said = tail.after("exit status 1");
        assert_eq!(
            said,
            format!("exit status 1; it said: second | {}", "é".repeat(90))
        );
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut line = Cut::default();
        for _ in 0..10 {
            line.extend(&[b'x'; 1000]);
        }
        assert_eq!(line.0.len(), LINE_BYTES_MAX);
    }
}

//! Lines of a file or of stdin, one at a time and none longer than a task may be.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Read ahead at once.
const BUFFER: usize = 256 * 1024;

/// One line that is not blank.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// Counted from 1, blank lines too.
    pub(super) number: u64,
    /// Without its end.
    pub(super) text: Result<Bytes, TooLong>,
}

/// The line's length in bytes; its text was not kept.
#[derive(Debug, PartialEq)]
pub(super) struct TooLong(pub(super) usize);

/// Invariant: `kept` has at most `max + 1` bytes, however long a line is.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    max: usize,
    number: u64,
    kept: Vec<u8>,
    length: usize,
    read: u64,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, max: usize) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, reader),
            max,
            number: 0,
            kept: Vec::new(),
            length: 0,
            read: 0,
        }
    }

    /// Bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The number of the line that comes next.
    pub(super) fn next_number(&self) -> u64 {
        self.number + 1
    }

    /// The next line. Dropped before it is ready, it loses nothing: what was read is kept here.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            let last = chunk.is_empty();
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(chunk.len());
            let room = (self.max + 1).saturating_sub(self.kept.len());
            self.kept.extend_from_slice(&chunk[..taken.min(room)]);
            self.length += taken;
            let used = taken + usize::from(end.is_some());
            self.reader.consume(used);
            self.read += used as u64;
            if last && self.length == 0 {
                return Ok(None);
            }
            if (last || end.is_some())
                && let Some(line) = self.finish()
            {
                return Ok(Some(line));
            }
        }
    }

    fn finish(&mut self) -> Option<Line> {
        self.number += 1;
        let length = std::mem::take(&mut self.length);
        let mut kept = std::mem::take(&mut self.kept);
        if length > self.max {
            let text = Err(TooLong(length));
            return Some(Line {
                number: self.number,
                text,
            });
        }
        if kept.last() == Some(&b'\r') {
            kept.pop();
        }
        let text = Ok(Bytes::from(kept));
        let line = Line {
            number: self.number,
            text,
        };
        (!line.is_blank()).then_some(line)
    }
}

impl Line {
    fn is_blank(&self) -> bool {
        self.text.as_ref().is_ok_and(|text| text.trim_ascii().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_keep_their_numbers_and_long_ones_are_not_kept() {
        let mut lines = Lines::new(&b"one\r\n\n  \n12345678\n123456789\nlast"[..], 8);
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push((
                line.number,
                line.text.map(|text| String::from_utf8_lossy(&text).into_owned()),
            ));
        }
        let kept = |text: &str| Ok(text.to_owned());
        assert_eq!(
            read,
            [
                (1, kept("one")),
                (4, kept("12345678")),
                (5, Err(TooLong(9))),
                (6, kept("last"))
            ]
        );
        assert_eq!((lines.read(), lines.next_number()), (32, 7));
        assert!(lines.next().await.unwrap().is_none());
    }
}

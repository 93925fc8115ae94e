//! A child's stdout, line by line, with a bound on the length of a line.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest line either side may write, in bytes, without its line break: a body of a task has
/// the same bound under `fairlane dev`.
pub(super) const LINE_BYTES_MAX: usize = 8 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its line break.
    Whole(Vec<u8>),
    /// More bytes than a line may have.
    TooLong,
    /// Nothing more; a line without a line break counts as nothing.
    End,
}

/// Reads lines. A call that is dropped loses nothing.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    begun: Vec<u8>,
    bytes_max: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most `bytes_max` bytes.
    pub(super) fn new(input: R, bytes_max: usize) -> Self {
        Self {
            input: BufReader::new(input),
            begun: Vec::new(),
            bytes_max,
        }
    }

    /// The next line.
    pub(super) async fn next(&mut self) -> Line {
        loop {
            let Ok(bytes) = self.input.fill_buf().await else {
                return Line::End;
            };
            if bytes.is_empty() {
                return Line::End;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.begun.len() + part.len() > self.bytes_max {
                return Line::TooLong;
            }
            self.begun.extend_from_slice(part);
            let read = part.len() + usize::from(end.is_some());
            self.input.consume(read);
            if end.is_some() {
                return Line::Whole(std::mem::take(&mut self.begun));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(input, 4);
        let mut read = Vec::new();
        loop {
            read.push(lines.next().await);
            if !matches!(read.last(), Some(Line::Whole(_))) {
                return read;
            }
        }
    }

    #[tokio::test]
    async fn lines_come_whole_up_to_their_bound_and_the_rest_is_told() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        for (input, expected) in [
            ("", vec![Line::End]),
            ("ab\ncdef\n", vec![whole("ab"), whole("cdef"), Line::End]),
            ("\n", vec![whole(""), Line::End]),
            ("ab\nunfinished", vec![whole("ab"), Line::TooLong]),
            ("ab\ncd", vec![whole("ab"), Line::End]),
            ("abcde\n", vec![Line::TooLong]),
        ] {
            assert_eq!(read(input.as_bytes()).await, expected, "{input:?}");
        }
    }
}

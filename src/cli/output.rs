//! Data on stdout, as a table for people or JSON for programs.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::exit::Exit;

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// A picture, of `sim` alone
    Svg,
}

/// The reader of stdout has gone, as `head` does: no fault, and nothing more to say.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
pub(super) struct Closed;

/// Where a command's data goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) format: Format,
}

impl Output {
    /// Prints `data` as JSON, or what `text` makes of it for people.
    pub(super) fn show<T: Serialize>(self, data: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let shown = match self.format {
            Format::Table | Format::Svg => text(data),
            Format::Json => serde_json::to_string_pretty(data)?,
        };
        write(&shown)
    }

    /// Prints `data` as one line of JSON, for whoever reads line by line, or what `text` makes of it.
    pub(super) fn line<T: Serialize>(self, data: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let shown = match self.format {
            Format::Table | Format::Svg => text(data),
            Format::Json => serde_json::to_string(data)?,
        };
        write(&shown)
    }

    /// Prints text as it is.
    pub(super) fn text(self, text: &str) -> anyhow::Result<()> {
        write(text)
    }

    /// Says something on stderr that is not the data.
    pub(super) fn note(self, text: &str) {
        // A stderr nobody reads takes nothing from the data.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Says on stderr why a command failed.
    pub(super) fn complain(self, exit: Exit, message: &str) {
        let said = match self.format {
            Format::Table | Format::Svg => format!("error: {message}"),
            Format::Json => error_json(exit, message),
        };
        // A stderr nobody reads leaves the exit code, which says enough.
        let _ = writeln!(std::io::stderr(), "{said}");
    }
}

/// A table for people, with its header.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.map(str::to_uppercase))
        .add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Text that others wrote, for one cell of a table: no line ends, and nothing that a terminal acts on.
pub(super) fn one_line(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, c| {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

/// How long ago, in the largest unit that fits.
pub(super) fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn error_json(exit: Exit, message: &str) -> String {
    serde_json::json!({"error": {"code": exit.code(), "exit": exit as u8, "message": message}}).to_string()
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Closed.into(),
        _ => anyhow::Error::from(error).context("cannot write to stdout"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn an_error_is_one_json_object() {
        expect![[r#"{"error":{"code":"unavailable","exit":6,"message":"nobody \"there\""}}"#]]
            .assert_eq(&error_json(Exit::Unavailable, "nobody \"there\""));
    }

    #[test]
    fn a_cell_keeps_to_its_line_and_drives_no_terminal() {
        assert_eq!(one_line("a\r\nb \u{1b}[2J é"), r"a\r\nb \u{1b}[2J é");
    }

    #[test]
    fn an_age_has_one_unit() {
        let ages = [0, 59_999, 60_000, 7_199_000, 7_200_000, 172_800_000].map(age);
        assert_eq!(ages, ["0 s", "59 s", "1 min", "1 h", "2 h", "2 d"]);
    }

    #[test]
    fn a_table_has_no_borders_to_cut_away() {
        let rows = [["FL_CORE", "create"], ["FL_DEAD", "unchanged"]].map(|row| row.map(str::to_owned));
        expect![[r#"
            STREAM   CHANGE
            FL_CORE  create
            FL_DEAD  unchanged"#]]
        .assert_eq(&table(["stream", "change"], rows));
    }
}

//! One line of a trace.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::LineFault;
use crate::sim::workload::sizes;
use crate::task::{ClassName, TenantId};

/// The most tokens of one column.
const TOKENS_MAX: u64 = 10_000_000;
/// The longest service: a day, in ms.
pub(super) const SERVICE_MS_MAX: f64 = 86_400_000.0;
/// Bytes of a wrong cell that an error shows.
const SHOWN_BYTES: usize = 64;
/// Digits of a fraction of a second.
const FRACTION_DIGITS: usize = 7;

/// Columns in the order they stand; the first three always.
const COLUMNS: [&str; 6] = [
    "TIMESTAMP",
    "ContextTokens",
    "GeneratedTokens",
    "Class",
    "ServiceMs",
    "Tenant",
];

/// The first line of a file that has every column.
pub(super) fn header() -> String {
    COLUMNS.join(",")
}

/// Which columns a file has: the first so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns(usize);

/// One task as its line has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// When it arrived.
    pub(super) at: OffsetDateTime,
    /// Its class, where there is such a column.
    pub(super) class: Option<ClassName>,
    /// How long it occupies a slot, in µs; at least 1.
    pub(super) service_us: u64,
    /// Who pays, where there is such a column.
    pub(super) tenant: Option<TenantId>,
}

impl Columns {
    /// Reads the first line.
    pub(super) fn read(header: &str) -> Result<Self, LineFault> {
        let names: Vec<&str> = cells(header);
        if names.len() >= 3 && COLUMNS.starts_with(&names) {
            Ok(Self(names.len()))
        } else {
            Err(LineFault::Header { found: shown(header) })
        }
    }

    /// Whether rows say which class they are of.
    pub(super) const fn name_classes(self) -> bool {
        self.0 > 3
    }

    /// Reads any other line.
    pub(super) fn line(self, text: &str) -> Result<Line, LineFault> {
        if text.trim().is_empty() {
            return Err(LineFault::Blank);
        }
        let cells = cells(text);
        if cells.len() != self.0 {
            return Err(LineFault::Cells {
                found: cells.len(),
                columns: self.0,
            });
        }
        let input = tokens(COLUMNS[1], cells[1])?;
        let output = tokens(COLUMNS[2], cells[2])?;
        let service_us = match cells.get(4) {
            Some(ms) => service_us(ms)?,
            None => sizes::service_us(input, output),
        };
        Ok(Line {
            at: time(cells[0])?,
            class: cells.get(3).map(|name| ClassName::new(name)).transpose()?,
            service_us,
            tenant: cells
                .get(5)
                .map(|name| TenantId::new(name))
                .transpose()
                .map_err(LineFault::Tenant)?,
        })
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.split(',').map(str::trim).collect()
}

fn time(text: &str) -> Result<OffsetDateTime, LineFault> {
    let refused = || LineFault::Time { found: shown(text) };
    let (_, fraction) = text.rsplit_once('.').unwrap_or_default();
    if fraction.len() > FRACTION_DIGITS {
        return Err(refused());
    }
    // RFC 3339 lets a blank stand for the T; the zone is all that is missing.
    OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339).map_err(|_| refused())
}

fn tokens(column: &'static str, text: &str) -> Result<u64, LineFault> {
    let number = text.parse().ok().filter(|tokens| *tokens <= TOKENS_MAX);
    number.ok_or_else(|| LineFault::Tokens {
        column,
        found: shown(text),
        max: TOKENS_MAX,
    })
}

fn service_us(text: &str) -> Result<u64, LineFault> {
    let ms = text.parse().ok().filter(|ms| *ms > 0.0 && *ms <= SERVICE_MS_MAX);
    ms.map(|ms: f64| ((ms * 1_000.0).round() as u64).max(1))
        .ok_or_else(|| LineFault::Service {
            found: shown(text),
            max: SERVICE_MS_MAX,
        })
}

fn shown(text: &str) -> String {
    let end = (0..=SHOWN_BYTES.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}

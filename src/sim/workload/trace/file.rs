//! The rows of a trace, and how they are read.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::line::Columns;
use super::{LineFault, TraceError};
use crate::policy::CONSUMERS_MAX;
use crate::task::{ClassName, TenantId};

/// The longest file that is read: some seven million rows.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The most classes of one file: a policy has no more.
const CLASSES_MAX: usize = CONSUMERS_MAX;
/// The longest trace, in days: an idle one takes half a second per day and policy.
pub(super) const SPAN_DAYS_MAX: u64 = 31;
pub(super) const DAY_US: u64 = 86_400_000_000;
/// The class of all rows where no column names one.
const CLASS: &str = "trace";

/// Lines before the first row.
const HEADER_LINES: usize = 1;

/// Tasks that were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Name of its file, without folder and ending.
    pub(super) name: String,
    /// Names of its classes in order of their first rows; at least one.
    pub(super) classes: Vec<String>,
    /// Whether a column names them.
    names_classes: bool,
    /// In order of arrival; the first at 0, the last later.
    pub(super) rows: Vec<Row>,
}

/// One task of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// When it arrived, in µs after the first.
    pub(super) at_us: u64,
    /// Its class, by place.
    pub(super) class: usize,
    /// How long it occupies a slot, in µs; at least 1.
    pub(super) service_us: u64,
    /// Who pays, by number in order of their first rows; none where the file does not say.
    pub(super) tenant: Option<u32>,
}

impl Trace {
    /// Reads the file at `path`, at most 256 MiB.
    ///
    /// # Errors
    /// [`TraceError`], which names the file, the line, what is wrong and what to do.
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let mut text = String::new();
        let read = File::open(path).and_then(|open| open.take(BYTES_MAX + 1).read_to_string(&mut text));
        match read {
            Err(source) => Err(TraceError::Unreadable { file, source }),
            Ok(bytes) if bytes as u64 > BYTES_MAX => Err(TraceError::TooLarge { file, max: BYTES_MAX }),
            Ok(_) => Self::parse(&file, &text),
        }
    }

    /// Reads the text of the file that is called `file`. Blank lines at its end are fine.
    ///
    /// # Errors
    /// As [`Trace::read`].
    pub fn parse(file: &str, text: &str) -> Result<Self, TraceError> {
        let stem = Path::new(file).file_stem().unwrap_or_default();
        let mut trace = Self {
            name: stem.to_string_lossy().into_owned(),
            classes: Vec::new(),
            names_classes: false,
            rows: Vec::new(),
        };
        let at = |line, fault| TraceError::Line {
            file: file.to_owned(),
            line,
            fault,
        };
        let mut lines = (1..).zip(text.trim_end().lines());
        let (_, header) = lines.next().unwrap_or((1, ""));
        let columns = Columns::read(header).map_err(|fault| at(1, fault))?;
        trace.names_classes = columns.name_classes();
        let mut span = None;
        let mut tenants = Tenants::default();
        for (number, text) in lines {
            let line = columns.line(text).map_err(|fault| at(number, fault))?;
            let (first, last) = *span.get_or_insert((line.at, line.at));
            let after_us = u64::try_from((line.at - first).whole_microseconds());
            let (true, Ok(at_us)) = (line.at >= last, after_us) else {
                return Err(at(number, LineFault::Order));
            };
            if at_us > SPAN_DAYS_MAX * DAY_US {
                let fault = LineFault::Span {
                    first: HEADER_LINES + 1,
                    days: at_us / DAY_US,
                    max: SPAN_DAYS_MAX,
                };
                return Err(at(number, fault));
            }
            span = Some((first, line.at));
            let class = trace.place(line.class).map_err(|fault| at(number, fault))?;
            trace.rows.push(Row {
                at_us,
                class,
                service_us: line.service_us,
                tenant: line.tenant.map(|name| tenants.number(name)),
            });
        }
        if trace.span_us() == 0 {
            return Err(TraceError::NoSpan {
                file: file.to_owned(),
            });
        }
        Ok(trace)
    }

    /// Its classes in order of their first rows, with how many tasks each has; none where no column names them.
    #[must_use]
    pub fn classes(&self) -> Vec<(&str, usize)> {
        let mut counts = vec![0; self.classes.len()];
        for row in &self.rows {
            counts[row.class] += 1;
        }
        let named = self.classes.iter().map(String::as_str).zip(counts);
        named.filter(|_| self.names_classes).collect()
    }

    /// How many tasks it has; at least 2.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.rows.len()
    }

    /// When the last row arrives, in µs.
    pub(super) fn span_us(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.at_us)
    }

    /// The class's place, a new one if it is new.
    fn place(&mut self, class: Option<ClassName>) -> Result<usize, LineFault> {
        let name = class.as_ref().map_or(CLASS, ClassName::as_str);
        let known = self.classes.iter().position(|known| known == name);
        match known {
            Some(place) => Ok(place),
            None if self.classes.len() == CLASSES_MAX => Err(LineFault::Classes {
                found: name.to_owned(),
                max: CLASSES_MAX,
            }),
            None => {
                self.classes.push(name.to_owned());
                Ok(self.classes.len() - 1)
            }
        }
    }
}

/// Tenants by number, in order of their first rows.
#[derive(Debug, Default)]
struct Tenants(HashMap<TenantId, u32>);

impl Tenants {
    fn number(&mut self, name: TenantId) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name).or_insert(next)
    }
}

//! What can be wrong with a trace.

use std::io;

use crate::task::NameError;

/// A file that is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("cannot read the trace {file}: {source}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// It is too large.
    #[error("{file} has more than {max} bytes; cut it into parts")]
    TooLarge {
        /// Which.
        file: String,
        /// The most allowed, in bytes.
        max: u64,
    },
    /// One line of it is wrong.
    #[error("{file}:{line}: {fault}")]
    Line {
        /// Which.
        file: String,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        fault: LineFault,
    },
    /// Its tasks do not come one after the other.
    #[error(
        "{file} holds no two rows of different times; a trace needs them, else nothing can be said of its load"
    )]
    NoSpan {
        /// Which.
        file: String,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LineFault {
    /// It does not name the columns.
    #[error(
        "the header is {found:?}; write TIMESTAMP,ContextTokens,GeneratedTokens, then Class, ServiceMs and Tenant \
         as far as the rows have them"
    )]
    Header {
        /// What stands there, cut to a readable length.
        found: String,
    },
    /// It has not one cell per column.
    #[error("has {found} cells, the header names {columns}; give one for each")]
    Cells {
        /// How many it has.
        found: usize,
        /// How many it should have.
        columns: usize,
    },
    /// Nothing stands on it, and rows follow.
    #[error("is blank, and rows follow; delete it")]
    Blank,
    /// Its time is none.
    #[error(
        "TIMESTAMP is {found:?}; write it as 2023-11-16 18:17:03.9799600, in UTC, with seven digits of a fraction \
         or fewer"
    )]
    Time {
        /// What stands there, cut to a readable length.
        found: String,
    },
    /// It comes too late in the file.
    #[error("arrives before the row above it; sort the rows by TIMESTAMP")]
    Order,
    /// It comes too long after the first.
    #[error(
        "arrives {days} days after the row on line {first}, and a trace lasts {max} days at most; mend the TIMESTAMP \
         of one of the two, or cut the file between them"
    )]
    Span {
        /// The line of the first row, counted from 1.
        first: usize,
        /// Whole days between the two.
        days: u64,
        /// The most allowed.
        max: u64,
    },
    /// A number of tokens is none.
    #[error("{column} is {found:?}; give a whole number of tokens, 0 to {max}")]
    Tokens {
        /// Which.
        column: &'static str,
        /// What stands there, cut to a readable length.
        found: String,
        /// The most allowed.
        max: u64,
    },
    /// Its class is no name.
    #[error("Class: {0}")]
    Class(#[from] NameError),
    /// Its tenant is no name.
    #[error("Tenant: {0}")]
    Tenant(#[source] NameError),
    /// Its class is one too many.
    #[error("Class {found:?} is one more than {max}; name fewer classes")]
    Classes {
        /// The class.
        found: String,
        /// The most allowed.
        max: usize,
    },
    /// Its service is none.
    #[error("ServiceMs is {found:?}; give milliseconds, more than 0 and at most {max}")]
    Service {
        /// What stands there, cut to a readable length.
        found: String,
        /// The most allowed, in ms.
        max: f64,
    },
}

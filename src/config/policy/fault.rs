//! What is wrong with a document: every fault, each with its place.

use std::fmt;

/// One thing to be put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Keys from the top, joined by dots: `classes.payment_processing.share`; empty for the document itself.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, counted in characters.
    pub column: usize,
    /// What is wrong and what to do.
    pub what: String,
}

/// Everything that is wrong with one document, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The document's name, a file as a rule.
    pub name: String,
    /// Invariant: at least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            let path = if fault.path.is_empty() {
                "document"
            } else {
                &fault.path
            };
            write!(
                f,
                "{newline}{}:{}:{}: {path}: {}",
                self.name, fault.line, fault.column, fault.what
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

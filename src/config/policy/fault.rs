//! What is wrong with a document: every fault, each with its place.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::note::Noted;

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

/// Everything that is wrong with one document, in the order of its lines; shown one a line,
/// as `FILE:LINE:COLUMN: PATH: WHAT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.iter().map(|f| f.located_in(.name)).collect::<Vec<_>>().join("\n"))]
pub struct Faults {
    /// The document's name, a file as a rule.
    pub name: String,
    /// Invariant: at least one.
    pub faults: Vec<Fault>,
}

impl Fault {
    fn located_in(&self, name: &str) -> String {
        let path = if self.path.is_empty() {
            "document"
        } else {
            &self.path
        };
        format!("{name}:{}:{}: {path}: {}", self.line, self.column, self.what)
    }
}

/// A place in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    line: usize,
    column: usize,
}

impl At {
    pub(super) const START: At = At { line: 1, column: 1 };

    /// The reader gives 0 for what it cannot place.
    pub(super) fn new(line: u64, column: u64) -> At {
        let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        At {
            line: whole(line),
            column: whole(column),
        }
    }

    pub(super) fn line(self) -> usize {
        self.line
    }
}

/// Faults as they are found, the places of all paths seen so far, and what was read.
#[derive(Debug, Default)]
pub(super) struct Collector {
    faults: RefCell<Vec<Fault>>,
    places: RefCell<BTreeMap<String, At>>,
    notes: RefCell<Vec<Noted>>,
}

impl Collector {
    /// Remembers where `path` stands.
    pub(super) fn place(&self, path: &str, at: At) {
        self.places.borrow_mut().insert(path.to_owned(), at);
    }

    /// Adds a fault where `path` stands; where it is absent, at the nearest thing around it.
    pub(super) fn add(&self, path: &str, what: String) {
        let places = self.places.borrow();
        let mut around = path;
        let at = loop {
            match (places.get(around), around.rsplit_once('.')) {
                (Some(at), _) => break *at,
                (None, Some((outer, _))) => around = outer,
                (None, None) => break places.get("").copied().unwrap_or(At::START),
            }
        };
        self.add_at(path, at, what);
    }

    /// Adds a fault at a place of its own.
    pub(super) fn add_at(&self, path: &str, at: At, what: String) {
        self.faults.borrow_mut().push(Fault {
            path: path.to_owned(),
            line: at.line,
            column: at.column,
            what,
        });
    }

    /// Whether `path`, or anything in it, has a fault: what is derived from it would only repeat that.
    pub(super) fn touched(&self, path: &str) -> bool {
        let inside = |rest: &str| rest.is_empty() || rest.starts_with('.');
        self.faults
            .borrow()
            .iter()
            .any(|fault| fault.path.strip_prefix(path).is_some_and(inside))
    }

    /// Notes an option.
    pub(super) fn note(&self, noted: Noted) {
        self.notes.borrow_mut().push(noted);
    }

    /// Adds to the note of the option at `path`, if there is one.
    pub(super) fn amend(&self, path: &str, amend: impl FnOnce(&mut Noted)) {
        let mut notes = self.notes.borrow_mut();
        if let Some(noted) = notes.iter_mut().rfind(|noted| noted.place.path == path) {
            amend(noted);
        }
    }

    /// What was read, in the order of reading; `Err` with all faults in the order of their places, if there are any.
    pub(super) fn finish(self, name: &str) -> Result<Vec<Noted>, Faults> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        if faults.is_empty() {
            Ok(self.notes.into_inner())
        } else {
            Err(Faults {
                name: name.to_owned(),
                faults,
            })
        }
    }
}

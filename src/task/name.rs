//! Names that are legal subject tokens by construction.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Lane;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("{what} is empty; give 1 to {max} of A-Z a-z 0-9 _ -")]
    Empty {
        /// Which name, in words.
        what: &'static str,
        /// The longest that is allowed, in bytes.
        max: usize,
    },
    /// The text is too long.
    #[error("{what} has {len} bytes; at most {max} are allowed")]
    TooLong {
        /// Which name, in words.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The longest that is allowed, in bytes.
        max: usize,
    },
    /// A byte outside the alphabet.
    #[error("{what} has {found:?} at byte {at}; only A-Z a-z 0-9 _ - are allowed")]
    BadByte {
        /// Which name, in words.
        what: &'static str,
        /// The character found.
        found: char,
        /// Where, counted in bytes from 0.
        at: usize,
    },
}

fn check(what: &'static str, text: &str, max: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { what, max });
    }
    if text.len() > max {
        return Err(NameError::TooLong {
            what,
            len: text.len(),
            max,
        });
    }
    let bad = text
        .char_indices()
        .find(|(_, c)| !(c.is_ascii_alphanumeric() || *c == '_' || *c == '-'));
    match bad {
        Some((at, found)) => Err(NameError::BadByte { what, found, at }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest allowed, in bytes.
            pub const MAX_LEN: usize = $max;

            /// Checks `text` and keeps it.
            ///
            /// # Errors
            /// [`NameError`] when it is empty, too long, or has a byte outside `[A-Za-z0-9_-]`.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check($what, text, $max).map(|()| Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A task's identity: 1 to 128 of `[A-Za-z0-9_-]`.
    TaskId, "task_id", 128
);
name!(
    /// A business scenario: 1 to 64 of `[A-Za-z0-9_-]`.
    ClassName, "class", 64
);
name!(
    /// Who pays: 1 to 64 of `[A-Za-z0-9_-]`.
    TenantId, "tenant", 64
);
name!(
    /// A worker: 1 to 96 of `[A-Za-z0-9_-]`. Settings allow 64, so that a mesh can number its workers.
    WorkerId, "worker", 96
);

impl TaskId {
    /// The identity of a task published without one: its lane and its sequence in the stream,
    /// so that every redelivery agrees.
    #[must_use]
    pub fn of_publication(lane: Lane, sequence: u64) -> Self {
        Self(format!("{lane}-{sequence}").into())
    }

    /// The identity of a report that names no task. It differs from [`TaskId::of_publication`]:
    /// the sequence is another stream's and would name another task.
    #[must_use]
    pub fn of_orphan(lane: Lane, sequence: u64) -> Self {
        Self(format!("orphan-{lane}-{sequence}").into())
    }
}

impl TenantId {
    /// The tenant of tasks that name none.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self("default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_takes_its_alphabet_and_nothing_else() {
        assert_eq!(TaskId::new("task-001_A").unwrap().as_str(), "task-001_A");
        for bad in ["", "a.b", "a b", "a*", "a>", "a\r\nb", "ä", "a/b"] {
            assert!(TaskId::new(bad).is_err(), "{bad:?}");
        }
        assert!(TaskId::new(&"x".repeat(128)).is_ok());
        assert!(TaskId::new(&"x".repeat(129)).is_err());
        assert!(ClassName::new(&"x".repeat(65)).is_err());
    }

    #[test]
    fn a_refusal_says_which_name_and_where() {
        let told = ClassName::new("pay.ment").unwrap_err().to_string();
        assert_eq!(told, "class has '.' at byte 3; only A-Z a-z 0-9 _ - are allowed");
    }
}

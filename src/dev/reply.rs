//! The one line in which the guard tells its holder how the start went.

use std::fmt;

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// The command runs under this process id.
    Started(u32),
    /// Another process holds the lock.
    Locked,
    /// Nothing runs, for this reason.
    Failed(String),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Started(pid) => write!(f, "started {pid}"),
            Reply::Locked => f.write_str("locked"),
            Reply::Failed(why) => write!(f, "failed {}", why.replace('\n', " ")),
        }
    }
}

impl Reply {
    /// Reads a line; None when no guard wrote it.
    pub(super) fn parse(line: &str) -> Option<Self> {
        match line.trim_end().split_once(' ') {
            Some(("started", pid)) => pid.parse().ok().map(Reply::Started),
            Some(("failed", why)) => Some(Reply::Failed(why.to_owned())),
            None if line.trim_end() == "locked" => Some(Reply::Locked),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_guard_writes_is_read_back() {
        for reply in [
            Reply::Started(17),
            Reply::Locked,
            Reply::Failed("no such file".into()),
        ] {
            assert_eq!(Reply::parse(&format!("{reply}\n")), Some(reply));
        }
        for foreign in ["", "started", "started x", "locked up", "hello world"] {
            assert_eq!(Reply::parse(foreign), None, "{foreign:?}");
        }
    }
}

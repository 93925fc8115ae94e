//! What a guard is told to do: `[--remove DIR] [--lock FILE] -- CMD…`.

use std::ffi::OsString;
use std::path::PathBuf;

/// The arguments of `fairlane __guard`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Duty {
    /// Removed with all that is in it once the command has ended.
    pub(super) remove: Option<PathBuf>,
    /// Locked as long as the command runs.
    pub(super) lock: Option<PathBuf>,
    /// Program and arguments; not empty.
    pub(super) command: Vec<OsString>,
}

impl Duty {
    /// The arguments that say this duty.
    pub(super) fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        for (flag, path) in [("--remove", &self.remove), ("--lock", &self.lock)] {
            args.extend(
                path.iter()
                    .flat_map(|path| [flag.into(), path.clone().into_os_string()]),
            );
        }
        args.push("--".into());
        args.extend(self.command.iter().cloned());
        args
    }

    /// Reads the arguments; None when they are none of a guard.
    pub(super) fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut duty = Duty::default();
        loop {
            match args.next()?.to_str()? {
                "--remove" => duty.remove = Some(args.next()?.into()),
                "--lock" => duty.lock = Some(args.next()?.into()),
                "--" => break,
                _ => return None,
            }
        }
        duty.command = args.collect();
        (!duty.command.is_empty()).then_some(duty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_survives_the_command_line() {
        let full = Duty {
            remove: Some("/tmp/a b".into()),
            lock: Some("lock".into()),
            command: vec!["--lock".into(), "--".into()],
        };
        let bare = Duty {
            command: vec!["true".into()],
            ..Duty::default()
        };
        for duty in [full, bare] {
            assert_eq!(Duty::parse(duty.to_args().into_iter()), Some(duty));
        }
    }

    #[test]
    fn a_command_must_be_there() {
        for args in [&[][..], &["--"], &["true"], &["--remove", "--"], &["--lock"]] {
            assert_eq!(Duty::parse(args.iter().map(OsString::from)), None, "{args:?}");
        }
    }
}

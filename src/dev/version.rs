//! Whether a program is a nats-server, and new enough.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::StartError;
use crate::broker::ServerVersion;

/// How long `--version` may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks `program` for its version.
pub(super) async fn check(program: &Path) -> Result<(), StartError> {
    let unusable = |source| StartError::Program {
        program: program.to_owned(),
        source,
    };
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, asked)
        .await
        .map_err(|late| unusable(late.into()))?
        .map_err(unusable)?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    let Some((text, version)) = parse(&answer) else {
        return Err(StartError::NoServer {
            program: program.to_owned(),
            said: answer.lines().next().unwrap_or_default().to_owned(),
        });
    };
    if version < ServerVersion::OLDEST {
        return Err(StartError::TooOld {
            program: program.to_owned(),
            found: text.to_owned(),
            oldest: ServerVersion::OLDEST.to_string(),
        });
    }
    Ok(())
}

/// `nats-server: v2.15.1`, or with a suffix such as `-RC.1`.
fn parse(answer: &str) -> Option<(&str, ServerVersion)> {
    let text = answer.trim().strip_prefix("nats-server: v")?;
    Some((text, text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_nats_server_has_a_version() {
        for (answer, version) in [
            ("nats-server: v2.15.1\n", Some("2.15.1")),
            ("nats-server: v2.16.0-RC.1", Some("2.16.0")),
            ("nats-server: v2.16", None),
            ("GNU bash, version 5.2", None),
            ("", None),
        ] {
            let found = parse(answer).map(|(_, version)| version.to_string());
            assert_eq!(found.as_deref(), version, "{answer}");
        }
    }
}

//! Whether a program is a nats-server, and new enough.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::StartError;

/// Versions before it lose tasks: work queues at `max_deliver`, places that stick, lost schedules.
const OLDEST: [u32; 3] = [2, 14, 6];
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
    if version < OLDEST {
        return Err(StartError::TooOld {
            program: program.to_owned(),
            found: text.to_owned(),
            oldest: OLDEST.map(|part| part.to_string()).join("."),
        });
    }
    Ok(())
}

/// `nats-server: v2.15.1`, or with a suffix such as `-RC.1`.
fn parse(answer: &str) -> Option<(&str, [u32; 3])> {
    let text = answer.trim().strip_prefix("nats-server: v")?;
    let numbers = text.split(['-', '+', ' ']).next()?;
    let mut parts = numbers.split('.').map(str::parse);
    let mut part = || parts.next()?.ok();
    Some((text, [part()?, part()?, part()?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_number_by_number() {
        for (answer, version) in [
            ("nats-server: v2.15.1\n", Some([2, 15, 1])),
            ("nats-server: v2.9.10", Some([2, 9, 10])),
            ("nats-server: v2.16.0-RC.1", Some([2, 16, 0])),
            ("nats-server: v2.16", None),
            ("GNU bash, version 5.2", None),
            ("", None),
        ] {
            assert_eq!(parse(answer).map(|(_, version)| version), version, "{answer}");
        }
        assert!([2, 9, 10] < OLDEST && [2, 14, 6] >= OLDEST && [2, 15, 0] > OLDEST);
    }
}

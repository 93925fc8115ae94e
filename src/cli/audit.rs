//! `audit`: whether every task that was accepted has ended or is somewhere.

use std::collections::HashSet;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::table;
use super::session::Session;
use crate::broker::shelf::Shelf;
use crate::broker::subject::task as task_subject;
use crate::broker::sweep::Consumed;
use crate::broker::{Broker, RequestError};
use crate::clock;
use crate::policy::{Census, Ledger, Mistake, balance};
use crate::task::{EpochMs, Lane, TaskId};
use crate::wire::to_rfc3339;

/// How often tasks that seem lost are looked for again: they may have been moving.
const LOOKS: usize = 3;
/// How late a timer may be before it is a finding, in ms.
const LATE_MS_MAX: u64 = 60_000;
/// Findings that are printed for people.
const SHOWN_MAX: usize = 20;
/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(super) struct Args {}

/// Something that is not as it should be.
struct Finding {
    what: &'static str,
    /// The task or the subject.
    of: String,
    detail: String,
}

pub(super) async fn run(_: &Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let now = clock::wall();
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(TICK);
    let told = |read| spinner.set_message(format!("{read} messages read"));
    let mut census = broker.census(now, &told).await?;
    let mut ledger = balance(&census);
    for _ in 1..LOOKS {
        if ledger
            .mistakes
            .iter()
            .all(|(mistake, _)| *mistake != Mistake::Lost)
        {
            break;
        }
        broker.look_again(&mut census).await?;
        ledger = balance(&census);
    }
    let mut findings = mistakes(&broker, &census, &ledger).await?;
    findings.extend(uncovered(&broker).await?);
    findings.extend(given_up(&broker).await?);
    findings.extend(late(&broker, now).await?);
    spinner.finish_and_clear();
    let shown = as_json(&census, &ledger, &findings);
    session
        .output
        .show(&shown, |_| as_text(&census, &ledger, &findings))?;
    Ok(if findings.is_empty() {
        Exit::Ok
    } else {
        Exit::Error
    })
}

async fn mistakes(broker: &Broker, census: &Census, ledger: &Ledger) -> Result<Vec<Finding>, RequestError> {
    let mut findings = Vec::new();
    for (mistake, id) in &ledger.mistakes {
        let detail = match mistake {
            Mistake::Lost => "a gateway confirmed it, and it is nowhere",
            Mistake::NoLetter if is_taken(broker, census, id).await? => continue,
            Mistake::NoLetter => "it is dead, and there is no dead letter",
            Mistake::NoRecord => "there is a dead letter, and no record says that it is dead",
            // It was put back while all of this was read, and has ended since.
            Mistake::Parked if broker.kept(Shelf::Archive, id).await?.is_none() => continue,
            Mistake::Parked => "it has ended, and still lies in the archive",
        };
        findings.push(Finding {
            what: mistake.as_str(),
            of: id.to_string(),
            detail: detail.to_owned(),
        });
    }
    Ok(findings)
}

/// Whether somebody has replayed or thrown away the dead letter that belongs to its record.
async fn is_taken(broker: &Broker, census: &Census, id: &TaskId) -> Result<bool, RequestError> {
    match census.records.get(id) {
        Some(ended) => Ok(broker.letter_taken(id, ended.at).await?.is_some()),
        None => Ok(false),
    }
}

async fn uncovered(broker: &Broker) -> Result<Vec<Finding>, RequestError> {
    let mut findings = Vec::new();
    for lane in Lane::ALL {
        let subjects = broker.lane_subjects(lane).await?;
        let consumers = broker.consumers(lane).await?;
        let covered: HashSet<String> = consumers.iter().map(|c| task_subject(&c.route)).collect();
        let found = subjects
            .into_iter()
            .filter(|(subject, _)| !covered.contains(subject));
        findings.extend(found.map(|(subject, count)| Finding {
            what: "uncovered",
            of: subject,
            detail: format!("{count} tasks that no consumer covers"),
        }));
    }
    Ok(findings)
}

async fn given_up(broker: &Broker) -> Result<Vec<Finding>, RequestError> {
    let (mut from, mut findings) = (1, Vec::new());
    loop {
        let page = broker.given_up(from).await?;
        findings.extend(page.found.iter().map(|(lane, message)| Finding {
            what: "undeliverable",
            of: message.subject.clone(),
            detail: format!(
                "message {} of {lane}: the server has given it up",
                message.sequence
            ),
        }));
        match page.next {
            Some(next) => from = next,
            None => return Ok(findings),
        }
    }
}

async fn late(broker: &Broker, now: EpochMs) -> Result<Vec<Finding>, RequestError> {
    let mut findings = Vec::new();
    for stream in [Consumed::Retry, Consumed::Callbacks] {
        let mut from = 1;
        loop {
            let page = broker.timers(stream, from).await?;
            let late = page.found.iter().filter(|timer| timer.is_late(now, LATE_MS_MAX));
            findings.extend(late.map(|timer| Finding {
                what: "overdue",
                of: timer.id.to_string(),
                detail: match timer.due {
                    Some(due) => format!("it was due at {}", to_rfc3339(due)),
                    None => "it waits for a time that its message does not name".to_owned(),
                },
            }));
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
    }
    Ok(findings)
}

fn as_json(census: &Census, ledger: &Ledger, findings: &[Finding]) -> Value {
    let states: serde_json::Map<String, Value> = ledger
        .states
        .iter()
        .map(|(state, count)| (state.to_string(), json!(count)))
        .collect();
    let findings: Vec<Value> = findings
        .iter()
        .map(|found| json!({"what": found.what, "of": found.of, "detail": found.detail}))
        .collect();
    json!({
        "since": to_rfc3339(census.since),
        "accepted": ledger.accepted, "terminal": ledger.terminal, "live": ledger.live,
        "states": states, "findings": findings,
    })
}

fn as_text(census: &Census, ledger: &Ledger, findings: &[Finding]) -> String {
    let mut rows = vec![
        ["accepted".to_owned(), ledger.accepted.to_string()],
        ["terminal".to_owned(), ledger.terminal.to_string()],
        ["live".to_owned(), ledger.live.to_string()],
    ];
    let states = ledger.states.iter();
    rows.extend(states.map(|(state, count)| [format!("  {state}"), count.to_string()]));
    let books = table(["tasks", "count"], rows);
    let since = to_rfc3339(census.since);
    let head = format!("{books}\n\nWhat ended before {since} is not in the books.");
    if findings.is_empty() {
        return format!("{head}\nNothing is wrong.");
    }
    let cells = findings
        .iter()
        .take(SHOWN_MAX)
        .map(|found| [found.what.to_owned(), found.of.clone(), found.detail.clone()]);
    let found = table(["finding", "of", "what is wrong"], cells);
    let more = findings.len().saturating_sub(SHOWN_MAX);
    let more = match more {
        0 => String::new(),
        more => format!("\nand {more} more; --json has them all"),
    };
    format!(
        "{head}\n\n{found}{more}\n\nA coordinator puts in order what it can, within two of its sweeps of 5 s; what is \
         still here then is lost or needs you."
    )
}

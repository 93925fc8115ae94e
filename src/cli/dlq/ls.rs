//! `dlq ls`: one line per dead letter.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use crate::broker::letters::Letter;
use crate::cli::exit::Exit;
use crate::cli::output::{age, one_line, table};
use crate::cli::session::Session;
use crate::clock;
use crate::task::{ClassName, DeadReason, EpochMs};
use crate::wire::to_rfc3339;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only letters of this class
    #[arg(long, value_name = "NAME")]
    class: Option<ClassName>,
    /// Only letters of this reason
    #[arg(long, value_name = "REASON", value_parser = reasons())]
    reason: Option<DeadReason>,
    /// Stop after so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

fn reasons() -> impl TypedValueParser<Value = DeadReason> {
    let words = DeadReason::ALL.iter().map(|reason| reason.as_str());
    PossibleValuesParser::new(words).try_map(|word| word.parse::<DeadReason>())
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let mut letters = Vec::new();
    let (mut sequence, mut more) = (1, false);
    while let Some(letter) = broker.next_dead_letter(args.class.as_ref(), sequence).await? {
        sequence = letter.sequence.saturating_add(1);
        if !args.wants(&letter) {
            continue;
        }
        if letters.len() == args.limit {
            more = true;
            break;
        }
        letters.push(letter);
    }
    let shown = json!({"letters": letters.iter().map(as_json).collect::<Vec<_>>(), "more": more});
    session
        .output
        .show(&shown, |_| as_text(&letters, more, clock::wall()))?;
    Ok(Exit::Ok)
}

impl Args {
    fn wants(&self, letter: &Letter) -> bool {
        let reason = letter.read.as_ref().map(|l| l.reason);
        self.reason.is_none_or(|wanted| reason == Ok(wanted))
    }
}

fn as_json(letter: &Letter) -> Value {
    let (class, task_id) = letter.names();
    let at = to_rfc3339(letter.stored_at);
    match &letter.read {
        Ok(dead) => json!({
            "task_id": task_id,
            "class": class,
            "reason": dead.reason.as_str(),
            "attempts": dead.report.executions(),
            "error": {"kind": dead.report.kind.as_str(), "message": dead.report.error},
            "dead_at": at,
            "sequence": letter.sequence,
        }),
        Err(malformed) => json!({
            "task_id": task_id,
            "class": class,
            "reason": Value::Null,
            "attempts": Value::Null,
            "error": {"kind": "unreadable", "message": malformed.what},
            "dead_at": at,
            "sequence": letter.sequence,
        }),
    }
}

fn as_text(letters: &[Letter], more: bool, now: EpochMs) -> String {
    let rows = letters.iter().map(|letter| {
        let (class, task_id) = letter.names();
        let (reason, attempts, error) = match &letter.read {
            Ok(dead) => {
                let attempts = dead.report.executions().to_string();
                (dead.reason.as_str(), attempts, dead.report.error.as_str())
            }
            Err(malformed) => ("unreadable", String::new(), malformed.what.as_str()),
        };
        let age = age(now.since(letter.stored_at));
        [
            one_line(task_id),
            one_line(class),
            reason.to_owned(),
            attempts,
            one_line(error),
            age,
        ]
    });
    let mut text = table(["task id", "class", "reason", "attempts", "error", "age"], rows);
    if more {
        text.push_str("\nand more; raise --limit");
    }
    text
}

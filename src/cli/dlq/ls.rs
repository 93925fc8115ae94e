//! `dlq ls`: one line per dead letter.

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
    /// Only letters of this reason, such as attempts_exhausted
    #[arg(long, value_name = "REASON")]
    reason: Option<DeadReason>,
    /// Stop after so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
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
    let at = to_rfc3339(letter.stored_at);
    match &letter.read {
        Ok(dead) => json!({
            "task_id": dead.report.task.id.as_str(),
            "class": dead.report.task.class.as_str(),
            "reason": dead.reason.as_str(),
            "attempts": dead.report.executions(),
            "error": {"kind": dead.report.kind.as_str(), "message": dead.report.error},
            "dead_at": at,
            "sequence": letter.sequence,
        }),
        Err(malformed) => json!({
            "task_id": malformed.task_id.as_str(),
            "class": Value::Null,
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
        let age = age(now.since(letter.stored_at));
        match &letter.read {
            Ok(dead) => [
                dead.report.task.id.to_string(),
                dead.report.task.class.to_string(),
                dead.reason.to_string(),
                dead.report.executions().to_string(),
                one_line(&dead.report.error),
                age,
            ],
            Err(malformed) => {
                let [none, unknown] = ["", "unreadable"].map(str::to_owned);
                let what = one_line(&malformed.what);
                [
                    malformed.task_id.to_string(),
                    none.clone(),
                    unknown,
                    none,
                    what,
                    age,
                ]
            }
        }
    });
    let mut text = table(["task id", "class", "reason", "attempts", "error", "age"], rows);
    if more {
        text.push_str("\nand more; raise --limit");
    }
    text
}

//! `task why`: why a task has not started or ended yet.

use serde_json::Value;

use super::get::nowhere;
use crate::cli::exit::Exit;
use crate::cli::output::{one_line, table};
use crate::cli::session::Session;
use crate::config::Raw;
use crate::gateway::{Why, why};
use crate::policy::Edition;
use crate::task::TaskId;

#[derive(clap::Args)]
#[command(
    after_help = "It goes by the stored policy that holds, else by the one it is given, and says where workers act on another one."
)]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
    /// Policy document that the mesh acts on [env: FAIRLANE_POLICY]
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
}

impl Args {
    pub(super) fn fill(&self, raw: &mut Raw) {
        raw.policy.clone_from(&self.policy);
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let (id, own) = (&args.task_id, session.policy()?);
    let broker = session.connect().await?;
    let policy = broker.policy_now(Edition::own(own)).await?;
    let Some(found) = why(&broker, &policy, id).await? else {
        return Err(nowhere(id).into());
    };
    session.output.show(&found, as_text)?;
    Ok(Exit::Ok)
}

/// The answer, then the facts it is made of.
fn as_text(found: &Why) -> String {
    let mut rows = vec![["state".to_owned(), found.state.to_owned()]];
    let place = [
        found.lane,
        found.class.as_deref(),
        found.model.as_deref(),
        found.shard.as_deref(),
    ];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    if !place.is_empty() {
        rows.push(["lane, class, model, shard".to_owned(), place.join(", ")]);
    }
    if let Some(queue) = &found.queue {
        let told = format!(
            "{} waiting, {} out of {}",
            queue["waiting"], queue["out"], queue["limit"]
        );
        rows.push(["queue".to_owned(), told]);
    }
    let text = |of: &Value| of["text"].as_str().unwrap_or_default().to_owned();
    rows.extend(
        found
            .reasons
            .iter()
            .map(|reason| ["why".to_owned(), text(reason)]),
    );
    if let Some(starts) = &found.starts {
        rows.push(["starts".to_owned(), text(starts)]);
        let basis = starts["based_on"].as_array().into_iter().flatten();
        rows.extend(basis.map(|basis| ["based on".to_owned(), text(basis)]));
    }
    if !found.other_policy.is_empty() {
        let told = format!(
            "{}; shares, limits and rates may be others than said",
            found.other_policy.join(", ")
        );
        rows.push(["workers under another policy".to_owned(), told]);
    }
    let rows = rows.into_iter().map(|row| row.map(|cell| one_line(&cell)));
    format!(
        "{}\n\n{}",
        one_line(&found.answer),
        table(["fact", "value"], rows)
    )
}

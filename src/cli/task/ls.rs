//! `task ls`: tasks wherever they are, a page at a time.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use serde_json::{Value, json};

use crate::broker::listing::{Cursor, Listed, Place};
use crate::broker::queues::Queue;
use crate::broker::{Broker, RequestError};
use crate::cli::exit::Exit;
use crate::cli::output::{age, table};
use crate::cli::session::Session;
use crate::clock;
use crate::task::{ClassName, EpochMs, Lane, State, TaskId};
use crate::wire::to_rfc3339;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only those of this class
    #[arg(long, value_name = "NAME")]
    class: Option<ClassName>,
    /// Only those in this state; may be given several times
    #[arg(long, value_name = "STATE", value_parser = states())]
    state: Vec<State>,
    /// Only those that are on this lane, or go back to it
    #[arg(long, value_name = "LANE")]
    lane: Option<Lane>,
    /// Only those that have been there for longer, such as 30m, 2h or 3d
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only those that have not been there for so long
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    newer_than: Option<Duration>,
    /// Stop after so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Go on where the list before ended, with the same filters
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<Cursor>,
}

/// The words of the states a task can be in.
fn states() -> impl TypedValueParser<Value = State> {
    let words = State::ALL.into_iter().map(State::as_str);
    PossibleValuesParser::new(words).map(|word| State::parse(&word).unwrap_or(State::Queued))
}

impl Args {
    fn wants(&self, task: &Listed, now: EpochMs) -> bool {
        let been = Duration::from_millis(now.since(task.since));
        (self.state.is_empty() || self.state.contains(&task.state))
            && self
                .class
                .as_ref()
                .is_none_or(|class| task.class.as_ref() == Some(class))
            && self.lane.is_none_or(|lane| task.lane == Some(lane))
            && self.older_than.is_none_or(|least| been >= least)
            && self.newer_than.is_none_or(|most| been < most)
    }

    /// Whether any task of a place can be among those that are wanted.
    fn may_be_at(&self, at: Cursor) -> bool {
        let states = &self.state;
        let in_state = states.is_empty() || states.iter().any(|state| at.place.may_hold(*state));
        let on_lane = match (self.lane, at.place.lane()) {
            (Some(wanted), Some(lane)) => wanted == lane,
            _ => true,
        };
        in_state && on_lane
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let now = clock::wall();
    let (found, next) = find(args, &broker, now).await?;
    let shown = json!({
        "tasks": found.iter().map(as_json).collect::<Vec<_>>(),
        "cursor": next.map(|cursor| cursor.to_string()),
    });
    session.output.show(&shown, |_| as_text(&found, next, now))?;
    Ok(Exit::Ok)
}

/// As many as are asked for, and where the list goes on if it does.
async fn find(
    args: &Args,
    broker: &Broker,
    now: EpochMs,
) -> Result<(Vec<Listed>, Option<Cursor>), RequestError> {
    let mut found = Vec::new();
    let mut place = Some(args.cursor.unwrap_or(Cursor::START));
    while let Some(start) = place {
        place = start.next_place();
        if !args.may_be_at(start) {
            continue;
        }
        let queues: Vec<Queue> = match start.place.lane() {
            Some(lane) => broker.queues(lane).await?,
            None => Vec::new(),
        };
        let mut at = Some(start);
        while let Some(from) = at {
            let (page, next) = broker.listed(from, &queues).await?;
            for task in page.into_iter().filter(|task| args.wants(task, now)) {
                if found.len() == args.limit {
                    return Ok((found, Some(task.at)));
                }
                found.push(task);
            }
            at = next;
        }
    }
    Ok((found, None))
}

/// A task that has not ended, wherever it is; reads lanes and timers through until it is found.
pub(super) async fn look_for(broker: &Broker, id: &TaskId) -> Result<Option<Listed>, RequestError> {
    for place in [Place::Core, Place::Normal, Place::Retry] {
        let queues = match place.lane() {
            Some(lane) => broker.queues(lane).await?,
            None => Vec::new(),
        };
        let mut at = Some(Cursor { place, sequence: 1 });
        while let Some(from) = at {
            let (page, next) = broker.listed(from, &queues).await?;
            if let Some(task) = page.into_iter().find(|task| task.id == *id) {
                return Ok(Some(task));
            }
            at = next;
        }
    }
    Ok(None)
}

pub(super) fn as_json(task: &Listed) -> Value {
    json!({
        "task_id": task.id.as_str(),
        "class": task.class.as_ref().map(ClassName::as_str),
        "state": task.state.as_str(),
        "lane": task.lane.map(Lane::as_str),
        "attempt": task.attempt,
        "hop": task.hop,
        "since": to_rfc3339(task.since),
    })
}

fn as_text(found: &[Listed], next: Option<Cursor>, now: EpochMs) -> String {
    let rows = found.iter().map(|task| {
        [
            task.id.to_string(),
            task.class.as_ref().map(ToString::to_string).unwrap_or_default(),
            task.state.to_string(),
            task.lane.map(|lane| lane.to_string()).unwrap_or_default(),
            task.attempt.to_string(),
            task.hop.to_string(),
            age(now.since(task.since)),
        ]
    });
    let mut text = table(
        ["task id", "class", "state", "lane", "attempt", "hop", "since"],
        rows,
    );
    if let Some(next) = next {
        text.push_str(&format!("\nand more: --cursor {next}"));
    }
    text
}

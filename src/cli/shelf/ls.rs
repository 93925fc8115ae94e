//! Lists what lies aside, one by one or grouped by error.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::Filter;
use super::item::Item;
use crate::broker::shelf::Shelf;
use crate::cli::exit::Exit;
use crate::cli::output::{age, one_line, table};
use crate::cli::session::Session;
use crate::clock;
use crate::task::EpochMs;
use crate::wire::to_rfc3339;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Stop after so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Count them by reason and error, whatever numbers an error has in it; looks at all
    #[arg(long)]
    by_error: bool,
}

/// Those of one reason and error.
struct Group {
    count: u64,
    oldest: EpochMs,
    newest: EpochMs,
    example: String,
}

/// Lists a shelf; `since` names in JSON when something was put there, `all` the list.
pub(in crate::cli) async fn run(
    args: &Args,
    session: &Session,
    shelf: Shelf,
    (all, since): (&str, &str),
) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let now = clock::wall();
    let (mut items, mut groups) = (Vec::new(), BTreeMap::new());
    let (mut sequence, mut more) = (1, false);
    while let Some(kept) = broker
        .next_kept(shelf, args.filter.class.as_ref(), sequence)
        .await?
    {
        sequence = kept.sequence.saturating_add(1);
        let item = Item::of(&kept);
        if !args.filter.wants(&item, now) {
            continue;
        }
        if args.by_error {
            add(&mut groups, &item);
            continue;
        }
        if items.len() == args.limit {
            more = true;
            break;
        }
        items.push(item);
    }
    if args.by_error {
        session
            .output
            .show(&groups_json(&groups), |_| groups_text(&groups, now))?;
        return Ok(Exit::Ok);
    }
    let listed: Vec<Value> = items.iter().map(|item| item.as_json(since)).collect();
    let mut shown = json!({});
    shown[all] = Value::from(listed);
    shown["more"] = Value::from(more);
    session.output.show(&shown, |_| as_text(&items, more, now))?;
    Ok(Exit::Ok)
}

type Groups = BTreeMap<(String, String), Group>;

fn add(groups: &mut Groups, item: &Item) {
    let group = groups.entry(item.group()).or_insert_with(|| Group {
        count: 0,
        oldest: item.stored_at,
        newest: item.stored_at,
        example: item.task_id.clone(),
    });
    group.count += 1;
    group.newest = group.newest.max(item.stored_at);
}

/// The most first.
fn in_order(groups: &Groups) -> Vec<(&(String, String), &Group)> {
    let mut sorted: Vec<_> = groups.iter().collect();
    sorted.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    sorted
}

fn groups_json(groups: &Groups) -> Value {
    let one = |((reason, error), group): (&(String, String), &Group)| {
        json!({
            "reason": reason, "error": error, "count": group.count, "example": group.example,
            "oldest": to_rfc3339(group.oldest), "newest": to_rfc3339(group.newest),
        })
    };
    json!({"groups": in_order(groups).into_iter().map(one).collect::<Vec<_>>()})
}

fn groups_text(groups: &Groups, now: EpochMs) -> String {
    let rows = in_order(groups).into_iter().map(|((reason, error), group)| {
        [
            group.count.to_string(),
            reason.clone(),
            one_line(error),
            age(now.since(group.oldest)),
            age(now.since(group.newest)),
            one_line(&group.example),
        ]
    });
    table(["count", "reason", "error", "oldest", "newest", "such as"], rows)
}

fn as_text(items: &[Item], more: bool, now: EpochMs) -> String {
    let rows = items.iter().map(|item| {
        [
            one_line(&item.task_id),
            one_line(&item.class),
            item.reason.clone(),
            item.attempts.map(|n| n.to_string()).unwrap_or_default(),
            one_line(&item.error),
            age(now.since(item.stored_at)),
        ]
    });
    let mut text = table(["task id", "class", "reason", "attempts", "error", "age"], rows);
    if more {
        text.push_str("\nand more; raise --limit");
    }
    text
}

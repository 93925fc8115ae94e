//! Puts what lies aside back to work: paced, and not for long if it fails anew.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::Context;
use governor::{Quota, RateLimiter};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::choice::{Choice, again};
use super::item::Item;
use crate::broker::replay::{Deaths, Replayed};
use crate::broker::shelf::Shelf;
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::task::TaskId;

/// How long is listened, after the last, for what fails at once.
const LISTEN_AFTER: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Most tasks a second; as fast as the server takes them unless said
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Go on where a replayed task becomes a dead letter again
    #[arg(long)]
    keep_going: bool,
}

#[derive(Default)]
struct Tally {
    replayed: u64,
    stale: u64,
    unreadable: u64,
    gone: u64,
    failed_again: u64,
}

pub(in crate::cli) async fn run(args: &Args, session: &Session, shelf: Shelf) -> anyhow::Result<Exit> {
    args.choice.check()?;
    let broker = session.connect().await?;
    let items = args.choice.find(&broker, shelf).await?;
    if args.choice.dry_run {
        return dry_run(session, &items, "replay");
    }
    let limiter = args.rate.map(|rate| {
        // One at a time: a burst at the start would be no pace.
        let quota = Quota::per_second(rate).allow_burst(NonZeroU32::MIN);
        RateLimiter::direct(quota)
    });
    let (mut deaths, mut sent) = (broker.deaths().await?, HashSet::new());
    let (mut tally, bar) = (Tally::default(), progress(items.len()));
    for item in &items {
        if let Some(limiter) = &limiter {
            limiter.until_ready().await;
        }
        tally.failed_again += heard(&mut deaths, &sent, Duration::ZERO).await;
        if tally.failed_again > 0 && !args.keep_going {
            break;
        }
        let Some(kept) = again(&broker, shelf, item).await? else {
            tally.gone += 1;
            continue;
        };
        // Noted before: its dead letter may be there before the answer.
        sent.extend(TaskId::new(&item.task_id));
        let replayed = broker.replay(shelf, &kept).await.with_context(|| {
            format!(
                "stopped at task {} after {} were replayed; the rest lies where it lay, and the same command goes on with it",
                item.task_id, tally.replayed
            )
        })?;
        match replayed {
            Replayed::Queued { .. } => tally.replayed += 1,
            Replayed::Stale => tally.stale += 1,
            Replayed::Unreadable => tally.unreadable += 1,
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if tally.replayed > 0 && !args.keep_going && tally.failed_again == 0 {
        tally.failed_again += heard(&mut deaths, &sent, LISTEN_AFTER).await;
    }
    finish(session, &tally, items.len())
}

fn finish(session: &Session, tally: &Tally, chosen: usize) -> anyhow::Result<Exit> {
    let done = tally.replayed + tally.stale + tally.unreadable + tally.gone;
    let left = (chosen as u64).saturating_sub(done);
    let shown = json!({
        "replayed": tally.replayed, "stale": tally.stale, "unreadable": tally.unreadable,
        "gone": tally.gone, "failed_again": tally.failed_again, "left": left,
    });
    session.output.show(&shown, |_| {
        let mut text = format!(
            "replayed {}, stale {}, unreadable {}, gone {}, left {left}",
            tally.replayed, tally.stale, tally.unreadable, tally.gone
        );
        if tally.failed_again > 0 {
            text.push_str(&format!(
                "\n{} failed again; see why with `fairlane dlq ls --newer-than 5m`, or give --keep-going",
                tally.failed_again
            ));
        }
        text
    })?;
    Ok(if tally.failed_again > 0 || left > 0 {
        Exit::Error
    } else {
        Exit::Ok
    })
}

/// Replayed tasks that have become dead letters again, as far as is heard within `patience`.
async fn heard(deaths: &mut Deaths, sent: &HashSet<TaskId>, patience: Duration) -> u64 {
    let mut count = 0;
    while let Ok(Some(id)) = tokio::time::timeout(patience, deaths.next()).await {
        count += u64::from(sent.contains(&id));
    }
    count
}

/// A bar on stderr, where that is a terminal.
pub(super) fn progress(count: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Counts by class and reason what would be taken.
pub(super) fn dry_run(session: &Session, items: &[Item], what: &str) -> anyhow::Result<Exit> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for item in items {
        *counts.entry((&item.class, &item.reason)).or_default() += 1;
    }
    let by: Vec<Value> = counts
        .iter()
        .map(|((class, reason), count)| json!({"class": class, "reason": reason, "count": count}))
        .collect();
    let shown = json!({"dry_run": true, "would": what, "count": items.len(), "by": by});
    session.output.show(&shown, |_| {
        let rows = counts
            .iter()
            .map(|((class, reason), count)| [(*class).to_owned(), (*reason).to_owned(), count.to_string()]);
        format!(
            "{}\nwould {what} {}; nothing was done",
            table(["class", "reason", "count"], rows),
            items.len()
        )
    })?;
    Ok(Exit::Ok)
}

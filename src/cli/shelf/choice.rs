//! What a replay or a discard is to take: named tasks, those a filter matches, or all.

use super::filter::Filter;
use super::item::Item;
use crate::broker::Broker;
use crate::broker::shelf::{Kept, Shelf};
use crate::cli::exit::Stop;
use crate::clock;
use crate::task::TaskId;

#[derive(clap::Args)]
pub(super) struct Choice {
    /// These tasks
    #[arg(value_name = "TASK_ID", conflicts_with = "all")]
    tasks: Vec<TaskId>,
    #[command(flatten)]
    filter: Filter,
    /// Everything there is
    #[arg(long)]
    all: bool,
    /// Count what would be taken, by class and reason, and take nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Choice {
    /// Everything is asked for by name, so that a forgotten filter takes nothing.
    pub(super) fn check(&self) -> Result<(), Stop> {
        if !self.all && self.tasks.is_empty() && self.filter.is_empty() {
            return Err(Stop::usage(
                "name what is meant: task ids, a filter (--class, --reason, --error, --older-than, \
                 --newer-than), or --all",
            ));
        }
        Ok(())
    }

    /// What is meant, oldest first. Held as names and sequences alone: the bodies are read one by one.
    pub(super) async fn find(&self, broker: &Broker, shelf: Shelf) -> anyhow::Result<Vec<Item>> {
        let now = clock::wall();
        let mut found = Vec::new();
        for id in &self.tasks {
            let Some(kept) = broker.kept(shelf, id).await? else {
                return Err(
                    Stop::not_found(format!("task {id} does not lie there; nothing was done")).into(),
                );
            };
            found.extend(Some(Item::of(&kept)).filter(|item| self.filter.wants(item, now)));
        }
        if self.tasks.is_empty() {
            let mut from = 1;
            while let Some(kept) = broker.next_kept(shelf, self.filter.class.as_ref(), from).await? {
                from = kept.sequence + 1;
                found.extend(Some(Item::of(&kept)).filter(|item| self.filter.wants(item, now)));
            }
        }
        Ok(found)
    }
}

/// The message of `item`, if it still lies there.
pub(super) async fn again(broker: &Broker, shelf: Shelf, item: &Item) -> anyhow::Result<Option<Kept>> {
    let found = broker.next_kept(shelf, None, item.sequence).await?;
    Ok(found.filter(|kept| kept.sequence == item.sequence))
}

//! Which of the tasks that lie aside are meant.

use std::time::Duration;

use clap::builder::PossibleValuesParser;

use super::item::{Item, UNREADABLE};
use crate::task::{ClassName, DeadReason, EpochMs, ParkReason};

#[derive(clap::Args)]
pub(super) struct Filter {
    /// Only those of this class
    #[arg(long, value_name = "NAME")]
    pub(super) class: Option<ClassName>,
    /// Only those that lie there for this reason
    #[arg(long, value_name = "REASON", value_parser = reasons(), hide_possible_values = true)]
    reason: Option<String>,
    /// Only those whose error has this text, in whatever case
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// Only those that have lain there for longer, such as 30m, 2h or 3d
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only those that have not lain there for so long
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    newer_than: Option<Duration>,
}

/// The words of both shelves.
fn reasons() -> PossibleValuesParser {
    let dead = DeadReason::ALL.iter().map(|reason| reason.as_str());
    let parked = ParkReason::ALL.iter().map(|reason| reason.as_str());
    let parked = parked.filter(|word| word.parse::<DeadReason>().is_err());
    PossibleValuesParser::new(dead.chain(parked).chain([UNREADABLE]))
}

impl Filter {
    /// Whether it names anything at all.
    pub(super) fn is_empty(&self) -> bool {
        let (texts, ages) = (
            self.reason.is_none() && self.error.is_none(),
            self.older_than.is_none() && self.newer_than.is_none(),
        );
        self.class.is_none() && texts && ages
    }

    pub(super) fn wants(&self, item: &Item, now: EpochMs) -> bool {
        let age = Duration::from_millis(now.since(item.stored_at));
        let has = |text: &String| item.error.to_lowercase().contains(&text.to_lowercase());
        self.class
            .as_ref()
            .is_none_or(|class| class.as_str() == item.class)
            && self.reason.as_ref().is_none_or(|reason| *reason == item.reason)
            && self.error.as_ref().is_none_or(has)
            && self.older_than.is_none_or(|least| age >= least)
            && self.newer_than.is_none_or(|most| age < most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    fn filter(arguments: &[&str]) -> Filter {
        let command = Filter::augment_args(clap::Command::new("test").no_binary_name(true));
        Filter::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
    }

    #[test]
    fn every_condition_must_hold() {
        let item = Item {
            sequence: 1,
            stored_at: EpochMs(0),
            class: "pay".to_owned(),
            task_id: "t".to_owned(),
            reason: "timeout".to_owned(),
            attempts: None,
            kind: "timeout".to_owned(),
            error: "No output within 50 ms".to_owned(),
        };
        let hour = EpochMs(3_600_000);
        for (arguments, wanted) in [
            (&[][..], true),
            (&["--class", "pay", "--reason", "timeout"], true),
            (&["--class", "bulk"], false),
            (&["--reason", "poison"], false),
            (&["--error", "no OUTPUT"], true),
            (&["--error", "disk"], false),
            (&["--older-than", "1h", "--newer-than", "61m"], true),
            (&["--older-than", "2h"], false),
            (&["--newer-than", "1h"], false),
        ] {
            assert_eq!(filter(arguments).wants(&item, hour), wanted, "{arguments:?}");
        }
        assert!(filter(&[]).is_empty());
        assert!(!filter(&["--newer-than", "1d"]).is_empty());
    }
}

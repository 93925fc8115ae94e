//! What may be asked of a replay.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;

use crate::sim::whatif::Bound;

/// Pairs of runs where nobody says how many: odd, so that most of them are of one mind.
const SEEDS: u64 = 5;

/// What is replayed, on what, and what may not be worse.
#[derive(Debug, Clone)]
pub(in crate::cli::policy) struct Asked {
    pub(in crate::cli::policy) trace: PathBuf,
    pub(in crate::cli::policy) bounds: Vec<Bound>,
    pub(in crate::cli::policy) workers: Option<u32>,
    pub(in crate::cli::policy) slots: Option<u32>,
    pub(in crate::cli::policy) seeds: u64,
}

/// What may not be worse, in words.
const NO_WORSE: &str = "What may not be worse, and by how much, such as wait_p99, wait_mean:pay=20% or \
    slo_attained:all=0.5; may be given several times; without it, wait_p99, slo_attained and given_up of every class";
/// The same where the measures are not listed.
const GATE_NO_WORSE: &str = "What may not be worse then, and by how much, such as wait_p99 or wait_mean:pay=20%; may be \
    given several times; without it, wait_p99, slo_attained and given_up of every class; `policy replay --help` has all \
    measures";
/// The measures, for the long help.
pub(super) const MEASURES: &str = "Measures: wait_mean, wait_p50, wait_p99 (from arrival to start), time_mean, time_p50, \
    time_p99 (to the end), slo_attained (within the class's slo_ms), starved (waited ten times that), given_up (dropped \
    or parked), throughput (per second), bypass_max (later tasks that passed the first of a queue; of all tasks \
    together). MEASURE:CLASS is that of one class, MEASURE:all that of all together, MEASURE that of every class by \
    itself. A margin is in percent of what holds, 5 where none is given; of slo_attained, starved and given_up it is in \
    points of a hundred tasks, 1 where none is given. Waits and times may always differ by 1 ms.";

/// The replay of the command that does nothing else.
#[derive(clap::Args)]
pub(super) struct Replay {
    #[arg(long, value_name = "MEASURE[:CLASS][=MARGIN%]", help = NO_WORSE)]
    no_worse: Vec<Bound>,
    /// Workers to replay it on; without it, as many as the mesh has, or one where no server is asked
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Slots of each of them; without it, those of the mesh, or where no server is asked as few as keep the load at 0.7
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: Option<u32>,
    /// Pairs of runs, each under a seed of its own
    #[arg(long, value_name = "N", default_value_t = SEEDS, allow_negative_numbers = true)]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(1..=99))]
    seeds: u64,
}

/// The replay before a rollout.
#[derive(clap::Args)]
pub(in crate::cli::policy) struct Gate {
    /// Before it begins, replay this trace under the policy that holds and under FILE, and begin only if FILE is no worse;
    /// `fairlane trace export` writes one
    #[arg(long, value_name = "TRACE")]
    replay: Option<PathBuf>,
    #[arg(long, value_name = "MEASURE[:CLASS][=MARGIN%]", requires = "replay", help = GATE_NO_WORSE)]
    no_worse: Vec<Bound>,
    /// Workers to replay it on; without it, as many as the mesh has
    #[arg(long, value_name = "N", requires = "replay", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    replay_workers: Option<u32>,
    /// Slots of each of them; without it, those of the mesh
    #[arg(long, value_name = "N", requires = "replay", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=4096))]
    replay_slots: Option<u32>,
    /// Pairs of runs, each under a seed of its own
    #[arg(long, value_name = "N", default_value_t = SEEDS, requires = "replay", allow_negative_numbers = true)]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(1..=99))]
    replay_seeds: u64,
}

impl Replay {
    pub(super) fn asked(&self, trace: PathBuf) -> Asked {
        Asked {
            trace,
            bounds: self.no_worse.clone(),
            workers: self.workers,
            slots: self.slots,
            seeds: self.seeds,
        }
    }
}

impl Gate {
    /// What is to be replayed; none where nothing is.
    pub(in crate::cli::policy) fn asked(&self) -> Option<Asked> {
        Some(Asked {
            trace: self.replay.clone()?,
            bounds: self.no_worse.clone(),
            workers: self.replay_workers,
            slots: self.replay_slots,
            seeds: self.replay_seeds,
        })
    }
}

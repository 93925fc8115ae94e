//! Whole rollouts, one after the other and over many seeds.

use super::super::{Ground, Judgement, Plan, Ruling, Stage, judge};
use super::traffic::{Stream, Traffic};
use crate::task::ClassName;

/// How a rollout ended.
pub(super) struct Run {
    /// The last judgement.
    pub(super) last: Judgement,
    /// What each promotion rested on.
    pub(super) grounds: Vec<Ground>,
    /// How long each stage took, in s; the last one is the one that ended it.
    pub(super) stages_s: Vec<u64>,
}

impl Run {
    pub(super) fn is_rolled_back(&self) -> bool {
        matches!(self.last.ruling, Ruling::RollBack(_))
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.last.ruling, Ruling::Promote { to: None, .. })
    }

    fn took_s(&self) -> u64 {
        self.stages_s.iter().sum()
    }
}

/// So many seeds, or more where the tests were compiled for more.
pub(in crate::policy) fn seeds(few: u64) -> u64 {
    let asked = option_env!("ROLLOUT_SEEDS").and_then(|text| text.parse().ok());
    asked.unwrap_or(few).max(few)
}

/// A plan for the classes of a traffic.
pub(super) fn plan(traffic: &Traffic) -> Plan {
    let classes = traffic
        .flows
        .iter()
        .map(|flow| (ClassName::new(flow.name).unwrap(), flow.slo_ms));
    Plan {
        classes: classes.collect(),
        ..Plan::new(&[])
    }
}

/// A whole rollout with a look every second, given up when a stage takes 20 minutes.
pub(super) fn roll_out(traffic: &Traffic, plan: &Plan, seed: u64) -> Run {
    let mut stream = Stream::new(traffic, seed);
    let mut stage = Stage::new(0);
    let (mut stages_s, mut grounds) = (vec![0_u64], Vec::new());
    loop {
        let [stable, canary] = stream.second(stage.share(plan));
        let second = stages_s.last_mut().unwrap();
        *second += 1;
        let last = judge(plan, &mut stage, &stable, &canary, *second * 1_000);
        let is_over = match last.ruling {
            Ruling::Promote { to, ground } => {
                grounds.push(ground);
                stage = stage.next();
                to.is_none()
            }
            Ruling::RollBack(_) => true,
            Ruling::Hold { .. } => *second >= 1_200,
        };
        if is_over {
            return Run {
                last,
                grounds,
                stages_s,
            };
        }
        if stages_s.len() == stage.index() {
            stages_s.push(0);
        }
    }
}

/// One rollout per seed, the first of which is 1.
pub(super) fn many(traffic: &Traffic, plan: &Plan, seeds: u64) -> Vec<Run> {
    const AT_ONCE: u64 = 2;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|first| {
                let own = (1..=seeds).filter(move |seed| seed % AT_ONCE == first);
                scope.spawn(move || own.map(|seed| roll_out(traffic, plan, seed)).collect::<Vec<_>>())
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Median and 90th percentile of the time that rollouts took, in s.
pub(super) fn times_s(runs: &[Run]) -> [u64; 2] {
    let mut times: Vec<u64> = runs.iter().map(Run::took_s).collect();
    times.sort_unstable();
    [0.5, 0.9].map(|part| times[((times.len() - 1) as f64 * part).round() as usize])
}

/// How many rollouts were rolled back, with a line for the docs.
pub(super) fn rolled_back(what: &str, runs: &[Run]) -> usize {
    let count = runs.iter().filter(|run| run.is_rolled_back()).count();
    let done = runs.iter().filter(|run| run.is_done()).count();
    let [median, most] = times_s(runs);
    println!(
        "{what}: {count} of {} rolled back, {done} done, in {median} s, 90 % in {most} s",
        runs.len()
    );
    count
}

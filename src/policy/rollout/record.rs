//! What a stage knows of one class.

use super::evidence::Tally;
use super::paired::{Paired, Sample};
use super::plan::{Margins, Plan};
use super::ruling::Measure;
use super::waits::{self, Waits};
use super::wealth::Wealth;

/// Stable tasks that must have started before waits are compared with theirs.
const STARTED_MIN: u64 = 200;

/// How many times the bound a task must have waited for where others of its class start meanwhile.
const FAR: f64 = 10.0;

/// The part of the stable track's tasks that waited no longer than the limit.
const TAIL: f64 = 0.99;

/// The statistics of one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Record {
    pub(super) paired: Paired,
    pub(super) wealth: Wealth,
}

/// A block that was settled: its tasks, and how many times the stable track's rate is still no worse.
pub(super) type Settled = (Sample, f64);

/// A block that is being filled.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Open {
    sample: Sample,
    since_ms: u64,
}

/// What a stage knows of one class.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ClassRecord {
    /// By [`Measure`].
    pub(super) records: [Record; 3],
    open: [Open; 3],
    /// Of the stable track.
    waits: Waits,
    /// The last bucket of the stable track that is not too long; none while too few have started. It stands before the
    /// look that it is used in.
    limit: Option<u8>,
    /// Since when the canary's oldest task has waited too long.
    pub(super) starved: Option<Starved>,
    /// The longest wait on the stable track in this stage and those before, in ms.
    stable_longest_ms: f64,
    /// When a canary task last started, by the age of the stage in ms.
    started_ms: u64,
}

/// A task on the canary track that does not get its turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Starved {
    /// Since which age of the stage, in ms.
    pub(super) since_ms: u64,
    /// Whether that is more than one task that is late: none starts, or it has waited several times too long.
    pub(super) is_certain: bool,
    /// For how long it has waited, in ms.
    pub(super) longest_ms: u64,
    /// For how long it may, in ms.
    pub(super) bound_ms: f64,
    /// The longest wait on the stable track, in ms.
    pub(super) stable_ms: f64,
}

impl Record {
    /// Adds what was settled at once: a block of one class, or one of each class.
    pub(super) fn settle(&mut self, blocks: &[Settled]) {
        let (mut observed, mut expected) = (0.0, 0.0);
        for (sample, times) in blocks {
            observed += sample.canary_bad as f64;
            expected += sample.expected(*times);
        }
        self.wealth.settle(observed, expected);
        self.paired.settle(blocks.iter().map(|(sample, _)| *sample));
    }
}

impl ClassRecord {
    /// Counts what was seen since the last look, and says which blocks that settled, by [`Measure`].
    pub(super) fn look(
        &mut self,
        plan: &Plan,
        patience_ms: u64,
        [stable, canary]: [&Tally; 2],
        elapsed_ms: u64,
    ) -> [Option<Settled>; 3] {
        let samples = self.samples(&plan.margins, stable, canary);
        self.waits.merge(&stable.waits);
        let limit = self
            .waits
            .quantile(TAIL)
            .filter(|_| self.waits.len() >= STARTED_MIN);
        self.limit = limit.map(|limit| limit.max(waits::bucket(plan.margins.wait_ms)));
        self.starve(plan, patience_ms, stable, canary, elapsed_ms);
        Measure::ALL.map(|measure| {
            let sample = samples[measure.index()].sound();
            self.settle(plan, measure, sample, elapsed_ms)
        })
    }

    /// What the next stage takes over.
    pub(super) fn next(&self) -> Self {
        Self {
            stable_longest_ms: self.stable_longest_ms,
            ..Self::default()
        }
    }

    /// Where the limit of too long a wait lies for the stable track, in ms.
    pub(super) fn limit_ms(&self) -> Option<f64> {
        self.limit.map(waits::edge_ms)
    }

    /// Whether there was any task that `measure` is about, compared yet or not.
    pub(super) fn is_measured(&self, measure: Measure) -> bool {
        let [open, seen] = [
            self.open[measure.index()].sample,
            self.records[measure.index()].paired.seen(),
        ];
        let has_started = measure == Measure::Waits && !self.waits.is_empty();
        has_started
            || [open, seen]
                .iter()
                .any(|sample| sample.canary.max(sample.stable) > 0)
    }

    fn samples(&self, margins: &Margins, stable: &Tally, canary: &Tally) -> [Sample; 3] {
        let missed = |tally: &Tally| tally.with_slo.saturating_sub(tally.kept_slo);
        let failures = Sample {
            canary: canary.ended,
            canary_bad: canary.failed,
            stable: stable.ended,
            stable_bad: stable.failed,
        };
        let slo = Sample {
            canary: canary.with_slo,
            canary_bad: missed(canary),
            stable: stable.with_slo,
            stable_bad: missed(stable),
        };
        let waited = self.limit.map(|limit| Sample {
            canary: canary.waits.len(),
            canary_bad: canary
                .waits
                .above(limit.saturating_add(waits::steps(margins.wait_factor))),
            stable: stable.waits.len(),
            stable_bad: stable.waits.above(limit),
        });
        [failures, slo, waited.unwrap_or_default()]
    }

    /// Adds to the open block, and settles it when it has tasks of both tracks and is long enough. When it ends is no
    /// matter of what became of its tasks.
    fn settle(&mut self, plan: &Plan, measure: Measure, sample: Sample, elapsed_ms: u64) -> Option<Settled> {
        let length_ms = match measure {
            Measure::Failures => 0,
            Measure::Slo | Measure::Waits => plan.block_ms,
        };
        let open = &mut self.open[measure.index()];
        open.sample.add(sample);
        if !open.sample.has_both() || elapsed_ms.saturating_sub(open.since_ms) < length_ms {
            return None;
        }
        let record = &mut self.records[measure.index()];
        let settled = (
            open.sample,
            tolerance(&plan.margins, measure, &record.paired.seen()),
        );
        record.settle(&[settled]);
        *open = Open {
            sample: Sample::default(),
            since_ms: elapsed_ms,
        };
        Some(settled)
    }

    fn starve(&mut self, plan: &Plan, patience_ms: u64, stable: &Tally, canary: &Tally, elapsed_ms: u64) {
        if !canary.waits.is_empty() {
            self.started_ms = elapsed_ms;
        }
        let longest = (stable.longest_ms as f64).max(stable.waits.longest_ms());
        self.stable_longest_ms = self.stable_longest_ms.max(longest);
        let bound_ms = (plan.margins.starved_factor * self.stable_longest_ms).max(patience_ms as f64);
        let silent_ms = elapsed_ms.saturating_sub(self.started_ms) as f64;
        let is_known = self.waits.len() >= STARTED_MIN;
        let starves = is_known && canary.longest_ms as f64 > bound_ms;
        self.starved = starves.then(|| Starved {
            since_ms: self.starved.map_or(elapsed_ms, |starved| starved.since_ms),
            is_certain: silent_ms >= bound_ms || canary.longest_ms as f64 > FAR * bound_ms,
            longest_ms: canary.longest_ms,
            bound_ms,
            stable_ms: self.stable_longest_ms,
        });
    }
}

/// How many times the stable track's rate is no worse: `1 + min(1, margin / rate)`, by the rate that was seen before.
///
/// At most twice as often: a track that never fails would tolerate any number of times of nothing.
fn tolerance(margins: &Margins, measure: Measure, before: &Sample) -> f64 {
    let harm = margins.harm(measure);
    let rate = before.stable_bad as f64 / before.stable.max(1) as f64;
    match harm > 0.0 {
        true => 1.0 + (harm / rate).min(1.0),
        false => 1.0,
    }
}

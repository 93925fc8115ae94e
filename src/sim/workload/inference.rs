//! Requests to language models in one stream: `code`, `conv` and `mix`.
//!
//! Sizes are drawn first; what they come to and the load give the window, and the arrivals are scaled to it, so that
//! the load is exact for every seed.

use super::class::{ClassPlan, Rank};
use super::draws::{Draws, Purpose};
use super::gaps::{Gaps, Process};
use super::payers::Payers;
use super::sizes::Sizes;
use super::spec::{Length, SLOTS, TASKS_MAX, micros};
use super::tasks::{self, Draft, Goal, Predictor};
use super::{Job, Source, Spec, Workload, WorkloadError};
use crate::task::Lane;

/// Offered work over capacity where none is asked for.
const LOAD: f64 = 0.9;
/// Tasks where no length is asked for.
const TASKS: u32 = 20_000;
/// CV of the gaps of `mix` where none is asked for.
const MIX_CV: f64 = 2.0;

/// SLO of code completion, in ms.
const CODE_SLO_MS: u64 = 5_000;
/// SLO of a conversation's turn, in ms.
const CONV_SLO_MS: u64 = 20_000;
/// SLO of a long context, in ms.
const LONG_SLO_MS: u64 = 60_000;

/// The requests of one class.
#[derive(Debug, Clone, Copy)]
struct Requests {
    class: ClassPlan,
    sizes: Sizes,
    /// Part of all tasks, above 0; those of a workload add up to 1.
    part: f64,
}

const CODE: Requests = Requests {
    class: ClassPlan {
        name: "code",
        share: 6,
        priority: 1,
        lane: Lane::Core,
        slo_ms: CODE_SLO_MS,
        rank: Rank::new(8.0, 5.0),
    },
    sizes: Sizes::CODE,
    part: 0.5,
};

const CONV: Requests = Requests {
    class: ClassPlan {
        name: "conv",
        share: 3,
        priority: 2,
        lane: Lane::Core,
        slo_ms: CONV_SLO_MS,
        rank: Rank::new(5.0, 5.0),
    },
    sizes: Sizes::CONV,
    part: 0.4,
};

const LONG: Requests = Requests {
    class: ClassPlan {
        name: "long",
        share: 1,
        priority: 5,
        lane: Lane::Normal,
        slo_ms: LONG_SLO_MS,
        rank: Rank::new(2.0, 5.0),
    },
    sizes: Sizes::LONG,
    part: 0.1,
};

/// One class in bursts; load 0.9, 16 slots and 20,000 tasks unless said otherwise.
pub(super) fn code(spec: &Spec, seed: u64) -> Result<Workload, WorkloadError> {
    stream("code", &[CODE.alone()], Process::CODE, spec, seed)
}

/// One class; load 0.9, 16 slots and 20,000 tasks unless said otherwise.
pub(super) fn conv(spec: &Spec, seed: u64) -> Result<Workload, WorkloadError> {
    stream("conv", &[CONV.alone()], Process::CONV, spec, seed)
}

/// Three classes in one stream of renewals, each task with a deadline of its own; load 0.9, 16 slots, 20,000 tasks and
/// CV 2 unless said otherwise.
pub(super) fn mix(spec: &Spec, seed: u64) -> Result<Workload, WorkloadError> {
    let process = Process::Renewal {
        cv: spec.cv.unwrap_or(MIX_CV),
    };
    let mut made = stream("mix", &[CODE, CONV, LONG], process, spec, seed)?;
    if let Source::Open(jobs) = &mut made.source {
        for job in jobs {
            let slo_us = made.classes[job.class].slo_ms * 1_000;
            job.deadline_us = Some(job.at_us + slo_us);
        }
    }
    Ok(made)
}

impl Requests {
    /// The same, and nothing beside it.
    const fn alone(mut self) -> Self {
        self.class.share = 1;
        self.class.priority = 1;
        self.part = 1.0;
        self
    }
}

fn stream(
    name: &str,
    classes: &[Requests],
    process: Process,
    spec: &Spec,
    seed: u64,
) -> Result<Workload, WorkloadError> {
    let slots = spec.slots.unwrap_or(SLOTS);
    let load = spec.load.unwrap_or(LOAD);
    let (goal, end_us) = match spec.length {
        Some(Length::Tasks(tasks)) => (Goal::Tasks(tasks), None),
        None => (Goal::Tasks(TASKS), None),
        Some(Length::For(time)) => {
            let end_us = micros(time);
            let work_us = end_us as f64 * load * f64::from(slots);
            (Goal::Work(work_us as u64), Some(end_us))
        }
    };
    let mut source = Drafts::new(classes, seed);
    let drafts = tasks::draw(goal, TASKS_MAX, || source.draw())?;
    let work_us = tasks::work_us(&drafts);
    let end_us = end_us.unwrap_or_else(|| tasks::window_us(work_us, slots, load));
    let times = Gaps::new(process, seed, 0).times_us(drafts.len(), end_us);
    let jobs: Vec<Job> = drafts
        .iter()
        .zip(times)
        .map(|(draft, at_us)| draft.at(at_us, classes[draft.class].class.rank))
        .collect();
    Ok(Workload {
        name: name.to_owned(),
        load: Some(tasks::load(work_us, slots, end_us)),
        slots,
        classes: classes.iter().map(|requests| requests.class.class()).collect(),
        source: Source::Open(jobs),
        warmup_us: tasks::warmup_us(end_us),
        end_us,
    })
}

/// Tasks of all classes, one after the other.
struct Drafts<'a> {
    classes: Draws,
    flows: Vec<Flow<'a>>,
}

/// What the tasks of one class are drawn from.
struct Flow<'a> {
    requests: &'a Requests,
    sizes: Draws,
    predictor: Predictor,
    payers: Payers,
}

impl<'a> Drafts<'a> {
    fn new(classes: &'a [Requests], seed: u64) -> Self {
        let flow = |(requests, number)| Flow {
            requests,
            sizes: Draws::new(seed, Purpose::Sizes, number),
            predictor: Predictor::new(seed, number),
            payers: Payers::new(seed, number),
        };
        Self {
            classes: Draws::new(seed, Purpose::Classes, 0),
            flows: classes.iter().zip(0..).map(flow).collect(),
        }
    }

    fn draw(&mut self) -> Draft {
        let class = self.draw_class();
        let flow = &mut self.flows[class];
        let service_us = flow.requests.sizes.draw_service_us(&mut flow.sizes);
        Draft {
            class,
            tenant: flow.payers.draw(),
            service_us,
            hint_us: flow.predictor.hint_us(service_us),
        }
    }

    fn draw_class(&mut self) -> usize {
        let mut left = self.classes.uniform();
        let found = self.flows.iter().position(|flow| {
            left -= flow.requests.part;
            left < 0.0
        });
        found.unwrap_or(self.flows.len() - 1)
    }
}

//! A trace under one policy, as a mesh would serve it.

use crate::policy::{Class, Facts, Policy, classify};
use crate::sim::Hints;
use crate::sim::plan::{ClassPlan, Mesh, Mode, Plan};
use crate::sim::report::{Report, ReportError, summarise};
use crate::sim::run::run;
use crate::sim::workload::{Kind, Source, Spec, Trace, Workload, WorkloadError, build};
use crate::task::{ClassName, EpochMs};

use super::bound::Question;
use super::judge::{Judged, judge};

/// A policy by its name in reports.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub policy: Policy,
}

/// A trace that cannot be replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// Its rows do not say which class they are of.
    #[error(
        "the trace names no classes, so that no policy can be told apart on it; `fairlane trace export` writes one that does"
    )]
    NoClasses,
    /// A policy lacks one of its classes.
    #[error(
        "{policy} has no class {class:?}, of which the trace has {tasks} task(s): a gateway would refuse them; add the class, or \
         export the trace with --class for those that stay"
    )]
    UnknownClass {
        /// Which policy.
        policy: String,
        /// The class.
        class: String,
        /// How many tasks of it there are.
        tasks: usize,
    },
    /// More workers than slots.
    #[error("{workers} workers share {slots} slot(s); give more slots, or fewer workers")]
    NoSlot {
        /// Workers that were asked for.
        workers: u32,
        /// Slots of all of them.
        slots: u32,
    },
    /// No workload can be made of it.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// What was run cannot be right.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// A trace, and who serves it.
#[derive(Debug, Clone)]
pub struct Replayed {
    spec: Spec,
    /// By place in the trace.
    classes: Vec<TraceClass>,
    mesh: Mesh,
}

#[derive(Debug, Clone)]
struct TraceClass {
    name: ClassName,
    tasks: usize,
    /// What is in time: what the policy that holds says, else what the candidate says. Both are held to the same.
    slo_ms: Option<u64>,
}

impl TraceClass {
    /// The class as a policy has it.
    fn of<'a>(&self, known: &'a Known) -> Result<&'a Class, ReplayError> {
        let own = known.policy.class(self.name.as_str());
        own.ok_or_else(|| self.unknown_to(known))
    }

    fn unknown_to(&self, known: &Known) -> ReplayError {
        ReplayError::UnknownClass {
            policy: known.name.clone(),
            class: self.name.to_string(),
            tasks: self.tasks,
        }
    }
}

impl Replayed {
    /// A trace at its own pace, on so many workers and slots of all of them together; without `slots`, on as few as keep
    /// its load at 0.7 or less.
    ///
    /// # Errors
    /// [`ReplayError`] where the trace names no classes, or one that one of the two policies lacks.
    pub fn new(
        trace: Trace,
        [holds, candidate]: [&Known; 2],
        workers: u32,
        slots: Option<u32>,
    ) -> Result<Self, ReplayError> {
        let class = |(name, tasks): (&str, usize)| {
            let name = ClassName::new(name).map_err(|_| ReplayError::NoClasses)?;
            let mut class = TraceClass {
                name,
                tasks,
                slo_ms: None,
            };
            class.slo_ms = class.of(holds)?.slo_ms.or(class.of(candidate)?.slo_ms);
            Ok(class)
        };
        let classes: Vec<TraceClass> = trace
            .classes()
            .into_iter()
            .map(class)
            .collect::<Result<_, ReplayError>>()?;
        if classes.is_empty() {
            return Err(ReplayError::NoClasses);
        }
        Ok(Self {
            spec: Spec {
                slots,
                ..Spec::new(Kind::Trace(trace))
            },
            classes,
            mesh: Mesh {
                workers,
                ..Mesh::default()
            },
        })
    }

    /// Its classes, and whether a policy says what is in time for them.
    #[must_use]
    pub fn classes(&self) -> Vec<(String, bool)> {
        let named = self.classes.iter();
        named
            .map(|class| (class.name.to_string(), class.slo_ms.is_some()))
            .collect()
    }

    /// Compares both policies, of which `reports` has a pair for each seed, the one that holds first.
    #[must_use]
    pub fn judged(&self, questions: &[Question], reports: &[(Report, Report)]) -> Vec<Judged> {
        let has_slo: Vec<bool> = self.classes.iter().map(|class| class.slo_ms.is_some()).collect();
        let judged = |question: &Question| {
            let read = |report: &Report| question.measure.of(report, question.of, &has_slo);
            let pairs: Vec<_> = reports
                .iter()
                .map(|(holds, candidate)| (read(holds), read(candidate)))
                .collect();
            judge(question, &pairs)
        };
        questions.iter().map(judged).collect()
    }
}

/// Runs the trace under a policy. The same arguments give the same report.
///
/// # Errors
/// [`ReplayError`].
pub fn replay(replayed: &Replayed, known: &Known, seed: u64) -> Result<Report, ReplayError> {
    let mut workload = build(&replayed.spec, seed)?;
    let workers = replayed.mesh.workers;
    if workers > workload.slots {
        let slots = workload.slots;
        return Err(ReplayError::NoSlot { workers, slots });
    }
    let plan = fit(&mut workload, replayed, known)?;
    let run = run(&workload, &plan, seed);
    Ok(summarise(&plan, &workload, &[run])?)
}

/// The tasks as a gateway would classify them that say no more than their class, and the policy as workers act on it.
fn fit(workload: &mut Workload, replayed: &Replayed, known: &Known) -> Result<Plan, ReplayError> {
    let policy = &known.policy;
    let mut ranks = Vec::with_capacity(replayed.classes.len());
    let mut plans = Vec::with_capacity(replayed.classes.len());
    for (of, class) in replayed.classes.iter().zip(&mut workload.classes) {
        let own = of.of(known)?;
        let facts = Facts {
            class: Some(&own.name),
            ..Facts::default()
        };
        let place = classify(policy, &facts, EpochMs(0)).map_err(|_| of.unknown_to(known))?;
        class.lane = place.lane;
        ranks.push((place.urgency, place.business_weight));
        class.slo_ms = of.slo_ms.unwrap_or(class.slo_ms);
        plans.push(ClassPlan {
            terms: own.terms(),
            max_concurrent: own.max_concurrent,
            rate: own.rate,
        });
    }
    if let Source::Open(jobs) = &mut workload.source {
        for job in jobs {
            (job.urgency, job.business_weight) = ranks[job.class];
        }
    }
    Ok(Plan {
        policy: known.name.clone(),
        rules: policy.scheduler,
        classes: plans,
        mode: Mode::Mesh(replayed.mesh),
        hints: Hints::ByClass,
    })
}

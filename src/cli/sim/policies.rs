//! Policies by name or by document.

use std::path::Path;

use super::args::By;
use crate::cli::exit::Stop;
use crate::config::parse_policy;
use crate::policy::Policy;
use crate::scheduler::rules::{Between, Infeasible, MlfqRules, Rules, ScoreWeights};
use crate::sim::plan::{ClassPlan, Plan};
use crate::sim::workload::{WorkClass, Workload};

/// The rules that go by a name, with their defaults.
const NAMED: [(&str, Between); 9] = [
    ("fifo", Between::Fifo),
    ("strict", Between::Strict { floor: 0.05 }),
    ("weighted", Between::Weighted),
    (
        "edf",
        Between::Edf {
            infeasible: Infeasible::Drop,
        },
    ),
    (
        "edf:park",
        Between::Edf {
            infeasible: Infeasible::Park,
        },
    ),
    (
        "edf:serve",
        Between::Edf {
            infeasible: Infeasible::Serve,
        },
    ),
    ("aging", Between::Aging),
    ("score", Between::Score(ScoreWeights::DEFAULT)),
    ("mlfq", Between::Mlfq(MlfqRules::DEFAULT)),
];

/// One policy to be compared.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    name: String,
    rules: Rules,
    document: Option<Policy>,
    /// What every class's aging is multiplied with.
    aging: f64,
}

impl Choice {
    /// Every policy that was asked for.
    pub(super) fn read_all(list: &[String]) -> anyhow::Result<Vec<Self>> {
        list.iter().map(|item| Self::read(item)).collect()
    }

    pub(super) fn read(item: &str) -> anyhow::Result<Self> {
        if let Some((name, between)) = NAMED.iter().find(|(name, _)| *name == item) {
            return Ok(Self::of(
                name,
                Rules {
                    between: *between,
                    ..Rules::default()
                },
            ));
        }
        let is_path = item.contains(['/', '.']);
        let yaml = match std::fs::read_to_string(item) {
            Ok(yaml) => yaml,
            Err(error) if is_path => {
                return Err(Stop::usage(format!("cannot read the policy {item}: {error}")).into());
            }
            Err(_) => {
                let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
                let what = format!("no policy {item:?}; give a file, or one of {}", names.join(", "));
                return Err(Stop::usage(what).into());
            }
        };
        let policy = parse_policy(item, &yaml).map_err(|faults| Stop::usage(faults.to_string()))?;
        let stem = Path::new(item).file_stem().and_then(|stem| stem.to_str());
        Ok(Self {
            name: stem.unwrap_or(item).to_owned(),
            rules: policy.scheduler,
            document: Some(policy),
            aging: 1.0,
        })
    }

    pub(super) fn of(name: &str, rules: Rules) -> Self {
        Self {
            name: name.to_owned(),
            rules,
            document: None,
            aging: 1.0,
        }
    }

    /// The same, with every class's exponent growing so many times as fast.
    pub(super) fn aging_faster(self, times: f64) -> Self {
        Self { aging: times, ..self }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it is for that workload: a document's classes count where the workload has classes of these names.
    pub(super) fn plan(&self, workload: &Workload, by: &By) -> Plan {
        let plan = Plan::of(self.rules, workload, by.mode());
        Plan {
            policy: self.name.clone(),
            classes: workload.classes.iter().map(|class| self.class(class)).collect(),
            hints: by.hints(),
            ..plan
        }
    }

    fn class(&self, class: &WorkClass) -> ClassPlan {
        let mut plan = self.class_as_given(class);
        plan.terms.aging_alpha *= self.aging;
        plan
    }

    fn class_as_given(&self, class: &WorkClass) -> ClassPlan {
        let made = ClassPlan::of(class);
        let Some(own) = self
            .document
            .as_ref()
            .and_then(|policy| policy.class(&class.name))
        else {
            return made;
        };
        let mut terms = own.terms();
        terms.slo_ms = terms.slo_ms.or(made.terms.slo_ms);
        ClassPlan {
            terms,
            max_concurrent: own.max_concurrent,
            rate: own.rate,
        }
    }
}

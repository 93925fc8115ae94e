//! Policies by name or by document.

use std::path::Path;

use super::args::By;
use crate::cli::exit::Stop;
use crate::config::parse_policy;
use crate::policy::Policy;
use crate::scheduler::rules::{Between, Infeasible, MlfqRules, Rules, ScoreWeights};
use crate::sim::plan::{ClassPlan, Plan};
use crate::sim::report::text::counted;
use crate::sim::workload::{Trace, WorkClass, Workload};

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
    /// Every policy that was asked for, each under a name of its own.
    pub(super) fn read_all(list: &[String]) -> Result<Vec<Self>, Stop> {
        let items: Vec<&str> = list.iter().map(|item| item.trim()).collect();
        let read: Result<Vec<Self>, Stop> = items.iter().map(|item| Self::read(item)).collect();
        let mut choices = read?;
        let names: Vec<String> = choices.iter().map(|choice| choice.name.clone()).collect();
        let is_shared = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
        // Documents that are called alike are told apart by where they lie.
        for (choice, item) in choices.iter_mut().zip(&items) {
            if choice.document.is_some() && is_shared(&choice.name) {
                (*item).clone_into(&mut choice.name);
            }
        }
        let twice = (1..choices.len()).find(|&at| choices[..at].iter().any(|c| c.name == choices[at].name));
        match twice {
            None => Ok(choices),
            Some(at) => {
                let what = format!("--policy names {:?} twice; leave one out", choices[at].name);
                Err(Stop::usage(what))
            }
        }
    }

    fn read(item: &str) -> Result<Self, Stop> {
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
                return Err(Stop::usage(format!("cannot read the policy {item}: {error}")));
            }
            Err(_) => {
                let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
                let what = format!("no policy {item:?}; give a file, or one of {}", names.join(", "));
                return Err(Stop::usage(what));
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

    /// That a document has every class that a trace names: one that it does not have would be refused at the door of a
    /// mesh, and runs under nobody's rules here.
    pub(super) fn check(&self, trace: &Trace) -> Result<(), Stop> {
        let Some(policy) = &self.document else {
            return Ok(());
        };
        match trace
            .classes()
            .iter()
            .find(|(name, _)| policy.class(name).is_none())
        {
            None => Ok(()),
            Some((name, tasks)) => Err(Stop::usage(format!(
                "the policy {} has no class {name:?}, of which the trace has {}; add it to the policy, or leave these rows out",
                self.name,
                counted(*tasks as u64, "task")
            ))),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Result<Vec<String>, String> {
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        let choices = Choice::read_all(&list).map_err(|stop| stop.message)?;
        Ok(choices.into_iter().map(|choice| choice.name).collect())
    }

    #[test]
    fn blanks_around_a_name_do_not_count() {
        assert_eq!(
            names(&["fifo", " edf:serve "]),
            Ok(vec!["fifo".to_owned(), "edf:serve".to_owned()])
        );
    }

    #[test]
    fn a_policy_that_is_named_twice_is_refused() {
        let told = r#"--policy names "fifo" twice; leave one out"#;
        assert_eq!(names(&["fifo", "edf", " fifo"]), Err(told.to_owned()));
    }

    #[test]
    fn documents_that_are_called_alike_are_told_apart_by_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let path = |part: &str| {
            let parent = folder.path().join(part);
            std::fs::create_dir(&parent).unwrap();
            let file = parent.join("fifo.yaml");
            std::fs::write(&file, crate::config::DEFAULT_POLICY_YAML).unwrap();
            file.display().to_string()
        };
        let (a, b) = (path("a"), path("b"));

        assert_eq!(names(&[&a]), Ok(vec!["fifo".to_owned()]));
        assert_eq!(
            names(&["fifo", &a, &b]),
            Ok(vec!["fifo".to_owned(), a.clone(), b])
        );
        assert!(names(&[&a, &a]).is_err());
    }
}

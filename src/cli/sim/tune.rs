//! `sim tune`: weights that do better on a workload, searched on some seeds and judged on others.

use clap::ValueEnum;
use clap::builder::RangedI64ValueParser;

use super::args::{Arrivals, By};
use super::found::{Figures, Found, Judged};
use super::policies::Choice;
use super::{runs, simplex};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::scheduler::rules::{Between, ClassTerms, Rules, ScoreWeights};
use crate::sim::report::Report;
use crate::sim::workload::WorkClass;

/// Bound on what a parameter is multiplied with or divided by, as a power of e: a factor of 55.
const FAR: f64 = 4.0;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    arrivals: Arrivals,
    #[command(flatten)]
    pub(super) by: By,
    /// What is tuned: score (its weights and horizon) or aging (its alpha)
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "RULE",
        hide_possible_values = true
    )]
    pub(super) rule: Rule,
    /// What is to be small, or for slo large: mean, p99 or slo
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FIGURE",
        hide_possible_values = true
    )]
    pub(super) objective: Objective,
    /// Steps of the search; each runs every seed once or twice
    #[arg(long, default_value_t = 30, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(1..=10_000))]
    pub(super) steps: u64,
    /// Seeds after those of the search on which the result is judged
    #[arg(long, default_value_t = 3, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(1..=1000))]
    held_out: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Rule {
    #[default]
    Score,
    Aging,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Objective {
    #[default]
    Mean,
    P99,
    Slo,
}

impl Objective {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::P99 => "p99",
            Self::Slo => "slo",
        }
    }

    /// The search ends when the guesses are this alike: by a µs, or by one task in a million.
    pub(super) const fn alike(self) -> f64 {
        match self {
            Self::Mean | Self::P99 => 1e-3,
            Self::Slo => 1e-6,
        }
    }

    /// The figure, where less is better. Nothing served is worst.
    pub(super) fn of(self, report: &Report) -> f64 {
        match (self, report.latency) {
            (Self::Slo, _) => 1.0 - report.slo_attained,
            (Self::Mean, Some(latency)) => latency.mean_ms,
            (Self::P99, Some(latency)) => latency.p99_ms,
            (Self::Mean | Self::P99, None) => f64::MAX,
        }
    }
}

/// A guess: what the defaults are multiplied with, as powers of e.
pub(super) type Guess = Vec<f64>;

impl Rule {
    pub(super) const fn parameters(self) -> usize {
        match self {
            Self::Score => 4,
            Self::Aging => 1,
        }
    }

    pub(super) fn choice(self, name: &str, guess: &[f64]) -> Choice {
        match self {
            Self::Score => Choice::of(name, rules(Between::Score(weights(guess)))),
            Self::Aging => Choice::of(name, rules(Between::Aging)).aging_faster(factor(guess, 0)),
        }
    }

    /// The change to a policy document: YAML that can be put in place of the same keys of one, or be merged into them.
    /// How a class ages is one of its keys, and stands beside the two that no class goes without.
    fn patch(self, guess: &[f64], classes: &[WorkClass]) -> String {
        match self {
            Self::Score => {
                let found = weights(guess);
                format!(
                    "scheduler:\n  between: score\n  score: {{ urgency: {:.3}, business: {:.3}, time: {:.3}, horizon_ms: {:.0} }}\n",
                    found.urgency, found.business, found.time, found.horizon_ms
                )
            }
            Self::Aging => {
                let alpha = ClassTerms::AGING_ALPHA * factor(guess, 0);
                let class = |class: &WorkClass| {
                    format!(
                        "  {}: {{ priority: {}, share: {}, aging: {{ alpha: {alpha:.4} }} }}\n",
                        class.name, class.priority, class.share
                    )
                };
                let classes: String = classes.iter().map(class).collect();
                format!("scheduler:\n  between: aging\nclasses:\n{classes}")
            }
        }
    }
}

/// What a parameter is multiplied with.
fn factor(guess: &[f64], at: usize) -> f64 {
    guess[at].clamp(-FAR, FAR).exp()
}

fn rules(between: Between) -> Rules {
    Rules {
        between,
        ..Rules::default()
    }
}

/// The default weights times their factors, with a sum of 1, to three digits as the patch gives them.
fn weights(guess: &[f64]) -> ScoreWeights {
    let factor = |at: usize| factor(guess, at);
    let of = ScoreWeights::DEFAULT;
    let parts = [
        of.urgency * factor(0),
        of.business * factor(1),
        of.time * factor(2),
    ];
    let sum: f64 = parts.iter().sum();
    let [urgency, business, time] = parts.map(|part| (1000.0 * part / sum).round() / 1000.0);
    ScoreWeights {
        urgency,
        business,
        time,
        horizon_ms: (of.horizon_ms * factor(3)).round(),
    }
}

pub(super) fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let spec = args.arrivals.spec(&args.by)?;
    let seeds = args.arrivals.seeds();
    let held_out = seeds.end..seeds.end.saturating_add(args.held_out);
    let workloads = runs::workloads(&spec, &args.by, seeds)?;
    let end = simplex::search(args, &workloads)?;
    let guess = end.better();
    let zero = vec![0.0; args.rule.parameters()];
    let mut choices = vec![args.rule.choice("default", &zero)];
    choices.extend(guess.map(|guess| args.rule.choice("tuned", guess)));
    let unseen = runs::workloads(&spec, &args.by, held_out)?;
    let judged = runs::reports(&choices, &unseen, &args.by)?;
    let found = Found {
        objective: args.objective,
        patch: guess.map(|guess| args.rule.patch(guess, &workloads[0].1.classes)),
        search: end.on_the_search(workloads.len()),
        judged: Judged {
            seeds: args.held_out,
            default: Figures::of(&judged[0]),
            tuned: judged.get(1).map(Figures::of),
        },
    };
    session
        .output
        .show(&found.as_json(), |_| found.as_text(&judged))?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_policy;
    use crate::sim::workload::{Kind, Spec, build};

    fn classes() -> Vec<WorkClass> {
        build(&Spec::new(Kind::Reference), 1).unwrap().classes
    }

    /// A document that has the patch in place of what it changes.
    fn document(patch: &str) -> String {
        let classes = "classes: { short: { priority: 1, share: 2 } }\n";
        let own = if patch.contains("classes:") { "" } else { classes };
        format!("version: 1\n{patch}{own}default_class: short\nmodels: {{ m: {{ executor: simulate }} }}\n")
    }

    #[test]
    fn a_patch_of_aging_gives_every_class_its_growth() {
        let patch = Rule::Aging.patch(&[1.0], &classes());
        let policy = parse_policy("patched", &document(&patch)).unwrap();

        assert_eq!(policy.scheduler.between, Between::Aging);
        let alphas: Vec<f64> = policy
            .classes
            .iter()
            .map(|class| class.terms().aging_alpha)
            .collect();
        assert_eq!(alphas, [0.2718, 0.2718]);
    }

    #[test]
    fn a_patch_of_score_is_what_was_tried() {
        let guess = [0.5, -0.5, 0.0, 1.0];
        let policy = parse_policy("patched", &document(&Rule::Score.patch(&guess, &[]))).unwrap();

        assert_eq!(policy.scheduler.between, Between::Score(weights(&guess)));
    }
}

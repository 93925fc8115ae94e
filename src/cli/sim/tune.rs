//! `sim tune`: weights that do better on a workload, searched on some seeds and judged on others.

use std::fmt::Write;

use anyhow::{Context, anyhow};
use argmin::core::{CostFunction, Executor, State};
use argmin::solver::neldermead::NelderMead;
use clap::ValueEnum;
use indicatif::ProgressBar;
use serde_json::json;

use super::args::{Arrivals, By};
use super::policies::Choice;
use super::runs;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::scheduler::rules::{Between, Rules, ScoreWeights};
use crate::sim::report::Report;
use crate::sim::workload::Workload;

/// How far the first guesses lie from the defaults, on the scale they are searched on: a factor of e.
const REACH: f64 = 1.0;
/// The search ends when the guesses are this alike in what is searched for.
const ALIKE: f64 = 1e-3;
/// Bound on what a parameter is multiplied with or divided by, as a power of e: a factor of 55.
const FAR: f64 = 4.0;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    arrivals: Arrivals,
    #[command(flatten)]
    by: By,
    /// What is tuned: score (its weights and horizon) or aging (its alpha)
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "RULE",
        hide_possible_values = true
    )]
    rule: Rule,
    /// What is to be small, or for slo large: mean, p99 or slo
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FIGURE",
        hide_possible_values = true
    )]
    objective: Objective,
    /// Steps of the search; each runs every seed once or twice
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    steps: u64,
    /// Seeds after those of the search on which the result is judged
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    held_out: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Rule {
    #[default]
    Score,
    Aging,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Objective {
    #[default]
    Mean,
    P99,
    Slo,
}

impl Objective {
    /// The figure, where less is better. Nothing served is worst.
    fn of(self, report: &Report) -> f64 {
        match (self, report.latency) {
            (Self::Slo, _) => 1.0 - report.slo_attained,
            (Self::Mean, Some(latency)) => latency.mean_ms,
            (Self::P99, Some(latency)) => latency.p99_ms,
            (Self::Mean | Self::P99, None) => f64::MAX,
        }
    }
}

/// A guess: what the defaults are multiplied with, as powers of e.
type Guess = Vec<f64>;

impl Rule {
    const fn parameters(self) -> usize {
        match self {
            Self::Score => 4,
            Self::Aging => 1,
        }
    }

    fn choice(self, name: &str, guess: &[f64]) -> Choice {
        let factor = |at: usize| guess[at].clamp(-FAR, FAR).exp();
        match self {
            Self::Score => Choice::of(name, rules(Between::Score(weights(guess)))),
            Self::Aging => Choice::of(name, rules(Between::Aging)).aging_faster(factor(0)),
        }
    }

    /// The change to a policy document.
    fn patch(self, guess: &[f64]) -> String {
        match self {
            Self::Score => {
                let found = weights(guess);
                format!(
                    "scheduler:\n  between: score\n  score: {{ urgency: {:.3}, business: {:.3}, time: {:.3}, horizon_ms: {:.0} }}\n",
                    found.urgency, found.business, found.time, found.horizon_ms
                )
            }
            Self::Aging => {
                let alpha =
                    crate::scheduler::rules::ClassTerms::AGING_ALPHA * guess[0].clamp(-FAR, FAR).exp();
                format!(
                    "scheduler:\n  between: aging\n# and in each class:\n#   aging: {{ alpha: {alpha:.4} }}\n"
                )
            }
        }
    }
}

fn rules(between: Between) -> Rules {
    Rules {
        between,
        ..Rules::default()
    }
}

/// The default weights times their factors, with a sum of 1, to three digits as the patch gives them.
fn weights(guess: &[f64]) -> ScoreWeights {
    let factor = |at: usize| guess[at].clamp(-FAR, FAR).exp();
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

/// What the search asks: how good is a guess on the seeds of the search?
struct Search<'a> {
    args: &'a Args,
    workloads: &'a [(u64, Workload)],
    bar: &'a ProgressBar,
}

impl CostFunction for Search<'_> {
    type Param = Guess;
    type Output = f64;

    fn cost(&self, guess: &Guess) -> Result<f64, argmin::core::Error> {
        let choice = self.args.rule.choice("guess", guess);
        let reports =
            runs::reports(&[choice], self.workloads, &self.args.by).map_err(|error| anyhow!("{error:#}"))?;
        self.bar.inc(1);
        Ok(self.args.objective.of(&reports[0]))
    }
}

pub(super) fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let spec = args.arrivals.spec(&args.by)?;
    let seeds = args.arrivals.seeds();
    let held_out = seeds.end..seeds.end.saturating_add(args.held_out);
    let workloads = runs::workloads(&spec, seeds)?;
    let bar = ProgressBar::new_spinner().with_message("searching");
    let found = search(args, &workloads, &bar)?;
    bar.finish_and_clear();
    let zero = vec![0.0; args.rule.parameters()];
    let choices = [
        args.rule.choice("default", &zero),
        args.rule.choice("tuned", &found),
    ];
    let judged = runs::reports(&choices, &runs::workloads(&spec, held_out)?, &args.by)?;
    let patch = args.rule.patch(&found);
    let figures = |report: &Report| {
        json!({
            "mean_ms": report.latency.map(|latency| latency.mean_ms),
            "p99_ms": report.latency.map(|latency| latency.p99_ms),
            "slo_attained": report.slo_attained,
        })
    };
    let data = json!({
        "patch": patch,
        "objective": format!("{:?}", args.objective).to_lowercase(),
        "held_out_seeds": args.held_out,
        "default": figures(&judged[0]),
        "tuned": figures(&judged[1]),
    });
    session
        .output
        .show(&data, |_| as_text(&patch, args.held_out, &judged))?;
    Ok(Exit::Ok)
}

/// Nelder and Mead's simplex: it needs no gradient, which a simulation has not.
fn search(args: &Args, workloads: &[(u64, Workload)], bar: &ProgressBar) -> anyhow::Result<Guess> {
    let count = args.rule.parameters();
    let corner = |at: usize| {
        (0..count)
            .map(|axis| if axis == at { REACH } else { 0.0 })
            .collect()
    };
    // The defaults, and one step along each axis from them.
    let simplex: Vec<Guess> = std::iter::once(vec![0.0; count])
        .chain((0..count).map(corner))
        .collect();
    let searches = Search { args, workloads, bar };
    let solver = NelderMead::new(simplex)
        .with_sd_tolerance(ALIKE)
        .map_err(|error| Stop::usage(error.to_string()))?;
    let result = Executor::new(searches, solver)
        .configure(|state| state.max_iters(args.steps))
        .run()
        .map_err(|error| anyhow!("the search failed: {error}"))?;
    let best = result.state().get_best_param().cloned();
    best.context("the search found nothing; give it more steps")
}

fn as_text(patch: &str, held_out: u64, judged: &[Report]) -> String {
    let figures = crate::sim::report::text::policies(judged);
    let mut text = patch.to_owned();
    let _ = write!(
        text,
        "\n# on {held_out} seeds that the search has not seen:\n{}",
        table(figures.header, figures.rows)
    );
    text
}

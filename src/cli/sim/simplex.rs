//! Nelder and Mead's simplex: it needs no gradient, which a simulation has not.

use anyhow::Context;
use argmin::core::{CostFunction, Executor, State};
use argmin::solver::neldermead::NelderMead;
use indicatif::ProgressBar;

use super::found::OnTheSearch;
use super::runs;
use super::tune::{Args, Guess};
use crate::cli::exit::Stop;
use crate::sim::workload::Workload;

/// How far the first guesses lie from the defaults, on the scale they are searched on: a factor of e.
const REACH: f64 = 1.0;
/// Where a search ended.
pub(super) struct End {
    best: Guess,
    /// Of what is searched for, where less is better.
    best_cost: f64,
    default_cost: f64,
    steps: u64,
}

impl End {
    /// What did better than the defaults on the seeds of the search.
    pub(super) fn better(&self) -> Option<&Guess> {
        (self.best_cost < self.default_cost).then_some(&self.best)
    }

    pub(super) const fn on_the_search(&self, seeds: usize) -> OnTheSearch {
        OnTheSearch {
            seeds,
            steps: self.steps,
            default_cost: self.default_cost,
            best_cost: self.best_cost,
        }
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
        let reports = runs::reports(&[choice], self.workloads, &self.args.by)?;
        self.bar.inc(1);
        Ok(self.args.objective.of(&reports[0]))
    }
}

/// Searches from the defaults.
pub(super) fn search(args: &Args, workloads: &[(u64, Workload)]) -> anyhow::Result<End> {
    let count = args.rule.parameters();
    let default = vec![0.0; count];
    let corner = |at: usize| {
        (0..count)
            .map(|axis| if axis == at { REACH } else { 0.0 })
            .collect()
    };
    // The defaults, and one step along each axis from them.
    let simplex: Vec<Guess> = std::iter::once(default.clone())
        .chain((0..count).map(corner))
        .collect();
    let bar = ProgressBar::new_spinner().with_message("searching");
    let search = Search {
        args,
        workloads,
        bar: &bar,
    };
    let default_cost = search.cost(&default)?;
    let solver = NelderMead::new(simplex)
        .with_sd_tolerance(args.objective.alike())
        .map_err(|error| Stop::usage(error.to_string()))?;
    let result = Executor::new(search, solver)
        .configure(|state| state.max_iters(args.steps))
        .run()
        .context("the search failed")?;
    bar.finish_and_clear();
    let state = result.state();
    Ok(End {
        best: state
            .get_best_param()
            .cloned()
            .context("the search found nothing; give it more steps")?,
        best_cost: state.get_best_cost(),
        default_cost,
        steps: state.get_iter(),
    })
}

//! What a search found, and what it is worth.

use std::fmt::Write;

use serde_json::{Value, json};

use super::tune::Objective;
use crate::cli::output::table;
use crate::sim::report::text::{self, counted, duration, percent};
use crate::sim::report::{Latency, Report};

/// What `tune` says at its end.
pub(super) struct Found {
    pub(super) objective: Objective,
    /// The change to a policy document; none where nothing did better than the defaults.
    pub(super) patch: Option<String>,
    pub(super) search: OnTheSearch,
    pub(super) judged: Judged,
}

/// The objective on the seeds of the search, where less is better.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnTheSearch {
    pub(super) seeds: usize,
    pub(super) steps: u64,
    pub(super) default_cost: f64,
    pub(super) best_cost: f64,
}

/// The figures on seeds that the search has not seen.
pub(super) struct Judged {
    pub(super) seeds: u64,
    pub(super) default: Figures,
    pub(super) tuned: Option<Figures>,
}

/// What may be searched for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    mean_ms: Option<f64>,
    p99_ms: Option<f64>,
    slo_attained: f64,
}

impl Figures {
    pub(super) fn of(report: &Report) -> Self {
        let of = |figure: fn(Latency) -> f64| report.latency.map(figure);
        Self {
            mean_ms: of(|latency| latency.mean_ms),
            p99_ms: of(|latency| latency.p99_ms),
            slo_attained: report.slo_attained,
        }
    }

    fn as_json(self) -> Value {
        json!({ "mean_ms": self.mean_ms, "p99_ms": self.p99_ms, "slo_attained": self.slo_attained })
    }

    /// Times as parts of `default`'s, the SLO in points as a part of 1: less than 0 is less.
    fn against(self, default: Self) -> [(Objective, Option<f64>); 3] {
        let part = |tuned: Option<f64>, default: Option<f64>| Some(tuned? / default? - 1.0);
        [
            (Objective::Mean, part(self.mean_ms, default.mean_ms)),
            (Objective::P99, part(self.p99_ms, default.p99_ms)),
            (Objective::Slo, Some(self.slo_attained - default.slo_attained)),
        ]
    }
}

impl Objective {
    fn is_better(self, change: f64) -> bool {
        match self {
            Self::Mean | Self::P99 => change < 0.0,
            Self::Slo => change > 0.0,
        }
    }

    /// A value of it as the search sees it, for people.
    fn shown(self, cost: f64) -> String {
        match self {
            Self::Mean | Self::P99 => duration(cost),
            Self::Slo => percent(1.0 - cost),
        }
    }
}

/// One figure of the tuned policy beside the default's.
fn change((figure, by): (Objective, Option<f64>)) -> String {
    let name = figure.as_str();
    let Some(by) = by else {
        return format!("{name} unknown");
    };
    let unit = if figure == Objective::Slo { "points" } else { "%" };
    let size = format!("{:.1}", by.abs() * 100.0);
    if size == "0.0" {
        return format!("{name} the same");
    }
    let way = if by < 0.0 { "less" } else { "more" };
    let worth = if figure.is_better(by) { "better" } else { "worse" };
    format!("{name} {size} {unit} {way} ({worth})")
}

impl Found {
    pub(super) fn as_json(&self) -> Value {
        let Judged {
            seeds,
            default,
            tuned,
        } = &self.judged;
        let change = |tuned: Figures| {
            let [mean, p99, slo] = tuned.against(*default).map(|(_, by)| by);
            json!({ "mean": mean, "p99": p99, "slo_attained": slo })
        };
        json!({
            "patch": self.patch,
            "objective": self.objective.as_str(),
            "held_out_seeds": seeds,
            "default": default.as_json(),
            "tuned": tuned.map(Figures::as_json),
            "change": tuned.map(change),
            "steps": self.search.steps,
        })
    }

    /// YAML as a whole: the change to a policy document, all else in comments.
    pub(super) fn as_text(&self, reports: &[Report]) -> String {
        let rows = text::policies(reports);
        let mut said = self.on_the_search();
        let seeds = counted(self.judged.seeds, "seed");
        let _ = write!(
            said,
            "\non {seeds} that the search has not seen:\n{}",
            table(rows.header, rows.rows)
        );
        if let Some(tuned) = self.judged.tuned {
            said += &self.on_unseen(tuned);
        }
        let comments: String = said
            .lines()
            .map(|line| format!("# {line}").trim_end().to_owned() + "\n")
            .collect();
        match &self.patch {
            Some(patch) => format!("{patch}\n{comments}"),
            None => comments,
        }
    }

    fn on_the_search(&self) -> String {
        let OnTheSearch {
            seeds,
            steps,
            default_cost,
            best_cost,
        } = self.search;
        let (seeds, steps) = (counted(seeds as u64, "seed"), counted(steps, "step"));
        let (name, default) = (self.objective.as_str(), self.objective.shown(default_cost));
        match self.patch {
            None => format!(
                "nothing better than the defaults was found in {steps} on {seeds} ({name} {default}): leave them"
            ),
            Some(_) => format!(
                "{name} on {seeds} of the search, after {steps}: {default} by default, {} tuned",
                self.objective.shown(best_cost)
            ),
        }
    }

    fn on_unseen(&self, tuned: Figures) -> String {
        let changes = tuned.against(self.judged.default);
        let held = changes
            .iter()
            .any(|&(figure, by)| figure == self.objective && by.is_some_and(|by| figure.is_better(by)));
        let verdict = if held {
            ""
        } else {
            "\nwhat was gained in the search was not gained there: leave the defaults"
        };
        format!(
            "\ntuned against default: {}{verdict}",
            changes.map(change).join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const DEFAULT: Figures = Figures {
        mean_ms: Some(2_000.0),
        p99_ms: Some(10_000.0),
        slo_attained: 0.5,
    };

    fn found(tuned: Option<Figures>) -> Found {
        Found {
            objective: Objective::Mean,
            patch: tuned.map(|_| "scheduler:\n  between: score\n".to_owned()),
            search: OnTheSearch {
                seeds: 3,
                steps: 1,
                default_cost: 2_100.0,
                best_cost: 1_900.0,
            },
            judged: Judged {
                seeds: 1,
                default: DEFAULT,
                tuned,
            },
        }
    }

    #[test]
    fn a_gain_is_told_with_what_it_costs_elsewhere() {
        let tuned = Figures {
            mean_ms: Some(1_500.0),
            p99_ms: Some(12_500.0),
            slo_attained: 0.5,
        };
        let found = found(Some(tuned));
        expect!["mean on 3 seeds of the search, after 1 step: 2100 ms by default, 1900 ms tuned"]
            .assert_eq(&found.on_the_search());
        expect![[r#"

            tuned against default: mean 25.0 % less (better), p99 25.0 % more (worse), slo the same"#]]
        .assert_eq(&found.on_unseen(tuned));
        assert_eq!(
            found.as_json()["change"],
            json!({ "mean": -0.25, "p99": 0.25, "slo_attained": 0.0 })
        );
    }

    #[test]
    fn a_gain_that_did_not_hold_is_advised_against() {
        let tuned = Figures {
            mean_ms: Some(2_100.0),
            slo_attained: 0.625,
            ..DEFAULT
        };
        expect![[r#"

            tuned against default: mean 5.0 % more (worse), p99 the same, slo 12.5 points more (better)
            what was gained in the search was not gained there: leave the defaults"#]]
        .assert_eq(&found(Some(tuned)).on_unseen(tuned));
    }

    #[test]
    fn nothing_better_is_no_patch() {
        let found = found(None);
        expect!["nothing better than the defaults was found in 1 step on 3 seeds (mean 2100 ms): leave them"]
            .assert_eq(&found.on_the_search());
        let text = found.as_text(&[]);
        assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
        assert!(found.as_json()["patch"].is_null());
    }
}

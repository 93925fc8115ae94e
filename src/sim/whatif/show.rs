//! What was compared, for people and for programs.

use serde::Serialize;

use super::bound::Of;
use super::judge::{Judged, Verdict};
use super::measure::{Measure, Unit};
use crate::sim::report::Report;
use crate::sim::report::text::{Rows, counted, duration, percent};

/// Both policies over one trace.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What the policy that holds is called.
    pub holds: String,
    /// What the candidate is called.
    pub candidate: String,
    /// The trace's name.
    pub trace: String,
    /// Offered work over capacity.
    pub load: Option<f64>,
    /// Workers that served it.
    pub workers: u32,
    /// Slots of all of them together.
    pub slots: u32,
    /// Pairs of runs.
    pub seeds: usize,
    /// Tasks that are counted in each run: all that arrived after the first tenth of the time.
    pub tasks: usize,
    /// The same of each class, by place, with its name.
    pub classes: Vec<(String, usize)>,
    /// Every figure that was asked for.
    pub judged: Vec<Judged>,
}

/// The same as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct ComparisonJson {
    worse: bool,
    holds: String,
    candidate: String,
    trace: String,
    tasks: usize,
    load: Option<f64>,
    workers: u32,
    slots: u32,
    seeds: usize,
    figures: Vec<FigureJson>,
}

#[derive(Debug, Clone, Serialize)]
struct FigureJson {
    measure: &'static str,
    class: Option<String>,
    unit: &'static str,
    tasks: usize,
    holds: Option<f64>,
    candidate: Option<f64>,
    difference: Option<f64>,
    margin: f64,
    margin_unit: &'static str,
    verdict: &'static str,
}

impl Comparison {
    /// What `reports` amount to, of which there is at least one pair.
    #[must_use]
    pub fn of(reports: &[(Report, Report)], workers: u32, judged: Vec<Judged>) -> Option<Self> {
        let (holds, candidate) = reports.first()?;
        let class = |class: &crate::sim::report::ClassFigures| (class.name.clone(), class.tasks);
        Some(Self {
            holds: holds.policy.clone(),
            candidate: candidate.policy.clone(),
            trace: holds.workload.clone(),
            load: holds.load,
            workers,
            slots: holds.slots,
            seeds: reports.len(),
            tasks: holds.tasks,
            classes: holds.classes.iter().map(class).collect(),
            judged,
        })
    }

    /// Figures that are worse.
    #[must_use]
    pub fn worse(&self) -> usize {
        let is_worse = |judged: &&Judged| judged.verdict == Verdict::Worse;
        self.judged.iter().filter(is_worse).count()
    }

    /// What was replayed, and on what.
    #[must_use]
    pub fn headline(&self) -> String {
        format!(
            "{} under {} and under {}: {} counted, at their own pace{}, {}, {}, {}",
            self.trace,
            self.holds,
            self.candidate,
            counted(self.tasks as u64, "task"),
            self.load
                .map_or_else(String::new, |load| format!(", load {load:.2}")),
            counted(self.workers.into(), "worker"),
            counted(self.slots.into(), "slot"),
            counted(self.seeds as u64, "seed"),
        )
    }

    /// What came of it, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let all = counted(self.judged.len() as u64, "figure");
        match self.worse() {
            0 => format!("{} is no worse than {} in {all}", self.candidate, self.holds),
            worse => format!(
                "{} is worse than {} in {worse} of {all}",
                self.candidate, self.holds
            ),
        }
    }

    fn whom(&self, of: Of) -> (Option<&str>, usize) {
        match of {
            Of::All => (None, self.tasks),
            Of::Class(place) => {
                let class = self.classes.get(place);
                class.map_or((None, 0), |(name, tasks)| (Some(name.as_str()), *tasks))
            }
        }
    }
}

/// A row for each figure.
#[must_use]
pub fn rows(comparison: &Comparison) -> Rows<7> {
    let row = |judged: &Judged| {
        let (name, tasks) = comparison.whom(judged.of);
        let shown = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |x| shown(judged.measure, x));
        [
            judged.measure.as_str().to_owned(),
            name.unwrap_or("all").to_owned(),
            tasks.to_string(),
            shown(judged.holds),
            shown(judged.candidate),
            judged
                .difference
                .map_or_else(|| "–".to_owned(), |by| difference(judged, by)),
            judged.verdict.as_str().to_owned(),
        ]
    };
    Rows {
        header: [
            "measure",
            "class",
            "tasks",
            "holds",
            "candidate",
            "difference",
            "verdict",
        ],
        rows: comparison.judged.iter().map(row).collect(),
    }
}

fn shown(measure: Measure, figure: f64) -> String {
    match measure.unit() {
        Unit::Ms => duration(figure),
        Unit::Part => percent(figure),
        Unit::PerS => format!("{figure:.2} /s"),
        Unit::Tasks => format!("{figure:.0}"),
    }
}

/// With its sign, and as a part of what holds where that is how it is judged.
fn difference(judged: &Judged, by: f64) -> String {
    let sign = if by < 0.0 { "-" } else { "+" };
    let size = by.abs();
    if judged.measure.unit() == Unit::Part {
        return format!("{sign}{:.1} points", size * 100.0);
    }
    let figure = format!("{sign}{}", shown(judged.measure, size));
    match judged.holds.filter(|holds| *holds > 0.0) {
        Some(holds) => format!("{figure} ({sign}{:.0} %)", size / holds * 100.0),
        None => figure,
    }
}

impl From<&Comparison> for ComparisonJson {
    fn from(comparison: &Comparison) -> Self {
        let figure = |judged: &Judged| {
            let (class, tasks) = comparison.whom(judged.of);
            let unit = judged.measure.unit();
            FigureJson {
                measure: judged.measure.as_str(),
                class: class.map(ToOwned::to_owned),
                unit: match unit {
                    Unit::Ms => "ms",
                    Unit::Part => "part",
                    Unit::PerS => "per_s",
                    Unit::Tasks => "tasks",
                },
                tasks,
                holds: judged.holds.map(rounded),
                candidate: judged.candidate.map(rounded),
                difference: judged.difference.map(rounded),
                margin: judged.margin,
                margin_unit: if unit == Unit::Part { "points" } else { "percent" },
                verdict: match judged.verdict {
                    Verdict::Better => "better",
                    Verdict::NoWorse => "no_worse",
                    Verdict::Worse => "worse",
                    Verdict::NoTasks => "no_tasks",
                },
            }
        };
        Self {
            worse: comparison.worse() > 0,
            holds: comparison.holds.clone(),
            candidate: comparison.candidate.clone(),
            trace: comparison.trace.clone(),
            tasks: comparison.tasks,
            load: comparison.load.map(rounded),
            workers: comparison.workers,
            slots: comparison.slots,
            seeds: comparison.seeds,
            figures: comparison.judged.iter().map(figure).collect(),
        }
    }
}

/// To four digits behind the point: a part of all tasks has two of a percent.
fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}

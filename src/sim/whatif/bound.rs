//! What may be asked of a candidate: that a measure is no worse, of whom, and by how much at most.

use std::str::FromStr;

use super::measure::{Measure, Unit, UnknownMeasure};

/// The word for all tasks together.
const ALL: &str = "all";
/// By how much a time, a rate or a number may be worse where nobody says, in percent.
const MARGIN_PERCENT: f64 = 5.0;
/// The same for a part of all tasks, in points of a hundred.
const MARGIN_POINTS: f64 = 1.0;
/// The largest margin.
const MARGIN_MAX: f64 = 1_000.0;
/// What is asked where nobody says what.
const DEFAULTS: [Measure; 3] = [Measure::WaitP99, Measure::SloAttained, Measure::GivenUp];

/// `MEASURE[:CLASS][=MARGIN%]`, as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    measure: Measure,
    /// A class, or the word for all tasks together; none for each class by itself.
    class: Option<String>,
    margin: Option<f64>,
}

/// Whose figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Of {
    /// That of all tasks together.
    All,
    /// That of one class, by place in the trace.
    Class(usize),
}

/// One figure that may not be worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// Which.
    pub measure: Measure,
    /// Whose.
    pub of: Of,
    /// By how much it may be worse: in percent of what holds, and where it is a part of all tasks in points of a hundred;
    /// 0 to 1000.
    pub margin: f64,
}

/// A bound that asks for what there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundError {
    /// It names no measure.
    #[error(transparent)]
    Measure(#[from] UnknownMeasure),
    /// Its margin is none.
    #[error("the margin {found:?} is none; give a number from 0 to {max}, such as 5%", max = MARGIN_MAX)]
    Margin {
        /// What stands there.
        found: String,
    },
    /// Its class is not in the trace.
    #[error("no class {found:?} in the trace; its classes are {}, and `all` is all of them together", known.join(", "))]
    Class {
        /// What was asked for.
        found: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is of all tasks together.
    #[error("{measure} is one figure of all tasks together; leave the class out")]
    OfAll {
        /// Which measure.
        measure: &'static str,
    },
    /// Nobody says what is in time.
    #[error(
        "{measure} needs an slo_ms, and no policy has one for {whom}; give the class one, or ask for a wait instead"
    )]
    NoSlo {
        /// Which measure.
        measure: &'static str,
        /// Which class, or all of them.
        whom: String,
    },
}

impl FromStr for Bound {
    type Err = BoundError;
    fn from_str(text: &str) -> Result<Self, BoundError> {
        let (what, margin) = match text.split_once('=') {
            Some((what, margin)) => (what, Some(read_margin(margin)?)),
            None => (text, None),
        };
        let (measure, class) = match what.split_once(':') {
            Some((measure, class)) => (measure, Some(class.to_owned())),
            None => (what, None),
        };
        let measure: Measure = measure.parse()?;
        if measure.is_of_all() && class.as_deref().is_some_and(|class| class != ALL) {
            return Err(BoundError::OfAll {
                measure: measure.as_str(),
            });
        }
        Ok(Self {
            measure,
            class,
            margin,
        })
    }
}

/// What is asked by `bounds`, or where there are none that no class has longer waits at their 99th percentile, attains
/// its SLO less often, if it has one, or has more tasks given up. `classes` are those of the trace, with whether a policy
/// says what is in time for them. A bound on a class counts before one on each class, and a later one before an earlier.
///
/// # Errors
/// [`BoundError`] where a bound asks for what there is not.
pub fn questions(bounds: &[Bound], classes: &[(String, bool)]) -> Result<Vec<Question>, BoundError> {
    if bounds.is_empty() {
        let asked = DEFAULTS.iter().flat_map(|measure| each(*measure, None, classes));
        return Ok(asked.collect());
    }
    let mut asked: Vec<Question> = Vec::new();
    let mut ask = |question: Question| {
        let same = |other: &&mut Question| (other.measure, other.of) == (question.measure, question.of);
        match asked.iter_mut().find(same) {
            Some(other) => *other = question,
            None => asked.push(question),
        }
    };
    for bound in bounds.iter().filter(|bound| bound.class.is_none()) {
        bound.of_each(classes)?.into_iter().for_each(&mut ask);
    }
    for bound in bounds.iter().filter(|bound| bound.class.is_some()) {
        ask(bound.of_one(classes)?);
    }
    Ok(asked)
}

impl Bound {
    fn of_each(&self, classes: &[(String, bool)]) -> Result<Vec<Question>, BoundError> {
        let asked = each(self.measure, self.margin, classes);
        match asked.is_empty() {
            true => Err(self.no_slo("any class of the trace")),
            false => Ok(asked),
        }
    }

    fn of_one(&self, classes: &[(String, bool)]) -> Result<Question, BoundError> {
        let name = self.class.as_deref().unwrap_or(ALL);
        if name == ALL {
            let has_slo = classes.iter().any(|(_, has)| *has);
            return match self.measure.needs_slo() && !has_slo {
                true => Err(self.no_slo("any class of the trace")),
                false => Ok(question(self.measure, Of::All, self.margin)),
            };
        }
        let place = classes.iter().position(|(class, _)| class == name);
        let place = place.ok_or_else(|| BoundError::Class {
            found: name.to_owned(),
            known: classes.iter().map(|(class, _)| class.clone()).collect(),
        })?;
        match self.measure.needs_slo() && !classes[place].1 {
            true => Err(self.no_slo(&format!("the class {name}"))),
            false => Ok(question(self.measure, Of::Class(place), self.margin)),
        }
    }

    fn no_slo(&self, whom: &str) -> BoundError {
        BoundError::NoSlo {
            measure: self.measure.as_str(),
            whom: whom.to_owned(),
        }
    }
}

/// A measure of each class that has it.
fn each(measure: Measure, margin: Option<f64>, classes: &[(String, bool)]) -> Vec<Question> {
    if measure.is_of_all() {
        return vec![question(measure, Of::All, margin)];
    }
    let has = |(_, (_, has_slo)): &(usize, &(String, bool))| *has_slo || !measure.needs_slo();
    let with = classes.iter().enumerate().filter(has);
    with.map(|(place, _)| question(measure, Of::Class(place), margin))
        .collect()
}

fn question(measure: Measure, of: Of, margin: Option<f64>) -> Question {
    let default = match measure.unit() {
        Unit::Part => MARGIN_POINTS,
        Unit::Ms | Unit::PerS | Unit::Tasks => MARGIN_PERCENT,
    };
    Question {
        measure,
        of,
        margin: margin.unwrap_or(default),
    }
}

fn read_margin(text: &str) -> Result<f64, BoundError> {
    let number = text.trim().trim_end_matches('%').trim_end().parse().ok();
    number
        .filter(|margin| (0.0..=MARGIN_MAX).contains(margin))
        .ok_or_else(|| BoundError::Margin {
            found: text.to_owned(),
        })
}

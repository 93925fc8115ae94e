//! Comparisons as people read them.

use std::fmt;

use super::contrast::{Contrast, Finding};
use super::figure::Figure;

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WaitMean => "mean wait",
            Self::WaitMedian => "median wait",
            Self::WaitP99 => "99th percentile of wait",
            Self::SloMissed => "missed SLOs",
            Self::Failed => "failures",
        })
    }
}

impl Figure {
    /// A value with its unit.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self.is_part() {
            true => format!("{:.2} %", value * 100.0),
            false => format!("{value:.1} ms"),
        }
    }
}

/// `mean wait of bulk: 80.2 ms instead of 100.4 ms (difference -24.1 ms to -16.3 ms)`.
impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.figure)?;
        if let Some(class) = &self.class {
            write!(f, " of {class}")?;
        }
        let [a, b] = self.values.map(|value| self.figure.text(value));
        write!(f, ": {b} instead of {a}")?;
        if let Some([low, high]) = self.bounds.map(|both| both.map(|bound| self.figure.text(bound))) {
            write!(f, " (difference {low} to {high})")?;
        }
        Ok(())
    }
}

/// What is sure of a comparison, in a sentence.
#[must_use]
pub fn summary(contrasts: &[Contrast]) -> String {
    let those = |finding: Finding| {
        let found = contrasts.iter().filter(|contrast| contrast.finding() == finding);
        found.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let (better, worse) = (those(Finding::Better), those(Finding::Worse));
    if contrasts.is_empty() {
        return "nothing was seen that could be compared".to_owned();
    }
    match (better.is_empty(), worse.is_empty()) {
        (true, true) => "nothing tells both apart so far".to_owned(),
        (false, true) => format!("better in {better}"),
        (true, false) => format!("worse in {worse}"),
        (false, false) => format!("better in {better}; worse in {worse}"),
    }
}

//! Judgements as people read them.

use std::fmt;

use super::ruling::{Finding, Ground, Harm, Judgement, Measure, Missing, Ruling};

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failures => "failures",
            Self::Slo => "missed SLOs",
            Self::Waits => "long waits",
        })
    }
}

/// `failures of backup: 5.2 % of 1204 canary tasks, 1 % of 10804 stable ones`, without what follows from it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.measure)?;
        if let Some(class) = &self.class {
            write!(f, " of {class}")?;
        }
        if let Some(limit_ms) = self.limit_ms {
            write!(f, " (over {limit_ms:.0} ms)")?;
        }
        let (canary, stable) = (self.canary * 100.0, self.stable * 100.0);
        let (of_canary, of_stable) = (self.canary_tasks, self.stable_tasks);
        write!(
            f,
            ": {canary:.2} % of {of_canary} canary tasks, {stable:.2} % of {of_stable} stable ones"
        )
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worse(finding) => {
                let (p_value, level) = (finding.p_value, finding.level);
                write!(f, "{finding}; p = {p_value:.1e}, and {level:.1e} is enough")
            }
            Self::Starved {
                class,
                longest_ms,
                bound_ms,
                stable_ms,
            } => write!(
                f,
                "a task of {class} has waited {longest_ms} ms on the canary track; {bound_ms:.0} ms would be all \
                 right, and the longest on the stable track is {stable_ms:.0} ms"
            ),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { left_ms } => write!(f, "{left_ms} ms of the stage are left"),
            Self::CanaryTasks { have, need } => {
                write!(f, "{have} of {need} canary tasks have ended")
            }
            Self::StableTasks => f.write_str("no stable task has ended"),
            Self::Proof(finding) => {
                let (upper, margin) = (finding.upper * 100.0, finding.margin * 100.0);
                write!(
                    f,
                    "{finding}; that may be {upper:.2} points more, and must be under {margin:.2}"
                )
            }
            Self::Doubt(finding) => {
                write!(
                    f,
                    "{finding}; that looks worse and may be chance (p = {:.1e})",
                    finding.p_value
                )
            }
            Self::Turn { class, longest_ms } => {
                write!(
                    f,
                    "a task of {class} has waited {longest_ms} ms on the canary track"
                )
            }
        }
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { missing } => {
                let told: Vec<String> = missing.iter().map(Missing::to_string).collect();
                write!(f, "hold: {}", told.join("; "))
            }
            Self::Promote { to, ground } => {
                match to {
                    Some(share) => write!(f, "promote to {share}: ")?,
                    None => f.write_str("done: ")?,
                }
                f.write_str(match ground {
                    Ground::Shown => "the canary is shown to be no worse",
                    Ground::Default => "nothing speaks against the canary, and the time is up",
                    Ground::Unwatched => "the canary has all tasks, with nothing to compare it with",
                })
            }
            Self::RollBack(harm) => write!(f, "roll back: {harm}"),
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ruling)
    }
}

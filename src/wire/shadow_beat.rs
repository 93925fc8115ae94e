//! What a worker's heartbeat says of a policy that is asked and not obeyed.

use serde::{Deserialize, Serialize};

use crate::policy::PolicyVersion;
use crate::task::ClassName;

/// What another policy would have picked in one worker, since it is asked beside the policy that the worker acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// The policy that is asked.
    pub policy: PolicyVersion,
    /// The one that is acted on.
    pub beside: PolicyVersion,
    /// Picks by class, as they were made and as they would have been.
    pub classes: Vec<(ClassName, [u64; 2])>,
    /// Picks that would have been of another class.
    pub otherwise: u64,
    /// How: the most frequent pairs.
    pub pairs: Vec<ShadowedPair>,
}

/// How often a class was picked where the policy that is asked would have picked another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowedPair {
    /// The class that was picked.
    pub class: ClassName,
    /// The class that would have been.
    pub instead: ClassName,
    /// How often.
    pub picks: u64,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct ShadowShape {
    policy: u64,
    beside: u64,
    #[serde(default)]
    classes: Vec<(String, u64, u64)>,
    #[serde(default)]
    otherwise: u64,
    #[serde(default)]
    pairs: Vec<(String, String, u64)>,
}

impl ShadowShape {
    pub(super) fn of(shadow: &Shadowed) -> Self {
        let (classes, pairs) = (shadow.classes.iter(), shadow.pairs.iter());
        Self {
            policy: shadow.policy.0,
            beside: shadow.beside.0,
            classes: classes
                .map(|(class, [has, would])| (class.to_string(), *has, *would))
                .collect(),
            otherwise: shadow.otherwise,
            pairs: pairs
                .map(|pair| (pair.class.to_string(), pair.instead.to_string(), pair.picks))
                .collect(),
        }
    }

    /// What is no class is passed over: a heartbeat is for people.
    pub(super) fn read(self) -> Shadowed {
        let classes = self.classes.into_iter();
        let pairs = self.pairs.into_iter().filter_map(|(class, instead, picks)| {
            let (class, instead) = (ClassName::new(&class).ok()?, ClassName::new(&instead).ok()?);
            Some(ShadowedPair {
                class,
                instead,
                picks,
            })
        });
        Shadowed {
            policy: PolicyVersion(self.policy),
            beside: PolicyVersion(self.beside),
            classes: classes
                .filter_map(|(class, has, would)| Some((ClassName::new(&class).ok()?, [has, would])))
                .collect(),
            otherwise: self.otherwise,
            pairs: pairs.collect(),
        }
    }
}

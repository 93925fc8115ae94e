//! Which class and lane a new task gets, and by which rule.

use super::Policy;
use crate::task::{ClassName, EpochMs, Lane};

/// What a caller said about a new task; absent means that the policy decides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The class asked for.
    pub class: Option<&'a ClassName>,
    /// The urgency asked for; lower is more urgent. Finds a class where none is given.
    pub priority: Option<u32>,
    /// The lane asked for. The caller clears it where the submitter may not set it.
    pub lane: Option<Lane>,
    /// When the answer stops being worth having.
    pub deadline: Option<EpochMs>,
    /// How urgent it is among tasks of all classes, 0 to 10; 10 is the most urgent.
    pub urgency: Option<f64>,
    /// How much the answer is worth to the business, 0 to 10; marking takes it as it is given.
    pub business_weight: Option<f64>,
}

/// The top of the scales of urgency and of business weight.
const SCALE_MAX: f64 = 10.0;

/// Where a task goes and why, and what orders it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// Its class, one of the policy's.
    pub class: ClassName,
    /// Its lane.
    pub lane: Lane,
    /// The rule that chose the class.
    pub class_by: ClassRule,
    /// The rule that chose the lane.
    pub lane_by: LaneRule,
    /// How urgent it is, 0 to 10; 10 is the most urgent. The given one, else `10 / (1 + priority)` of its class.
    pub urgency: f64,
    /// What its answer is worth, 0 to 10. The given one, else 10 times its class's share over the largest share.
    pub business_weight: f64,
}

/// What chose a class, in the order the rules are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassRule {
    /// The caller named it.
    Given,
    /// The first in document order with the caller's priority.
    Priority,
    /// Nothing else fitted.
    Default,
}

/// What chose a lane, in the order the rules are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneRule {
    /// The caller named it.
    Given,
    /// The deadline is nearer than the marking's.
    Deadline,
    /// The business weight is above the marking's.
    BusinessWeight,
    /// The class's priority is at most that of core.
    ClassPriority,
    /// Nothing else fitted.
    Default,
}

/// The caller named a class that the policy does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no class {:?}; the classes are {}", .given.as_str(), .known.iter().map(ClassName::as_str).collect::<Vec<_>>().join(", "))]
pub struct UnknownClass {
    /// What was asked for.
    pub given: ClassName,
    /// What there is, in document order.
    pub known: Vec<ClassName>,
}

/// Chooses class and lane, and weighs the task. A weight beyond its scale counts as the nearest on it, and one that is
/// no number as not given.
///
/// # Errors
/// [`UnknownClass`] for a given class that the policy does not have: a typing mistake must not
/// end in the default class unseen.
pub fn classify(policy: &Policy, facts: &Facts<'_>, now: EpochMs) -> Result<Classified, UnknownClass> {
    let (class, class_by) = class_of(policy, facts)?;
    let (lane, lane_by) = lane_of(policy, facts, &class, now);
    let rules = policy.class(class.as_str());
    let priority = rules.map_or(0, |class| class.priority);
    let share = rules.map_or(0, |class| class.share);
    let share_max = policy.classes.iter().map(|c| c.share).max().unwrap_or(1);
    let urgency = || SCALE_MAX / (1.0 + f64::from(priority));
    let weight = || SCALE_MAX * f64::from(share) / f64::from(share_max);
    Ok(Classified {
        class,
        lane,
        class_by,
        lane_by,
        urgency: on_scale(facts.urgency).unwrap_or_else(urgency),
        business_weight: on_scale(facts.business_weight).unwrap_or_else(weight),
    })
}

fn on_scale(given: Option<f64>) -> Option<f64> {
    given
        .filter(|given| !given.is_nan())
        .map(|given| given.clamp(0.0, SCALE_MAX))
}

fn class_of(policy: &Policy, facts: &Facts<'_>) -> Result<(ClassName, ClassRule), UnknownClass> {
    if let Some(given) = facts.class {
        return match policy.class(given.as_str()) {
            Some(class) => Ok((class.name.clone(), ClassRule::Given)),
            None => Err(UnknownClass {
                given: given.clone(),
                known: policy.classes.iter().map(|c| c.name.clone()).collect(),
            }),
        };
    }
    let same = facts
        .priority
        .and_then(|p| policy.classes.iter().find(|c| c.priority == p));
    Ok(match same {
        Some(class) => (class.name.clone(), ClassRule::Priority),
        None => (policy.default_class.clone(), ClassRule::Default),
    })
}

fn lane_of(policy: &Policy, facts: &Facts<'_>, class: &ClassName, now: EpochMs) -> (Lane, LaneRule) {
    if let Some(lane) = facts.lane {
        return (lane, LaneRule::Given);
    }
    if let Some(marking) = &policy.marking {
        let within_ms = marking.deadline_within_s.map(|s| s.saturating_mul(1000));
        if let (Some(within_ms), Some(deadline)) = (within_ms, facts.deadline)
            && deadline.since(now) < within_ms
        {
            return (marking.lane, LaneRule::Deadline);
        }
        if let (Some(over), Some(weight)) = (marking.business_weight_over, facts.business_weight)
            && weight > over
        {
            return (marking.lane, LaneRule::BusinessWeight);
        }
    }
    let priority = policy.class(class.as_str()).map(|c| c.priority);
    match (priority, policy.core.max_priority) {
        (Some(priority), Some(max)) if priority <= max => (Lane::Core, LaneRule::ClassPriority),
        _ => (Lane::Normal, LaneRule::Default),
    }
}

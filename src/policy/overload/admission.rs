//! What a level means for a task that comes in.

use super::rules::Level;
use crate::policy::{Class, OnOverload, Policy};
use crate::task::{ClassName, Lane};

/// What becomes of a task that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its lane gets it.
    Take,
    /// It is put aside, and goes to its lane when there is room.
    Archive,
    /// It is refused.
    Refuse(Shed),
}

/// Why it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// Its lane takes nothing but its most urgent classes.
    LowerPriority,
    /// Nothing but core is taken.
    CoreOnly,
}

/// Decides about a task of `class` for `lane` on `level`.
#[must_use]
pub fn fate(policy: &Policy, level: Level, lane: Lane, class: &ClassName) -> Fate {
    if level == Level::CoreOnly && lane != Lane::Core {
        return Fate::Refuse(Shed::CoreOnly);
    }
    match policy.lane(lane).on_overload {
        OnOverload::RejectLower if level >= Level::RejectLower && is_lower(policy, lane, class) => {
            Fate::Refuse(Shed::LowerPriority)
        }
        OnOverload::Archive if level >= Level::Archive => Fate::Archive,
        OnOverload::RejectLower | OnOverload::Archive => Fate::Take,
    }
}

/// Whether `class` is less urgent than the most urgent class that goes to `lane` by its priority; where none does,
/// than the most urgent of all.
fn is_lower(policy: &Policy, lane: Lane, class: &ClassName) -> bool {
    let goes_to_core = |class: &Class| policy.core.max_priority.is_some_and(|max| class.priority <= max);
    let at_home = policy
        .classes
        .iter()
        .filter(|class| goes_to_core(class) == (lane == Lane::Core));
    let most_urgent = at_home.map(|class| class.priority).min();
    let most_urgent = most_urgent.or_else(|| policy.classes.iter().map(|class| class.priority).min());
    let own = policy.class(class.as_str()).map(|class| class.priority);
    // One that the policy does not have is nobody's most urgent.
    own.is_none_or(|own| most_urgent.is_some_and(|most| own > most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture;

    /// What becomes of each class of the fixture on levels 0 to 3: `t`aken, `a`rchived, `l`ower refused, all `r`efused.
    fn fates(lane: Lane, on_overload: OnOverload) -> Vec<String> {
        let mut policy = fixture::policy();
        (policy.core.on_overload, policy.normal.on_overload) = (on_overload, on_overload);
        let of = |class: &Class| {
            let levels = Level::ALL.iter();
            let letters = levels.map(|level| match fate(&policy, *level, lane, &class.name) {
                Fate::Take => 't',
                Fate::Archive => 'a',
                Fate::Refuse(Shed::LowerPriority) => 'l',
                Fate::Refuse(Shed::CoreOnly) => 'r',
            });
            format!("{} {}", class.name, letters.collect::<String>())
        };
        policy.classes.iter().map(of).collect()
    }

    #[test]
    fn every_class_has_its_fate_on_every_lane_and_level() {
        assert_eq!(
            fates(Lane::Core, OnOverload::RejectLower),
            ["payment tttt", "auth tttt", "metrics tlll", "backup tlll"]
        );
        assert_eq!(
            fates(Lane::Core, OnOverload::Archive),
            ["payment ttaa", "auth ttaa", "metrics ttaa", "backup ttaa"]
        );
        assert_eq!(
            fates(Lane::Normal, OnOverload::RejectLower),
            ["payment tttr", "auth tttr", "metrics tttr", "backup tllr"]
        );
        assert_eq!(
            fates(Lane::Normal, OnOverload::Archive),
            ["payment ttar", "auth ttar", "metrics ttar", "backup ttar"]
        );
    }

    #[test]
    fn where_no_class_is_at_home_the_most_urgent_of_all_counts_and_a_stranger_is_lower() {
        let mut policy = fixture::policy();
        policy.core.max_priority = None;
        let of = |name| {
            let name = ClassName::new(name).unwrap();
            fate(&policy, Level::RejectLower, Lane::Core, &name)
        };
        assert_eq!(of("payment"), Fate::Take);
        assert_eq!(of("metrics"), Fate::Refuse(Shed::LowerPriority));
        assert_eq!(of("stranger"), Fate::Refuse(Shed::LowerPriority));
    }
}

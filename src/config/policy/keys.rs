//! `keys`: how many tasks of one `concurrency_key` run at once.

use serde_json::json;

use super::kind::{Kind, Names};
use super::note::Absent;
use super::section::Section;
use crate::policy::KeyRules;

/// Each place is read before a task of the key starts.
const LIMIT_MAX: u32 = 64;
/// The server's timers are in whole seconds, and one is renewed thrice in its time.
const LEASE_S: std::ops::RangeInclusive<u64> = 2..=300;

const PREFIXES: Names = Names {
    noun: "prefix",
    placeholder: "PREFIX",
    is_required: false,
    length_max: None,
    letters: None,
};

/// `keys`; one task at a time where nothing else is said.
pub(super) fn read(document: &mut Section<'_>) -> KeyRules {
    let mut section = document.child("keys");
    let lease_s = section.u64("lease_s", LEASE_S, Some(10));
    let limit = section.u32("limit", 1..=LIMIT_MAX, Some(1));
    let given = section.child_of("prefixes", Kind::Names(&PREFIXES), Absent::Is(json!({})));
    let mut prefixes = Vec::new();
    for (prefix, _, node) in given.entries() {
        let mut one = given.named(&PREFIXES, prefix, node);
        prefixes.push(((*prefix).to_owned(), one.u32("limit", 1..=LIMIT_MAX, None)));
        one.close(&[]);
    }
    section.close(&[]);
    KeyRules {
        lease_s,
        limit,
        prefixes,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{DEFAULT_POLICY_YAML, Faults, default_policy, parse_policy};
    use crate::policy::Policy;

    /// The default policy with these `keys`.
    fn policy(keys: &str) -> Result<Policy, Faults> {
        let (others, _) = DEFAULT_POLICY_YAML.split_once("\nkeys:").unwrap();
        parse_policy("p.yaml", &format!("{others}\nkeys: {keys}\n"))
    }

    #[test]
    fn the_longest_prefix_counts_and_a_key_without_one_runs_once_at_a_time() {
        let keys = r#"{ lease_s: 3, prefixes: { "gpu:": { limit: 4 }, "gpu:a": { limit: 2 } } }"#;
        let policy = policy(keys).unwrap();
        let limits = ["gpu:b", "gpu:a1", "cpu", ""].map(|key| policy.keys.limit_of(key));
        assert_eq!((policy.keys.lease_s, limits), (3, [4, 2, 1, 1]));
        assert_eq!(default_policy().keys.limit_of("gpu:a"), 1);
    }

    #[test]
    fn a_limit_of_none_and_a_lease_that_is_no_time_are_faults() {
        let faults = policy("{ lease_s: 1, limit: 0, prefixes: { a: {} } }").unwrap_err();
        let told = faults.to_string();
        for path in ["keys.lease_s", "keys.limit", "keys.prefixes.a"] {
            assert!(told.contains(path), "{path}: {told}");
        }
    }
}

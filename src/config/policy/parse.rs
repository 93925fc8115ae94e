//! From text to policy.

use super::fault::Collector;
use super::note::Noted;
use super::section::Section;
use super::{Faults, classes, consumers, keys, lanes, models, node, overload, retry, rules, scheduler};
use crate::policy::Policy;
use crate::task::ClassName;

/// The policy that holds where nobody wrote one, as text.
pub const DEFAULT_POLICY_YAML: &str = include_str!("default.yaml");

/// Reads and checks a policy document. `name` stands before each fault, a file as a rule.
///
/// # Errors
/// Every fault of the document; of text that is no YAML, the first.
pub fn parse_policy(name: &str, yaml: &str) -> Result<Policy, Faults> {
    parse_noted(name, yaml).map(|(policy, _)| policy)
}

/// The same with what was read, in the order of reading.
pub(super) fn parse_noted(name: &str, yaml: &str) -> Result<(Policy, Vec<Noted>), Faults> {
    let faults = Collector::default();
    let policy = match node::parse(yaml) {
        Ok(root) => read(Section::document(&root, &faults)),
        Err((at, what)) => {
            faults.add_at("", at, what);
            None
        }
    };
    let notes = faults.finish(name)?;
    let policy = policy.unwrap_or_else(|| unreachable!("a document without faults has a policy"));
    Ok((policy, notes))
}

/// The policy that holds where nobody wrote one.
#[must_use]
pub fn default_policy() -> Policy {
    parse_policy("default.yaml", DEFAULT_POLICY_YAML).unwrap_or_else(|faults| unreachable!("{faults}"))
}

/// `None` only with a fault, for what has no stand-in.
fn read(mut document: Section<'_>) -> Option<Policy> {
    let faults = document.faults;
    if faults.touched("") {
        return None;
    }
    let version = document.u64("version", 1..=1, None);
    let scheduler = scheduler::read(&mut document);
    let (core, normal) = lanes::read(&mut document);
    let retry = retry::read(&mut document);
    let classes = classes::read(&mut document, &retry);
    let default_class: Option<ClassName> = classes::read_default(&mut document, &classes);
    let marking = rules::marking(&mut document);
    let models = models::read(&mut document);
    let bounds = rules::bounds(&mut document);
    let callbacks = rules::callbacks(&mut document);
    let overload = overload::read(&mut document);
    let keys = keys::read(&mut document);
    consumers::check(faults, &classes, &models, &core, &normal);
    document.close(&[]);
    Some(Policy {
        version,
        scheduler,
        core,
        normal,
        classes,
        default_class: default_class?,
        marking,
        models,
        retry: retry.table,
        bounds,
        callbacks,
        overload,
        keys,
    })
}

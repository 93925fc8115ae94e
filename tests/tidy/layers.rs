//! Imports run one way: a module names itself, and modules of lower layers.

use super::names::{self, Name};
use super::source::{Fault, Source};

/// From the bottom up. Modules of one row do not know each other.
const LAYERS: &[&[&str]] = &[
    &["task"],
    &["scheduler"],
    &["policy"],
    SUPPORT,
    &["config"],
    &["wire"],
    &["broker", "executor"],
    &["gateway", "worker", "coordinator", "sim"],
    &["bench", "drill", "dev", "dashboard"],
    &["cli"],
    &["main"],
];

/// Plumbing for everything that is not pure: above policy so that policy cannot reach it, and itself
/// ignorant of all but `task`.
const SUPPORT: &[&str] = &["child", "lifecycle", "clock", "metrics", "telemetry", "failpoint"];

/// Judges the product from outside, so it shares no code with it.
const CHECKER: &[&str] = &["drill", "checker"];

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    if !source.is_in_src() || source.path == "src/lib.rs" {
        return Vec::new();
    }
    let module = source.module();
    let own = module.first().map_or("main", String::as_str);
    if layer(own).is_none() {
        return vec![source.fault(
            1,
            format!("`{own}` has no layer; give it one in tests/tidy/layers.rs"),
        )];
    }
    let complaint = |name: &Name| complain(source, own, name).map(|message| source.fault(name.line, message));
    names::names(source).iter().filter_map(complaint).collect()
}

fn complain(source: &Source, own: &str, name: &Name) -> Option<String> {
    if name.segments[0] != "crate" {
        return None;
    }
    let Some(target) = name.segments.get(1) else {
        return name
            .is_glob
            .then(|| "imports every module of the crate; name what it uses".to_owned());
    };
    if !name.spells(&["crate", target]) {
        return None;
    }
    let at_home = name.segments[1..]
        .iter()
        .zip(CHECKER)
        .filter(|(own, home)| own == home)
        .count();
    if source.is_within(CHECKER) && at_home < CHECKER.len() {
        let path = name.segments.join("::");
        return Some(format!(
            "the checker imports `{path}`; it shares no code, so write what it needs here"
        ));
    }
    if target == own {
        None
    } else {
        verdict(own, target).err()
    }
}

/// Whether a file of module `own` may name module `target`.
fn verdict(own: &str, target: &str) -> Result<(), String> {
    let Some(theirs) = layer(target) else {
        return Err(format!(
            "`crate::{target}` is no module with a layer; name the module that owns it, or give it a layer \
             in tests/tidy/layers.rs"
        ));
    };
    if SUPPORT.contains(&own) && target != "task" {
        return Err(format!(
            "`{own}` imports `{target}`; it may import only `task`, so pass the value in"
        ));
    }
    if layer(own) <= Some(theirs) {
        return Err(format!(
            "`{own}` imports `{target}`, which is not below it; move the shared part to a layer below both, or \
             turn the dependency around"
        ));
    }
    Ok(())
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::prove;

    #[test]
    fn a_lower_layer_does_not_import_a_higher_one() {
        prove(faults, "src/scheduler/fifo.rs", "import_upward");
    }

    #[test]
    fn a_super_path_that_leaves_its_module_is_an_import() {
        prove(faults, "src/policy/retry.rs", "import_by_super");
    }

    #[test]
    fn modules_of_one_layer_do_not_import_each_other() {
        prove(faults, "src/worker/lease.rs", "import_sideways");
    }

    #[test]
    fn an_import_inside_a_macro_body_counts() {
        prove(faults, "src/task/state.rs", "import_in_macro");
    }

    #[test]
    fn plumbing_imports_only_task() {
        prove(faults, "src/telemetry.rs", "import_plumbing");
    }

    #[test]
    fn main_reaches_the_crate_under_its_own_name() {
        prove(faults, "src/main.rs", "import_main");
    }

    #[test]
    fn the_checker_imports_nothing_of_the_crate() {
        prove(faults, "src/drill/checker/order.rs", "import_checker");
    }

    #[test]
    fn a_module_without_a_layer_is_reported() {
        let source = Source::parse("src/queue/mod.rs", "//! Queues.\n").expect("the text parses");

        assert_eq!(faults(&source).len(), 1);
    }

    #[test]
    fn plumbing_is_open_to_every_layer_above_policy_and_closed_below() {
        for own in LAYERS
            .iter()
            .flat_map(|row| row.iter())
            .filter(|own| !SUPPORT.contains(own))
        {
            let pure = ["task", "scheduler", "policy"].contains(own);
            for target in SUPPORT {
                assert_eq!(verdict(own, target).is_ok(), !pure, "{own} imports {target}");
            }
        }
    }
}

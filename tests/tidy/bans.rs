//! Names that only some places may say: clients, clocks, randomness, serde, sleep.

use super::names;
use super::source::{Fault, Source};

/// A path that may not be named where `applies` holds.
struct Ban {
    path: &'static [&'static str],
    applies: fn(&Source) -> bool,
    instead: &'static str,
}

const BANS: &[Ban] = &[
    pure(&["tokio"], "return a decision and let the shell run it"),
    pure(&["std", "time", "Instant"], "take the time as an argument"),
    pure(&["std", "time", "SystemTime"], "take the time as an argument"),
    pure(&["rand"], "take the random number as an argument"),
    pure(&["std", "env"], "take the setting as an argument"),
    Ban {
        path: &["async_nats"],
        applies: speaks_no_nats,
        instead: "ask src/broker/ for it",
    },
    domain(&["serde"]),
    domain(&["serde_json"]),
    domain(&["serde_saphyr"]),
    domain(&["rmp_serde"]),
    in_tests(&["tokio", "time", "sleep"]),
    in_tests(&["std", "thread", "sleep"]),
];

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    let bans: Vec<&Ban> = BANS.iter().filter(|ban| (ban.applies)(source)).collect();
    let mut faults = Vec::new();
    for name in names::names(source) {
        for ban in bans.iter().filter(|ban| name.spells(ban.path)) {
            let message = format!("names `{}`; {}", ban.path.join("::"), ban.instead);
            faults.push(source.fault(name.line, message));
        }
    }
    faults
}

const fn pure(path: &'static [&'static str], instead: &'static str) -> Ban {
    Ban {
        path,
        applies: is_pure,
        instead,
    }
}

const fn domain(path: &'static [&'static str]) -> Ban {
    Ban {
        path,
        applies: is_domain,
        instead: "give it a struct of its own in src/wire/ or src/config/",
    }
}

const fn in_tests(path: &'static [&'static str]) -> Ban {
    Ban {
        path,
        applies: Source::is_in_tests,
        instead: "wait for a signal, or pause the clock and advance it",
    }
}

fn is_pure(source: &Source) -> bool {
    ["task", "scheduler", "policy"]
        .iter()
        .any(|module| source.is_within(&[module]))
}

fn is_domain(source: &Source) -> bool {
    source.is_within(&["task"])
}

/// The drill's checker is the one exception: it has a client of its own so as to share no code.
fn speaks_no_nats(source: &Source) -> bool {
    source.is_in_src() && !source.is_within(&["broker"]) && !source.is_within(&["drill", "checker"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{passes, prove};

    #[test]
    fn pure_modules_name_no_runtime_clock_randomness_or_environment() {
        for module in ["task", "scheduler", "policy"] {
            prove(faults, &format!("src/{module}/aging.rs"), "ban_impure");
        }
        passes(faults, "src/worker/lease.rs", "ban_impure_bad");
    }

    #[test]
    fn only_the_broker_and_the_checker_name_the_client() {
        prove(faults, "src/worker/lease.rs", "ban_client");
        passes(faults, "src/broker/lease.rs", "ban_client_bad");
        passes(faults, "src/drill/checker/read.rs", "ban_client_bad");
    }

    #[test]
    fn domain_types_name_no_serde() {
        prove(faults, "src/task/class.rs", "ban_serde");
        passes(faults, "src/wire/class.rs", "ban_serde_bad");
    }

    #[test]
    fn tests_do_not_sleep() {
        prove(faults, "tests/e2e/retry.rs", "ban_sleep");
        passes(faults, "src/worker/drain.rs", "ban_sleep_bad");
    }
}

//! The server itself: version, JetStream, durability, clock, streams.

use super::facts::{ClockReading, JetStream};
use super::finding::Finding;
use super::monitor::{Monitored, Sync};
use crate::broker::ServerVersion;
use crate::broker::topology::{Change, Plan};

/// Retries come late or early by this much; below it, nobody notices.
const CLOCK_WARN_MS: i64 = 500;
/// Beyond the shortest time-outs of a lane, deadlines mean nothing.
const CLOCK_FAIL_MS: i64 = 3000;

pub(super) fn version(found: &str) -> Finding {
    let check = "server version";
    let advice = format!("install nats-server {} or later", ServerVersion::RECOMMENDED);
    match found.parse::<ServerVersion>() {
        Ok(version) if version >= ServerVersion::RECOMMENDED => Finding::ok(check, found),
        Ok(version) if version >= ServerVersion::OLDEST => Finding::warn(check, found, advice),
        Ok(_) => Finding::fail(check, format!("{found} can lose tasks"), advice),
        Err(_) => Finding::warn(
            check,
            format!("{found:?} is no version that can be compared"),
            advice,
        ),
    }
}

pub(super) fn jetstream(on: Option<&JetStream>) -> Finding {
    let advice =
        "put jetstream {} into the server's configuration, and into the account's where there are accounts";
    match on {
        Some(_) => Finding::ok("jetstream", "on"),
        None => Finding::fail("jetstream", "off, at the server or for this account", advice),
    }
}

pub(super) fn sync(monitored: Option<&anyhow::Result<Monitored>>) -> Finding {
    let check = "sync_interval";
    let advice = "set jetstream { sync_interval: always }";
    match monitored {
        Some(Ok(Monitored {
            sync: Sync::Always, ..
        })) => Finding::ok(check, "always"),
        Some(Ok(Monitored {
            sync: Sync::Every { ms },
            ..
        })) => {
            let found = format!(
                "every {} s: what was acknowledged since is lost with the power",
                ms / 1000
            );
            Finding::warn(check, found, advice)
        }
        Some(Ok(Monitored {
            sync: Sync::Unknown, ..
        })) => Finding::warn(check, "unknown: the monitoring port does not tell it", advice),
        Some(Err(error)) => Finding::fail(
            check,
            format!("unknown: {error:#}"),
            "correct --monitor, or leave it out",
        ),
        None => Finding::warn(
            check,
            "unknown: no client can see it",
            format!("name the monitoring port with --monitor http://HOST:8222, or {advice}"),
        ),
    }
}

pub(super) fn clock(reading: &anyhow::Result<ClockReading>) -> Finding {
    let check = "clock";
    let advice = "run a time daemon such as chrony on both machines";
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return Finding::warn(check, format!("unknown: {error:#}"), "allow $SYS.REQ.USER.INFO"),
    };
    let ClockReading {
        ahead_ms,
        give_or_take_ms,
    } = *reading;
    let side = if ahead_ms < 0 { "behind" } else { "ahead of" };
    let found = format!(
        "the server is {} ms {side} this machine, give or take {give_or_take_ms}",
        ahead_ms.abs()
    );
    match ahead_ms.abs() - give_or_take_ms {
        CLOCK_FAIL_MS.. => Finding::fail(check, found, advice),
        CLOCK_WARN_MS.. => Finding::warn(check, found, advice),
        _ => Finding::ok(check, found),
    }
}

pub(super) fn streams(plan: &Plan) -> Finding {
    let check = "streams";
    let named = |wanted: fn(&Change) -> bool| {
        let names = plan.entries.iter().filter(|entry| wanted(&entry.change));
        names
            .map(|entry| entry.stream.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let missing = named(|change| matches!(change, Change::Create { .. }));
    let immutable = named(|change| matches!(change, Change::Immutable { .. }));
    let drifted = named(|change| matches!(change, Change::Update { .. }));
    let extra = named(|change| matches!(change, Change::Extra));
    if !immutable.is_empty() {
        let advice = "see `fairlane streams plan`; drain and delete the stream, then apply";
        return Finding::fail(
            check,
            format!("{immutable}: differs in what cannot be changed"),
            advice,
        );
    }
    if !missing.is_empty() {
        return Finding::fail(
            check,
            format!("missing: {missing}"),
            "run `fairlane streams apply`",
        );
    }
    if !drifted.is_empty() {
        let advice = "see `fairlane streams plan`, then run `fairlane streams apply`";
        return Finding::warn(check, format!("not as described: {drifted}"), advice);
    }
    match extra.as_str() {
        "" => Finding::ok(check, "all as described"),
        extra => Finding::ok(
            check,
            format!("all as described; unknown to this version: {extra}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::topology::{desired, plan};
    use crate::cli::doctor::finding::Verdict::{self, Fail, Ok as Fine, Warn};

    #[test]
    fn an_old_server_fails_and_an_untried_one_warns() {
        for (found, verdict) in [
            ("2.15.1", Fine),
            ("2.14.6", Warn),
            ("2.14.5", Fail),
            ("devel", Warn),
        ] {
            assert_eq!(version(found).verdict, verdict, "{found}");
        }
    }

    #[test]
    fn a_clock_is_judged_by_what_is_certain() {
        let judged = |ahead_ms, give_or_take_ms| {
            clock(&Ok(ClockReading {
                ahead_ms,
                give_or_take_ms,
            }))
            .verdict
        };
        assert_eq!(judged(499, 0), Fine);
        assert_eq!(judged(-500, 0), Warn);
        assert_eq!(judged(-600, 200), Fine);
        assert_eq!(judged(3000, 0), Fail);
    }

    #[test]
    fn only_a_sync_on_every_write_is_fine() {
        let told = |sync| {
            Some(Ok(Monitored {
                sync,
                storage_max_bytes: None,
            }))
        };
        let judged = |told: Option<anyhow::Result<Monitored>>| sync(told.as_ref()).verdict;
        assert_eq!(judged(told(Sync::Always)), Fine);
        assert_eq!(judged(told(Sync::Every { ms: 120_000 })), Warn);
        assert_eq!(judged(None), Warn);
        assert_eq!(judged(Some(Err(anyhow::anyhow!("refused")))), Fail);
    }

    #[test]
    fn a_missing_stream_fails() {
        let all = desired();
        let judged = |actual| -> Verdict { streams(&plan(&all, actual)).verdict };
        assert_eq!(judged(&all), Fine);
        assert_eq!(judged(&all[1..]), Fail);
    }
}

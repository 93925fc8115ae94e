//! Room: storage, the lanes, and the memory that results will take.

use super::facts::JetStream;
use super::finding::Finding;
use super::monitor::Monitored;
use crate::broker::inspect::{Account, StreamState};
use crate::broker::subject;
use crate::task::EpochMs;

/// From here on there is little time left to react.
const FILL_WARN_PERCENT: u64 = 80;
/// From here on publishes are about to be refused.
const FILL_FAIL_PERCENT: u64 = 95;
/// What the server keeps in memory for each result's subject (measured on 2.15.1).
const BYTES_PER_RESULT: u64 = 425;
/// A server that also needs memory for everything else seldom has more to spare.
const RESULTS_WARN_BYTES: u64 = 2 << 30;
/// Over less than this, a rate is a guess.
const RATE_SPAN_MS_MIN: u64 = 60_000;

/// The tighter of the account's limit and the server's, against what is used and what is reserved.
pub(super) fn storage(account: &Account, monitored: Option<&Monitored>) -> Finding {
    let check = "storage";
    let server = monitored.and_then(|told| told.storage_max_bytes);
    let Some(limit) = account.limit_bytes.into_iter().chain(server).min() else {
        let found = format!(
            "{} used, {} reserved",
            bytes(account.used_bytes),
            bytes(account.reserved_bytes)
        );
        let found = format!("{found}; the account has no limit and the server's is not known");
        return Finding::ok(check, found);
    };
    let taken = account.used_bytes.max(account.reserved_bytes);
    let found = format!(
        "{} used, {} reserved, of {}",
        bytes(account.used_bytes),
        bytes(account.reserved_bytes),
        bytes(limit)
    );
    // Streams without a bound of their own live in what is not reserved; the server refuses even
    // to create one when nothing is left.
    let advice = "raise max_file_store or the account's max_file, or lower max_bytes of the lanes";
    graded(check, taken, limit, found, advice)
}

/// A lane, or the archive.
pub(super) fn lane(stream: &'static str, state: &StreamState) -> Finding {
    let by_count = state.messages_max.map(|max| (state.messages, max));
    let by_bytes = state.bytes_max.map(|max| (state.bytes, max));
    let fullest = by_count
        .into_iter()
        .chain(by_bytes)
        .max_by_key(|(held, max)| percent(*held, *max));
    let found = format!("{} tasks, {}", state.messages, bytes(state.bytes));
    let advice = match stream {
        subject::ARCHIVE => {
            "look with `fairlane archive ls`, then replay or discard; once it is full, what would be parked is dead"
        }
        _ => "start more workers; once it is full, new tasks are refused",
    };
    match fullest {
        Some((held, max)) => graded(
            stream,
            held,
            max,
            format!("{found}, {} % full", percent(held, max)),
            advice,
        ),
        None => Finding::warn(
            stream,
            format!("{found}, without a bound"),
            "run `fairlane streams apply`",
        ),
    }
}

/// Age × measured rate × bytes per result. An upper bound: classes may keep theirs for less time.
pub(super) fn results(state: &StreamState, now: EpochMs) -> Finding {
    let check = "results memory";
    let today = format!(
        "{} results, about {} now",
        state.messages,
        bytes(state.messages * BYTES_PER_RESULT)
    );
    let span_ms = state.first.map_or(0, |first| now.since(first));
    if span_ms < RATE_SPAN_MS_MIN {
        return Finding::ok(check, format!("{today}; too young to forecast"));
    }
    let Some(age_ms) = state.age_max_ms else {
        return Finding::fail(
            check,
            format!("{today}, and they are kept for ever"),
            "run `fairlane streams apply`",
        );
    };
    let kept = u128::from(state.published) * u128::from(age_ms) / u128::from(span_ms);
    let forecast = u64::try_from(kept.saturating_mul(u128::from(BYTES_PER_RESULT))).unwrap_or(u64::MAX);
    let rate = u128::from(state.published) * 1000 / u128::from(span_ms);
    let found = format!(
        "{today}; up to {} at {rate} results/s kept for {} h",
        bytes(forecast),
        age_ms / 3_600_000
    );
    if forecast < RESULTS_WARN_BYTES {
        return Finding::ok(check, found);
    }
    let advice = "keep results for less time (max_age of FL_RESULTS), or give the server more memory";
    Finding::warn(check, found, advice)
}

/// All of it.
pub(super) fn all(jetstream: &JetStream, monitored: Option<&Monitored>, now: EpochMs) -> Vec<Finding> {
    let lanes = jetstream.lanes.iter().map(|(stream, state)| lane(stream, state));
    let results = jetstream.results.iter().map(|state| results(state, now));
    std::iter::once(storage(&jetstream.account, monitored))
        .chain(lanes)
        .chain(results)
        .collect()
}

fn graded(check: &'static str, held: u64, max: u64, found: String, advice: &str) -> Finding {
    match percent(held, max) {
        FILL_FAIL_PERCENT.. => Finding::fail(check, found, advice),
        FILL_WARN_PERCENT.. => Finding::warn(check, found, advice),
        _ => Finding::ok(check, found),
    }
}

/// A limit of nothing is full.
fn percent(held: u64, max: u64) -> u64 {
    let percent = (u128::from(held) * 100)
        .checked_div(u128::from(max))
        .unwrap_or(100);
    u64::try_from(percent).unwrap_or(u64::MAX)
}

/// In the largest unit that leaves at least one.
fn bytes(count: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| count >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", count / unit, count % unit * 10 / unit),
        None => format!("{count} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict::{Fail, Ok as Fine, Warn};
    use expect_test::expect;

    const EMPTY: StreamState = StreamState {
        messages: 0,
        messages_max: None,
        bytes: 0,
        bytes_max: None,
        age_max_ms: None,
        first: None,
        published: 0,
        last_sequence: 0,
    };

    #[test]
    fn storage_is_judged_by_the_tighter_limit_and_the_larger_use() {
        let account = |used_bytes, reserved_bytes, limit_bytes| Account {
            used_bytes,
            reserved_bytes,
            limit_bytes,
        };
        for (account, verdict) in [
            (account(10, 20, None), Fine),
            (account(10, 79, Some(100)), Fine),
            (account(10, 80, Some(100)), Warn),
            (account(95, 20, Some(100)), Fail),
            (account(0, 0, Some(0)), Fail),
        ] {
            assert_eq!(storage(&account, None).verdict, verdict, "{account:?}");
        }
    }

    #[test]
    fn a_lane_is_as_full_as_its_fuller_bound() {
        let state = StreamState {
            messages: 10,
            messages_max: Some(100),
            bytes: 96,
            bytes_max: Some(100),
            ..EMPTY
        };
        assert_eq!(lane("FL_CORE", &state).verdict, Fail);
        assert_eq!(lane("FL_CORE", &StreamState { bytes: 9, ..state }).verdict, Fine);
        assert_eq!(lane("FL_CORE", &EMPTY).verdict, Warn);
    }

    #[test]
    fn the_forecast_is_age_by_rate_by_size() {
        let now = EpochMs(1_000_000_000);
        let state = StreamState {
            messages: 60_000,
            published: 60_000,
            first: Some(EpochMs(now.0 - 600_000)),
            age_max_ms: Some(86_400_000),
            ..EMPTY
        };
        let finding = results(&state, now);
        assert_eq!(finding.verdict, Warn);
        expect!["60000 results, about 24.3 MiB now; up to 3.4 GiB at 100 results/s kept for 24 h"]
            .assert_eq(&finding.found);
        assert_eq!(
            results(
                &StreamState {
                    published: 600,
                    ..state
                },
                now
            )
            .verdict,
            Fine
        );
        assert_eq!(results(&EMPTY, now).verdict, Fine);
        assert_eq!(
            results(
                &StreamState {
                    age_max_ms: None,
                    ..state
                },
                now
            )
            .verdict,
            Fail
        );
    }
}

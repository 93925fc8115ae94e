//! Every metric: its name, kind, unit, labels and help.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution over fixed buckets.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its name, unit included.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// What it is measured in.
    pub unit: Unit,
    /// Its labels, in the order they are documented.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

pub(super) const TASKS: &str = "fairlane_tasks_total";
pub(super) const QUEUE_WAIT: &str = "fairlane_queue_wait_seconds";
pub(super) const EXECUTION: &str = "fairlane_execution_seconds";
pub(super) const IN_FLIGHT: &str = "fairlane_tasks_in_flight";
pub(super) const PULLS: &str = "fairlane_pulls_total";
pub(super) const HAND_BACKS: &str = "fairlane_hand_backs_total";
pub(super) const FENCE_REFUSALS: &str = "fairlane_fence_refusals_total";
pub(super) const LEASE_EXTENSIONS: &str = "fairlane_lease_extensions_total";
pub(super) const BATCHES: &str = "fairlane_batches_total";
pub(super) const BATCH_SIZE: &str = "fairlane_batch_size";
pub(super) const SHARE_RATIO: &str = "fairlane_share_ratio";
pub(super) const TENANT_JAIN: &str = "fairlane_tenant_jain_index";
pub(super) const VIEWS: &str = "fairlane_views_total";
pub(super) const BLIND_PICKS: &str = "fairlane_blind_picks_total";
pub(super) const SHADOW_PICKS: &str = "fairlane_shadow_picks_total";
pub(super) const SHADOW_OTHERWISE: &str = "fairlane_shadow_otherwise_total";
pub(super) const REPORTS: &str = "fairlane_reports_total";
pub(super) const RETRIES: &str = "fairlane_retries_total";
pub(super) const DEMOTIONS: &str = "fairlane_demotions_total";
pub(super) const ARCHIVED: &str = "fairlane_archived_total";
pub(super) const EXPIRED: &str = "fairlane_expired_total";
pub(super) const DEAD_LETTERS: &str = "fairlane_dead_letters_total";
pub(super) const UNCOVERED: &str = "fairlane_uncovered_subjects_total";
pub(super) const MOVES: &str = "fairlane_moves_total";
pub(super) const OVERLOAD_LEVEL: &str = "fairlane_overload_level";
pub(super) const PUT_BACK: &str = "fairlane_archive_put_back_total";
pub(super) const REPAIRS: &str = "fairlane_repairs_total";
pub(super) const LEADING: &str = "fairlane_leading";
pub(super) const WORKERS: &str = "fairlane_workers";
pub(super) const BLOCKED: &str = "fairlane_blocked_tasks";
pub(super) const CONSUMERS: &str = "fairlane_consumers";
pub(super) const QUEUE_DEPTH: &str = "fairlane_queue_depth";
pub(super) const QUEUE_RUNNING: &str = "fairlane_queue_running";
pub(super) const QUEUE_LIMIT: &str = "fairlane_queue_limit";
pub(super) const LIMIT_CHANGES: &str = "fairlane_limit_changes_total";
pub(super) const CLASS_SHARE: &str = "fairlane_class_share";
pub(super) const POLICY_VERSION: &str = "fairlane_policy_version";
pub(super) const POLICY_REFUSED: &str = "fairlane_policy_refused_version";
pub(super) const POLICY_CHANGES: &str = "fairlane_policy_changes_total";
pub(super) const CALLBACKS: &str = "fairlane_callbacks_total";
pub(super) const SUBMISSIONS: &str = "fairlane_submissions_total";
pub(super) const SUBMISSION: &str = "fairlane_submission_seconds";

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Entry {
    entry(name, Kind::Counter, Unit::Count, labels, help)
}

const fn entry(
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> Entry {
    Entry {
        name,
        kind,
        unit,
        labels,
        help,
    }
}

/// Every metric, the worker's first.
pub const CATALOGUE: &[Entry] = &[
    counter(
        TASKS,
        &["lane", "class", "outcome"],
        "Deliveries that took a slot and gave it back, or were given up for their deadline before, by how they ended.",
    ),
    entry(
        QUEUE_WAIT,
        Kind::Histogram,
        Unit::Seconds,
        &["lane", "class"],
        "Time from a task's publication to its start, of those that completed or failed.",
    ),
    entry(
        EXECUTION,
        Kind::Histogram,
        Unit::Seconds,
        &["lane", "class"],
        "Time from a task's start to its end, of those that completed or failed.",
    ),
    entry(
        IN_FLIGHT,
        Kind::Gauge,
        Unit::Count,
        &["lane", "class"],
        "Tasks this process executes now.",
    ),
    counter(
        PULLS,
        &["kind", "outcome"],
        "Pulls, by how they were asked and how they came out.",
    ),
    counter(
        HAND_BACKS,
        &["reason"],
        "Tasks given back before they started; costs them no attempt.",
    ),
    counter(
        FENCE_REFUSALS,
        &[],
        "Deliveries dropped because the task already had its terminal record.",
    ),
    counter(
        LEASE_EXTENSIONS,
        &[],
        "Progress signals that kept a running task from being redelivered.",
    ),
    counter(
        BATCHES,
        &["reason"],
        "Runs of a model that tasks share, by what began them.",
    ),
    entry(
        BATCH_SIZE,
        Kind::Histogram,
        Unit::Count,
        &[],
        "Tasks in a run that they share.",
    ),
    entry(
        SHARE_RATIO,
        Kind::Gauge,
        Unit::Count,
        &["class"],
        "A class's part of the time of this process's workers in the last minute over its part of the shares of those served: 1 is exact, 0 not served.",
    ),
    entry(
        TENANT_JAIN,
        Kind::Gauge,
        Unit::Count,
        &["class"],
        "Jain's index of the time of this process's workers per tenant of a class in the last minute: 1 is equal, 1/n one tenant of n had all.",
    ),
    counter(
        VIEWS,
        &[],
        "Views of lanes heard: what waits, and what is next, as the leading coordinator tells it.",
    ),
    counter(
        BLIND_PICKS,
        &[],
        "Slots given out by shares although the policy compares heads, because no view had been heard for 2.5 s.",
    ),
    counter(
        SHADOW_PICKS,
        &["class", "by"],
        "Slots given to a class while another policy was asked (by: holds), and those that it would have given it (asked).",
    ),
    counter(
        SHADOW_OTHERWISE,
        &["class", "instead"],
        "Slots given to a class that another policy would have given to another class at that moment; of at most 256 pairs.",
    ),
    counter(REPORTS, &["kind"], "Failure reports read, by what went wrong."),
    counter(
        RETRIES,
        &["lane", "class"],
        "Tasks scheduled for another attempt.",
    ),
    counter(
        DEMOTIONS,
        &["lane", "class"],
        "Tasks that ran out of time in a lane and went on in a lower one, by the lane they left.",
    ),
    counter(
        ARCHIVED,
        &["class"],
        "Tasks that ran out of time and were parked in the archive. What is parked for its deadline counts in fairlane_tasks_total, what overload puts aside in fairlane_submissions_total.",
    ),
    counter(
        EXPIRED,
        &["class"],
        "Tasks that a coordinator ended as expired: their deadline passed before they could be tried again, while they waited for their time or for others, or in the archive; or they waited for longer than their class allows. What workers end so counts in fairlane_tasks_total.",
    ),
    counter(
        MOVES,
        &["lane", "class"],
        "Queued tasks that were moved, as they had waited for longer than their class or the rule between classes allows, or as a more urgent task waits for them; by the lane they are on then, which is their own where the other one is full.",
    ),
    counter(DEAD_LETTERS, &["class", "reason"], "Tasks given up."),
    counter(
        UNCOVERED,
        &["action"],
        "Subjects found without a consumer, by what was done about them.",
    ),
    counter(
        REPAIRS,
        &["what"],
        "What the audit found that nobody would have come to, and put in order.",
    ),
    entry(
        LEADING,
        Kind::Gauge,
        Unit::Count,
        &[],
        "1 where this coordinator does what one of them is enough for, else 0.",
    ),
    entry(
        OVERLOAD_LEVEL,
        Kind::Gauge,
        Unit::Count,
        &[],
        "The level of overload that holds, 0 to 3, where this coordinator leads; 0 where it does not.",
    ),
    counter(
        PUT_BACK,
        &["lane", "class"],
        "Tasks that overload had put aside and that went back to their lane.",
    ),
    entry(
        WORKERS,
        Kind::Gauge,
        Unit::Count,
        &[],
        "Workers that are there, as this coordinator hears them; one that died is missing within 3 s.",
    ),
    entry(
        BLOCKED,
        Kind::Gauge,
        Unit::Count,
        &[],
        "Tasks that wait for others or for their concurrency_key, as the leading coordinator knows them; 0 where it does not lead.",
    ),
    entry(
        CONSUMERS,
        Kind::Gauge,
        Unit::Count,
        &["lane"],
        "Consumers the policy asks for, as the coordinator last saw to them.",
    ),
    entry(
        QUEUE_DEPTH,
        Kind::Gauge,
        Unit::Count,
        &["lane", "class"],
        "Tasks that wait, as the leading coordinator saw them last; 0 where it does not lead.",
    ),
    entry(
        QUEUE_RUNNING,
        Kind::Gauge,
        Unit::Count,
        &["lane", "class"],
        "Tasks that are out with workers, in the same way.",
    ),
    entry(
        QUEUE_LIMIT,
        Kind::Gauge,
        Unit::Count,
        &["lane", "class"],
        "Tasks that may be out at once, in the same way.",
    ),
    counter(
        LIMIT_CHANGES,
        &["lane"],
        "Limits of consumers that were changed because another one needed places, or had too many.",
    ),
    entry(
        CLASS_SHARE,
        Kind::Gauge,
        Unit::Count,
        &["class"],
        "Part of the service, 0 to 1, that the class is to have while all classes have tasks that wait. What it has is its part of the rate of fairlane_execution_seconds_sum.",
    ),
    counter(
        CALLBACKS,
        &["outcome"],
        "Deliveries of results to a callback_url, by how they came out.",
    ),
    counter(
        SUBMISSIONS,
        &["door", "outcome"],
        "Submissions answered by a gateway, by the door they came through.",
    ),
    entry(
        SUBMISSION,
        Kind::Histogram,
        Unit::Seconds,
        &[],
        "Time from a submission to its answer, whatever the answer.",
    ),
    entry(
        POLICY_VERSION,
        Kind::Gauge,
        Unit::Count,
        &[],
        "Version of the stored policy that this process acts on; 0: what it was started with.",
    ),
    entry(
        POLICY_REFUSED,
        Kind::Gauge,
        Unit::Count,
        &[],
        "Version of the stored policy that holds and that this process cannot act on; 0: none.",
    ),
    counter(
        POLICY_CHANGES,
        &[],
        "Times that this process went over to another policy.",
    ),
];

/// Gives every help text to the recorder.
pub(super) fn describe() {
    for Entry {
        name,
        kind,
        unit,
        help,
        ..
    } in CATALOGUE
    {
        match kind {
            Kind::Counter => describe_counter!(*name, *unit, *help),
            Kind::Gauge => describe_gauge!(*name, *unit, *help),
            Kind::Histogram => describe_histogram!(*name, *unit, *help),
        }
    }
}

//! Every subject's name. Building one cannot fail: its tokens are legal by type.

use crate::policy::PolicyVersion;
use crate::task::{ClassName, KeyId, Lane, ModelToken, Route, TaskId, WorkerId};

/// Everything a lane's stream takes.
#[must_use]
pub fn lane_tasks(lane: Lane) -> String {
    format!("fl.task.{lane}.*.*.*")
}

/// Everything of one class that a lane's stream takes.
#[must_use]
pub fn tasks_of_class(lane: Lane, class: &ClassName) -> String {
    format!("fl.task.{lane}.{class}.*.*")
}

/// Where a task of `route` is published.
#[must_use]
pub fn task(route: &Route) -> String {
    format!(
        "fl.task.{}.{}.{}.{}",
        route.lane, route.class, route.model, route.shard
    )
}

/// Reads a task's subject. None when it has other than four tokens behind `fl.task`, or one that
/// is no legal name.
#[must_use]
pub fn parse_task(subject: &str) -> Option<Route> {
    let mut tokens = subject.strip_prefix("fl.task.")?.split('.');
    let route = Route {
        lane: tokens.next()?.parse().ok()?,
        class: ClassName::new(tokens.next()?).ok()?,
        model: ModelToken::new(tokens.next()?).ok()?,
        shard: tokens.next()?.parse().ok()?,
    };
    tokens.next().is_none().then_some(route)
}

/// The fence of a task.
#[must_use]
pub fn result(id: &TaskId) -> String {
    format!("fl.result.{id}")
}

/// What every failure report's subject begins with.
pub const REPORTS: &str = "fl.retry.report.";

/// Where a failure is reported.
#[must_use]
pub fn report(route: &Route) -> String {
    format!("fl.retry.report.{}.{}.{}", route.lane, route.class, route.model)
}

/// Every failure report, of one class or of all.
#[must_use]
pub fn reports_of_class(class: Option<&ClassName>) -> String {
    let class = class.map_or("*", ClassName::as_str);
    format!("fl.retry.report.*.{class}.*")
}

/// Where a retry, or a task that is to start later, waits for its time. One schedule per task: the server keeps one per subject.
#[must_use]
pub fn retry_at(id: &TaskId) -> String {
    format!("fl.retry.at.{id}")
}

/// Where a retry arrives when its time has come.
#[must_use]
pub fn retry_due(route: &Route) -> String {
    format!("fl.retry.due.{}.{}.{}", route.lane, route.class, route.model)
}

/// Where the next firing of a schedule waits for its time. One per schedule.
#[must_use]
pub fn firing_at(schedule: &TaskId) -> String {
    format!("{FIRINGS}{schedule}")
}

/// What every such subject begins with.
pub const FIRINGS: &str = "fl.retry.cron.";

/// Where a firing arrives when its time has come.
#[must_use]
pub fn firing_due(schedule: &TaskId) -> String {
    format!("{TICKS}{schedule}")
}

const TICKS: &str = "fl.retry.tick.";

/// The schedule that a message on [`firing_due`] names.
#[must_use]
pub fn parse_firing_due(subject: &str) -> Option<TaskId> {
    TaskId::new(subject.strip_prefix(TICKS)?).ok()
}

/// Whether a message of `FL_RETRY` is about a schedule and not about a task.
#[must_use]
pub fn is_of_schedule(subject: &str) -> bool {
    subject.starts_with(FIRINGS) || subject.starts_with(TICKS)
}

/// Where a schedule lies.
#[must_use]
pub fn schedule(name: &TaskId) -> String {
    control(&format!("schedule.{name}"))
}

/// Whose subject [`schedule`] gives.
#[must_use]
pub fn parse_schedule(subject: &str) -> Option<TaskId> {
    let name = subject.strip_prefix(&control("schedule."))?;
    TaskId::new(name).ok()
}

/// Every [`schedule`].
pub const SCHEDULE_ANY: &str = "$KV.fl_control.schedule.*";

/// What follows `fl.retry.report.` or `fl.retry.due.`: lane, class and model.
#[must_use]
pub fn parse_retry(subject: &str) -> Option<(Lane, ClassName, ModelToken)> {
    let rest = subject
        .strip_prefix(REPORTS)
        .or_else(|| subject.strip_prefix("fl.retry.due."))?;
    let mut tokens = rest.split('.');
    let parsed = (
        tokens.next()?.parse().ok()?,
        ClassName::new(tokens.next()?).ok()?,
        ModelToken::new(tokens.next()?).ok()?,
    );
    tokens.next().is_none().then_some(parsed)
}

/// Where a dead letter lies.
#[must_use]
pub fn dead(class: &ClassName, id: &TaskId) -> String {
    format!("fl.dead.{class}.{id}")
}

/// Where a task's dead letter lies, whatever its class.
#[must_use]
pub fn dead_of_any_class(id: &TaskId) -> String {
    format!("fl.dead.*.{id}")
}

/// Where the dead letters of a class lie, or those of all.
#[must_use]
pub fn dead_of_any_task(class: Option<&ClassName>) -> String {
    format!("fl.dead.{}.*", class.map_or("*", ClassName::as_str))
}

/// Where a parked task lies.
#[must_use]
pub fn archived(class: &ClassName, id: &TaskId) -> String {
    format!("fl.archive.{class}.{id}")
}

/// Where a parked task lies, whatever its class.
#[must_use]
pub fn archived_of_any_class(id: &TaskId) -> String {
    format!("fl.archive.*.{id}")
}

/// Where the parked tasks of a class lie, or those of all.
#[must_use]
pub fn archived_of_any_task(class: Option<&ClassName>) -> String {
    format!("fl.archive.{}.*", class.map_or("*", ClassName::as_str))
}

/// Where the safe copy of a task lies while it is moved.
#[must_use]
pub fn held(id: &TaskId) -> String {
    format!("fl.held.{id}")
}

/// Where it is told what befell a task.
#[must_use]
pub fn event(class: &ClassName, id: &TaskId, kind: &str) -> String {
    format!("fl.event.{class}.{id}.{kind}")
}

/// Where it is told that the level of overload has changed. No class and no task can be called so.
pub const MESH_OVERLOAD_EVENT: &str = "fl.event.=.=.overload";

/// All that befell a task, whatever its class.
#[must_use]
pub fn events_of(id: &TaskId) -> String {
    format!("fl.event.*.{id}.*")
}

/// Where a setting of the whole mesh lies: a pause, a lease.
#[must_use]
pub fn control(key: &str) -> String {
    format!("$KV.fl_control.{key}")
}

/// Where a stored policy lies.
#[must_use]
pub fn policy(version: PolicyVersion) -> String {
    format!("$KV.fl_policy.policy.{version}")
}

/// Every stored policy.
pub const POLICY_ANY: &str = "$KV.fl_policy.policy.*";

/// The version that a subject of [`POLICY_ANY`] names.
#[must_use]
pub fn parse_policy(subject: &str) -> Option<PolicyVersion> {
    let version = subject.strip_prefix("$KV.fl_policy.policy.")?;
    version.parse().ok().map(PolicyVersion)
}

/// Where what was seen of a rollout lies.
pub const JUDGEMENT: &str = "$KV.fl_policy.judgement";

/// Every failure report.
pub const REPORT_ANY: &str = "fl.retry.report.*.*.*";

/// Where it is written which of the stored policies holds.
pub const ROLLOUT: &str = "$KV.fl_policy.rollout";

/// A place of a `concurrency_key`, counted from 0: who holds it.
#[must_use]
pub fn key_place(key: &KeyId, place: u32) -> String {
    control(&format!("key.{key}.{place}"))
}

/// That tasks wait for a `concurrency_key`.
#[must_use]
pub fn key_waiters(key: &KeyId) -> String {
    control(&format!("key.{key}.waiters"))
}

/// Every place of every key, and what waits for them.
pub const KEY_ANY: &str = "$KV.fl_control.key.*.*";

/// The key that a subject of [`KEY_ANY`] names.
#[must_use]
pub fn parse_key(subject: &str) -> Option<KeyId> {
    let rest = subject.strip_prefix("$KV.fl_control.key.")?;
    KeyId::parse(rest.split('.').next()?)
}

/// Where a result that is to be delivered to a `callback_url` waits for the coordinator.
#[must_use]
pub fn callback_due(id: &TaskId) -> String {
    format!("fl.callback.due.{id}")
}

/// The task that a message on [`callback_due`] names.
#[must_use]
pub fn parse_callback_due(subject: &str) -> Option<TaskId> {
    TaskId::new(subject.strip_prefix("fl.callback.due.")?).ok()
}

/// Where a delivery waits for another try. One schedule per task.
#[must_use]
pub fn callback_at(id: &TaskId) -> String {
    format!("fl.callback.at.{id}")
}

/// Tells the worker that runs a task to stop. Not stored; the fence has been written before.
#[must_use]
pub fn cancel(id: &TaskId) -> String {
    format!("fl.ctl.cancel.{id}")
}

/// Where workers are told of tasks that came to queues of a lane.
#[must_use]
pub fn wake(lane: Lane) -> String {
    format!("fl.wake.{lane}")
}

/// Every lane's [`wake`].
pub const WAKE_ANY: &str = "fl.wake.*";

/// Every task's [`cancel`].
pub const CANCEL_ANY: &str = "fl.ctl.cancel.*";

/// Where it is told what waits on a lane. Not stored.
#[must_use]
pub fn view(lane: Lane) -> String {
    format!("fl.view.{lane}")
}

/// Every lane's [`view`].
pub const VIEW_ANY: &str = "fl.view.*";

/// The task that a message on [`CANCEL_ANY`] names.
#[must_use]
pub fn parse_cancel(subject: &str) -> Option<TaskId> {
    TaskId::new(subject.strip_prefix("fl.ctl.cancel.")?).ok()
}

/// Where a worker says that it is there.
#[must_use]
pub fn worker(id: &WorkerId) -> String {
    format!("$KV.fl_registry.worker.{id}")
}

/// Where a gateway says what it acts on.
#[must_use]
pub fn gateway(id: &WorkerId) -> String {
    format!("$KV.fl_registry.gateway.{id}")
}

/// Every gateway's [`gateway`].
pub const GATEWAY_ANY: &str = "$KV.fl_registry.gateway.*";

/// Every worker's [`worker`].
pub const WORKER_ANY: &str = "$KV.fl_registry.worker.*";

/// Where a worker is told what to do. Not stored: it answers, or it is not there.
#[must_use]
pub fn orders(id: &WorkerId) -> String {
    format!("fl.ctl.worker.{id}")
}

/// Where workers ask whoever leads for tokens of rates. Not stored.
pub const RATE: &str = "fl.ctl.rate";

/// What a submission is noted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKey {
    /// Its task.
    Task(TaskId),
    /// The caller's own word for it, hashed.
    Idempotency(TaskId),
}

/// Where a submission is noted.
#[must_use]
pub fn record(key: &RecordKey) -> String {
    match key {
        RecordKey::Task(id) => format!("$KV.fl_tasks.{id}"),
        // No task's id has a dot.
        RecordKey::Idempotency(hash) => format!("$KV.fl_tasks.key.{hash}"),
    }
}

/// The stream of a lane.
#[must_use]
pub const fn lane_stream(lane: Lane) -> &'static str {
    match lane {
        Lane::Core => "FL_CORE",
        Lane::Normal => "FL_NORMAL",
    }
}

/// The stream of failure reports and retries.
pub const RETRY: &str = "FL_RETRY";
/// The stream of fences.
pub const RESULTS: &str = "FL_RESULTS";
/// The stream of dead letters.
pub const DEAD: &str = "FL_DEAD";
/// The stream of parked tasks.
pub const ARCHIVE: &str = "FL_ARCHIVE";
/// The stream of what befell tasks.
pub const EVENTS: &str = "FL_EVENTS";
/// The stream of safe copies of tasks that are being moved.
pub const HELD: &str = "FL_HELD";
/// The stream of the server's own notices that it has stopped to deliver a task.
pub const ADVISORIES: &str = "FL_ADVISORIES";
/// The stream behind the bucket of pauses and leases.
pub const CONTROL: &str = "KV_fl_control";
/// The stream behind the bucket of policies.
pub const POLICIES: &str = "KV_fl_policy";
/// The stream behind the bucket of workers.
pub const REGISTRY: &str = "KV_fl_registry";
/// The stream behind the bucket of submissions.
pub const RECORDS: &str = "KV_fl_tasks";
/// The stream of results that are to be delivered.
pub const CALLBACKS: &str = "FL_CALLBACKS";

/// The durable consumer of a route within its lane's stream.
#[must_use]
pub fn consumer(route: &Route) -> String {
    format!("{}={}={}", route.class, route.model, route.shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_subject_reads_back_and_others_do_not() {
        let route = parse_task("fl.task.core.pay.all-MiniLM.0").unwrap();
        assert_eq!(task(&route), "fl.task.core.pay.all-MiniLM.0");
        assert_eq!(consumer(&route), "pay=all-MiniLM=0");
        for bad in [
            "fl.task.core.pay.m",
            "fl.task.core.pay.m.0.1",
            "fl.task.slow.pay.m.0",
            "fl.task.core.pay.m.x",
        ] {
            assert_eq!(parse_task(bad), None, "{bad}");
        }
    }
}

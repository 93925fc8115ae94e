//! What a caller is told when something is not done: one form for every door.

use serde_json::{Value, json};

use super::Refusal;
use crate::broker::publish::PublishError;
use crate::broker::records::RecordError;
use crate::broker::{RequestError, WriteError};

/// The word programs go by; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body is no task.
    BodyUnreadable,
    /// The body does not fit.
    BodyTooLarge,
    /// The policy has no such model.
    UnknownModel,
    /// The policy has no such class.
    UnknownClass,
    /// A number, or a text's length, is outside its bounds.
    OutOfRange,
    /// A `callback_url` that nothing is delivered to.
    BadCallbackUrl,
    /// A task that nobody knows is to be waited for.
    UnknownDependency,
    /// Tasks would wait for each other, or too many in a row.
    BadDependency,
    /// A header that is none.
    BadHeader,
    /// A name in the path or the request that is none.
    BadName,
    /// The same `task_id` came with something else.
    TaskIdReused,
    /// The same `Idempotency-Key` came with something else.
    IdempotencyKeyReused,
    /// Nobody knows the task.
    UnknownTask,
    /// A schedule that is none, or whose task is none.
    BadSchedule,
    /// There is another schedule of that name.
    ScheduleExists,
    /// There is no schedule of that name.
    UnknownSchedule,
    /// The policy document has faults.
    PolicyFaulty,
    /// Another policy holds than the caller thinks.
    PolicyOutdated,
    /// Somebody else applied a policy at the same moment.
    PolicyConflict,
    /// There is no such stored policy.
    UnknownPolicy,
    /// This gateway lets nobody choose the track of a task.
    TrackNotAllowed,
    /// This gateway changes no policies.
    PolicyReadOnly,
    /// No such resource.
    UnknownPath,
    /// The resource does not do that.
    MethodNotAllowed,
    /// The task has ended otherwise.
    AlreadyEnded,
    /// The lane takes no more for now.
    LaneFull,
    /// There is too much to do, and others of the same lane are more urgent.
    LowerPriority,
    /// There is too much to do, and only core is served.
    CoreOnly,
    /// There is too much to do, and no place to put the task aside.
    ArchiveFull,
    /// Timers take too much of the storage, and the task would take one.
    TimersFull,
    /// The task cannot meet its deadline.
    Infeasible,
    /// What is stored cannot be read.
    Unreadable,
    /// Too many callers wait here.
    TooManyWaiting,
    /// The streams are not there.
    NotSetUp,
    /// NATS cannot be reached.
    Unavailable,
    /// NATS did not answer: it may or may not be done.
    Unconfirmed,
}

impl Code {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyUnreadable => "body_unreadable",
            Self::BodyTooLarge => "body_too_large",
            Self::UnknownModel => "unknown_model",
            Self::UnknownClass => "unknown_class",
            Self::OutOfRange => "out_of_range",
            Self::BadCallbackUrl => "bad_callback_url",
            Self::UnknownDependency => "unknown_dependency",
            Self::BadDependency => "bad_dependency",
            Self::BadHeader => "bad_header",
            Self::BadName => "bad_name",
            Self::TaskIdReused => "task_id_reused",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::UnknownTask => "unknown_task",
            Self::BadSchedule => "bad_schedule",
            Self::ScheduleExists => "schedule_exists",
            Self::UnknownSchedule => "unknown_schedule",
            Self::PolicyFaulty => "policy_faulty",
            Self::PolicyOutdated => "policy_outdated",
            Self::PolicyConflict => "policy_conflict",
            Self::UnknownPolicy => "unknown_policy",
            Self::TrackNotAllowed => "track_not_allowed",
            Self::PolicyReadOnly => "policy_read_only",
            Self::UnknownPath => "unknown_path",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::AlreadyEnded => "already_ended",
            Self::LaneFull => "lane_full",
            Self::LowerPriority => "overload_lower_priority",
            Self::CoreOnly => "overload_core_only",
            Self::ArchiveFull => "overload_archive_full",
            Self::TimersFull => "overload_timers_full",
            Self::Infeasible => "infeasible",
            Self::Unreadable => "record_unreadable",
            Self::TooManyWaiting => "too_many_waiting",
            Self::NotSetUp => "not_set_up",
            Self::Unavailable => "unavailable",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// As HTTP numbers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BodyUnreadable | Self::BadHeader | Self::BadName => 400,
            Self::PolicyReadOnly | Self::TrackNotAllowed => 403,
            Self::UnknownTask | Self::UnknownSchedule | Self::UnknownPolicy | Self::UnknownPath => 404,
            Self::MethodNotAllowed => 405,
            Self::AlreadyEnded | Self::ScheduleExists | Self::PolicyConflict => 409,
            Self::PolicyOutdated => 412,
            Self::BodyTooLarge => 413,
            Self::UnknownModel
            | Self::UnknownClass
            | Self::OutOfRange
            | Self::BadCallbackUrl
            | Self::Infeasible
            | Self::UnknownDependency
            | Self::BadDependency
            | Self::BadSchedule
            | Self::PolicyFaulty
            | Self::TaskIdReused
            | Self::IdempotencyKeyReused => 422,
            Self::LowerPriority => 429,
            Self::Unreadable => 500,
            Self::LaneFull
            | Self::CoreOnly
            | Self::ArchiveFull
            | Self::TimersFull
            | Self::TooManyWaiting
            | Self::NotSetUp
            | Self::Unavailable
            | Self::Unconfirmed => 503,
        }
    }

    /// HTTP's own words for the status.
    const fn title(self) -> &'static str {
        match self.status() {
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            422 => "Unprocessable Content",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            _ => "Service Unavailable",
        }
    }

    /// When it is worth another try, in s, where the problem itself does not say.
    #[must_use]
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::LaneFull | Self::Unconfirmed | Self::TooManyWaiting => Some(1),
            Self::LowerPriority | Self::CoreOnly | Self::ArchiveFull | Self::TimersFull => Some(30),
            Self::NotSetUp | Self::Unavailable => Some(5),
            _ => None,
        }
    }
}

/// What is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which problem.
    pub code: Code,
    /// For people.
    pub detail: String,
    /// The field or header it is about.
    pub field: Option<String>,
    /// When it is worth another try, in s; where none is given, as its code says.
    pub retry_after_s: Option<u32>,
    /// What else programs may go by.
    pub members: Vec<Member>,
}

/// A fact about a problem, for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name in the body.
    pub name: &'static str,
    /// Its header in an answer of the NATS service.
    pub header: &'static str,
    /// What it is.
    pub value: Value,
}

impl Problem {
    /// A problem of no field.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
            retry_after_s: None,
            members: Vec::new(),
        }
    }

    /// The same, worth another try after so many seconds.
    #[must_use]
    pub fn after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The same, with one fact more.
    #[must_use]
    pub fn with(mut self, name: &'static str, header: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.members.push(Member { name, header, value });
        self
    }

    /// When it is worth another try, in s.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s.or(self.code.retry_after_s())
    }

    /// The same, of `field`.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The body of `application/problem+json` (RFC 9457).
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "type": "about:blank",
            "title": self.code.title(),
            "status": self.code.status(),
            "code": self.code.as_str(),
            "detail": self.detail,
        });
        if let Some(field) = &self.field {
            body["field"] = json!(field);
        }
        for Member { name, value, .. } in &self.members {
            body[*name] = value.clone();
        }
        body
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::TooLarge { .. } => Code::BodyTooLarge,
            Refusal::Unreadable(_) => Code::BodyUnreadable,
            Refusal::UnknownModel { .. } => Code::UnknownModel,
            Refusal::UnknownClass(_) => Code::UnknownClass,
            Refusal::Zero { .. } | Refusal::Begin(_) => Code::OutOfRange,
            Refusal::CallbackUrl(_) => Code::BadCallbackUrl,
        };
        Self::new(code, refusal.to_string()).in_field(refusal.field())
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let code = match &error {
            PublishError::Full { subject, .. } => {
                let place = ["fl.task.core.", "fl.task.normal.", "fl.held."]
                    .into_iter()
                    .position(|prefix| subject.starts_with(prefix));
                let full = match place {
                    Some(0) => "the core lane is full",
                    Some(1) => "the normal lane is full",
                    Some(_) => "there is no room for more tasks that wait for others",
                    None => "the server has no room for another timer",
                };
                let what = format!("{full}; the task is not accepted; submit it again later");
                return Self::new(Code::LaneFull, what);
            }
            PublishError::NoStream { .. } => {
                let what =
                    "the mesh's streams are missing; run `fairlane streams apply`; nothing was accepted";
                return Self::new(Code::NotSetUp, what);
            }
            PublishError::TooLarge { .. } => Code::BodyTooLarge,
            PublishError::Unknown { .. } => {
                tracing::warn!(%error, "a stream did not answer");
                let what = "NATS did not answer in time, so the task may or may not be accepted; submit the \
                            same again, which is safe under a task_id or an Idempotency-Key";
                return Self::new(Code::Unconfirmed, what);
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        if error.is_unreadable() {
            let what = "what is stored for this task cannot be read; whoever wrote it broke the protocol";
            tracing::warn!(%error, "a record cannot be read");
            return Self::new(Code::Unreadable, what);
        }
        // The inside stays inside.
        tracing::warn!(%error, "NATS cannot be asked");
        Self::new(Code::Unavailable, "NATS does not answer; try again")
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Publish(error) => error.into(),
            WriteError::Request(error) => error.into(),
        }
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Write(error) => error.into(),
            RecordError::Read(error) => error.into(),
        }
    }
}

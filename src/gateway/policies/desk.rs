//! The same through a gateway: what is not done is a problem.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Applied, ApplyError, Applying, Handle, Past, ShadowStatus, TrialPlace, TrialStatus, Trying, apply,
    begin_shadow, begin_trial, document_of, end_shadow, handle_trial, history, rollback, shadow_status,
    trial_status,
};
use crate::broker::WriteError;
use crate::broker::records::RecordError;
use crate::config::Faults;
use crate::gateway::{Code, Desk, Problem};
use crate::policy::PolicyVersion;

/// A stored policy with its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPolicy {
    /// What is known of it.
    #[serde(flatten)]
    pub past: Past,
    /// The document, byte for byte.
    pub document: String,
}

/// A rollout that has begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Begun {
    /// The number of the policy that was put on trial; the rest tells what stands since, which may be that it has ended.
    pub candidate: u64,
    /// Where the rollout stands.
    #[serde(flatten)]
    pub status: TrialStatus,
}

impl Desk {
    /// The stored policy `version`, or the one that holds.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn stored_policy(&self, version: Option<PolicyVersion>) -> Result<ShownPolicy, Problem> {
        self.connected()?;
        let Some((stored, past)) = document_of(&self.broker, version).await? else {
            let what = "no policy was applied: every process acts on what it was started with; PUT /v1/policy makes one hold";
            return Err(Problem::new(Code::UnknownPolicy, what));
        };
        let document = stored.document;
        Ok(ShownPolicy { past, document })
    }

    /// Every stored policy, the latest first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn policies(&self) -> Result<Vec<Past>, Problem> {
        self.connected()?;
        Ok(history(&self.broker).await?)
    }

    /// Makes a document hold.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn apply_policy(&self, of: &Applying) -> Result<Applied, Problem> {
        self.connected()?;
        Ok(apply(&self.broker, of).await?)
    }

    /// Makes an earlier one hold again.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn roll_policy_back(
        &self,
        to: Option<PolicyVersion>,
        author: String,
        message: String,
        expected: Option<PolicyVersion>,
    ) -> Result<Applied, Problem> {
        self.connected()?;
        Ok(rollback(&self.broker, to, author, message, expected).await?)
    }

    /// Puts a document on trial.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn begin_rollout(&self, of: &Trying) -> Result<Begun, Problem> {
        self.connected()?;
        let candidate = begin_trial(&self.broker, of).await?.0;
        let status = trial_status(&self.broker).await?;
        Ok(Begun { candidate, status })
    }

    /// Asks a document what it would do.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn begin_shadow(&self, of: &Applying) -> Result<ShadowStatus, Problem> {
        self.connected()?;
        begin_shadow(&self.broker, of).await?;
        Ok(shadow_status(&self.broker).await?)
    }

    /// Asks nobody any more, where the one that is `expected` is asked; what that would have done.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn end_shadow(&self, expected: Option<PolicyVersion>) -> Result<ShadowStatus, Problem> {
        self.connected()?;
        Ok(end_shadow(&self.broker, expected).await?)
    }

    /// What the policy that is asked would have done.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn shadow_status(&self) -> Result<ShadowStatus, Problem> {
        self.connected()?;
        Ok(shadow_status(&self.broker).await?)
    }

    /// Where the rollout stands, or how the last one ended.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn rollout_status(&self) -> Result<TrialStatus, Problem> {
        self.connected()?;
        Ok(trial_status(&self.broker).await?)
    }

    /// Does something to the rollout under way, for `who`, where it is the one that is `expected`.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn steer_rollout(
        &self,
        how: Handle,
        who: &str,
        expected: Option<TrialPlace>,
    ) -> Result<TrialStatus, Problem> {
        self.connected()?;
        Ok(handle_trial(&self.broker, how, who, expected).await?)
    }

    /// Whoever reaches a gateway could change what the whole mesh does: only one that was told so lets them.
    pub(in crate::gateway) fn may_write_policies(&self) -> Result<(), Problem> {
        if self.writes_policies {
            return Ok(());
        }
        let what = "this gateway shows policies and changes none; start it with --policy-writes, or use `fairlane policy`";
        Err(Problem::new(Code::PolicyReadOnly, what))
    }
}

/// Faults as programs read them.
#[must_use]
pub fn shown_faults(of: &Faults) -> Vec<Value> {
    let shown = of.faults.iter();
    shown
        .map(|f| json!({"path": f.path, "line": f.line, "column": f.column, "what": f.what}))
        .collect()
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        let code = match &error {
            ApplyError::Faults(faults) => {
                let faults = Value::Array(shown_faults(faults));
                return Self::new(Code::PolicyFaulty, error.to_string()).with("faults", "Fl-Faults", faults);
            }
            ApplyError::TooLong { .. } => Code::BodyTooLarge,
            ApplyError::Outdated { stands, .. } => {
                let stands = stands.0;
                return Self::new(Code::PolicyOutdated, error.to_string()).with("holds", "Fl-Policy", stands);
            }
            ApplyError::OtherTrial { stands, .. } => {
                let problem = Self::new(Code::PolicyOutdated, error.to_string());
                return match stands {
                    Some(TrialPlace { candidate, stage }) => problem
                        .with("candidate", "Fl-Candidate", candidate.0)
                        .with("stage", "Fl-Stage", *stage),
                    None => problem,
                };
            }
            ApplyError::OtherShadow { stands, .. } => {
                let problem = Self::new(Code::PolicyOutdated, error.to_string());
                return match stands {
                    Some(asked) => problem.with("candidate", "Fl-Candidate", asked.0),
                    None => problem,
                };
            }
            ApplyError::Conflict
            | ApplyError::Busy
            | ApplyError::WentOn(_)
            | ApplyError::Compared(_)
            | ApplyError::OnTrial(_)
            | ApplyError::NoRoom(_)
            | ApplyError::NoTrial
            | ApplyError::NoShadow => Code::PolicyConflict,
            ApplyError::Unknown(_) | ApplyError::NoneBefore | ApplyError::NoneStored => Code::UnknownPolicy,
            ApplyError::Record(_) => {
                return match error {
                    ApplyError::Record(RecordError::Write(error)) => WriteError::Publish(error).into(),
                    ApplyError::Record(RecordError::Read(error)) => error.into(),
                    _ => unreachable!("it was one of those"),
                };
            }
        };
        Self::new(code, error.to_string())
    }
}

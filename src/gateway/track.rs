//! Which track a submission is on while a policy is on trial: the one its caller chose, where it may, else by lot.
//!
//! A caller chooses by the header `Fl-Track`, or names the policy that the task is to run under in the label
//! [`POLICY_LABEL`]. Where both are given the header counts, and the label is free text.

use std::sync::Arc;

use super::desk::Desk;
use super::problem::{Code, Problem};
use super::submit::Request;
use super::tenancy::IdempotencyKey;
use super::{Admitted, Asked, admit, fresh_id};
use crate::config::OnTrial;
use crate::policy::rollout::Track;
use crate::policy::{Edition, PolicyVersion, canary_shard};
use crate::task::EpochMs;
use crate::wire::traceparent;

/// The label of a task that names the policy it is to run under, by its number.
const POLICY_LABEL: &str = "fl-policy";
/// The header that names a track.
const TRACK: &str = "Fl-Track";
/// The label as problems name it.
const LABEL_FIELD: &str = "labels.fl-policy";

/// A submission that was admitted under the policy of its track.
pub(super) struct Tracked {
    pub(super) admitted: Admitted,
    pub(super) key: Option<IdempotencyKey>,
    /// That policy.
    pub(super) policy: Arc<Edition>,
    /// Why it is not taken unless it was taken before: the policy that its caller names neither holds nor is on trial.
    /// It was admitted under the one that holds.
    pub(super) gone: Option<Problem>,
}

type Read = Result<(Admitted, Option<IdempotencyKey>), Problem>;

impl Desk {
    /// Admits a task under the policy of its track.
    ///
    /// # Errors
    /// [`Problem`].
    pub(super) fn tracked(&self, request: &Request, now: EpochMs) -> Result<Tracked, Problem> {
        let (stable, on_trial) = (self.policy(), self.trial());
        let on_trial = on_trial.as_deref();
        let by_header = self.by_header(request)?;
        let read = self.admitted(request, &stable, now);
        // What the policy that holds does not know may be of the candidate: its classes and models are then all there are.
        let as_candidate = match (&read, on_trial) {
            (Err(_), Some(on)) => self.admitted(request, &on.edition, now).ok(),
            _ => None,
        };
        let seen = read.as_ref().ok().or(as_candidate.as_ref());
        let (mut chosen, mut gone) = (by_header, None);
        if let (None, Some((admitted, _))) = (by_header, seen) {
            match self.by_label(admitted, &stable, on_trial)? {
                Some(Ok(track)) => chosen = Some(track),
                Some(Err(problem)) => gone = Some(problem),
                None => (),
            }
        }
        match on_trial.filter(|on| gone.is_none() && track(on, chosen, &read) == Track::Canary) {
            Some(on) => self.on_canary(request, on, read, now),
            None => {
                let (admitted, key) = match (read, &gone) {
                    (Err(_), Some(problem)) => return Err(problem.clone()),
                    (read, _) => read?,
                };
                Ok(Tracked {
                    admitted,
                    key,
                    policy: stable,
                    gone,
                })
            }
        }
    }

    fn on_canary(
        &self,
        request: &Request,
        on: &OnTrial,
        read: Read,
        now: EpochMs,
    ) -> Result<Tracked, Problem> {
        let named = read.ok().map(|(admitted, _)| admitted.task.id);
        let (mut admitted, key) = self.admitted(request, &on.edition, now)?;
        // One that nobody named has drawn its lot by the name it got.
        admitted.task.id = named.unwrap_or(admitted.task.id);
        let task = &mut admitted.task;
        let class = on.edition.class(task.class.as_str());
        task.shard = canary_shard(&task.tenant, class.map_or(1, |class| class.shards));
        Ok(Tracked {
            admitted,
            key,
            policy: on.edition.clone(),
            gone: None,
        })
    }

    /// The track that the header names, where callers may choose.
    fn by_header(&self, request: &Request) -> Result<Option<Track>, Problem> {
        let Some(word) = &request.track else {
            return Ok(None);
        };
        self.may_choose(TRACK)?;
        let track = Track::ALL.into_iter().find(|track| track.as_str() == word);
        let what = "Fl-Track: give stable or canary";
        track
            .map(Some)
            .ok_or_else(|| Problem::new(Code::BadHeader, what).in_field(TRACK))
    }

    /// The track of the policy that the label names, or that there is no such policy now.
    fn by_label(
        &self,
        of: &Admitted,
        stable: &Edition,
        on_trial: Option<&OnTrial>,
    ) -> Result<Option<Result<Track, Problem>>, Problem> {
        let Some(text) = of.task.facts.labels.get(POLICY_LABEL) else {
            return Ok(None);
        };
        self.may_choose(LABEL_FIELD)?;
        let candidate = on_trial.map(|on| on.edition.version);
        let number = text.parse().ok().filter(|number| *number > 0);
        let track = match number.map(PolicyVersion) {
            Some(version) if Some(version) == candidate => Ok(Track::Canary),
            Some(version) if version == stable.version => Ok(Track::Stable),
            _ => Err(gone(text, stable.version, candidate)),
        };
        Ok(Some(track))
    }

    fn may_choose(&self, field: &str) -> Result<(), Problem> {
        if self.chooses_tracks {
            return Ok(());
        }
        let what = format!(
            "{field}: this gateway lets nobody choose the track; leave it out, or start it with --choose-track"
        );
        Err(Problem::new(Code::TrackNotAllowed, what).in_field(field))
    }

    fn admitted(&self, request: &Request, policy: &Edition, now: EpochMs) -> Read {
        let asked = Asked {
            tenant: request.tenant.clone(),
            ..Asked::default()
        };
        // The key is the tenant's, and the body may be what names the tenant: so it is hashed after.
        let mut named = true;
        let new_id = || {
            named = false;
            fresh_id(now)
        };
        let content_type = request.content_type.as_deref();
        let body = request.body.clone();
        let mut admitted = admit(policy, body, content_type, &asked, now, new_id, self.terms())?;
        admitted.task.facts.policy = policy.stored();
        admitted.task.facts.traceparent = request.traceparent.as_deref().and_then(traceparent);
        let key = request.idempotency_key.as_deref();
        let key = key
            .map(|text| IdempotencyKey::new(&admitted.task.tenant, text))
            .transpose()?;
        if let (Some(key), false) = (&key, named) {
            admitted.task.id = key.task_id();
        }
        Ok((admitted, key))
    }
}

/// The track of a task: the chosen one, else the one its lot says. What cannot be admitted draws none.
fn track(on: &OnTrial, chosen: Option<Track>, read: &Read) -> Track {
    match (chosen, read) {
        (Some(chosen), _) => chosen,
        (None, Ok((admitted, _))) => on.trial.track_of(&admitted.task.tenant, &admitted.task.id),
        (None, Err(_)) => Track::Stable,
    }
}

fn gone(text: &str, stable: PolicyVersion, candidate: Option<PolicyVersion>) -> Problem {
    let there = match (stable, candidate) {
        (PolicyVersion::OWN, _) => "none was applied yet".to_owned(),
        (holds, Some(candidate)) => format!("{holds} holds, and {candidate} is on trial"),
        (holds, None) => format!("{holds} holds, and none is on trial"),
    };
    let what = format!(
        "{LABEL_FIELD}: no task runs under a policy {text:?} now: {there}; name one that there is, or leave the label out"
    );
    let problem =
        Problem::new(Code::OutOfRange, what)
            .in_field(LABEL_FIELD)
            .with("holds", "Fl-Policy", stable.0);
    match candidate {
        Some(candidate) => problem.with("candidate", "Fl-Candidate", candidate.0),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_a_policy_that_is_not_there_is_told_which_are() {
        let told = |stable, candidate: Option<u64>| {
            let problem = gone("9", PolicyVersion(stable), candidate.map(PolicyVersion));
            let members: Vec<_> = problem.members.iter().map(|member| member.name).collect();
            (problem.detail, members)
        };
        let (detail, members) = told(7, Some(8));
        assert!(detail.contains("7 holds, and 8 is on trial"), "{detail}");
        assert_eq!(members, ["holds", "candidate"]);
        let (detail, members) = told(7, None);
        assert!(detail.contains("7 holds, and none is on trial"), "{detail}");
        assert_eq!(members, ["holds"]);
        assert!(told(0, None).0.contains("none was applied yet"));
    }
}

//! What is applied holds, and can be taken back; of two who change the policy at once one is told.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{
    Applied, ApplyError, Applying, Handle, TrialPlace, apply, begin_shadow, begin_trial, end_shadow,
    handle_trial, history, rollback, shadow_status, trial_status,
};
use fairlane::policy::PolicyVersion;

use super::canary::trying;
use super::documents::{applying, version};
use crate::support::{Mesh, PATIENCE, TWO_CLASSES};

/// What became of an application: which version, after which, and whether it changed anything.
fn told(applied: Applied) -> (u64, u64, bool) {
    (applied.version, applied.before, applied.changed)
}

async fn applies(mesh: &Mesh, document: String) -> (u64, u64, bool) {
    told(apply(&mesh.broker, &applying(document)).await.expect("applied"))
}

async fn goes_back(mesh: &Mesh) -> Result<Applied, ApplyError> {
    rollback(&mesh.broker, None, "test".to_owned(), String::new(), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_holds_everywhere_and_the_same_again_changes_nothing() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let worker = mesh.following_worker("w-1", 1, Arc::new(Simulate)).await;
    let mut acting = worker.acting();
    assert_eq!(applies(&mesh, version(1)).await, (1, 0, true));
    acting.wait_for(|v| v.0 == 1).await.expect("it runs");
    assert_eq!(applies(&mesh, version(1)).await, (1, 1, false));
    assert_eq!(applies(&mesh, version(2)).await, (2, 1, true));
    acting.wait_for(|v| v.0 == 2).await.expect("it runs");
    // Who starts later begins with what holds.
    let late = mesh.following_worker("w-2", 1, Arc::new(Simulate)).await;
    assert_eq!(late.acting().borrow().0, 2);

    let stale = Applying {
        expected: Some(PolicyVersion(1)),
        ..applying(version(3))
    };
    let refused = apply(&mesh.broker, &stale).await.expect_err("another one holds");
    assert!(matches!(refused, ApplyError::Outdated { .. }), "{refused}");
    let faulty = applying("version: 1\nclasses: {}\n".to_owned());
    let faulty = apply(&mesh.broker, &faulty).await.expect_err("faulty");
    assert!(faulty.to_string().contains("test.yaml:2:"), "{faulty}");
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_can_be_taken_back_step_by_step() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for n in 1..=3 {
        applies(&mesh, version(n)).await;
    }
    assert_eq!(told(goes_back(&mesh).await.expect("taken back")), (4, 3, true));
    assert_eq!(told(goes_back(&mesh).await.expect("taken back")), (5, 4, true));
    let none = goes_back(&mesh).await.expect_err("nothing before");
    assert!(matches!(none, ApplyError::NoneBefore), "{none}");
    let past = history(&mesh.broker).await.expect("stored");
    let told: Vec<_> = past
        .iter()
        .map(|past| (past.version, past.holds, past.after, past.restores))
        .collect();
    let expected = [
        (5, true, 4, Some(1)),
        (4, false, 3, Some(2)),
        (3, false, 2, None),
        (2, false, 1, None),
        (1, false, 0, None),
    ];
    assert_eq!(told, expected);
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_apply_at_once_one_is_told_of_the_other() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for round in 0..8 {
        let (one, other) = (applying(version(2 * round + 1)), applying(version(2 * round + 2)));
        let applied = tokio::join!(apply(&mesh.broker, &one), apply(&mesh.broker, &other));
        let both = [applied.0, applied.1];
        let held = both.iter().filter(|applied| applied.is_ok()).count();
        assert!(held >= 1, "{both:?}");
        for refused in both.iter().filter_map(|applied| applied.as_ref().err()) {
            assert!(matches!(refused, ApplyError::Conflict), "{refused}");
        }
        let past = history(&mesh.broker).await.expect("stored");
        let holds: Vec<u64> = past
            .iter()
            .filter(|past| past.holds)
            .map(|past| past.version)
            .collect();
        assert_eq!(
            holds,
            [past[0].version],
            "the last one that is stored holds, and no other is left over"
        );
    }
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_begin_a_rollout_at_once_one_is_told_and_leaves_nothing_behind() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let broker = &mesh.broker;
    apply(broker, &applying(version(1))).await.expect("applied");
    for round in 0..8 {
        let (one, other) = (trying(version(2), &[10, 100]), trying(version(3), &[20, 100]));
        let stored = history(broker).await.expect("stored").len();
        let begun = tokio::join!(begin_trial(broker, &one), begin_trial(broker, &other));
        let (candidate, refused) = match begun {
            (Ok(candidate), Err(refused)) | (Err(refused), Ok(candidate)) => (candidate.0, refused),
            both => panic!("{round}: {both:?}"),
        };
        assert!(
            matches!(refused, ApplyError::Conflict | ApplyError::OnTrial(_)),
            "{refused}"
        );
        let past = history(broker).await.expect("stored");
        assert_eq!(
            (past.len(), past[0].version),
            (stored + 1, candidate),
            "no other is left over"
        );
        let status = trial_status(broker).await.expect("NATS answers");
        let trial = status.trial.expect("it is on trial");
        assert_eq!((trial.candidate, status.stable), (candidate, 1));
        handle_trial(broker, Handle::Abort, "test", None)
            .await
            .expect("it ends");
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_people_who_steer_a_rollout_at_once_none_does_what_he_did_not_mean() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let broker = &mesh.broker;
    apply(broker, &applying(version(1))).await.expect("applied");
    let parts: Vec<u16> = (1..=40).collect();
    begin_trial(broker, &trying(version(2), &parts))
        .await
        .expect("it begins");
    let steer = |how| handle_trial(broker, how, "test", None);
    let mut stage = 0;
    for _ in 0..8 {
        // Whoever promotes it has seen one stage and means the next.
        let all = tokio::join!(
            steer(Handle::Pause),
            steer(Handle::Pause),
            steer(Handle::Promote),
            steer(Handle::Promote),
        );
        let promoted = [all.2, all.3];
        for refused in promoted.iter().filter_map(|promoted| promoted.as_ref().err()) {
            assert!(matches!(refused, ApplyError::WentOn(_)), "{refused}");
        }
        stage += promoted.iter().filter(|promoted| promoted.is_ok()).count();
        for paused in [all.0, all.1] {
            assert!(matches!(paused, Ok(_) | Err(ApplyError::WentOn(_))), "{paused:?}");
        }
        let trial = trial_status(broker).await.expect("NATS answers").trial;
        assert_eq!(trial.map(|trial| trial.stage), Some(stage));
    }
    let held = tokio::join!(steer(Handle::Pause), steer(Handle::Pause), steer(Handle::Pause));
    assert!(held.0.is_ok() && held.1.is_ok() && held.2.is_ok(), "{held:?}");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_a_rollout_ends_it_in_whichever_stage_it_is_by_then_and_no_other() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let broker = &mesh.broker;
    apply(broker, &applying(version(1))).await.expect("applied");
    let parts: Vec<u16> = (1..=40).collect();
    let steer = |how, seen| handle_trial(broker, how, "test", seen);
    for _ in 0..8 {
        let candidate = begin_trial(broker, &trying(version(2), &parts))
            .await
            .expect("it begins");
        let seen = Some(TrialPlace { candidate, stage: 0 });
        let all = tokio::join!(
            steer(Handle::Promote, seen),
            steer(Handle::Abort, None),
            steer(Handle::Promote, seen),
        );
        assert!(all.1.is_ok(), "{:?}", all.1);
        for promoted in [all.0, all.2] {
            assert!(
                matches!(promoted, Ok(_) | Err(ApplyError::OtherTrial { .. })),
                "{promoted:?}"
            );
        }
        let next = begin_trial(broker, &trying(version(3), &parts))
            .await
            .expect("the next one begins");
        let refused = steer(Handle::Abort, seen).await.expect_err("another is on trial");
        let stands = TrialPlace {
            candidate: next,
            stage: 0,
        };
        assert!(
            matches!(refused, ApplyError::OtherTrial { stands: Some(other), .. } if other == stands),
            "{refused}"
        );
        steer(Handle::Abort, Some(stands)).await.expect("it ends");
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_asked_and_asked_no_more_also_while_the_record_changes_for_another_reason() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let broker = &mesh.broker;
    apply(broker, &applying(version(1))).await.expect("applied");
    begin_trial(broker, &trying(version(2), &[10, 100]))
        .await
        .expect("it begins");
    let hold = || handle_trial(broker, Handle::Pause, "test", None);
    let document = applying(version(3));
    for round in 0..8 {
        let (one, asked, other) = tokio::join!(hold(), begin_shadow(broker, &document), hold());
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        let asked = asked.expect("no other policy was named meanwhile");
        assert_eq!(asked.0, 3 + round);
        let stored = history(broker).await.expect("stored");
        assert_eq!(stored[0].version, asked.0);
        assert_eq!(stored.len() as u64, asked.0, "it is stored once");
        let (one, ended, other) = tokio::join!(hold(), end_shadow(broker, Some(asked)), hold());
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        let ended = ended.expect("it was asked").shadow;
        assert_eq!(ended.map(|shadow| shadow.candidate), Some(asked.0));
        let status = shadow_status(broker).await.expect("NATS answers");
        assert!(status.shadow.is_none(), "{status:?}");
    }
    let both = tokio::join!(begin_shadow(broker, &document), begin_shadow(broker, &document));
    let asked = [both.0, both.1];
    for refused in asked.iter().filter_map(|asked| asked.as_ref().err()) {
        assert!(matches!(refused, ApplyError::Conflict), "{refused}");
    }
    let held = asked.iter().filter(|asked| asked.is_ok()).count();
    assert!(held >= 1, "{asked:?}");
    assert_eq!(
        history(broker).await.expect("stored").len(),
        10 + held,
        "who was refused leaves nothing behind"
    );
    mesh.stop().await;
}

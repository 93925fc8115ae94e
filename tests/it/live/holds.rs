//! What is applied holds, and can be taken back.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{Applied, ApplyError, Applying, apply, history, rollback};
use fairlane::policy::PolicyVersion;

use super::{applying, version};
use crate::support::{Mesh, PATIENCE, TWO_CLASSES};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_holds_everywhere_once_and_can_be_taken_back() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let worker = mesh.following_worker("w-1", 1, Arc::new(Simulate)).await;
    let mut acting = worker.acting();
    let broker = &mesh.broker;

    let first = apply(broker, &applying(version(1))).await.expect("applied");
    assert_eq!(
        first,
        Applied {
            version: 1,
            before: 0,
            changed: true
        }
    );
    acting
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");

    let again = apply(broker, &applying(version(1))).await.expect("applied");
    assert_eq!(
        again,
        Applied {
            version: 1,
            before: 1,
            changed: false
        }
    );

    apply(broker, &applying(version(2))).await.expect("applied");
    acting
        .wait_for(|v| *v == PolicyVersion(2))
        .await
        .expect("it runs");

    let stale = Applying {
        expected: Some(PolicyVersion(1)),
        ..applying(version(3))
    };
    let refused = apply(broker, &stale).await.expect_err("another one holds");
    assert!(matches!(refused, ApplyError::Outdated { .. }), "{refused}");
    let faulty = apply(broker, &applying("version: 1\nclasses: {}\n".to_owned()))
        .await
        .expect_err("faulty");
    assert!(faulty.to_string().contains("test.yaml:2:"), "{faulty}");

    let back = rollback(broker, None, "test".to_owned(), String::new(), None)
        .await
        .expect("taken back");
    assert_eq!(
        back,
        Applied {
            version: 3,
            before: 2,
            changed: true
        }
    );
    acting
        .wait_for(|v| *v == PolicyVersion(3))
        .await
        .expect("it runs");
    let past = history(broker).await.expect("stored");
    let told: Vec<_> = past
        .iter()
        .map(|past| (past.version, past.holds, past.after, past.restores))
        .collect();
    assert_eq!(
        told,
        [(3, true, 2, Some(1)), (2, false, 1, None), (1, false, 0, None)]
    );
    // Back again is on to what was before that one, of which there is none.
    let none = rollback(broker, None, "test".to_owned(), String::new(), None)
        .await
        .expect_err("nothing before");
    assert!(matches!(none, ApplyError::NoneBefore), "{none}");

    // Who starts later begins with what holds.
    let late = mesh.following_worker("w-2", 1, Arc::new(Simulate)).await;
    assert_eq!(*late.acting().borrow(), PolicyVersion(3));
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

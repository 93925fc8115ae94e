//! Two policies side by side.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{Comparing, TrialStatus, Trying, begin_trial};
use fairlane::policy::LotBy;
use tokio_util::sync::CancellationToken;

use super::canary::{Scene, ended, trying};
use super::documents::version;
use crate::support::Mesh;

/// How long both are compared: some looks of a second.
const FOR_MS: u64 = 6_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_tells_both_apart_and_ends_at_its_time_with_nothing_changed() {
    let scene = Scene::on(Mesh::start_alone(&version(0)).await, Arc::new(Simulate)).await;
    let asked = Trying {
        by: LotBy::Task,
        compare: Some(Comparing { for_ms: Some(FOR_MS) }),
        ..trying(version(2), &[50])
    };
    begin_trial(&scene.mesh.broker, &asked).await.expect("it begins");
    let of = |status: &TrialStatus| {
        let seen = status.seen.as_ref();
        seen.and_then(|seen| seen["comparison"]["contrasts"].as_array().cloned())
            .unwrap_or_default()
    };
    let stop = CancellationToken::new();
    let ((all, canary), status) = tokio::join!(scene.flow(2, &stop), async {
        let under_way = scene.until("it is manned", |status| {
            let trial = status.trial.as_ref();
            trial.is_some_and(|trial| trial.workers.len() == 2)
        });
        let trial = under_way.await.trial.expect("it is under way");
        assert!(
            trial
                .comparison
                .is_some_and(|comparison| comparison.until.is_some())
        );
        let status = scene.until("it ends", |status| status.last.is_some()).await;
        stop.cancel();
        status
    });
    assert_eq!(
        (ended(&status), status.stable),
        (Some("compared"), 1),
        "{status:?}"
    );
    assert!(canary * 4 > all && canary * 4 < all * 3, "{canary} of {all}");
    // The last look may have come before its first full batch of five: what there is stays readable afterwards.
    let contrasts = of(&status);
    let failed = contrasts
        .iter()
        .find(|contrast| contrast["figure"] == "failed" && contrast["class"] == "pay");
    let failed = failed.unwrap_or_else(|| panic!("{status:?}"));
    assert!(failed["canary_tasks"].as_u64() > Some(0), "{failed}");
    assert_eq!(failed["finding"], "too_few");
    scene.mesh.stop().await;
}

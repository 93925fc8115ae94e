//! Who is on the canary track.

use super::super::{Share, Track, assign, lot};
use crate::task::{Shard, TenantId};

const TENANTS: u32 = 40_000;

fn share(ten_thousandths: u16) -> Share {
    Share::new(ten_thousandths).unwrap()
}

fn is_canary(rollout: &str, tenant: u32, part: Share) -> bool {
    assign(lot(rollout, &format!("tenant-{tenant}")), part) == Track::Canary
}

/// Whether `count` of `of` may be a binomial of this probability: within 4.5 standard deviations.
fn may_be(count: u32, of: u32, probability: f64) -> bool {
    let mean = f64::from(of) * probability;
    (f64::from(count) - mean).abs() <= 4.5 * (mean * (1.0 - probability)).sqrt()
}

#[test]
fn a_share_is_1_to_10_000() {
    assert_eq!([0, 10_001].map(Share::new), [None, None]);
    assert_eq!(share(1_250).to_string(), "12.5 %");
    assert_eq!(Share::new(10_000), Some(Share::WHOLE));
}

#[test]
fn the_part_on_the_canary_track_is_the_share() {
    for rollout in ["1", "2", "candidate-7"] {
        for part in [1, 100, 1_000, 2_500, 5_000, 9_999].map(share) {
            let canary = (0..TENANTS)
                .filter(|tenant| is_canary(rollout, *tenant, part))
                .count() as u32;
            let probability = f64::from(part.ten_thousandths()) / 10_000.0;
            assert!(may_be(canary, TENANTS, probability), "{rollout} {part}: {canary}");
        }
        assert!((0..TENANTS).all(|tenant| is_canary(rollout, tenant, Share::WHOLE)));
    }
}

#[test]
fn who_is_on_the_canary_track_stays_there_while_the_share_grows() {
    for id in 0..2_000 {
        let own = lot("1", &format!("task-{id}"));
        let tracks: Vec<Track> = (1..=100).map(|part| assign(own, share(part * 100))).collect();
        assert!(tracks.is_sorted(), "{id}");
    }
}

#[test]
fn every_shard_has_its_part_on_the_canary_track() {
    let part = share(1_000);
    for shards in [2, 3, 8, 16] {
        let (mut canary, mut all) = (vec![0_u32; usize::from(shards)], vec![0_u32; usize::from(shards)]);
        for tenant in 0..TENANTS {
            let name = TenantId::new(&format!("tenant-{tenant}")).unwrap();
            let Shard::Stable(shard) = Shard::of(&name, shards) else {
                unreachable!()
            };
            all[usize::from(shard)] += 1;
            canary[usize::from(shard)] += u32::from(is_canary("1", tenant, part));
        }
        for (canary, all) in canary.iter().zip(&all) {
            assert!(may_be(*canary, *all, 0.1), "{shards} shards: {canary} of {all}");
        }
    }
}

#[test]
fn two_rollouts_take_different_tenants() {
    let part = share(1_000);
    let both = (0..TENANTS).filter(|tenant| is_canary("1", *tenant, part) && is_canary("2", *tenant, part));
    assert!(may_be(both.count() as u32, TENANTS, 0.01));
}

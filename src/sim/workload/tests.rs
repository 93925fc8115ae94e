//! What holds of every workload.

use std::time::Duration;

use expect_test::expect;

use super::stat::{cv, gaps, mean};
use super::{Job, Kind, Length, Presence, Source, Spec, Workload, build};
use crate::task::{ClassName, fnv1a_64};

fn made(spec: &Spec) -> Workload {
    build(spec, 1).unwrap()
}

fn jobs(made: &Workload) -> &[Job] {
    match &made.source {
        Source::Open(jobs) => jobs,
        Source::Closed(_) => &[],
    }
}

/// Every kind with its defaults, and those that flood without the flood.
fn all(seed: u64) -> Vec<Workload> {
    let without = |kind| Spec {
        presence: Presence::Without,
        ..Spec::new(kind)
    };
    let with = Kind::MADE.into_iter().map(Spec::new);
    with.chain([without(Kind::Flood), without(Kind::Tenants)])
        .map(|spec| build(&spec, seed).unwrap())
        .collect()
}

fn offered(made: &Workload) -> f64 {
    let work: u64 = jobs(made).iter().map(|job| job.service_us).sum();
    work as f64 / (f64::from(made.slots) * made.end_us as f64)
}

#[test]
fn a_seed_makes_the_same_workloads_again_and_another_seed_others() {
    assert_eq!(all(1), all(1));
    for (one, other) in all(1).iter().zip(&all(2)) {
        assert!(one.name == "reference" || one != other, "{}", one.name);
    }
}

#[test]
fn a_seed_makes_the_same_workloads_on_every_machine() {
    let print = |made: &Workload| {
        let all = jobs(made).iter().flat_map(|job| {
            [
                job.at_us,
                job.class as u64,
                u64::from(job.tenant),
                job.service_us,
                job.hint_us,
            ]
        });
        let bytes: Vec<u8> = all.flat_map(u64::to_le_bytes).collect();
        format!(
            "{} {} {} {:016x}\n",
            made.name,
            jobs(made).len(),
            made.end_us,
            fnv1a_64(&bytes)
        )
    };
    let prints: String = all(1).iter().map(print).collect();
    expect![[r#"
        reference 0 330000000 cbf29ce484222325
        code 20000 1221381694 4d0ca87f6e4d3816
        conv 20000 7483344381 e0df11cc3d318089
        mix 20000 5054856479 0d54cebf09524154
        flood 24463 120000000 8107b088d9170fea
        tenants 49994 120000000 83672a2366d3b06d
        flood-without 5726 120000000 68ff0ebbde185a0d
        tenants-without 11514 120000000 a387110998f03e6c
    "#]]
    .assert_eq(&prints);
}

#[test]
fn every_task_is_in_order_in_range_and_of_a_legal_class() {
    for made in all(1) {
        let name = &made.name;
        assert!(made.warmup_us < made.end_us, "{name}");
        for class in &made.classes {
            assert!(ClassName::new(&class.name).is_ok(), "{name}");
            assert!(1 <= class.hand && class.hand <= class.shards, "{name}");
        }
        assert!(jobs(&made).is_sorted_by_key(|job| job.at_us), "{name}");
        assert!(
            jobs(&made).iter().all(|job| job.at_us <= made.end_us
                && job.class < made.classes.len()
                && job.service_us >= 1
                && job.hint_us >= 1),
            "{name}"
        );
    }
}

#[test]
fn the_load_that_is_asked_for_is_the_load_that_is_offered() {
    for kind in [Kind::Code, Kind::Conv, Kind::Mix] {
        for (load, length) in [
            (0.7, None),
            (0.9, Some(Length::Tasks(500))),
            (1.1, Some(Length::For(Duration::from_secs(600)))),
        ] {
            let spec = Spec {
                load: Some(load),
                length,
                ..Spec::new(kind.clone())
            };
            let made = made(&spec);
            assert!(
                (offered(&made) / load - 1.0).abs() < 0.01,
                "{spec:?}: {}",
                offered(&made)
            );
            assert_eq!(made.load, Some(offered(&made)));
        }
    }
    for (kind, presence, load) in [
        (Kind::Flood, Presence::With, 1.27),
        (Kind::Flood, Presence::Without, 0.3),
        (Kind::Tenants, Presence::With, 1.3),
        (Kind::Tenants, Presence::Without, 0.3),
    ] {
        let made = made(&Spec {
            presence,
            ..Spec::new(kind)
        });
        assert!(
            (offered(&made) / load - 1.0).abs() < 0.01,
            "{}: {}",
            made.name,
            offered(&made)
        );
    }
}

#[test]
fn a_length_is_kept_in_tasks_or_in_time() {
    let of = |length| {
        made(&Spec {
            length: Some(length),
            ..Spec::new(Kind::Mix)
        })
    };
    assert_eq!(jobs(&of(Length::Tasks(123))).len(), 123);
    assert_eq!(of(Length::For(Duration::from_secs(90))).end_us, 90_000_000);
    assert_eq!(jobs(&made(&Spec::new(Kind::Mix))).len(), 20_000);
}

#[test]
fn arrivals_of_requests_have_the_cv_of_their_kind() {
    let of = |kind, wide: f64| {
        let spec = Spec {
            length: Some(Length::Tasks(100_000)),
            ..Spec::new(kind)
        };
        let found = cv(&gaps(jobs(&made(&spec)).iter().map(|job| job.at_us)));
        assert!((found / wide - 1.0).abs() < 0.1, "{found} is not {wide} ± 10 %");
    };
    of(Kind::Code, 13.0);
    of(Kind::Conv, 1.09);
    of(Kind::Mix, 2.0);
}

#[test]
fn a_load_changes_the_times_of_code_and_nothing_else() {
    let sizes = |load| -> Vec<(u64, u64, u32)> {
        let made = made(&Spec {
            load: Some(load),
            ..Spec::new(Kind::Code)
        });
        jobs(&made)
            .iter()
            .map(|job| (job.service_us, job.hint_us, job.tenant))
            .collect()
    };
    assert_eq!(sizes(0.7), sizes(1.1));
}

#[test]
fn a_cv_changes_the_times_of_a_mix_and_nothing_else() {
    let of = |cv| {
        made(&Spec {
            cv: Some(cv),
            ..Spec::new(Kind::Mix)
        })
    };
    let bare = |made: &Workload| -> Vec<(usize, u64, u64, u32)> {
        let jobs = jobs(made).iter();
        jobs.map(|job| (job.class, job.service_us, job.hint_us, job.tenant))
            .collect()
    };
    let (smooth, rough) = (of(1.0), of(2.0));
    assert_eq!(bare(&smooth), bare(&rough));
    assert_eq!(rough, made(&Spec::new(Kind::Mix)));
    assert_ne!(smooth, rough);
}

#[test]
fn a_mix_is_50_40_and_10_percent_with_a_deadline_an_slo_after_each_arrival() {
    let made = made(&Spec::new(Kind::Mix));
    for (class, (part, slo_us)) in [(0.5, 5_000_000), (0.4, 20_000_000), (0.1, 60_000_000)]
        .into_iter()
        .enumerate()
    {
        let own: Vec<&Job> = jobs(&made).iter().filter(|job| job.class == class).collect();
        let found = own.len() as f64 / 20_000.0;
        assert!((found - part).abs() < 0.01, "{class}: {found}");
        assert!(own.iter().all(|job| job.deadline_us == Some(job.at_us + slo_us)));
    }
}

#[test]
fn services_are_those_of_the_fits() {
    // In s: 0.02 + mean input / 10,000 + 0.025 · mean output, the mean of a lognormal being exp(mu + sigma² / 2).
    for (kind, wanted) in [
        (Kind::Code, 0.02 + 0.2765 + 0.5844),
        (Kind::Conv, 0.02 + 0.1235 + 5.273),
    ] {
        let made = made(&Spec::new(kind));
        let services: Vec<f64> = jobs(&made)
            .iter()
            .map(|job| job.service_us as f64 / 1e6)
            .collect();
        let found = mean(&services);
        assert!(
            (found / wanted - 1.0).abs() < 0.02,
            "{found} is not {wanted} ± 2 %"
        );
    }
}

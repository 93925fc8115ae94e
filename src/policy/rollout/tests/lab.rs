//! Scratch.
use super::super::*;
use super::traffic::*;
use std::collections::BTreeMap;

fn many(t: &Traffic, p: &Plan, n: u64) -> Vec<Run> {
    std::thread::scope(|s| {
        let hs: Vec<_> = (0..2)
            .map(|k| {
                s.spawn(move || {
                    (0..n)
                        .filter(|i| i % 2 == k)
                        .map(|i| roll_out(t, p, i + 1))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        hs.into_iter().flat_map(|h| h.join().unwrap()).collect()
    })
}
fn q(v: &mut Vec<u64>, p: f64) -> u64 {
    v.sort();
    if v.is_empty() {
        0
    } else {
        v[((v.len() - 1) as f64 * p) as usize]
    }
}
fn report(name: &str, t: &Traffic, n: u64) {
    let start = std::time::Instant::now();
    let runs = many(t, &plan(t), n);
    let mut why: BTreeMap<String, u64> = BTreeMap::new();
    let mut back: Vec<u64> = vec![];
    let mut stage = BTreeMap::new();
    let mut first: Vec<u64> = vec![];
    let mut tot: Vec<u64> = vec![];
    for r in &runs {
        let w = match &r.last.ruling {
            Ruling::RollBack(Harm::Worse(f)) => format!(
                "{:?}/{}",
                f.measure,
                f.class.as_ref().map_or("all".into(), |c| c.to_string())
            ),
            Ruling::RollBack(Harm::Starved { .. }) => "starved".into(),
            Ruling::Promote { ground, .. } => format!("done {ground:?}"),
            Ruling::Hold { .. } => "stuck".into(),
        };
        *why.entry(w).or_default() += 1;
        *stage.entry(r.stages_s.len()).or_insert(0) += 1;
        if r.is_rolled_back() {
            back.push(*r.stages_s.last().unwrap());
        }
        first.push(r.stages_s[0]);
        tot.push(r.stages_s.iter().sum());
    }
    println!(
        "{name:28} n={n} back={} ({:.1}%) {why:?} stages={stage:?} back_s med={} p90={} first med={} p90={} total med={} p90={} [{:.1}s]",
        back.len(),
        100.0 * back.len() as f64 / n as f64,
        q(&mut back, 0.5),
        q(&mut back, 0.9),
        q(&mut first, 0.5),
        q(&mut first, 0.9),
        q(&mut tot, 0.5),
        q(&mut tot, 0.9),
        start.elapsed().as_secs_f64()
    );
}
#[test]
fn lab() {
    let n: u64 = std::env::var("N").ok().map_or(50, |t| t.parse().unwrap());
    let one = Traffic::of(&[Flow::new("a", 200.0)]);
    let flows = [
        Flow::new("big", 150.0),
        Flow::new("mid", 40.0),
        Flow {
            slo_ms: None,
            wait_ms: [400.0; 2],
            ..Flow::new("small", 8.0)
        },
        Flow {
            slo_ms: Some(20_000),
            wait_ms: [2000.0; 2],
            failed: [0.05; 2],
            ..Flow::new("tiny", 2.0)
        },
    ];
    let four = Traffic::of(&flows);
    let heavy = Traffic {
        shape: Shape::Pareto,
        ..one.clone()
    };
    let logn = Traffic {
        shape: Shape::Lognormal,
        ..four.clone()
    };
    let burst = Bursts {
        factor: 10.0,
        on_s: 10.0,
        off_s: 60.0,
    };
    let shared = Traffic {
        shared: Some(burst),
        ..four.clone()
    };
    let own = Traffic {
        own: Some(burst),
        ..four.clone()
    };
    let own3 = Traffic {
        own: Some(Bursts {
            factor: 3.0,
            on_s: 5.0,
            off_s: 60.0,
        }),
        ..four.clone()
    };
    let own2 = Traffic {
        own: Some(Bursts {
            factor: 3.0,
            on_s: 2.0,
            off_s: 20.0,
        }),
        ..four.clone()
    };
    let lump = Traffic {
        lump: 5,
        ..four.clone()
    };
    println!("-- identical");
    report("one", &one, n);
    report("four", &four, n);
    report("pareto", &heavy, n);
    report("lognormal4", &logn, n);
    report("shared bursts", &shared, n);
    report(
        "shared bursts pareto",
        &Traffic {
            shape: Shape::Pareto,
            ..shared.clone()
        },
        n,
    );
    report("own bursts x10 10/60s", &own, n);
    report("own x3 5/60s", &own3, n);
    report("own x3 2/20s", &own2, n);
    report("lumps of 5", &lump, n);
    println!("-- harm");
    let mut t = one.clone();
    t.flows[0].failed = [0.01, 0.05];
    report("fail 1->5", &t, n);
    let mut t = one.clone();
    t.flows[0].failed = [0.01, 0.03];
    report("fail 1->3", &t, n);
    let mut t = one.clone();
    t.flows[0].failed = [0.01, 0.02];
    report("fail 1->2 (margin)", &t, n);
    let mut t = one.clone();
    t.flows[0].failed = [0.0, 0.05];
    report("fail 0->5", &t, n);
    let mut t = one.clone();
    t.flows[0].failed = [0.001, 0.002];
    report("fail .1->.2", &t, n);
    let mut t = one.clone();
    t.flows[0].failed = [0.01, 1.0];
    report("fail 1->100", &t, n);
    let mut t = one.clone();
    t.flows[0].wait_ms = [100., 200.];
    report("wait x2", &t, n);
    let mut t = one.clone();
    t.flows[0].slo_ms = None;
    t.flows[0].wait_ms = [100., 200.];
    report("wait x2 no slo", &t, n);
    let mut t = heavy.clone();
    t.flows[0].slo_ms = None;
    t.flows[0].wait_ms = [100., 200.];
    report("wait x2 pareto noslo", &t, n);
    let mut t = shared.clone();
    for f in &mut t.flows {
        f.wait_ms[1] *= 2.0;
        f.slo_ms = None
    }
    report("wait x2 shared 4 no slo", &t, n);
    let mut t = one.clone();
    t.flows[0].slo_ms = None;
    t.flows[0].wait_ms = [100., 120.];
    report("wait x1.2", &t, n);
    let mut t = four.clone();
    t.flows[2].failed = [0.01, 0.2];
    report("small fails 1->20", &t, n);
    let mut t = four.clone();
    t.flows[3].failed = [0.05, 0.6];
    report("tiny fails 5->60", &t, n);
}

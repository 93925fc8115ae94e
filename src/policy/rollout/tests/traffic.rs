//! Traffic of two tracks, drawn from a seed.

use super::super::share::mix;
use super::super::{Evidence, Share};
use crate::task::ClassName;

/// Uniform numbers of one seed (SplitMix64).
pub(in crate::policy) struct Draws(u64);

impl Draws {
    pub(in crate::policy) fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(in crate::policy) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Between 0 and 1, neither of them.
    pub(in crate::policy) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub(in crate::policy) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    pub(in crate::policy) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Events of a Poisson process in a time in which `mean` are expected.
    pub(in crate::policy) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 20.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let mut left = mean - self.exponential();
        let mut events = 0;
        while left > 0.0 {
            events += 1;
            left -= self.exponential();
        }
        events
    }
}

/// How waits are distributed, of mean about 1.
#[derive(Clone, Copy)]
pub(in crate::policy) enum Shape {
    Exponential,
    /// σ 1.5: the 99th percentile is 11 times the mean.
    Lognormal,
    /// Of exponent 1.5: no variance. Cut off at a thousand times the mean.
    Pareto,
}

impl Shape {
    fn draw(self, draws: &mut Draws) -> f64 {
        match self {
            Self::Exponential => draws.exponential(),
            Self::Lognormal => libm::exp(1.5 * draws.normal() - 1.125),
            Self::Pareto => (libm::pow(draws.uniform(), -1.0 / 1.5) / 3.0).min(1000.0),
        }
    }
}

/// Times at which waits are longer.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Bursts {
    /// How many times as long.
    pub(in crate::policy) factor: f64,
    /// Mean length in s.
    pub(in crate::policy) on_s: f64,
    /// Mean time in between in s.
    pub(in crate::policy) off_s: f64,
}

/// One class.
#[derive(Clone)]
pub(in crate::policy) struct Flow {
    pub(in crate::policy) name: &'static str,
    pub(in crate::policy) per_s: f64,
    /// Of the stable and of the canary track.
    pub(in crate::policy) failed: [f64; 2],
    pub(in crate::policy) wait_ms: [f64; 2],
    pub(in crate::policy) slo_ms: Option<u64>,
}

/// What arrives.
#[derive(Clone)]
pub(in crate::policy) struct Traffic {
    pub(in crate::policy) flows: Vec<Flow>,
    pub(in crate::policy) shape: Shape,
    /// That hit both tracks at once.
    pub(in crate::policy) shared: Option<Bursts>,
    /// That hit each track at its own times.
    pub(in crate::policy) own: Option<Bursts>,
    /// Failures come in lumps of so many within a second.
    pub(in crate::policy) lump: u64,
}

impl Flow {
    pub(in crate::policy) const fn new(name: &'static str, per_s: f64) -> Self {
        Self {
            name,
            per_s,
            failed: [0.01; 2],
            wait_ms: [100.0; 2],
            slo_ms: Some(1_000),
        }
    }
}

impl Traffic {
    pub(in crate::policy) fn of(flows: &[Flow]) -> Self {
        Self {
            flows: flows.to_vec(),
            shape: Shape::Exponential,
            shared: None,
            own: None,
            lump: 1,
        }
    }
}

/// Whether a burst is on.
struct Weather {
    bursts: Option<Bursts>,
    is_on: bool,
}

impl Weather {
    /// The factor of the next second.
    fn next(&mut self, draws: &mut Draws) -> f64 {
        let Some(bursts) = self.bursts else { return 1.0 };
        let mean_s = if self.is_on { bursts.on_s } else { bursts.off_s };
        self.is_on ^= draws.happens(1.0 / mean_s);
        if self.is_on { bursts.factor } else { 1.0 }
    }
}

/// A task that starts in a later second.
struct Late {
    flow: usize,
    track: usize,
    arrived_ms: u64,
    wait_ms: u64,
}

/// Traffic that goes on from second to second.
pub(in crate::policy) struct Stream<'a> {
    traffic: &'a Traffic,
    names: Vec<ClassName>,
    draws: Draws,
    shared: Weather,
    own: [Weather; 2],
    late: Vec<Late>,
    now_ms: u64,
}

impl<'a> Stream<'a> {
    pub(in crate::policy) fn new(traffic: &'a Traffic, seed: u64) -> Self {
        let weather = |bursts| Weather { bursts, is_on: false };
        Self {
            traffic,
            names: traffic
                .flows
                .iter()
                .map(|flow| ClassName::new(flow.name).unwrap())
                .collect(),
            draws: Draws::new(seed),
            shared: weather(traffic.shared),
            own: [weather(traffic.own), weather(traffic.own)],
            late: Vec::new(),
            now_ms: 0,
        }
    }

    /// What the next second brings on each track.
    pub(in crate::policy) fn second(&mut self, share: Share) -> [Evidence; 2] {
        let mut tracks = [Evidence::default(), Evidence::default()];
        let shared = self.shared.next(&mut self.draws);
        let factors = [0, 1].map(|track: usize| shared * self.own[track].next(&mut self.draws));
        self.now_ms += 1_000;
        for (at, flow) in self.traffic.flows.iter().enumerate() {
            for _ in 0..self.draws.poisson(flow.per_s) {
                let is_canary = self.draws.happens(f64::from(share.ten_thousandths()) / 10_000.0);
                let track = usize::from(is_canary);
                let wait = self.traffic.shape.draw(&mut self.draws) * flow.wait_ms[track] * factors[track];
                let (wait_ms, arrived_ms) = (wait as u64, self.now_ms - 1_000);
                self.late.push(Late {
                    flow: at,
                    track,
                    arrived_ms,
                    wait_ms,
                });
            }
        }
        for late in std::mem::take(&mut self.late) {
            self.settle(late, &mut tracks);
        }
        tracks
    }

    fn settle(&mut self, late: Late, tracks: &mut [Evidence; 2]) {
        let flow = &self.traffic.flows[late.flow];
        let tally = tracks[late.track].of(&self.names[late.flow]);
        if late.arrived_ms + late.wait_ms > self.now_ms {
            tally.waiting += 1;
            tally.longest_ms = tally.longest_ms.max(self.now_ms - late.arrived_ms);
            return self.late.push(late);
        }
        tally.ended += 1;
        tally.waits.record(late.wait_ms);
        if self
            .draws
            .happens(flow.failed[late.track] / self.traffic.lump as f64)
        {
            tally.failed += self.traffic.lump;
        }
        if let Some(slo_ms) = flow.slo_ms {
            tally.with_slo += 1;
            tally.kept_slo += u64::from(late.wait_ms <= slo_ms);
        }
    }
}

//! Which track a task is on.

use std::fmt;

use crate::task::fnv1a_64;

/// A part of all tasks, in ten-thousandths: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u16);

/// Which policy, and which workers, handle a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// The policy that holds.
    Stable,
    /// The candidate.
    Canary,
}

impl Share {
    /// All tasks.
    pub const WHOLE: Self = Self(10_000);

    /// So many ten-thousandths; none unless it is 1 to 10,000.
    #[must_use]
    pub const fn new(ten_thousandths: u16) -> Option<Self> {
        match ten_thousandths {
            1..=10_000 => Some(Self(ten_thousandths)),
            _ => None,
        }
    }

    /// How many ten-thousandths.
    #[must_use]
    pub const fn ten_thousandths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 100.0)
    }
}

impl Track {
    /// Both.
    pub const ALL: [Track; 2] = [Track::Stable, Track::Canary];

    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The lot that a tenant or a task draws in one rollout: the same whoever draws it, another one in another rollout.
///
/// `mix(mix(fnv(rollout)) ^ fnv(id))`, where `fnv` is FNV-1a-64 and `mix` the finaliser of SplitMix64. Shards take the
/// remainder of the bare FNV of the tenant; the track takes the high bits of the mixed one, so that every shard has the
/// same part of its tenants on the canary track.
#[must_use]
pub fn lot(rollout: &str, id: &str) -> u64 {
    mix(mix(fnv1a_64(rollout.as_bytes())) ^ fnv1a_64(id.as_bytes()))
}

/// The track of whoever drew `lot` while the canary has `share`: the canary below `share · 2⁶⁴`.
///
/// Monotone: who is on the canary track stays there while the share grows.
#[must_use]
pub const fn assign(lot: u64, share: Share) -> Track {
    let ten_thousandth = (lot as u128 * Share::WHOLE.0 as u128) >> 64;
    match ten_thousandth < share.0 as u128 {
        true => Track::Canary,
        false => Track::Stable,
    }
}

/// Spreads every bit over all (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014; the
/// constants are Stafford's variant 13).
pub(super) const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

//! Hash buckets of tenants within a class.

use std::fmt;
use std::str::FromStr;

use super::TenantId;

/// One bucket: a number on the stable track, `c<n>` on the canary track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shard {
    /// The ordinary track.
    Stable(u16),
    /// The track of a policy version on trial.
    Canary(u16),
}

impl Shard {
    /// The stable shard of `tenant` in a class of `shards` buckets: FNV-1a-64 of the tenant,
    /// modulo `shards`. No shards counts as one.
    #[must_use]
    pub fn of(tenant: &TenantId, shards: u16) -> Self {
        let bucket = fnv1a_64(tenant.as_str().as_bytes()) % u64::from(shards.max(1));
        Shard::Stable(u16::try_from(bucket).unwrap_or(0))
    }

    /// The `cards` different shards that `tenant` may use in a class of `shards` buckets, the first of them
    /// [`Shard::of`]: at least one, at most all of them. Two tenants seldom have the same hand, so that one who fills
    /// all of hers leaves others a place (shuffle sharding).
    ///
    /// Each further card is drawn, by FNV-1a-64 of the tenant, `#` and its number, among the shards that are left.
    #[must_use]
    pub fn hand(tenant: &TenantId, shards: u16, cards: u16) -> Vec<Self> {
        let mut left: Vec<u16> = (0..shards.max(1)).collect();
        let Shard::Stable(first) = Shard::of(tenant, shards) else {
            return Vec::new();
        };
        let mut hand = vec![left.remove(usize::from(first))];
        for card in 1..cards {
            if left.is_empty() {
                break;
            }
            let hash = fnv1a_64(format!("{}#{card}", tenant.as_str()).as_bytes());
            // The high bits: the low ones of FNV are those of the last byte.
            let at = (hash >> 32) as usize % left.len();
            hand.push(left.remove(at));
        }
        hand.into_iter().map(Shard::Stable).collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shard::Stable(n) => write!(f, "{n}"),
            Shard::Canary(n) => write!(f, "c{n}"),
        }
    }
}

/// A text that names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no shard {0:?}; a shard is a number from 0 to 65535, or c and such a number")]
pub struct ParseShardError(String);

impl FromStr for Shard {
    type Err = ParseShardError;
    fn from_str(text: &str) -> Result<Self, ParseShardError> {
        let (digits, shard): (&str, fn(u16) -> Shard) = match text.strip_prefix('c') {
            Some(rest) => (rest, Shard::Canary),
            None => (text, Shard::Stable),
        };
        let number = digits.parse().ok().filter(|n: &u16| n.to_string() == digits);
        number.map(shard).ok_or_else(|| ParseShardError(text.to_owned()))
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; offset basis and prime of draft-eastlake-fnv).
#[must_use]
pub fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a_64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a_64(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a_64(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_hand_has_different_shards_and_begins_with_the_tenants_own() {
        for name in ["acme", "globex", "initech"] {
            let tenant = TenantId::new(name).unwrap();
            let hand = Shard::hand(&tenant, 16, 3);
            assert_eq!(hand[0], Shard::of(&tenant, 16));
            let different: std::collections::HashSet<_> = hand.iter().collect();
            assert_eq!(different.len(), 3);
            assert_eq!(Shard::hand(&tenant, 2, 5).len(), 2);
            assert_eq!(Shard::hand(&tenant, 0, 0), [Shard::Stable(0)]);
        }
    }

    #[test]
    fn a_hand_is_seldom_covered_by_another() {
        let hands: Vec<_> = (0..400)
            .map(|n| Shard::hand(&TenantId::new(&format!("t{n}")).unwrap(), 16, 3))
            .collect();
        let covered = |a: &Vec<Shard>| {
            hands
                .iter()
                .filter(|b| a.iter().all(|card| b.contains(card)))
                .count()
                - 1
        };
        let pairs: usize = hands.iter().map(covered).sum();
        // One of 560 hands is the same: 0.18 % of 400 · 399 pairs are 285.
        assert!((150..450).contains(&pairs), "{pairs}");
    }

    #[test]
    fn a_shard_reads_back_as_written_and_in_no_other_form() {
        for shard in [Shard::Stable(0), Shard::Stable(15), Shard::Canary(3)] {
            assert_eq!(shard.to_string().parse(), Ok(shard));
        }
        for bad in ["", "c", "01", "+1", "-1", "65536", "x1", "c01"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad:?}");
        }
    }
}

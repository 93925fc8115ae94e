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
    fn a_shard_reads_back_as_written_and_in_no_other_form() {
        for shard in [Shard::Stable(0), Shard::Stable(15), Shard::Canary(3)] {
            assert_eq!(shard.to_string().parse(), Ok(shard));
        }
        for bad in ["", "c", "01", "+1", "-1", "65536", "x1", "c01"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad:?}");
        }
    }
}

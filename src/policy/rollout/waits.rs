//! How long tasks waited, as counts in fixed buckets: those of several coordinators or seconds add up.

use std::collections::BTreeMap;

/// How many buckets there are.
///
/// Bucket 0 is for waits under 1 ms, bucket `i` from 2^((i−1)/8) to 2^(i/8) ms, the last for all from 2²¹ ms (35 min).
pub const BUCKETS: u8 = 170;

/// Buckets from one power of two to the next: a bucket is 9 % wide, which bounds the error of a quantile.
const PER_OCTAVE: f64 = 8.0;

/// Waits from entering a lane to the start of the task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waits {
    /// Invariant: no zero counts, so that equal waits are equal; bucket < [`BUCKETS`].
    counts: BTreeMap<u8, u64>,
    len: u64,
    /// Of the waits in ms, and of their squares: what is known exactly.
    sum_ms: u64,
    squares_ms2: u128,
}

impl Waits {
    /// One more task, which waited for so many ms.
    pub fn record(&mut self, ms: u64) {
        self.count(bucket(ms), 1);
        self.sum_ms = self.sum_ms.saturating_add(ms);
        let square = u128::from(ms) * u128::from(ms);
        self.squares_ms2 = self.squares_ms2.saturating_add(square);
    }

    /// So many more in one bucket, each as long as its middle. A bucket that does not exist is the last one.
    pub fn add(&mut self, bucket: u8, count: u64) {
        self.count(bucket, count);
        let ms = middle_ms(bucket.min(BUCKETS - 1)) as u64;
        self.sum_ms = self.sum_ms.saturating_add(ms.saturating_mul(count));
        let squares = u128::from(ms) * u128::from(ms) * u128::from(count);
        self.squares_ms2 = self.squares_ms2.saturating_add(squares);
    }

    fn count(&mut self, bucket: u8, count: u64) {
        if count > 0 {
            let slot = self.counts.entry(bucket.min(BUCKETS - 1)).or_default();
            *slot = slot.saturating_add(count);
            self.len = self.len.saturating_add(count);
        }
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.buckets() {
            self.count(bucket, count);
        }
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.squares_ms2 = self.squares_ms2.saturating_add(other.squares_ms2);
    }

    /// Those that are not among `some`, which are all among these.
    #[must_use]
    pub fn without(&self, some: &Self) -> Self {
        let mut rest = Self::default();
        for (bucket, count) in self.buckets() {
            let taken = some.counts.get(&bucket).copied().unwrap_or(0);
            rest.count(bucket, count.saturating_sub(taken));
        }
        rest.sum_ms = self.sum_ms.saturating_sub(some.sum_ms);
        rest.squares_ms2 = self.squares_ms2.saturating_sub(some.squares_ms2);
        rest
    }

    /// The buckets that hold anything, in ascending order, with their counts.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// How many tasks.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many waited for longer than `bucket` holds.
    #[must_use]
    pub fn above(&self, bucket: u8) -> u64 {
        let longer = self.counts.range(bucket.saturating_add(1)..);
        longer.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The first bucket up to which at least `part` (0 to 1) of the tasks are; none without tasks.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<u8> {
        let wanted = part.clamp(0.0, 1.0) * self.len as f64;
        let mut below = 0_u64;
        let found = self.counts.iter().find(|(_, count)| {
            below = below.saturating_add(**count);
            below as f64 >= wanted
        });
        found.or(self.counts.last_key_value()).map(|(bucket, _)| *bucket)
    }

    /// The same in ms, rounded up to the end of the bucket.
    #[must_use]
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        self.quantile(part).map(edge_ms)
    }

    /// The mean wait in ms; 0 without tasks.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.sum_ms as f64 / self.len.max(1) as f64
    }

    /// The variance of the waits in ms²; 0 without tasks.
    #[must_use]
    pub fn variance_ms2(&self) -> f64 {
        let mean = self.mean_ms();
        (self.squares_ms2 as f64 / self.len.max(1) as f64 - mean * mean).max(0.0)
    }

    /// The wait that `part` (0 to 1) of the tasks do not exceed, in ms, somewhere within its bucket: by how many of the
    /// bucket's tasks are needed. 0 without tasks.
    #[must_use]
    pub fn quantile_within_ms(&self, part: f64) -> f64 {
        let wanted = part.clamp(0.0, 1.0) * self.len as f64;
        let mut below = 0.0;
        for (bucket, count) in self.buckets() {
            let within = count as f64;
            if below + within >= wanted {
                let [low, high] = [begin_ms(bucket), edge_ms(bucket)];
                let inside = ((wanted - below) / within).clamp(0.0, 1.0);
                return low + (high - low).max(0.0) * inside;
            }
            below += within;
        }
        self.longest_ms()
    }

    /// How wide the bucket is that such a quantile lies in, in ms: by so much it may be elsewhere. 0 without tasks.
    #[must_use]
    pub fn width_at_ms(&self, part: f64) -> f64 {
        self.quantile(part)
            .map_or(0.0, |bucket| (edge_ms(bucket) - begin_ms(bucket)).max(0.0))
    }

    /// The longest wait in ms, rounded up to the end of its bucket; 0 without tasks.
    #[must_use]
    pub fn longest_ms(&self) -> f64 {
        let last = self.counts.last_key_value();
        last.map_or(0.0, |(bucket, _)| edge_ms(*bucket))
    }
}

/// The bucket of a wait.
pub(super) fn bucket(ms: u64) -> u8 {
    match ms {
        0 => 0,
        _ => (libm::floor(PER_OCTAVE * libm::log2(ms as f64)) as u64 + 1).min(u64::from(BUCKETS - 1)) as u8,
    }
}

/// Where a bucket ends, in ms. The last one has no end; it says where it begins.
pub(super) fn edge_ms(bucket: u8) -> f64 {
    libm::exp2(f64::from(bucket.min(BUCKETS - 2)) / PER_OCTAVE)
}

/// Where a bucket begins, in ms.
fn begin_ms(bucket: u8) -> f64 {
    match bucket {
        0 => 0.0,
        _ => edge_ms(bucket - 1),
    }
}

/// The middle of a bucket, in ms.
fn middle_ms(bucket: u8) -> f64 {
    f64::midpoint(begin_ms(bucket), edge_ms(bucket).max(begin_ms(bucket)))
}

/// How many buckets further a wait is that is `factor` (at least 1) times as long, rounded up.
pub(super) fn steps(factor: f64) -> u8 {
    // The slack keeps a factor that is a bucket's width exactly from being taken for a little more.
    libm::ceil(PER_OCTAVE * libm::log2(factor.max(1.0)) - 1e-9).clamp(0.0, f64::from(BUCKETS)) as u8
}

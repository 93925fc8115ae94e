//! The items that wait, and the batches they become.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::task::{ModelName, Moment};

/// What bounds a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long the first item waits for others.
    pub window: Duration,
    /// Most items; 0 counts as 1.
    pub size_max: u32,
    /// Most cost of all items together, in a unit of the caller's, such as tokens; none for no bound.
    pub cost_max: Option<u64>,
}

impl Default for Limits {
    /// The default policy's: 10 ms, 32 items.
    fn default() -> Self {
        Self {
            window: Duration::from_millis(10),
            size_max: 32,
            cost_max: None,
        }
    }
}

/// What the items of one batch have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchKey {
    /// The model that runs it.
    pub model: ModelName,
    /// A hash of the parameters that hold for the whole of a run.
    pub shape: u64,
}

/// Why a batch begins now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It has as many items as it may.
    Full,
    /// It has met its bound on cost, or the next item would have gone over it.
    Cost,
    /// Its first item has waited for the window.
    Window,
    /// The device had nothing to do.
    Idle,
}

/// Items to run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What they have in common.
    pub key: BatchKey,
    /// The caller's names of them, at least one, in the order they were added.
    pub items: Vec<u64>,
    /// Why now.
    pub reason: Reason,
}

/// Puts items into batches for one device.
///
/// After each event call [`Batcher::poll`] until it is empty, and again at [`Batcher::next_deadline`]. It keeps
/// nothing but the items that wait, and costs a step per key among them.
#[derive(Debug, Clone)]
pub struct Batcher {
    limits: Limits,
    device: Device,
    /// Batches that nothing can be added to, in the order they were closed, and when that was.
    closed: VecDeque<(Moment, Batch)>,
    /// Invariant: none is empty, full or at its bound on cost.
    open: BTreeMap<BatchKey, Open>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Idle,
    Busy,
}

#[derive(Debug, Clone)]
struct Open {
    items: Vec<u64>,
    cost: u64,
    /// When the first of them was added.
    since: Moment,
}

impl Batcher {
    /// No items yet, and an idle device.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            device: Device::Idle,
            closed: VecDeque::new(),
            open: BTreeMap::new(),
        }
    }

    /// Adds an item. One that would take its batch over the bound on cost closes it and begins another; one that
    /// is over the bound by itself goes alone.
    pub fn add(&mut self, key: BatchKey, item: u64, cost: u64, now: Moment) {
        let Limits {
            size_max, cost_max, ..
        } = self.limits;
        let exceeds = |open: &Open| cost_max.is_some_and(|max| open.cost.saturating_add(cost) > max);
        if self.open.get(&key).is_some_and(exceeds) {
            self.close(&key, Reason::Cost, now);
        }
        let open = self.open.entry(key.clone()).or_insert_with(|| Open {
            items: Vec::new(),
            cost: 0,
            since: now,
        });
        open.items.push(item);
        open.cost = open.cost.saturating_add(cost);
        if open.items.len() >= size_max as usize {
            self.close(&key, Reason::Full, now);
        } else if cost_max.is_some_and(|max| open.cost >= max) {
            self.close(&key, Reason::Cost, now);
        }
    }

    /// The device has nothing to do: what waits may begin at once.
    pub fn device_idle(&mut self) {
        self.device = Device::Idle;
    }

    /// The device does something else. Every batch that is handed out says so by itself.
    pub fn device_busy(&mut self) {
        self.device = Device::Busy;
    }

    /// The next batch that is to begin by now. The device counts as busy from then on, until
    /// [`Batcher::device_idle`]; batches that are full or have waited for the window are handed out all the same.
    pub fn poll(&mut self, now: Moment) -> Option<Batch> {
        if self.closed.is_empty()
            && let Some((key, since)) = self.oldest()
        {
            if since + self.limits.window <= now {
                self.close(&key, Reason::Window, now);
            } else if self.device == Device::Idle {
                self.close(&key, Reason::Idle, now);
            }
        }
        let (_, batch) = self.closed.pop_front()?;
        self.device = Device::Busy;
        Some(batch)
    }

    /// When [`Batcher::poll`] has something without a further event; not after now where it has already.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Moment> {
        let closed = self.closed.front().map(|(at, _)| *at);
        let wait = match self.device {
            Device::Idle => Duration::ZERO,
            Device::Busy => self.limits.window,
        };
        let open = self.open.values().map(|open| open.since + wait).min();
        closed.into_iter().chain(open).min()
    }

    fn oldest(&self) -> Option<(BatchKey, Moment)> {
        let (key, open) = self.open.iter().min_by_key(|(_, open)| open.since)?;
        Some((key.clone(), open.since))
    }

    fn close(&mut self, key: &BatchKey, reason: Reason, now: Moment) {
        if let Some((key, open)) = self.open.remove_entry(key) {
            let items = open.items;
            self.closed.push_back((now, Batch { key, items, reason }));
        }
    }
}

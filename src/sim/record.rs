//! What became of the tasks of one run.

/// One run: one workload under one seed and one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What became of each task that arrived from `from_us` on, in order of arrival. In a closed loop, of each that
    /// ended between `from_us` and `to_us`, in order of its end.
    pub records: Vec<Record>,
    /// When counting began, in µs.
    pub from_us: u64,
    /// When it ended, in µs: in an open loop the end of the last task.
    pub to_us: u64,
    /// Time integral of the number of tasks in the system over that time, kept by the clock while it ran and not
    /// computed from the records; in µs.
    pub in_system_us: f64,
    /// Slots of all workers together.
    pub slots: u32,
    /// Largest number of later tasks that started before one that was, meanwhile, the first of its queue.
    pub bypass_max: u64,
    /// Whether `records` holds every task whose time is in `in_system_us`, which then needs no steady state.
    pub is_whole: bool,
}

/// One task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Its class, by place.
    pub class: usize,
    /// Who pays, by number.
    pub tenant: u32,
    /// When it arrived, in µs.
    pub arrived_us: u64,
    /// When it started for the last time, in µs; none where it never did.
    pub started_us: Option<u64>,
    /// When it was done or given up, in µs.
    pub ended_us: u64,
    /// How it ended.
    pub end: End,
    /// How often it was delivered.
    pub deliveries: u32,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was served.
    Done,
    /// It could not meet its deadline and was dropped.
    Dropped,
    /// It could not meet its deadline and was put aside.
    Parked,
}

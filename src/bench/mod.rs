//! Benchmarks: the mesh against the floor, on the same server settings, payload and headers.
//!
//! [`workload`] is what both are given, [`rate`] measures tasks per second, [`start`] the time from
//! publish to executor start, [`summary`] puts the pairs together. [`failing`] measures one class beside another that
//! always fails, [`priority`] one lane beside another that is flooded, [`retries`] how late retries come, [`cancel`]
//! how soon a slot is free again, [`batch`] what it brings that tasks share the runs of a model, [`tenants`] what one
//! tenant costs the others, [`rates`] whether a rate holds, [`rollout`] how a policy on trial ends; [`paced`] is what tasks do meanwhile.

mod batch;
mod cancel;
mod failing;
mod paced;
mod priority;
mod rate;
mod rates;
mod retries;
mod rollout;
mod start;
mod summary;
mod tenants;
mod workload;

pub use batch::{Batch, Counted, policy as batch_policy, publish as publish_texts};
pub use cancel::{CancelError, Freed, Holds, cancel};
pub use failing::{Failing, HalfBroken, policy as failing_policy, publish as publish_class};
pub use paced::{Pace, Paced};
pub use priority::{Priority, PriorityRun, capacity_per_s, flood, policy as priority_policy, urgent};
pub use rate::{Run, floor, mesh};
pub use rates::{Kept, PER_S, Rates, StartClock, policy as rates_policy};
pub use retries::{Due, Retries, WINDOW, arrived, report, scheduled};
pub use rollout::{Harm, Harmful, Look, POLICY as ROLLOUT_POLICY, RolloutRun, policy as rollout_policy};
pub use start::{Started, start_latency};
pub use summary::{Conditions, Latency, Pair, Summary};
pub use tenants::{
    SLOTS as TENANT_SLOTS, Tenants, WARM_UP as TENANTS_WARM_UP, light_p99_ms, lights,
    policy as tenants_policy,
};
pub use workload::{Noop, POLICY, SLOTS, Workload};

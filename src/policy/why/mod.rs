//! Why a task has not started or ended yet, and about when it will start.
//!
//! [`facts`] is what was seen of the task and of the mesh, [`reason`] what can hold a task back, [`decide`] which of
//! that does, the most binding first. [`rivals`] is what the rule between classes puts before the task or beside it,
//! [`estimate`] when its turn comes, as far as that is known, and [`words`] and [`phrases`] say all of
//! it to people.

mod decide;
mod estimate;
mod facts;
mod phrases;
mod reason;
mod rivals;
mod words;

#[cfg(test)]
mod tests;

pub use decide::reasons;
pub use estimate::{Basis, Estimate, Unknown, estimate};
pub use facts::{
    Ahead, Case, Crew, Ending, Holder, KeyHeld, LaneFill, Load, Mesh, OnLane, Pace, Parent, QueueSeen, Timer,
    Whereabouts,
};
pub use reason::{Absence, Reason};
pub use rivals::{Order, Rival, Rivals, rivals};
pub use words::answer;

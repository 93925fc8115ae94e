//! Why a task waits, and when it starts: what is said, of every place a task can be in, and whether that comes true.

mod elsewhere;
mod queued;
mod scene;
mod starts;

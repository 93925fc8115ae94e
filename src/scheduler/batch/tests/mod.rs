//! A batch window, case by case and under random events.

mod cases;
mod event;
mod random;

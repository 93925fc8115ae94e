//! Inheritance case by case, and against a model that computes everything anew.

mod cases;
mod model;
mod names;
mod random;

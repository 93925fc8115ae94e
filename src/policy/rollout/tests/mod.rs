//! Rollouts over seeded traffic, and what must hold of every judgement.

mod lab;
mod traffic;

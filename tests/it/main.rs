//! One binary for all integration tests.

mod support;

#[path = "../conformance/mod.rs"]
mod conformance;

mod audit;
mod bad_input;
mod bad_subjects;
mod callback_faults;
mod callbacks;
mod cancel;
mod curl;
mod deadlines;
#[cfg(feature = "embed")]
mod demo_role;
mod demotion;
mod dev_role;
mod dev_server;
#[cfg(feature = "failpoints")]
mod drill;
#[cfg(feature = "embed")]
mod embeddings;
mod examples;
mod failures;
mod fairness;
#[cfg(feature = "failpoints")]
mod gateway_killed;
mod killed_between_writes;
mod leftovers;
mod limits;
mod listing;
mod outage;
mod process;
mod process_pool;
mod queues;
mod rest;
mod rest_trouble;
mod run_at;
mod same_intake;
mod schedules;
mod service;
mod shelves;
mod streams_role;
mod survival;
mod three_doors;
mod urgent;
mod verdicts;
mod waits;

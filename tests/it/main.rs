//! One binary for all integration tests.

mod support;

#[path = "../conformance/mod.rs"]
mod conformance;

mod audit;
mod bad_input;
mod bad_subjects;
mod batching;
mod callback_faults;
mod callbacks;
mod cancel;
mod curl;
mod deadlines;
#[cfg(feature = "embed")]
mod demo_role;
mod demotion;
mod dependencies;
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
mod hands;
mod inheritance;
mod keys;
mod killed_between_writes;
mod lane_limits;
mod leftovers;
mod limits;
mod listing;
mod live;
mod no_workers;
mod order;
mod outage;
mod overload;
mod overload_gateway;
mod policies;
mod process;
mod process_pool;
mod queues;
mod rates;
mod registry;
mod rest;
mod rest_trouble;
mod run_at;
mod same_intake;
mod schedules;
mod service;
mod shelves;
mod sim_flags;
mod streams_role;
mod survival;
mod three_doors;
mod urgent;
mod verdicts;
mod views;
mod waits;
mod wakes;
mod whatif;
mod why;

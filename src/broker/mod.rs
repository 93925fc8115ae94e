//! NATS JetStream, and the only module that names its client.
//!
//! Reading order: [`subject`] and [`consumer`] name things, [`connect`] opens the connection,
//! [`publish`] writes in the order that loses nothing, [`pull`] and [`lease`] are the worker's
//! side, [`fetch`] and [`waiting`] read what became of a task, [`shelf`] what lies aside, which [`replay`] puts back,
//! [`queues`] holds back, [`moving`] moves between lanes, [`views`] tells what waits,
//! [`blocking`] keeps what waits for others, [`keys`] says how many run of a kind, [`schedules`] are tasks that come
//! again, [`events`] tells what befell a task, [`wakes`] what came to silent queues, [`audit`] finds what nobody would come to, [`listing`]
//! goes through tasks and [`census`] through all there is, [`leadership`] says who is to look, [`overload`] what it
//! says of the load, [`policies`] which policy holds, [`outcomes`] how executions end, [`endings`] how tasks have ended, [`registry`] which workers there are, [`orders`] tells one what to do, [`rates`] lends tokens of
//! rates, [`whereabouts`] finds one task and what is before it, [`topology`] is what
//! must exist at the server.

pub mod audit;
pub mod blocking;
pub mod cancels;
pub mod census;
pub mod connect;
pub mod consumer;
pub mod delivery;
pub mod endings;
pub mod error;
pub mod events;
pub mod feed;
pub mod fetch;
pub mod floor;
mod follow;
mod header;
pub mod inspect;
pub mod keys;
pub mod leadership;
pub mod lease;
pub mod listing;
mod login;
pub mod moving;
mod notice;
pub mod orders;
pub mod outcomes;
pub mod overload;
pub mod policies;
pub mod publish;
pub mod pull;
pub mod pulled;
pub mod queues;
pub mod rates;
pub mod raw;
pub mod records;
pub mod registry;
pub mod replay;
mod scan;
mod scanner;
pub mod schedules;
pub mod service;
pub mod shelf;
pub mod subject;
pub mod sweep;
pub mod topology;
mod version;
pub mod views;
mod wait_inbox;
pub mod waiting;
pub mod wakes;
mod watch;
pub mod whereabouts;

pub use connect::{Broker, ConnectError};
pub use error::{RequestError, WriteError};
pub use version::{ServerVersion, VersionError};

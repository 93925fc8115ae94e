//! `task submit --file`: a bounded window of tasks on their way, each line accounted for.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::AsyncRead;

use super::accept::{Accepted, OnFull, Patience, accept};
use super::lines::{Line, Lines, TooLong};
use super::progress::Progress;
use super::submit::terms;
use super::tally::{Fault, Tally};
use crate::broker::Broker;
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;
use crate::clock;
use crate::gateway::{Asked, Refusal, Terms, admit, fresh_id};
use crate::lifecycle::{Lifecycle, on_signals};
use crate::policy::Edition;

/// Tasks on their way at once: covers a round trip of 10 ms at 25 000 tasks a second.
const WINDOW: usize = 256;
/// Bytes on their way at once, so that large tasks do not fill the memory.
const WINDOW_BYTES: usize = 64 * 1024 * 1024;
/// What each line must be.
const JSON: Option<&str> = Some("application/json");

/// How the lines of a file are submitted.
pub(super) struct Many {
    /// What is used where the server holds none, until it was asked.
    pub(super) policy: Edition,
    pub(super) asked: Asked,
    pub(super) patience: Duration,
}

impl Many {
    pub(super) async fn submit(mut self, file: &str, session: &Session) -> anyhow::Result<Exit> {
        let (reader, length) = open(file).await?;
        let broker = session.connect().await?;
        self.policy = broker.policy_now(self.policy).await?;
        let lifecycle = Lifecycle::new();
        on_signals(&lifecycle)?;
        let progress = Progress::new(length);
        let say = |what: &str| progress.say(what);
        let run = Run {
            many: &self,
            patience: Patience::new(self.patience, OnFull::Wait, &say),
            terms: terms(&broker),
            broker,
        };
        let mut lines = Lines::new(reader, run.terms.body_max);
        let mut tally = run.all(&mut lines, &lifecycle, &progress).await;
        progress.finish();
        tally.sort();
        session.output.show(&tally, Tally::text)?;
        Ok(tally.exit())
    }
}

struct Run<'a> {
    many: &'a Many,
    broker: Broker,
    patience: Patience<'a>,
    terms: Terms,
}

/// A line that has landed.
struct Landed {
    bytes: usize,
    end: Result<Accepted, Fault>,
}

impl Run<'_> {
    async fn all(
        &self,
        lines: &mut Lines<impl AsyncRead + Unpin>,
        lifecycle: &Lifecycle,
        progress: &Progress,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut flying = FuturesUnordered::new();
        let mut flying_bytes = 0;
        let mut reading = true;
        while reading || !flying.is_empty() {
            let room = flying.len() < WINDOW && flying_bytes < WINDOW_BYTES;
            tokio::select! {
                () = lifecycle.soft().cancelled(), if reading => {
                    reading = false;
                    tally.stop(lines.next_number());
                }
                () = lifecycle.hard().cancelled() => {
                    tally.abandon(flying.len() as u64);
                    break;
                }
                Some(landed) = flying.next(), if !flying.is_empty() => {
                    let Landed { bytes, end } = landed;
                    flying_bytes -= bytes;
                    if !tally.count(end) && reading {
                        reading = false;
                        tally.stop(lines.next_number());
                    }
                    progress.update(lines.read(), tally.accepted());
                }
                line = lines.next(), if reading && room => match line {
                    Ok(Some(line)) => {
                        let bytes = line.text.as_ref().map_or(0, bytes::Bytes::len);
                        flying_bytes += bytes;
                        flying.push(async move { Landed { bytes, end: self.one(line).await } });
                    }
                    Ok(None) => reading = false,
                    Err(error) => {
                        progress.say(&format!("cannot read on: {error}"));
                        reading = false;
                        tally.stop(lines.next_number());
                    }
                },
            }
        }
        tally
    }

    async fn one(&self, line: Line) -> Result<Accepted, Fault> {
        let (number, terms, now) = (line.number, self.terms, clock::wall());
        let max = terms.body_max;
        let text = line
            .text
            .map_err(|TooLong(bytes)| Refusal::TooLarge { bytes, max });
        let admitted = text.and_then(|text| {
            let many = self.many;
            admit(
                &many.policy,
                text,
                JSON,
                &many.asked,
                now,
                || fresh_id(now),
                terms,
            )
        });
        let admitted = admitted.map_err(|refusal| Fault::refused(number, &refusal))?;
        let accepted = accept(&self.broker, &admitted, &self.patience).await;
        accepted.map_err(|error| Fault::not_accepted(number, admitted.task.id.to_string(), &error))
    }
}

/// The lines, with the number of their bytes where it is known.
async fn open(file: &str) -> anyhow::Result<(Box<dyn AsyncRead + Unpin>, Option<u64>)> {
    if file == "-" {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let unreadable = |error| Stop::usage(format!("cannot read {file}: {error}"));
    let opened = tokio::fs::File::open(file).await.map_err(unreadable)?;
    let metadata = opened.metadata().await.map_err(unreadable)?;
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(opened), length))
}

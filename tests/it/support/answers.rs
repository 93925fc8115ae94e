//! What workers answer to deliveries, as it passes on the wire: acks, hand-backs and signs of life,
//! each with the task's sequence and delivery count.

use std::collections::BTreeSet;

use fairlane::dev::Server;

use super::{Bare, Heard};

/// The answers from now on, of every worker on a server.
pub(crate) struct Answers(Heard);

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `+ACK`, `-NAK`, `+WPI` or `+TERM`.
    pub(crate) word: String,
    /// The stream it came from.
    pub(crate) stream: String,
    /// Its consumer.
    pub(crate) consumer: String,
    /// How often the message had been delivered.
    pub(crate) deliveries: u64,
    /// Its sequence in the stream.
    pub(crate) sequence: u64,
}

impl Answers {
    /// Listens on `server`.
    pub(crate) async fn on(server: &Server) -> Self {
        Self(Bare::of(server).await.hear("$JS.ACK.>").await)
    }

    /// The next answer.
    pub(crate) async fn next(&mut self) -> Answer {
        let message = self.0.next().await;
        let tokens: Vec<&str> = message.subject.split('.').collect();
        let [_, _, stream, consumer, deliveries, sequence, ..] = tokens[..] else {
            panic!("{} is no ack subject", message.subject);
        };
        Answer {
            word: String::from_utf8_lossy(&message.payload).into_owned(),
            stream: stream.to_owned(),
            consumer: consumer.to_owned(),
            deliveries: deliveries.parse().expect("a number"),
            sequence: sequence.parse().expect("a number"),
        }
    }

    /// The next answer about a task of one consumer.
    pub(crate) async fn next_of(&mut self, consumer: &str) -> Answer {
        loop {
            let answer = self.next().await;
            if answer.consumer == consumer {
                return answer;
            }
        }
    }

    /// Waits until `word` was said about `count` different tasks of the lane `FL_CORE`; gives
    /// everything that was said about tasks of it until then.
    pub(crate) async fn until(&mut self, word: &str, count: usize) -> Vec<Answer> {
        let (mut said, mut about) = (Vec::new(), BTreeSet::new());
        while about.len() < count {
            let answer = self.next().await;
            if answer.stream == "FL_CORE" {
                if answer.word == word {
                    about.insert(answer.sequence);
                }
                said.push(answer);
            }
        }
        said
    }
}

//! Why a pick came out as it did, in one line.

use super::credit::Standing;
use super::edf;
use super::facts::QueueId;
use super::picker::{Picker, Ranked, Sight, Why};
use super::rules::Between;
use crate::task::Moment;

/// Queues that are told of besides the one that was picked.
const OTHERS_MAX: usize = 6;

impl Picker {
    /// What the next pick would be and why: what speaks for it, and what each queue that is passed over lacks. None
    /// where nothing is ready. It looks at every queue, which a pick does not; nothing is changed by it.
    #[must_use]
    pub fn explain(&self, sight: Sight, now: Moment, name: &dyn Fn(QueueId) -> String) -> Option<String> {
        let mut ahead = self.clone();
        let (picked, why) = ahead.decide(sight, now)?;
        let by = match why {
            Why::Balance | Why::Rule => self.rules.between.as_str().to_owned(),
            Why::Blind => format!(
                "weighted ({} does not see the heads)",
                self.rules.between.as_str()
            ),
            Why::Bypass => "the bound on passing over".to_owned(),
        };
        let others = (0..self.queues.len())
            .map(QueueId)
            .filter(|queue| *queue != picked);
        let mut others: Vec<QueueId> = others
            .filter(|queue| self.queues[queue.0].standing != Standing::Absent)
            .collect();
        others.sort_by_key(|queue| self.queues[queue.0].standing != Standing::Ready);
        let rest = others.len().saturating_sub(OTHERS_MAX);
        let mut told: Vec<String> = others
            .iter()
            .take(OTHERS_MAX)
            .map(|queue| format!("{} {}", name(*queue), self.figure(*queue, why, &ahead, now)))
            .collect();
        if rest > 0 {
            told.push(format!("{rest} more"));
        }
        let passed = match told.is_empty() {
            true => "nothing else to serve".to_owned(),
            false => format!("passed over: {}", told.join("; ")),
        };
        let figure = ahead.figure(picked, why, &ahead, now);
        Some(format!("{} by {by}: {figure}; {passed}", name(picked)))
    }

    /// What the rule compared of a queue. `ahead` is the state in which the pick was made.
    fn figure(&self, id: QueueId, why: Why, ahead: &Self, now: Moment) -> String {
        let queue = &self.queues[id.0];
        if queue.standing == Standing::Delayed {
            return "at its limit".to_owned();
        }
        let (head, terms) = (queue.known_head(), &self.classes[queue.class.0].terms);
        if matches!(why, Why::Balance | Why::Blind) {
            let balance = ahead.credit.balance_ms(queue.class);
            return match ahead.credit.rounds_away(queue.class) {
                0 => format!("balance {balance:.1} ms"),
                rounds => format!("balance {balance:.1} ms, {rounds} rounds to go"),
            };
        }
        let wait_ms = now.since(head.since).as_millis();
        match (&self.rules.between, &ahead.ranked) {
            (Between::Fifo | Between::Weighted, _) => format!("waits for {wait_ms} ms"),
            (Between::Edf { .. }, _) => match edf::deadline(&head, terms) {
                Some(due) if due >= now => format!("due in {} ms", due.since(now).as_millis()),
                Some(due) => format!("due {} ms ago", now.since(due).as_millis()),
                None => "no deadline".to_owned(),
            },
            (Between::Aging | Between::Score(_), _) => {
                let score = self.merit(id, &head).map_or(0.0, |merit| merit.score(now));
                format!("score {score:.3} after {wait_ms} ms")
            }
            (Between::Mlfq(_), Ranked::Levels(mlfq, _)) => {
                let level = mlfq.level(id, &head, queue.estimate_ms);
                format!("level {level}, waits for {wait_ms} ms")
            }
            (Between::Strict { .. }, Ranked::Strict(strict)) => {
                let tier = format!("lane {} priority {}", strict.lane(id), terms.priority);
                if strict.is_by_floor(id) && why == Why::Rule {
                    format!("{tier}, out of the floor: {:.1} ms owed", strict.owed_ms())
                } else {
                    tier
                }
            }
            _ => format!("waits for {wait_ms} ms"),
        }
    }
}

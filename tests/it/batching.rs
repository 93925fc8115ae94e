//! Tasks of several classes in one run of a model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fairlane::executor::batch::{Answer, Batching, Model, Prepared, Refusal};
use fairlane::policy::BatchWindow;
use fairlane::task::ErrorKind;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::support::{FOUR_CLASSES, Mesh, PATIENCE};

/// Classes with their shares, the tokens of each of their tasks, and how many tasks they have: one in ten tokens more
/// than their part of [`TOKENS`], and as many again as there are slots.
const CLASSES: [(&str, f64, u64, usize); 4] = [
    ("a", 0.4, 1, 740),
    ("b", 0.3, 1, 590),
    ("c", 0.2, 2, 240),
    ("d", 0.1, 5, 95),
];
/// Tokens that are looked at.
const TOKENS: u64 = 1_200;
/// Long against what a busy machine adds to a run.
const TIME_PER_TOKEN: Duration = Duration::from_millis(8);
/// Two runs.
const SLOTS: u32 = 32;
/// More runs than there are tasks.
const RUNS_MAX: usize = 4_096;

const WINDOW: BatchWindow = BatchWindow {
    window_ms: 10,
    size_max: 16,
    tokens_max: None,
};

/// Takes its time for each token, and tells of every run: class and tokens of each task.
struct Counting(mpsc::Sender<Vec<(String, u64)>>);

impl Model for Counting {
    type Item = (String, u64);

    fn prepare(&self, input: &Value) -> Result<Prepared<Self::Item>, Refusal> {
        let read = input["class"].as_str().zip(input["tokens"].as_u64());
        let (class, tokens) = read.ok_or_else(|| Refusal {
            kind: ErrorKind::Permanent,
            message: "no class or no tokens".to_owned(),
        })?;
        Ok(Prepared {
            item: (class.to_owned(), tokens),
            tokens,
            shape: 0,
        })
    }

    fn run(&self, items: &[Self::Item]) -> Result<Vec<Answer>, String> {
        let tokens: u64 = items.iter().map(|(_, tokens)| tokens).sum();
        let end = tokio::time::Instant::now() + TIME_PER_TOKEN * u32::try_from(tokens).unwrap_or(u32::MAX);
        // The time a run takes is what is tested here, so it is really spent.
        Handle::current().block_on(tokio::time::sleep_until(end));
        let _ = self.0.try_send(items.to_vec());
        let answer = |(_, tokens): &Self::Item| Answer {
            output: json!("done"),
            usage: json!({ "tokens": tokens }),
        };
        Ok(items.iter().map(answer).collect())
    }
}

/// Ten times as long a text is ten times the charge, whoever is beside it: classes get their shares in tokens.
#[tokio::test(flavor = "multi_thread")]
async fn classes_share_batches_and_keep_their_shares_of_what_the_model_does() {
    let mesh = Mesh::start_alone(FOUR_CLASSES).await;
    for (class, _, tokens, count) in CLASSES {
        let input = json!({ "class": class, "tokens": tokens }).to_string();
        mesh.submit_many(class, count, &input).await;
    }
    let (told, mut runs) = mpsc::channel(RUNS_MAX);
    let name = &mesh.policy.models[0].name;
    let batching = Batching::start(name, Counting(told), WINDOW, &mesh.lifecycle);
    mesh.worker("w", SLOTS, Arc::new(batching)).await;

    // The first tasks are of whichever queue was found first: shares begin where all are known.
    let mut first = 0;
    let (mut used, mut all, mut mixed) = (BTreeMap::<String, u64>::new(), 0, 0);
    while all < TOKENS {
        let run = tokio::time::timeout(PATIENCE, runs.recv()).await;
        let run = run.expect("runs go on").expect("the model lives");
        if first < SLOTS as usize {
            first += run.len();
            continue;
        }
        let classes: BTreeSet<&str> = run.iter().map(|(class, _)| class.as_str()).collect();
        mixed += usize::from(classes.len() > 1);
        for (class, tokens) in run {
            *used.entry(class).or_default() += tokens;
            all += tokens;
        }
    }
    for (class, share, ..) in CLASSES {
        let got = used.get(class).copied().unwrap_or(0) as f64 / all as f64;
        assert!(
            (got - share).abs() <= 0.03,
            "class {class} got {got:.3} instead of {share}: {used:?}"
        );
    }
    assert!(mixed > 20, "{mixed} runs had tasks of several classes");
    mesh.stop().await;
}

/// A task that cannot be read, among others that can.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_input_becomes_a_dead_letter_and_the_others_of_its_batch_have_results() {
    let mesh = Mesh::start(FOUR_CLASSES).await;
    let good = json!({ "class": "a", "tokens": 5 }).to_string();
    mesh.submit("good-1", "a", &good).await.expect("accepted");
    mesh.submit("bad", "b", "17").await.expect("accepted");
    mesh.submit("good-2", "c", &good).await.expect("accepted");
    let (told, _runs) = mpsc::channel(RUNS_MAX);
    let name = &mesh.policy.models[0].name;
    let batching = Batching::start(name, Counting(told), WINDOW, &mesh.lifecycle);
    mesh.worker("w", 8, Arc::new(batching)).await;
    for id in ["good-1", "good-2"] {
        let record = mesh.result(id).await.record;
        assert_eq!(record.usage, json!({ "tokens": 5 }), "{record:?}");
    }
    let (letter, _) = mesh.dead_letter("bad").await;
    assert_eq!(letter.report.kind, ErrorKind::Permanent);
    assert_eq!(letter.report.error, "no class or no tokens");
    mesh.stop().await;
}

//! The model against an independent implementation in numpy, whose results are tests/embeddings/expected.json.

use std::path::PathBuf;
use std::sync::OnceLock;

use fairlane::executor::batch::Batching;
use fairlane::executor::embed::{DIMENSIONS, Embed, Embedding, LoadError, MiniLm, TOKENS_MAX};
use fairlane::executor::{Executor, Outcome};
use fairlane::lifecycle::Lifecycle;
use fairlane::policy::BatchWindow;
use fairlane::task::ModelName;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Turn, job};

/// Two implementations in 32-bit floats differ in the order of their sums, by about 1e-6.
const TOLERANCE: f32 = 1e-4;

/// Length to which expected.json padded the texts that have `embedding_mask_ignored`.
const MASK_IGNORED_TOKENS: usize = 64;

#[derive(serde::Deserialize)]
struct Expected {
    text: String,
    /// Token numbers, marks of begin and end included, padding not.
    tokens: Vec<u32>,
    embedding: Vec<f32>,
    /// What comes out when the text is padded to MASK_IGNORED_TOKENS and the padding is taken for tokens.
    embedding_mask_ignored: Option<Vec<f32>>,
}

#[test]
fn a_text_alone_has_the_embedding_that_numpy_gives() {
    let _turn = Turn::blocking();
    for expected in expected() {
        check(&embed_one(&expected.text), &expected);
    }
}

#[test]
fn a_text_in_a_padded_batch_has_the_embedding_that_numpy_gives() {
    let _turn = Turn::blocking();
    let expected = expected();
    let texts: Vec<&str> = expected.iter().map(|it| it.text.as_str()).collect();
    let embeddings = embed(&texts);
    assert_eq!(embeddings.len(), expected.len());
    for (embedding, expected) in embeddings.iter().zip(&expected) {
        check(embedding, expected);
    }
}

/// The neighbour pads each text to exactly the length at which numpy took the padding for tokens: a model
/// that does so gives that very vector, and one that forgets half of the mask fails `check`.
#[test]
fn padding_has_no_part_in_the_embedding_of_a_short_text() {
    let _turn = Turn::blocking();
    let neighbour = "queue ".repeat(MASK_IGNORED_TOKENS - 2);
    let mut checked = 0;
    for expected in expected() {
        let Some(wrong) = &expected.embedding_mask_ignored else {
            continue;
        };
        let batch = embed(&[&expected.text, &neighbour]);
        assert_eq!(
            batch[1].tokens, MASK_IGNORED_TOKENS,
            "the neighbour sets the padding"
        );
        let distance = distance(&batch[0].vector, wrong);
        assert!(
            distance > 1e-2,
            "{:?} is {distance} from padding taken for tokens",
            expected.text
        );
        check(&batch[0], &expected);
        checked += 1;
    }
    assert!(
        checked > 0,
        "expected.json has no text with embedding_mask_ignored"
    );
}

#[test]
fn an_odd_text_has_an_embedding_of_length_one() {
    let _turn = Turn::blocking();
    let one_word = "x".repeat(100_000);
    let texts = [
        "",
        " ",
        "\0",
        "a\0b",
        "🚀👩‍👩‍👧",
        "\u{feff}\u{202e}\u{301}",
        "[PAD] [CLS] [SEP] [MASK]",
        one_word.as_str(),
    ];
    let batch = embed(&texts);
    for (text, in_batch) in texts.iter().zip(&batch) {
        let start: String = text.chars().take(30).collect();
        let alone = embed_one(text);
        let length = distance(&alone.vector, &[0.0; DIMENSIONS]);
        assert!((length - 1.0).abs() < TOLERANCE, "{start:?} has length {length}");
        let apart = distance(&alone.vector, &in_batch.vector);
        assert!(apart < TOLERANCE, "{start:?} is {apart} from itself in a batch");
        assert_eq!(alone.tokens, in_batch.tokens, "{start:?}");
    }
    assert_eq!(batch[0].tokens, 2, "an empty text is its two marks");
    assert_eq!(batch[7].tokens, 3, "an endless word is one unknown token");
}

#[test]
fn a_long_text_is_cut_at_the_limit() {
    let _turn = Turn::blocking();
    let cut = embed_one(&"queue ".repeat(TOKENS_MAX - 2));
    let long = embed_one(&"queue ".repeat(20_000));
    assert_eq!(long.tokens, TOKENS_MAX);
    assert_eq!(long, cut);
}

/// Texts from 2 tokens to the most, so that they are computed in several passes, and padded.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_share_a_run_have_the_results_of_tasks_alone() {
    let _turn = Turn::shared().await;
    let lengths = [1, 30, 8, 3, 300, 12, 9, 0, 60, 2, 31, 7];
    let texts = lengths.map(|words| "queue up for the model ".repeat(words));
    let mut inputs: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    inputs.extend([json!([texts[0], texts[4], texts[2]]), json!([])]);

    let embed = Embed::new(MiniLm::load(&model_dir()).expect("the model"));
    let window = BatchWindow {
        window_ms: 60_000,
        size_max: 64,
        tokens_max: None,
    };
    let (lifecycle, name) = (Lifecycle::new(), ModelName::new("m").expect("a name"));
    let batching = Batching::start(&name, embed.clone(), window, &lifecycle);
    let (jobs, cancel): (Vec<_>, _) = (
        inputs.into_iter().map(|input| job("t", input)).collect(),
        CancellationToken::new(),
    );
    let together = join_all(jobs.iter().map(|job| batching.execute(job, &cancel))).await;
    for (job, together) in jobs.iter().zip(together) {
        let alone = embed.execute(job, &cancel).await;
        let (together, alone) = (numbers(together), numbers(alone));
        assert_eq!(together.len(), alone.len(), "{:?}", job.input);
        for (a, b) in together.iter().zip(&alone) {
            assert!((a - b).abs() < 1e-5, "{a} alone is {b}: {:?}", job.input);
        }
    }
    drop(batching);
    assert!(lifecycle.stop(PATIENCE).await, "it ends with its last task");
}

/// Every number of an answer: those of its vectors, and its tokens.
fn numbers(outcome: Outcome) -> Vec<f64> {
    fn gather(value: &Value, into: &mut Vec<f64>) {
        match value {
            Value::Number(number) => into.extend(number.as_f64()),
            Value::Array(items) => items.iter().for_each(|item| gather(item, into)),
            Value::Object(fields) => fields.values().for_each(|field| gather(field, into)),
            _ => (),
        }
    }
    let Outcome::Completed { output, usage } = outcome else {
        panic!("{outcome:?}")
    };
    let mut numbers = Vec::new();
    gather(&output, &mut numbers);
    gather(&usage, &mut numbers);
    numbers
}

#[test]
fn an_empty_batch_has_no_embeddings() {
    let _turn = Turn::blocking();
    assert_eq!(embed(&[]), []);
}

#[test]
fn threads_share_one_model() {
    let _turn = Turn::blocking();
    let expected = expected();
    std::thread::scope(|scope| {
        for expected in expected.iter().take(4) {
            scope.spawn(|| check(&embed_one(&expected.text), expected));
        }
    });
}

#[test]
fn a_folder_without_config_json_gets_the_built_in_one() {
    let _turn = Turn::blocking();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in ["model.safetensors", "tokenizer.json"] {
        std::fs::copy(model_dir().join(file), folder.path().join(file)).expect("a copy of the model");
    }
    let model = MiniLm::load(folder.path()).expect("the model without config.json");
    let first = expected().swap_remove(0);
    check(&model.embed(&[&first.text]).expect("an embedding")[0], &first);
}

#[test]
fn a_missing_or_damaged_file_is_named_with_the_next_step() {
    let _turn = Turn::blocking();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = |file: &str| {
        let error = MiniLm::load(folder.path()).err().expect("a refusal");
        let message = error.to_string();
        assert!(message.contains(file), "{message}");
        assert!(message.contains("get-minilm.sh"), "{message}");
        error
    };
    let write = |file: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(file), bytes).expect("a file of the model");
    };

    assert!(matches!(refused("tokenizer.json"), LoadError::Read { .. }));
    write("tokenizer.json", b"{}");
    assert!(matches!(refused("tokenizer.json"), LoadError::Tokenizer { .. }));
    let tokenizer = std::fs::read(model_dir().join("tokenizer.json")).expect("the tokenizer");
    write("tokenizer.json", &tokenizer);
    assert!(matches!(refused("model.safetensors"), LoadError::Read { .. }));
    write("model.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff<html>");
    assert!(matches!(refused("model.safetensors"), LoadError::Weights { .. }));

    write("config.json", b"{}");
    assert!(matches!(refused("config.json"), LoadError::Config { .. }));
    let config = std::fs::read_to_string(model_dir().join("config.json")).expect("the configuration");
    write("config.json", config.replace("30522", "1000").as_bytes());
    assert!(matches!(
        refused("tokenizer.json"),
        LoadError::Vocabulary { rows: 1000, .. }
    ));
    write("config.json", config.replace("384", "768").as_bytes());
    assert!(matches!(
        refused("config.json"),
        LoadError::Dimensions { found: 768, .. }
    ));
}

fn check(embedding: &Embedding, expected: &Expected) {
    let distance = distance(&embedding.vector, &expected.embedding);
    assert!(
        distance < TOLERANCE,
        "{:?} is {distance} from numpy's embedding",
        expected.text
    );
    assert_eq!(embedding.tokens, expected.tokens.len(), "{:?}", expected.text);
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), DIMENSIONS);
    assert_eq!(b.len(), DIMENSIONS);
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

fn embed_one(text: &str) -> Embedding {
    embed(&[text]).swap_remove(0)
}

fn embed(texts: &[&str]) -> Vec<Embedding> {
    static MODEL: OnceLock<MiniLm> = OnceLock::new();
    let model = MODEL.get_or_init(|| MiniLm::load(&model_dir()).expect("the model"));
    model.embed(texts).expect("embeddings")
}

fn expected() -> Vec<Expected> {
    serde_json::from_str(include_str!("../embeddings/expected.json")).expect("expected.json")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings; only make knows where the model lies"
)]
fn model_dir() -> PathBuf {
    std::env::var_os("FAIRLANE_MODEL_DIR")
        .expect(
            "FAIRLANE_MODEL_DIR must name the folder of all-MiniLM-L6-v2: run `make test`, which fetches it",
        )
        .into()
}

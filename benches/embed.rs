//! What the embedding model does by itself: sentences of the demo one by one, several of them at once, and in batches. What
//! `fairlane bench batch` measures through a mesh cannot be more. Run it with `FAIRLANE_MODEL_DIR` set.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fairlane::clock;
use fairlane::config::process_environment;
use fairlane::executor::embed::MiniLm;

const SENTENCES: &str = include_str!("../src/cli/demo/sentences.tsv");
const ROUNDS: usize = 3;
/// One by one this many at once, and this many in a batch.
const TOGETHER: usize = 64;

fn main() {
    let environment = process_environment();
    let folder = environment
        .get("FAIRLANE_MODEL_DIR")
        .expect("FAIRLANE_MODEL_DIR is set");
    let model = MiniLm::load(Path::new(folder)).expect("the model is there");
    let texts: Vec<&str> = SENTENCES
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .collect();
    let embed = |texts: &[&str]| drop(model.embed(texts).expect("embeddings"));
    for _ in 0..ROUNDS {
        measure("one by one", &texts, |texts| {
            texts.iter().for_each(|text| embed(&[text]));
        });
        measure("one by one, 64 at once", &texts, |texts| at_once(texts, &embed));
        measure("in batches of 64", &texts, |texts| {
            texts.chunks(TOGETHER).for_each(embed)
        });
    }
}

fn measure(what: &str, texts: &[&str], work: impl Fn(&[&str])) {
    let began = clock::monotonic();
    work(texts);
    let per_s = texts.len() as f64 / clock::monotonic().since(began).as_secs_f64();
    println!("{what}: {per_s:.1} sentences/s");
}

fn at_once(texts: &[&str], embed: &(impl Fn(&[&str]) + Sync)) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            embed(&[text]);
        }
    };
    thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(work);
        }
    });
}

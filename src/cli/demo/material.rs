//! The sentences of the demo, and paraphrases to search them by.

const SENTENCES: &str = include_str!("sentences.tsv");
const PARAPHRASES: &str = include_str!("paraphrases.tsv");

/// A sentence with the class that sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Sentence {
    pub(super) class: &'static str,
    pub(in crate::cli) text: &'static str,
}

/// Other words for one of the sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paraphrase {
    pub(super) text: &'static str,
    pub(super) of: &'static str,
}

pub(in crate::cli) fn sentences() -> Vec<Sentence> {
    pairs(SENTENCES)
        .map(|(class, text)| Sentence { class, text })
        .collect()
}

pub(super) fn paraphrases() -> Vec<Paraphrase> {
    pairs(PARAPHRASES)
        .map(|(text, of)| Paraphrase { text, of })
        .collect()
}

fn pairs(of: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    of.lines().filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::default_policy;

    #[test]
    fn every_class_of_the_default_policy_sends_sixty_sentences() {
        let sentences = sentences();
        for class in default_policy().classes {
            let count = sentences
                .iter()
                .filter(|s| s.class == class.name.as_str())
                .count();
            assert_eq!(count, 60, "{}", class.name);
        }
        assert_eq!(sentences.len(), 240);
    }

    #[test]
    fn every_paraphrase_is_of_a_sentence_that_is_there() {
        let sentences = sentences();
        for paraphrase in paraphrases() {
            assert!(
                sentences.iter().any(|s| s.text == paraphrase.of),
                "{}",
                paraphrase.of
            );
        }
    }
}

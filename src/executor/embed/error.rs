//! What can go wrong with the model, by operation: while it loads, and while it computes.

use std::error::Error;
use std::path::PathBuf;

/// Why a model folder cannot be loaded. Each message names the file and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}: fetch the model with deploy/model/get-minilm.sh, or name its folder", file.display())]
    Read {
        /// The file that was to be read.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },

    /// `config.json` is not the configuration of a BERT model.
    #[error("{} is not a BERT configuration: fetch it again with deploy/model/get-minilm.sh, or remove it to use the built-in one", file.display())]
    Config {
        /// The file at fault.
        file: PathBuf,
        /// Where the JSON went wrong.
        #[source]
        source: serde_json::Error,
    },

    /// `tokenizer.json` is not a tokenizer that this build can read.
    #[error("{} is not a tokenizer: fetch it again with deploy/model/get-minilm.sh", file.display())]
    Tokenizer {
        /// The file at fault.
        file: PathBuf,
        /// What the tokenizer library said.
        #[source]
        source: tokenizers::Error,
    },

    /// The tokenizer can give token numbers for which the model has no row.
    #[error("{} has {tokens} tokens but the model only {rows}: both must come from one model, fetch them again with deploy/model/get-minilm.sh", file.display())]
    Vocabulary {
        /// The tokenizer's file.
        file: PathBuf,
        /// Tokens in the tokenizer's vocabulary.
        tokens: usize,
        /// Rows in the model's table of tokens.
        rows: usize,
    },

    /// The model gives vectors of a length other than all-MiniLM-L6-v2 does.
    #[error("{} describes vectors of {found} numbers instead of 384, so it is another model: fetch all-MiniLM-L6-v2 with deploy/model/get-minilm.sh", file.display())]
    Dimensions {
        /// The configuration's file.
        file: PathBuf,
        /// Numbers in a vector of that model.
        found: usize,
    },

    /// `model.safetensors` is damaged, or its tensors do not fit the configuration.
    #[error("{} does not hold this model: fetch it again with deploy/model/get-minilm.sh", file.display())]
    Weights {
        /// The file at fault.
        file: PathBuf,
        /// The tensor or header at fault.
        #[source]
        source: candle_core::Error,
    },

    /// The system has no threads to spare.
    #[error("cannot start a thread for each core: raise the limit on processes (ulimit -u)")]
    Threads(#[source] rayon::ThreadPoolBuildError),

    /// The GPU cannot be opened; only a build with the feature `cuda` looks for one.
    #[error("cannot open CUDA device 0: check nvidia-smi, or use a build without the feature `cuda`")]
    Device(#[source] candle_core::Error),
}

/// Why a batch of texts has no embeddings. No text is known that causes either.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// A text cannot be cut into tokens.
    #[error("cannot cut the text into tokens")]
    Tokenize(#[source] tokenizers::Error),

    /// The model cannot be computed, for instance because the GPU has no memory left for the batch.
    #[error("cannot compute the model; if memory ran out, use smaller batches")]
    Compute(#[source] candle_core::Error),
}

/// As much of an error as travels with a task, in bytes.
const TOLD_BYTES: usize = 512;

/// An error with all its causes, for whoever reads the dead letter.
pub(super) fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some say what their cause says.
        if !told.ends_with(&text) {
            told = format!("{told}: {text}");
        }
        next = cause.source();
    }
    told.truncate(told.floor_char_boundary(TOLD_BYTES));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_cause_and_no_longer_than_it_travels() {
        let failed = |cause: &str| told(&EmbedError::Compute(candle_core::Error::Msg(cause.to_owned())));
        assert_eq!(
            failed("CUDA_ERROR_OUT_OF_MEMORY"),
            "cannot compute the model; if memory ran out, use smaller batches: CUDA_ERROR_OUT_OF_MEMORY"
        );
        let long = failed(&"ü".repeat(600));
        assert!((511..=512).contains(&long.len()), "{}", long.len());
    }
}

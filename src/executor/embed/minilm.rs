//! all-MiniLM-L6-v2: a folder of three files in, unit vectors out.

use std::io::ErrorKind;
use std::path::Path;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use tokenizers::{
    Encoding, PaddingParams, PaddingStrategy, Tokenizer, TruncationDirection, TruncationParams,
    TruncationStrategy,
};

use super::error::{EmbedError, LoadError};
use super::pooling::{mean_of_tokens, to_unit_length};

/// Numbers in one embedding.
pub const DIMENSIONS: usize = 384;

/// Tokens of one text that the model sees, its two marks of begin and end included; the rest of a longer
/// text is left out. The model was trained and published with this limit.
pub const TOKENS_MAX: usize = 256;

/// The sentence embedding model all-MiniLM-L6-v2 in memory: about 90 MB.
///
/// It is immutable, so threads may share one. On the CPU every call spreads over all cores: calls at the
/// same time share the cores and give no more throughput than one after another.
pub struct MiniLm {
    tokenizer: Tokenizer,
    bert: BertModel,
}

/// The meaning of one text as a direction in space.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// [`DIMENSIONS`] numbers of Euclidean length 1: the dot product of two embeddings is the cosine of
    /// their angle, 1 for the same meaning and around 0 for unrelated texts.
    pub vector: Vec<f32>,
    /// Tokens of the text that the model saw, from 2 (no text at all) to [`TOKENS_MAX`].
    pub tokens: usize,
}

impl MiniLm {
    /// Loads `model.safetensors` and `tokenizer.json` from a folder, and `config.json` where there is one.
    ///
    /// The model runs on the CPU, or on CUDA device 0 in a build with the feature `cuda`.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let device = device().map_err(LoadError::Device)?;
        let config = config(&folder.join("config.json"))?;
        let tokenizer = tokenizer(&folder.join("tokenizer.json"), &config)?;
        let bert = bert(&folder.join("model.safetensors"), &config, &device)?;
        Ok(Self { tokenizer, bert })
    }

    /// Embeds the texts as one batch, in their order; an empty batch gives an empty list.
    ///
    /// Every text is welcome: an empty one, one of any length (see [`TOKENS_MAX`]), any Unicode. A text's
    /// vector does not depend on the others, but the time does: all are padded to the longest, so texts of
    /// like length belong together. Memory grows with the batch by about 12 MB for a text of full length;
    /// the caller bounds the batch.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, EmbedError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(EmbedError::Tokenize)?;
        let vectors = self.forward(&encodings).map_err(EmbedError::Compute)?;
        Ok(vectors
            .into_iter()
            .zip(&encodings)
            .map(|(vector, encoding)| Embedding {
                vector,
                tokens: count(encoding),
            })
            .collect())
    }

    fn forward(&self, encodings: &[Encoding]) -> candle_core::Result<Vec<Vec<f32>>> {
        let device = &self.bert.device;
        let matrix = |rows: Vec<&[u32]>| Tensor::new(rows, device);
        let tokens = matrix(encodings.iter().map(Encoding::get_ids).collect())?;
        let mask = matrix(encodings.iter().map(Encoding::get_attention_mask).collect())?;
        let vectors = self.bert.forward(&tokens, &tokens.zeros_like()?, Some(&mask))?;
        to_unit_length(&mean_of_tokens(&vectors, &mask)?)?.to_vec2()
    }
}

/// Tokens of the text itself: the mask is 1 for them and 0 for padding.
fn count(encoding: &Encoding) -> usize {
    encoding
        .get_attention_mask()
        .iter()
        .filter(|&&mask| mask == 1)
        .count()
}

#[cfg(feature = "cuda")]
fn device() -> candle_core::Result<Device> {
    Device::new_cuda(0)
}

#[cfg(not(feature = "cuda"))]
fn device() -> candle_core::Result<Device> {
    Ok(Device::Cpu)
}

fn config(file: &Path) -> Result<Config, LoadError> {
    let config = match std::fs::read(file) {
        Ok(json) => serde_json::from_slice(&json).map_err(|source| LoadError::Config {
            file: file.into(),
            source,
        })?,
        Err(source) if source.kind() == ErrorKind::NotFound => built_in_config(),
        Err(source) => {
            return Err(LoadError::Read {
                file: file.into(),
                source,
            });
        }
    };
    if config.hidden_size != DIMENSIONS {
        return Err(LoadError::Dimensions {
            file: file.into(),
            found: config.hidden_size,
        });
    }
    Ok(config)
}

/// The published configuration, where it differs from candle's default (BERT base).
fn built_in_config() -> Config {
    Config {
        hidden_size: DIMENSIONS,
        num_hidden_layers: 6,
        intermediate_size: 1536,
        ..Config::default()
    }
}

fn tokenizer(file: &Path, config: &Config) -> Result<Tokenizer, LoadError> {
    let failed = |source| LoadError::Tokenizer {
        file: file.into(),
        source,
    };
    let mut tokenizer = Tokenizer::from_bytes(read(file)?).map_err(failed)?;
    let tokens = tokenizer.get_vocab_size(true);
    if tokens > config.vocab_size {
        return Err(LoadError::Vocabulary {
            file: file.into(),
            tokens,
            rows: config.vocab_size,
        });
    }
    // The published file truncates and pads every text to 128 tokens.
    tokenizer
        .with_truncation(Some(TruncationParams {
            max_length: TOKENS_MAX,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
            direction: TruncationDirection::Right,
        }))
        .map_err(failed)?
        .with_padding(Some(PaddingParams {
            strategy: PaddingStrategy::BatchLongest,
            ..PaddingParams::default()
        }));
    Ok(tokenizer)
}

fn bert(file: &Path, config: &Config, device: &Device) -> Result<BertModel, LoadError> {
    let failed = |source| LoadError::Weights {
        file: file.into(),
        source,
    };
    // Mapping the file instead of reading it would save a copy, but it is unsafe: the file may change.
    let weights = VarBuilder::from_buffered_safetensors(read(file)?, DTYPE, device).map_err(failed)?;
    BertModel::load(weights, config).map_err(failed)
}

fn read(file: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(file).map_err(|source| LoadError::Read {
        file: file.into(),
        source,
    })
}

//! all-MiniLM-L6-v2: a folder of three files in, unit vectors out.

use std::io::ErrorKind;
use std::path::Path;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use tokenizers::{Encoding, Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

use super::cores::Cores;
use super::encoder::Encoder;
use super::error::{EmbedError, LoadError};
use super::passes::{parts, passes};
use super::pooling::{mean_of_tokens, to_unit_length};

/// Numbers in one embedding.
pub const DIMENSIONS: usize = 384;

/// Tokens of one text that the model sees, its two marks of begin and end included; the rest of a longer
/// text is left out. The model was trained and published with this limit.
pub const TOKENS_MAX: usize = 256;

/// The sentence embedding model all-MiniLM-L6-v2 in memory: about 90 MB.
///
/// It is immutable, so threads may share one. On the CPU every call spreads over all cores: of several texts each core
/// computes its part, and one text is computed by all of them.
pub struct MiniLm {
    tokenizer: Tokenizer,
    engine: Engine,
}

/// What computes it.
enum Engine {
    Cpu(Encoder, Cores),
    /// In rows of one length, as a GPU likes it.
    Gpu(BertModel),
}

/// The numbers of a text's tokens, its two marks included and without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens(Vec<u32>);

impl Tokens {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The token that fills up a row. Any would do: the mask leaves it out.
const PADDING: u32 = 0;

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
        let engine = engine(&folder.join("model.safetensors"), &config, &device)?;
        Ok(Self { tokenizer, engine })
    }

    /// Embeds the texts, in their order; an empty batch gives an empty list.
    ///
    /// Every text is welcome: an empty one, one of any length (see [`TOKENS_MAX`]), any Unicode. A text's
    /// vector does not depend on the others.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, EmbedError> {
        self.embed_tokens(&self.tokens(texts)?.iter().collect::<Vec<_>>())
    }

    /// Cuts the texts into tokens, in their order.
    pub(super) fn tokens(&self, texts: &[&str]) -> Result<Vec<Tokens>, EmbedError> {
        let cut = match texts {
            // Alone it needs none of the threads that may be computing the model.
            [text] => self.tokenizer.encode_fast(*text, true).map(|one| vec![one]),
            texts => self.tokenizer.encode_batch_fast(texts.to_vec(), true),
        };
        let tokens = |encoding: &Encoding| Tokens(encoding.get_ids().to_vec());
        Ok(cut.map_err(EmbedError::Tokenize)?.iter().map(tokens).collect())
    }

    /// Embeds texts that were cut, in their order.
    pub(super) fn embed_tokens(&self, texts: &[&Tokens]) -> Result<Vec<Embedding>, EmbedError> {
        let lengths: Vec<usize> = texts.iter().map(|text| text.0.len()).collect();
        let rows =
            |pass: &[usize]| -> Vec<&[u32]> { pass.iter().map(|at| texts[*at].0.as_slice()).collect() };
        let (passes, computed) = match &self.engine {
            Engine::Cpu(encoder, cores) => {
                let parts = parts(&lengths, cores.count());
                let computed = cores.each(&parts, |part| encoder.means(&rows(part)).and_then(to_unit));
                (parts, computed)
            }
            Engine::Gpu(bert) => {
                let passes = passes(&lengths);
                let computed = passes.iter().map(|pass| padded(bert, &rows(pass))).collect();
                (passes, computed)
            }
        };
        let mut embeddings = Vec::new();
        for (pass, vectors) in passes.iter().zip(computed) {
            let vectors = vectors.map_err(EmbedError::Compute)?;
            let of = |(at, vector): (&usize, Vec<f32>)| {
                let tokens = lengths[*at];
                (*at, Embedding { vector, tokens })
            };
            embeddings.extend(pass.iter().zip(vectors).map(of));
        }
        embeddings.sort_unstable_by_key(|(at, _)| *at);
        Ok(embeddings.into_iter().map(|(_, embedding)| embedding).collect())
    }
}

fn to_unit(means: Vec<Vec<f32>>) -> candle_core::Result<Vec<Vec<f32>>> {
    if means.is_empty() {
        return Ok(means);
    }
    to_unit_length(&Tensor::new(means, &Device::Cpu)?)?.to_vec2()
}

/// One pass over rows of tokens, padded to the longest.
fn padded(bert: &BertModel, rows: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let matrix = |of: &dyn Fn(&[u32], usize) -> u32| {
        let cells = rows.iter().flat_map(|row| (0..width).map(move |at| of(row, at)));
        let cells: Vec<u32> = cells.collect();
        Tensor::from_vec(cells, (rows.len(), width), &bert.device)
    };
    let tokens = matrix(&|row, at| row.get(at).copied().unwrap_or(PADDING))?;
    let mask = matrix(&|row, at| u32::from(at < row.len()))?;
    let vectors = bert.forward(&tokens, &tokens.zeros_like()?, Some(&mask))?;
    to_unit_length(&mean_of_tokens(&vectors, &mask)?)?.to_vec2()
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
        .with_padding(None);
    Ok(tokenizer)
}

fn engine(file: &Path, config: &Config, device: &Device) -> Result<Engine, LoadError> {
    let failed = |source| LoadError::Weights {
        file: file.into(),
        source,
    };
    // Mapping the file instead of reading it would save a copy, but it is unsafe: the file may change.
    let weights = VarBuilder::from_buffered_safetensors(read(file)?, DTYPE, device).map_err(failed)?;
    if !device.is_cpu() {
        return Ok(Engine::Gpu(BertModel::load(weights, config).map_err(failed)?));
    }
    let encoder = Encoder::load(&weights, config).map_err(failed)?;
    Ok(Engine::Cpu(
        encoder,
        Cores::of_this_machine().map_err(LoadError::Threads)?,
    ))
}

fn read(file: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(file).map_err(|source| LoadError::Read {
        file: file.into(),
        source,
    })
}

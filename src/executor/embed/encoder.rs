//! The encoder on processors: the tokens of texts one after the other, a vector for each text out.
//!
//! The same sums as those of candle-transformers, which computes every text as if it were as long as the longest, one
//! whole step after the other. Here nothing is filled up, what follows a product happens where its result lies, and all of it on the
//! thread that asks. Only the products themselves are candle's.

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{Config, HiddenAct};

use super::steps::{Activate, Attend, Norm};

/// A loaded encoder.
pub(super) struct Encoder {
    size: usize,
    words: Vec<f32>,
    /// Those of a place in the text, and of the one kind of text there is.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Query, key and value side by side.
    attend: Tensor,
    attend_bias: Vec<f32>,
    attended: Tensor,
    attended_norm: Norm,
    widen: Tensor,
    widen_bias: Vec<f32>,
    narrow: Tensor,
    norm: Norm,
    heads: usize,
    activation: HiddenAct,
}

impl Encoder {
    pub(super) fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let weights = match weights.contains_tensor("bert") {
            true => weights.pp("bert"),
            false => weights.clone(),
        };
        let (at, size) = (weights.pp("embeddings"), config.hidden_size);
        let table = |name: &str, rows: usize| flat(&at.pp(name).get((rows, size), "weight")?);
        let mut places = table("position_embeddings", config.max_position_embeddings)?;
        let kind = table("token_type_embeddings", config.type_vocab_size)?;
        for place in places.chunks_exact_mut(size) {
            place.iter_mut().zip(&kind).for_each(|(to, of)| *to += of);
        }
        let layers = (0..config.num_hidden_layers)
            .map(|number| Layer::load(&weights.pp(format!("encoder.layer.{number}")), config));
        Ok(Self {
            size,
            words: table("word_embeddings", config.vocab_size)?,
            places,
            norm: norm(&at.pp("LayerNorm"), Vec::new(), config)?,
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// The mean of the vectors of each text's tokens. None is empty.
    pub(super) fn means(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let size = self.size;
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let mut vectors = self.look_up(texts)?;
        for layer in &self.layers {
            vectors = layer.forward(&vectors, &lengths)?;
        }
        let vectors = flat(&vectors)?;
        let (mut rest, mut means) = (vectors.as_slice(), Vec::new());
        for length in lengths {
            let (text, others) = rest.split_at(length * size);
            let mut mean = vec![0.0; size];
            for token in text.chunks_exact(size) {
                mean.iter_mut().zip(token).for_each(|(to, of)| *to += of);
            }
            mean.iter_mut().for_each(|sum| *sum /= length as f32);
            means.push(mean);
            rest = others;
        }
        Ok(means)
    }

    /// What stands for the tokens before the first layer: `(tokens, size)`.
    fn look_up(&self, texts: &[&[u32]]) -> Result<Tensor> {
        let size = self.size;
        let row = |table: &'_ [f32], at: usize| table.get(at * size..(at + 1) * size).map(<[f32]>::to_vec);
        let mut vectors = Vec::new();
        for text in texts {
            for (place, token) in text.iter().enumerate() {
                let (word, place) = (row(&self.words, *token as usize), row(&self.places, place));
                let Some((word, place)) = word.zip(place) else {
                    candle_core::bail!("no vector for token {token}, or for its place");
                };
                vectors.extend(word.iter().zip(place).map(|(word, place)| word + place));
            }
        }
        let tokens = vectors.len() / size;
        let vectors = Tensor::from_vec(vectors, (tokens, size), &Device::Cpu)?;
        vectors.inplace_op1(&self.norm)?;
        Ok(vectors)
    }
}

impl Layer {
    fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (size, wide) = (config.hidden_size, config.intermediate_size);
        let (attention, output) = (weights.pp("attention.output"), weights.pp("output"));
        let parts = ["query", "key", "value"].map(|name| weights.pp(format!("attention.self.{name}")));
        let matrices = parts.iter().map(|part| part.get((size, size), "weight"));
        let mut attend_bias = Vec::new();
        for part in &parts {
            attend_bias.extend(flat(&part.get(size, "bias")?)?);
        }
        let (widen, dense) = (weights.pp("intermediate.dense"), attention.pp("dense"));
        let bias = |of: &VarBuilder<'_>, count: usize| flat(&of.get(count, "bias")?);
        Ok(Self {
            attend: Tensor::cat(&matrices.collect::<Result<Vec<_>>>()?, 0)?,
            attend_bias,
            attended: dense.get((size, size), "weight")?,
            attended_norm: norm(&attention.pp("LayerNorm"), bias(&dense, size)?, config)?,
            widen: widen.get((wide, size), "weight")?,
            widen_bias: bias(&widen, wide)?,
            narrow: output.pp("dense").get((size, wide), "weight")?,
            norm: norm(&output.pp("LayerNorm"), bias(&output.pp("dense"), size)?, config)?,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        })
    }

    fn forward(&self, vectors: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let context = vectors.matmul(&self.attend.t()?)?.apply_op1_no_bwd(&Attend {
            bias: &self.attend_bias,
            heads: self.heads,
            lengths,
        })?;
        let attended = context.matmul(&self.attended.t()?)?;
        attended.inplace_op2(vectors, &self.attended_norm)?;
        let wide = attended.matmul(&self.widen.t()?)?;
        wide.inplace_op1(&Activate {
            bias: &self.widen_bias,
            activation: self.activation,
        })?;
        let narrow = wide.matmul(&self.narrow.t()?)?;
        narrow.inplace_op2(&attended, &self.norm)?;
        Ok(narrow)
    }
}

fn norm(weights: &VarBuilder<'_>, bias: Vec<f32>, config: &Config) -> Result<Norm> {
    let part = |name: &str| flat(&weights.get(config.hidden_size, name)?);
    Ok(Norm {
        bias,
        scale: part("weight")?,
        shift: part("bias")?,
        eps: config.layer_norm_eps as f32,
    })
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

//! Sentence embeddings with all-MiniLM-L6-v2 on candle, inside the worker process.
//!
//! [`MiniLm`] is the model: a folder is loaded once, then batches of texts become unit vectors. It knows
//! nothing of tasks. `encoder` is its arithmetic on processors and `steps` what is between the products, `passes` says
//! which texts are computed together, `cores` computes them side by side, `pooling` turns the vectors of tokens into one
//! vector for each text.
//!
//! [`MiniLm::embed`] blocks for as long as the model computes: call it from a blocking thread.

mod cores;
mod encoder;
mod error;
mod executor;
mod minilm;
mod passes;
mod pooling;
mod steps;

pub use error::{EmbedError, LoadError};
pub use executor::Embed;
pub use minilm::{DIMENSIONS, Embedding, MiniLm, TOKENS_MAX};

//! Sentence embeddings with all-MiniLM-L6-v2 on candle, inside the worker process.
//!
//! [`MiniLm`] is the model: a folder is loaded once, then batches of texts become unit vectors. It knows
//! nothing of tasks. `pooling` turns the vectors of tokens into one vector for each text.
//!
//! [`MiniLm::embed`] blocks for as long as the model computes: call it from a blocking thread.

mod error;
mod executor;
mod minilm;
mod pooling;

pub use error::{EmbedError, LoadError};
pub use executor::Embed;
pub use minilm::{DIMENSIONS, Embedding, MiniLm, TOKENS_MAX};

//! From one vector for each token to one vector of length 1 for each text.

use candle_core::{D, Result, Tensor};

/// Keeps the division defined for a vector of zeros; far below any length that a model gives.
const LENGTH_MIN: f32 = 1e-12;

/// The mean over the tokens of each text whose mask is 1: `(texts, tokens, dimensions)` and
/// `(texts, tokens)` to `(texts, dimensions)`.
///
/// Padding has mask 0. Were it averaged in, a text's vector would depend on its neighbours in the batch.
pub(super) fn mean_of_tokens(vectors: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let mask = mask.to_dtype(vectors.dtype())?;
    let sums = vectors.broadcast_mul(&mask.unsqueeze(D::Minus1)?)?.sum(1)?;
    sums.broadcast_div(&mask.sum_keepdim(1)?)
}

/// Each row divided by its Euclidean length, so that a dot product of two rows is their cosine.
pub(super) fn to_unit_length(rows: &Tensor) -> Result<Tensor> {
    let lengths = rows.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(LENGTH_MIN)?;
    rows.broadcast_div(&lengths)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Result, Tensor};

    use super::{mean_of_tokens, to_unit_length};

    #[test]
    fn a_masked_token_has_no_part_in_the_mean() -> Result<()> {
        let vectors = Tensor::new(&[[[1f32, 2.0], [3.0, 4.0], [90.0, 90.0]]], &Device::Cpu)?;
        let mask = Tensor::new(&[[1u32, 1, 0]], &Device::Cpu)?;
        let mean = mean_of_tokens(&vectors, &mask)?.to_vec2::<f32>()?;
        assert_eq!(mean, [[2.0, 3.0]]);
        Ok(())
    }

    #[test]
    fn rows_get_length_one_and_zeros_stay_zeros() -> Result<()> {
        let rows = Tensor::new(&[[3f32, 4.0], [0.0, 0.0]], &Device::Cpu)?;
        let unit = to_unit_length(&rows)?.to_vec2::<f32>()?;
        assert_eq!(unit, [[0.6, 0.8], [0.0, 0.0]]);
        Ok(())
    }
}

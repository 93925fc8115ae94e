//! What the encoder does between its products, in place and in as wide steps as the processor has.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, Shape};
use candle_core::{CustomOp1, bail};
use candle_transformers::models::bert::HiddenAct;
use pulp::{Arch, NullaryFnOnce};

/// Numbers that are summed side by side.
const LANES: usize = 8;

/// Each row, and what is added to it, brought to mean 0 and variance 1, then scaled and shifted.
pub(super) struct Norm {
    /// Of the product before, added first; may be empty.
    pub(super) bias: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    pub(super) eps: f32,
}

/// The bias of the product before, and the activation.
pub(super) struct Activate<'a> {
    pub(super) bias: &'a [f32],
    pub(super) activation: HiddenAct,
}

/// From query, key and value of each token, side by side and without their bias, to what it attends to in its text.
pub(super) struct Attend<'a> {
    pub(super) bias: &'a [f32],
    pub(super) heads: usize,
    /// Tokens of each text.
    pub(super) lengths: &'a [usize],
}

impl InplaceOp1 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (rows, added) = (whole_mut(storage, layout)?, [].as_slice());
        Arch::new().dispatch(Normed {
            norm: self,
            rows,
            added,
        });
        Ok(())
    }
}

impl InplaceOp2 for Norm {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(
        &self,
        to: &mut CpuStorage,
        to_layout: &Layout,
        of: &CpuStorage,
        of_layout: &Layout,
    ) -> Result<()> {
        let (rows, added) = (whole_mut(to, to_layout)?, whole(of, of_layout)?);
        Arch::new().dispatch(Normed {
            norm: self,
            rows,
            added,
        });
        Ok(())
    }
}

struct Normed<'a> {
    norm: &'a Norm,
    rows: &'a mut [f32],
    /// As many rows, or none.
    added: &'a [f32],
}

impl NullaryFnOnce for Normed<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Norm {
            bias,
            scale,
            shift,
            eps,
        } = self.norm;
        let size = scale.len();
        let mut added = self.added.chunks_exact(size);
        for row in self.rows.chunks_exact_mut(size) {
            row.iter_mut().zip(bias).for_each(|(to, of)| *to += of);
            if let Some(added) = added.next() {
                row.iter_mut().zip(added).for_each(|(to, of)| *to += of);
            }
            let mean = sum(row, |value| value) / size as f32;
            let variance = sum(row, |value| (value - mean) * (value - mean)) / size as f32;
            let factor = 1.0 / (variance + eps).sqrt();
            for ((value, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
                *value = (*value - mean) * factor * scale + shift;
            }
        }
    }
}

impl InplaceOp1 for Activate<'_> {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let rows = whole_mut(storage, layout)?;
        Arch::new().dispatch(Activated { of: self, rows });
        Ok(())
    }
}

struct Activated<'a> {
    of: &'a Activate<'a>,
    rows: &'a mut [f32],
}

impl NullaryFnOnce for Activated<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.of.activation {
            HiddenAct::Gelu => each(self.rows, self.of.bias, gelu),
            HiddenAct::GeluApproximate => each(self.rows, self.of.bias, gelu_by_tanh),
            HiddenAct::Relu => each(self.rows, self.of.bias, |value| value.max(0.0)),
        }
    }
}

#[inline(always)]
fn each(rows: &mut [f32], bias: &[f32], of: impl Fn(f32) -> f32) {
    for row in rows.chunks_exact_mut(bias.len()) {
        row.iter_mut()
            .zip(bias)
            .for_each(|(value, bias)| *value = of(*value + bias));
    }
}

impl CustomOp1 for Attend<'_> {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let size = self.bias.len() / 3;
        let tokens: usize = self.lengths.iter().sum();
        let rows = whole(storage, layout)?;
        if rows.len() != tokens * size * 3 || !size.is_multiple_of(self.heads) {
            bail!("attend: {} numbers for {tokens} tokens", rows.len());
        }
        let mut context = vec![0.0; tokens * size];
        Arch::new().dispatch(Attended {
            of: self,
            rows,
            context: &mut context,
        });
        Ok((CpuStorage::F32(context), (tokens, size).into()))
    }
}

struct Attended<'a> {
    of: &'a Attend<'a>,
    rows: &'a [f32],
    context: &'a mut [f32],
}

impl NullaryFnOnce for Attended<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (bias, heads) = (self.of.bias, self.of.heads);
        let size = bias.len() / 3;
        let head = size / heads;
        let scale = 1.0 / (head as f32).sqrt();
        let (mut query, mut scores) = (vec![0.0; head], Vec::new());
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut first = 0;
        for &length in self.of.lengths {
            let rows = &self.rows[first * size * 3..][..length * size * 3];
            let context = &mut self.context[first * size..][..length * size];
            scores.resize(length, 0.0);
            keys.resize(length * head, 0.0);
            values.resize(length * head, 0.0);
            for at in (0..heads).map(|number| number * head) {
                for (token, row) in rows.chunks_exact(size * 3).enumerate() {
                    // The keys by their numbers, so that a query meets all of them in one step.
                    let key = row[size + at..][..head].iter().zip(&bias[size + at..]);
                    key.enumerate()
                        .for_each(|(n, (key, bias))| keys[n * length + token] = key + bias);
                    let value = row[2 * size + at..][..head].iter().zip(&bias[2 * size + at..]);
                    let to = values[token * head..][..head].iter_mut();
                    to.zip(value).for_each(|(to, (value, bias))| *to = value + bias);
                }
                let tokens = rows.chunks_exact(size * 3).zip(context.chunks_exact_mut(size));
                for (row, context) in tokens {
                    let asked = row[at..][..head].iter().zip(&bias[at..]);
                    query
                        .iter_mut()
                        .zip(asked)
                        .for_each(|(to, (query, bias))| *to = (query + bias) * scale);
                    scores.fill(0.0);
                    for (query, keys) in query.iter().zip(keys.chunks_exact(length)) {
                        scores
                            .iter_mut()
                            .zip(keys)
                            .for_each(|(score, key)| *score += query * key);
                    }
                    softmax(&mut scores);
                    let context = &mut context[at..][..head];
                    for (weight, value) in scores.iter().zip(values.chunks_exact(head)) {
                        context
                            .iter_mut()
                            .zip(value)
                            .for_each(|(to, value)| *to += weight * value);
                    }
                }
            }
            first += length;
        }
    }
}

#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let most = scores
        .iter()
        .fold(f32::NEG_INFINITY, |most, score| most.max(*score));
    scores.iter_mut().for_each(|score| *score = exp(*score - most));
    let factor = 1.0 / sum(scores, |weight| weight);
    scores.iter_mut().for_each(|weight| *weight *= factor);
}

#[inline(always)]
fn sum(of: &[f32], part: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let mut chunks = of.chunks_exact(LANES);
    for chunk in &mut chunks {
        for lane in 0..LANES {
            sums[lane] += part(chunk[lane]);
        }
    }
    let rest: f32 = chunks.remainder().iter().map(|value| part(*value)).sum();
    sums.iter().sum::<f32>() + rest
}

/// `x · Φ(x)`, to 2e-7 · |x|.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The same, by the usual approximation.
#[inline(always)]
fn gelu_by_tanh(x: f32) -> f32 {
    let twice = 2.0 * (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
    x / (1.0 + exp(-twice))
}

/// Abramowitz and Stegun, 7.1.26.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let sum = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    (1.0 - sum * exp(-size * size)).copysign(x)
}

/// e to the power of `x`, to 2e-7 of itself; from -87 to 88, and beyond as there.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Added to a number it leaves the nearest whole one in the last bits.
    const WHOLE: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + WHOLE;
    let whole = shifted - WHOLE;
    // The logarithm of 2 in two parts, the first of them exact.
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let sum = ((((1.987_569_1e-4 * rest + 1.398_2e-3) * rest + 8.333_452e-3) * rest + 4.166_579_6e-2) * rest
        + 1.666_666_5e-1)
        * rest
        + 0.5;
    let power = sum * rest * rest + rest + 1.0;
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

fn whole<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((from, to)) = layout.contiguous_offsets() else {
        bail!("a step of the encoder over numbers that are not side by side");
    };
    Ok(&storage.as_slice::<f32>()?[from..to])
}

fn whole_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(numbers), Some((from, to))) = (storage, layout.contiguous_offsets()) else {
        bail!("a step of the encoder over numbers that are not side by side");
    };
    Ok(&mut numbers[from..to])
}

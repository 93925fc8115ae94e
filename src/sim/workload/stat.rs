//! Figures of a sample, for the tests beside.

/// The arithmetic mean.
pub(super) fn mean(sample: &[f64]) -> f64 {
    sample.iter().sum::<f64>() / sample.len() as f64
}

/// Standard deviation over mean.
pub(super) fn cv(sample: &[f64]) -> f64 {
    let mean = mean(sample);
    let squares = sample.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (squares / sample.len() as f64).sqrt() / mean
}

/// The value below which `part` of the sample lies, 0 to below 1.
pub(super) fn quantile(sample: &[f64], part: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(part * sorted.len() as f64) as usize]
}

/// From each time to the next, where the times are in order.
pub(super) fn gaps(times: impl IntoIterator<Item = u64>) -> Vec<f64> {
    let times: Vec<u64> = times.into_iter().collect();
    times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect()
}

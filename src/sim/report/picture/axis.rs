//! Ticks: where they stand and what they say.

use std::ops::Range;

/// A logarithmic axis of times in ms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogAxis {
    /// What it covers; its start is more than 0.
    pub(super) range: Range<f64>,
    /// Ticks that say where they are.
    pub(super) bold: Vec<f64>,
    /// Ticks that do not.
    pub(super) light: Vec<f64>,
}

impl LogAxis {
    /// The least axis from tick to tick that holds all `times` and is a decade at least.
    pub(super) fn over(times: impl Iterator<Item = f64>) -> Self {
        /// The clock of a run counts µs, so nothing shorter is told apart.
        const LEAST_MS: f64 = 1e-3;
        let (least, largest) = times
            .map(|ms| ms.max(LEAST_MS))
            .fold((f64::INFINITY, LEAST_MS), |(least, largest), ms| {
                (least.min(ms), largest.max(ms))
            });
        let least = least.min(largest);
        let ticks = ticks(least, largest.max(least * 10.0));
        let start = ticks.iter().rposition(|&tick| tick <= least).unwrap_or(0);
        let ticks = &ticks[start..];
        let range = ticks[0]..ticks[ticks.len() - 1];
        // Up to three decades there is room for the ticks at 2 and 5, and so on.
        let says = |tick: f64| range.end / range.start <= 1e3 && is_round(tick) || is_power(tick);
        let (bold, light) = ticks.iter().partition(|&&tick| says(tick));
        Self { range, bold, light }
    }
}

/// Whole multiples of powers of ten, from the power below `from` to the first round one from `to` on.
fn ticks(from: f64, to: f64) -> Vec<f64> {
    let mut exponent = from.log10().floor() as i32;
    let mut ticks = Vec::new();
    loop {
        for digit in 1..10 {
            // Divided and not multiplied by a negative power, so that 0.3 is the 0.3 of a program text.
            let power = 10_f64.powi(exponent.abs());
            let tick = if exponent < 0 {
                f64::from(digit) / power
            } else {
                f64::from(digit) * power
            };
            ticks.push(tick);
            if tick >= to && is_round(tick) {
                return ticks;
            }
        }
        exponent += 1;
    }
}

fn first_digit(tick: f64) -> u32 {
    (tick / 10_f64.powf((tick * 1.000_001).log10().floor())).round() as u32
}

fn is_power(tick: f64) -> bool {
    first_digit(tick) == 1
}

fn is_round(tick: f64) -> bool {
    matches!(first_digit(tick), 1 | 2 | 5)
}

/// A tick of a [`LogAxis`].
pub(super) fn time_label(ms: f64) -> String {
    if ms < 0.999_999 {
        format!("{:.0} µs", ms * 1e3)
    } else if ms < 999.999 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.0} s", ms / 1e3)
    }
}

/// A tick of a plain axis.
pub(super) fn plain_label(x: f64) -> String {
    let shown = format!("{x:.3}");
    shown.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(times: &[f64]) -> String {
        let axis = LogAxis::over(times.iter().copied());
        let labels: Vec<String> = axis.bold.into_iter().map(time_label).collect();
        labels.join(", ")
    }

    #[test]
    fn an_axis_goes_from_tick_to_tick() {
        assert_eq!(LogAxis::over([3.2, 47.0].into_iter()).range, 3.0..50.0);
        assert_eq!(LogAxis::over([1.0, 10.0].into_iter()).range, 1.0..10.0);
        assert_eq!(LogAxis::over([0.3, 0.31].into_iter()).range, 0.3..5.0);
        assert_eq!(LogAxis::over([0.0].into_iter()).range, 0.001..0.01);
        assert_eq!(LogAxis::over(std::iter::empty()).range, 0.001..0.01);
    }

    #[test]
    fn a_short_axis_says_more_of_its_ticks() {
        assert_eq!(labels(&[3.2, 47.0]), "5 ms, 10 ms, 20 ms, 50 ms");
        assert_eq!(
            labels(&[0.03, 123_000.0]),
            "100 µs, 1 ms, 10 ms, 100 ms, 1 s, 10 s, 100 s"
        );
    }

    #[test]
    fn a_plain_tick_has_no_needless_digits() {
        assert_eq!(
            [0.0, 0.1 + 0.2, 2.5, 400.0].map(plain_label),
            ["0", "0.3", "2.5", "400"]
        );
    }
}

//! The right half: whose service it was over time, a panel for each policy.

use plotters::prelude::{AreaSeries, ChartBuilder, Color, Rectangle, WHITE};
use plotters::style::text_anchor::HPos;

use crate::sim::report::figures::{Report, Timeline};

use super::axis::plain_label;
use super::style::{
    Area, DrawError, FAINT, GRID, INK, NAME_LETTERS, TEXT, TICK, area as fill, bold, fitting, text,
};

/// How high a row of the legend is.
const ROW: i32 = 42;
/// What lies between legend and panels.
const GAP: i32 = 14;
/// How high the name of the time axis is, below the panels.
const AXIS_NAME: i32 = 36;
/// How wide the half is.
pub(super) const WIDTH: i32 = 960;

/// Panels beside each other, over that many policies.
pub(super) const fn columns(policies: usize) -> usize {
    if policies > 3 { 2 } else { 1 }
}

/// How high the legend is.
pub(super) fn legend_height(report: &Report) -> i32 {
    report.classes.len().div_ceil(in_a_row(report)) as i32 * ROW + GAP
}

/// Draws the legend of the classes.
pub(super) fn draw_legend(area: &Area<'_>, report: &Report) -> Result<(), DrawError> {
    let in_a_row = in_a_row(report);
    let width = (WIDTH - 80) / in_a_row as i32;
    for (place, class) in report.classes.iter().enumerate() {
        let x = 80 + (place % in_a_row) as i32 * width;
        let y = (place / in_a_row) as i32 * ROW + ROW / 2;
        area.draw(&Rectangle::new([(x, y - 13), (x + 26, y + 13)], fill(place)))?;
        area.draw_text(&class.name, &text(TEXT, INK, HPos::Left), (x + 38, y))?;
    }
    Ok(())
}

/// Draws the panels.
pub(super) fn draw(area: &Area<'_>, reports: &[Report]) -> Result<(), DrawError> {
    let columns = columns(reports.len());
    let until_s = reports
        .iter()
        .map(|report| length_s(&report.timeline))
        .fold(0.0, f64::max);
    let (width, height) = area.dim_in_pixel();
    let (area, below) = area.split_vertically(height as i32 - AXIS_NAME);
    for (panel, report) in area
        .split_evenly((reports.len().div_ceil(columns), columns))
        .iter()
        .zip(reports)
    {
        draw_panel(panel, report, until_s)?;
    }
    let axis_name = text(TICK, FAINT, HPos::Center);
    below.draw_text(
        "time since counting began, s",
        &axis_name,
        (width as i32 / 2, AXIS_NAME / 2),
    )
}

fn draw_panel(area: &Area<'_>, report: &Report, until_s: f64) -> Result<(), DrawError> {
    area.draw_text(&fitting(&report.policy, NAME_LETTERS), &bold(TEXT), (80, 22))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(46)
        .margin_right(48)
        .x_label_area_size(52)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..until_s, 0.0..1.0)?;
    for (place, tops) in stacked(&report.timeline).into_iter().enumerate().rev() {
        let line = outline(&tops, report.timeline.bucket_s);
        chart.draw_series(AreaSeries::new(line.clone(), 0.0, WHITE.filled()))?;
        chart.draw_series(AreaSeries::new(line, 0.0, fill(place)))?;
    }
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_labels(5)
        .y_labels(3)
        .bold_line_style(GRID.mix(0.6).stroke_width(2))
        .axis_style(FAINT.stroke_width(2))
        .label_style(text(TICK, INK, HPos::Center))
        .x_label_formatter(&|&s| plain_label(s))
        .y_label_formatter(&|&part| format!("{:.0} %", part * 100.0))
        .draw()
}

/// For each class, the sum of its own and all earlier classes' service in each bucket.
fn stacked(timeline: &Timeline) -> Vec<Vec<f64>> {
    let mut below = vec![0.0; buckets(timeline)];
    let mut tops = Vec::new();
    for served in &timeline.classes {
        for (below, part) in below.iter_mut().zip(served) {
            *below += part;
        }
        tops.push(below.clone());
    }
    tops
}

/// A line through the middles of the buckets, from the beginning of the first to the end of the last.
fn outline(tops: &[f64], bucket_s: f64) -> Vec<(f64, f64)> {
    let middles = tops
        .iter()
        .enumerate()
        .map(|(at, &top)| ((at as f64 + 0.5) * bucket_s, top));
    let first = tops.first().map(|&top| (0.0, top));
    let last = tops.last().map(|&top| (tops.len() as f64 * bucket_s, top));
    first.into_iter().chain(middles).chain(last).collect()
}

fn length_s(timeline: &Timeline) -> f64 {
    buckets(timeline) as f64 * timeline.bucket_s
}

fn buckets(timeline: &Timeline) -> usize {
    timeline.classes.first().map_or(0, Vec::len)
}

/// Classes that stand beside each other in the legend: as many as their names allow.
fn in_a_row(report: &Report) -> usize {
    /// A letter, and the square with its gaps.
    const LETTER: usize = 17;
    const SQUARE: usize = 70;
    let letters = report
        .classes
        .iter()
        .map(|class| class.name.chars().count())
        .max();
    ((WIDTH as usize - 80) / (letters.unwrap_or(0) * LETTER + SQUARE)).clamp(1, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_stacked_in_their_order() {
        let timeline = Timeline {
            bucket_s: 2.0,
            classes: vec![vec![0.25, 0.5], vec![0.5, 0.5]],
        };
        let tops = stacked(&timeline);

        assert_eq!(tops, [[0.25, 0.5], [0.75, 1.0]]);
        assert_eq!(
            outline(&tops[0], 2.0),
            [(0.0, 0.25), (1.0, 0.25), (3.0, 0.5), (4.0, 0.5)]
        );
    }
}

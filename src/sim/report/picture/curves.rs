//! The left half: how many tasks took no longer than how long, a line for each policy.

use plotters::prelude::{
    BindKeyPoints, ChartBuilder, Circle, Color, DashedLineSeries, IntoLogRange, LineSeries, PathElement,
    WHITE,
};
use plotters::style::text_anchor::HPos;

use crate::sim::report::figures::Report;
use crate::sim::report::text::{duration, nothing, percent};

use super::axis::{LogAxis, time_label};
use super::style::{Area, DrawError, FAINT, FINE_GRID, GRID, INK, TEXT, TICK, is_dashed, line, text};

/// How high a row of the legend is.
const ROW: i32 = 42;
/// What lies between plot and legend.
const GAP: i32 = 28;

/// How high the legend is, over that many policies.
pub(super) const fn legend_height(policies: usize) -> i32 {
    GAP + (policies as i32 + 1) * ROW
}

/// Draws the curves.
pub(super) fn draw(area: &Area<'_>, reports: &[Report]) -> Result<(), DrawError> {
    let times = reports.iter().flat_map(|report| &report.curve).map(|&(ms, _)| ms);
    let axis = LogAxis::over(times);
    let x = axis
        .range
        .clone()
        .log_scale()
        .with_key_points(axis.bold)
        .with_light_points(axis.light);
    let mut chart = ChartBuilder::on(area)
        .margin_top(16)
        .margin_left(40)
        .margin_right(50)
        .x_label_area_size(84)
        .y_label_area_size(128)
        .build_cartesian_2d(x, 0.0..1.0)?;
    chart
        .configure_mesh()
        .y_labels(11)
        .y_max_light_lines(0)
        .bold_line_style(GRID.stroke_width(2))
        .light_line_style(FINE_GRID.stroke_width(2))
        .axis_style(FAINT.stroke_width(2))
        .label_style(text(TICK, INK, HPos::Center))
        .axis_desc_style(text(TICK, FAINT, HPos::Center))
        .x_label_formatter(&|&ms| time_label(ms))
        .y_label_formatter(&|&part| format!("{:.0} %", part * 100.0))
        .x_desc("time in system, log scale")
        .y_desc("tasks done within it")
        .draw()?;
    // The first policy is drawn last: where two lines are one, it is the one that is seen.
    for (place, report) in reports.iter().enumerate().rev() {
        let curve = report.curve.iter().copied();
        if is_dashed(place) {
            chart.draw_series(DashedLineSeries::new(curve, 18, 9, line(place)))?;
        } else {
            chart.draw_series(LineSeries::new(curve, line(place)))?;
        }
        if let Some(latency) = report.latency {
            for at in [(latency.p50_ms, 0.5), (latency.p99_ms, 0.99)] {
                chart.draw_series([Circle::new(at, 10, WHITE.filled())])?;
                chart.draw_series([Circle::new(at, 8, line(place).filled())])?;
            }
        }
    }
    Ok(())
}

/// Draws the legend: a row for each policy, with its median and 99th percentile.
pub(super) fn draw_legend(area: &Area<'_>, reports: &[Report]) -> Result<(), DrawError> {
    /// Where the lines and the names begin and the columns of figures end.
    const SWATCH: i32 = 168;
    const NAME: i32 = 236;
    const COLUMNS: [i32; 3] = [700, 850, 985];
    area.draw_text(
        "dots at p50 and p99",
        &text(TICK, FAINT, HPos::Left),
        (SWATCH, y_of(0)),
    )?;
    let head = ["p50", "p99", "SLO"].map(str::to_owned);
    row(area, 0, COLUMNS, head)?;
    for (place, report) in reports.iter().enumerate() {
        let y = y_of(place + 1);
        let swatch = |from: i32, to: i32| PathElement::new(vec![(from, y), (to, y)], line(place));
        if is_dashed(place) {
            area.draw(&swatch(SWATCH, SWATCH + 18))?;
            area.draw(&swatch(SWATCH + 27, SWATCH + 45))?;
        } else {
            area.draw(&swatch(SWATCH, SWATCH + 45))?;
        }
        area.draw_text(&report.policy, &text(TEXT, INK, HPos::Left), (NAME, y))?;
        let [p50, p99] = report.latency.map_or_else(
            || [nothing(), nothing()],
            |latency| [latency.p50_ms, latency.p99_ms].map(duration),
        );
        row(area, place + 1, COLUMNS, [p50, p99, percent(report.slo_attained)])?;
    }
    Ok(())
}

fn row<const N: usize>(
    area: &Area<'_>,
    row: usize,
    columns: [i32; N],
    cells: [String; N],
) -> Result<(), DrawError> {
    let (height, color) = if row == 0 { (TICK, FAINT) } else { (TEXT, INK) };
    let y = y_of(row);
    for (x, cell) in columns.into_iter().zip(cells) {
        area.draw_text(&cell, &text(height, color, HPos::Right), (x, y))?;
    }
    Ok(())
}

/// The middle of a row of the legend.
const fn y_of(row: usize) -> i32 {
    GAP + row as i32 * ROW + ROW / 2
}

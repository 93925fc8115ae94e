//! The left half: how many tasks took no longer than how long, a line for each policy.

use plotters::prelude::{
    BindKeyPoints, ChartBuilder, Circle, Color, DashedLineSeries, IntoLogRange, LineSeries, PathElement,
    TextStyle, WHITE,
};
use plotters::style::text_anchor::HPos;

use crate::sim::report::figures::Report;
use crate::sim::report::text::{duration, nothing, percent};

use super::axis::{LogAxis, time_label};
use super::overlay::layer;
use super::style::{
    Area, DrawError, FAINT, FINE_GRID, GRID, INK, NAME_LETTERS, TEXT, TICK, fitting, is_dashed, line, text,
};

/// How high a row of the legend is, and what may stand below it.
const ROW: i32 = 42;
const NOTE: i32 = 30;
/// What lies between plot and legend.
const GAP: i32 = 28;
/// Where lines and names begin, and columns of figures end.
const SWATCH: i32 = 168;
const NAME: i32 = 236;
const COLUMNS: [i32; 3] = [700, 850, 985];
/// Dash and gap of a line whose colour an earlier one has.
const PALETTE_DASH: (i32, i32) = (18, 9);

/// How high the legend is.
pub(super) fn legend_height(reports: &[Report]) -> i32 {
    GAP + ROW + reports.iter().map(row_height).sum::<i32>()
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
    for (place, report) in reports.iter().enumerate() {
        let curve = report.curve.iter().copied();
        let layer = layer(reports, place);
        let dash = layer.dash().or(is_dashed(place).then_some(PALETTE_DASH));
        if let Some((dash, gap)) = dash {
            chart.draw_series(DashedLineSeries::new(curve, dash, gap, line(place)))?;
        } else {
            chart.draw_series(LineSeries::new(curve, line(place)))?;
        }
        if let Some(latency) = report.latency {
            for at in [(latency.p50_ms, 0.5), (latency.p99_ms, 0.99)] {
                chart.draw_series([Circle::new(at, layer.radius(10), WHITE.filled())])?;
                chart.draw_series([Circle::new(at, layer.radius(8), line(place).filled())])?;
            }
        }
    }
    Ok(())
}

/// Draws the legend: a row for each policy, with its median and 99th percentile, and below it what it gave up.
pub(super) fn draw_legend(area: &Area<'_>, reports: &[Report]) -> Result<(), DrawError> {
    area.draw_text(
        "dots at p50 and p99",
        &text(TICK, FAINT, HPos::Left),
        (SWATCH, GAP + ROW / 2),
    )?;
    let head = ["p50", "p99", "SLO"].map(str::to_owned);
    figures(area, GAP + ROW / 2, &text(TICK, FAINT, HPos::Right), head)?;
    let mut top = GAP + ROW;
    for (place, report) in reports.iter().enumerate() {
        draw_row(area, top + ROW / 2, place, report)?;
        if let Some(note) = note(report) {
            let y = top + ROW + NOTE / 2 - 4;
            area.draw_text(&note, &text(TICK, FAINT, HPos::Left), (NAME, y))?;
        }
        top += row_height(report);
    }
    Ok(())
}

/// One policy, at the middle of its row.
fn draw_row(area: &Area<'_>, y: i32, place: usize, report: &Report) -> Result<(), DrawError> {
    let swatch = |from: i32, to: i32| PathElement::new(vec![(from, y), (to, y)], line(place));
    if is_dashed(place) {
        area.draw(&swatch(SWATCH, SWATCH + 18))?;
        area.draw(&swatch(SWATCH + 27, SWATCH + 45))?;
    } else {
        area.draw(&swatch(SWATCH, SWATCH + 45))?;
    }
    let name = fitting(&report.policy, NAME_LETTERS);
    area.draw_text(&name, &text(TEXT, INK, HPos::Left), (NAME, y))?;
    let [p50, p99] = report.latency.map_or_else(
        || [nothing(), nothing()],
        |latency| [latency.p50_ms, latency.p99_ms].map(duration),
    );
    let cells = [p50, p99, percent(report.slo_attained)];
    figures(area, y, &text(TEXT, INK, HPos::Right), cells)
}

fn figures(area: &Area<'_>, y: i32, style: &TextStyle<'_>, cells: [String; 3]) -> Result<(), DrawError> {
    for (x, cell) in COLUMNS.into_iter().zip(cells) {
        area.draw_text(&cell, style, (x, y))?;
    }
    Ok(())
}

/// What a policy gave up or let starve.
fn note(report: &Report) -> Option<String> {
    let parts: Vec<String> = report
        .losses()
        .into_iter()
        .map(|(what, count)| format!("{} {what}", percent(report.part(count))))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn row_height(report: &Report) -> i32 {
    if report.losses().is_empty() {
        ROW
    } else {
        ROW + NOTE
    }
}

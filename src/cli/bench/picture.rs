//! A rollout as a picture: what share the canary had, and how often executions failed on both tracks.

use plotters::prelude::*;

use crate::bench::RolloutRun;

type Fault = DrawingAreaErrorKind<std::io::Error>;

const WIDTH: u32 = 1_000;
const HEIGHT: u32 = 620;
/// Colours that people with any colour vision tell apart (Okabe and Ito, 2008).
const STABLE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const CANARY: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
const SHARE: RGBColor = RGBColor(0x00, 0x9E, 0x73);

/// Draws a run as one SVG document.
///
/// # Errors
/// Where the drawing fails.
pub(super) fn svg(of: &RolloutRun) -> Result<String, Fault> {
    let mut drawn = String::new();
    {
        let root = SVGBackend::with_string(&mut drawn, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let root = root.titled(&title(of), ("sans-serif", 20))?;
        let (above, below) = root.split_vertically(220);
        share(&above, of)?;
        failures(&below, of)?;
        root.present()?;
    }
    Ok(drawn)
}

fn title(of: &RolloutRun) -> String {
    let ended = of.ending.as_deref().unwrap_or("not ended").replace('_', " ");
    format!(
        "A policy on trial ({} harm): {ended} after {:.0} s, {} of {} tasks on the canary track",
        of.harm, of.after_s, of.canary_tasks, of.tasks
    )
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// The canary's part of the tasks over time; none from the end on, or all of them.
fn share(area: &Area<'_>, of: &RolloutRun) -> Result<(), Fault> {
    let end = of.after_s * 1.15;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, 0.0..105.0)?;
    chart
        .configure_mesh()
        .y_desc("canary's part, %")
        .y_labels(5)
        .light_line_style(WHITE)
        .draw()?;
    let after = match of.ending.as_deref() {
        Some("promoted") => 100.0,
        _ => 0.0,
    };
    let mut steps = Vec::new();
    for look in &of.looks {
        let before = steps.last().map_or(0.0, |(_, part)| *part);
        steps.extend([(look.at_s, before), (look.at_s, look.share * 100.0)]);
    }
    let last = steps.last().map_or(0.0, |(_, part)| *part);
    steps.extend([(of.after_s, last), (of.after_s, after), (end, after)]);
    chart.draw_series(AreaSeries::new(steps, 0.0, SHARE.mix(0.35)).border_style(SHARE))?;
    Ok(())
}

/// The part of executions that failed on both tracks, since the stage began.
fn failures(area: &Area<'_>, of: &RolloutRun) -> Result<(), Fault> {
    let end = of.after_s * 1.15;
    let parts = of
        .looks
        .iter()
        .flat_map(|look| [look.stable_failed, look.canary_failed]);
    let most = parts.fold(0.02_f64, f64::max) * 110.0;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, 0.0..most)?;
    chart
        .configure_mesh()
        .x_desc("since the rollout began, s")
        .y_desc("executions that failed, %")
        .light_line_style(WHITE)
        .draw()?;
    for (name, colour, is_canary) in [("stable track", STABLE, false), ("canary track", CANARY, true)] {
        let points = of.looks.iter().map(|look| {
            let part = if is_canary {
                look.canary_failed
            } else {
                look.stable_failed
            };
            (look.at_s, part * 100.0)
        });
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    let over = [(of.after_s, 0.0), (of.after_s, most)];
    chart.draw_series(LineSeries::new(over, BLACK.mix(0.6).stroke_width(1)))?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(WHITE)
        .background_style(WHITE)
        .draw()?;
    Ok(())
}

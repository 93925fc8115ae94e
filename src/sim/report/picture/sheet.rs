//! Where everything stands.

use plotters::prelude::{IntoDrawingArea, SVGBackend, WHITE};
use plotters::style::text_anchor::HPos;

use crate::sim::report::figures::Report;
use crate::sim::report::text::{headline, setting};

use super::style::{Area, DrawError, FAINT, HEADING, TEXT, TITLE, bold, fitting, text};
use super::{curves, panels};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// There is nothing to show.
    #[error("a picture needs one report at least")]
    NoReports,
    /// The drawing failed.
    #[error("the picture cannot be drawn")]
    Draw(#[from] DrawError),
}

const WIDTH: i32 = 2000;
/// Letters of a workload's name that have room.
const WORKLOAD_LETTERS: usize = 70;
/// Of the title with its subtitle.
const TITLE_HEIGHT: i32 = 150;
/// Of what stands above each half.
const HEADING_HEIGHT: i32 = 64;
const MARGIN_BELOW: i32 = 24;

/// Draws reports on one workload as one SVG document: curves of the time in system, and service over time by class.
///
/// The same reports give the same text, and its letters are those of whoever shows it.
///
/// # Errors
///
/// Where there is no report.
pub fn svg(reports: &[Report]) -> Result<String, PictureError> {
    let first = reports.first().ok_or(PictureError::NoReports)?;
    let height = height(first, reports);
    let mut drawn = String::new();
    {
        let root = SVGBackend::with_string(&mut drawn, (WIDTH as u32, height as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        draw(&root, first, reports)?;
        root.present()?;
    }
    let size = |unit: i32| format!(r#"width="{}" height="{}""#, WIDTH / unit, height / unit);
    let drawn = drawn.replacen(&size(1), &size(2), 1);
    Ok(drawn.replacen(
        ">\n",
        &format!(">\n<title>{}</title>\n", escaped(&title(reports))),
        1,
    ))
}

/// What the picture shows, for those who do not see it.
fn title(reports: &[Report]) -> String {
    let policies: Vec<&str> = reports.iter().map(|report| report.policy.as_str()).collect();
    let headline = reports.first().map(headline).unwrap_or_default();
    format!("{headline}: {}", policies.join(", "))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// High enough for the curves with their legend, and for the panels.
fn height(first: &Report, reports: &[Report]) -> i32 {
    const CURVES: i32 = 720;
    const PANEL: i32 = 250;
    let left = CURVES + curves::legend_height(reports);
    let rows = reports.len().div_ceil(panels::columns(reports.len())) as i32;
    let right = panels::legend_height(first) + rows * PANEL;
    TITLE_HEIGHT + HEADING_HEIGHT + left.max(right) + MARGIN_BELOW
}

fn draw(root: &Area<'_>, first: &Report, reports: &[Report]) -> Result<(), DrawError> {
    let (head, body) = root.split_vertically(TITLE_HEIGHT);
    head.draw_text(
        &fitting(&first.workload, WORKLOAD_LETTERS),
        &bold(TITLE),
        (40, 56),
    )?;
    head.draw_text(&subtitle(first), &text(TEXT, FAINT, HPos::Left), (40, 110))?;

    let body = body.margin(0, MARGIN_BELOW, 0, 0);
    let (left, right) = body.split_horizontally(WIDTH - panels::WIDTH);
    let left = under_heading(&left, "Time in system", 40)?;
    let right = under_heading(&right, "Part of all slots' time by class, first seed", 0)?;

    let (_, left_height) = left.dim_in_pixel();
    let (plot, legend) = left.split_vertically(left_height as i32 - curves::legend_height(reports));
    curves::draw(&plot, reports)?;
    curves::draw_legend(&legend, reports)?;

    let (legend, plots) = right.split_vertically(panels::legend_height(first));
    panels::draw_legend(&legend, first)?;
    panels::draw(&plots, reports)
}

/// Writes the heading, and gives what is left below.
fn under_heading<'a>(area: &Area<'a>, heading: &str, x: i32) -> Result<Area<'a>, DrawError> {
    let (head, rest) = area.split_vertically(HEADING_HEIGHT);
    head.draw_text(heading, &bold(HEADING), (x, HEADING_HEIGHT / 2))?;
    Ok(rest)
}

fn subtitle(report: &Report) -> String {
    format!("{} · served by {}", setting(report).join(" · "), report.served_by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::report;
    use expect_test::expect;

    /// Reports of which each curve lies beside the others.
    fn apart<const N: usize>(names: [&str; N]) -> Vec<Report> {
        let slower = |(place, name): (usize, &str)| {
            let mut report = report(name);
            let times = 2_f64.powi(place as i32);
            report.curve.iter_mut().for_each(|(ms, _)| *ms *= times);
            report
        };
        names.into_iter().enumerate().map(slower).collect()
    }

    #[test]
    fn a_picture_is_well_formed_and_has_a_curve_for_each_policy() {
        let names = ["fifo", "strict", "weighted", "a < b & \"c\""];
        let picture = svg(&apart(names)).expect("there are reports");

        let mut open = Vec::new();
        for tag in picture.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("each tag ends");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.extend(tag.split(' ').next()),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        assert!(
            picture.contains(
                "<title>steady, load 0.50, 2 slots, 2 seeds, served by 1 worker, round trip 500us: fifo, "
            ),
            "it has a title"
        );
        assert!(
            picture.contains("a &lt; b &amp; &quot;c&quot;"),
            "names are escaped"
        );
        let curves = picture.matches(r#"stroke-width="5" points="#).count();
        assert_eq!(curves, 2 * names.len(), "a curve and its swatch each");
    }

    #[test]
    fn policies_beyond_the_palette_are_dashed() {
        let reports = apart(["a", "b", "c", "d", "e", "f", "g", "h"]);
        let lines = |policies: usize| {
            let picture = svg(&reports[..policies]).expect("there are reports");
            picture.matches(r#"stroke-width="5" points="#).count()
        };

        assert_eq!(lines(7), 2 * 7);
        assert!(lines(8) > 2 * 8 + 2, "its line and its swatch are in pieces");
    }

    #[test]
    fn curves_that_are_one_are_not_hidden_by_each_other() {
        let picture = svg(&["fifo", "mlfq"].map(report)).expect("there are reports");
        let lines = picture.matches(r#"stroke-width="5" points="#).count();

        assert!(lines > 2 * 2, "the second is in pieces");
    }

    #[test]
    fn what_a_policy_gave_up_stands_below_its_row() {
        let picture = svg(&[report("edf")]).expect("there is a report");
        let mut harmless = report("edf");
        (harmless.dropped, harmless.parked, harmless.starved) = (0, 0, 0);

        assert!(picture.contains("16.7 % dropped, 16.7 % parked, 16.7 % starved"));
        assert!(!svg(&[harmless]).expect("there is a report").contains("dropped"));
    }

    #[test]
    fn the_same_reports_give_the_same_picture() {
        let picture = || svg(&["fifo", "edf"].map(report)).ok();
        assert_eq!(picture(), picture());
    }

    #[test]
    fn a_policy_under_which_nothing_was_done_has_a_row_and_no_curve() {
        let mut nothing = report("edf");
        nothing.latency = None;
        nothing.curve.clear();
        let picture = svg(&[nothing]).expect("there is a report");

        assert!(picture.contains("edf") && picture.contains('–'));
    }

    #[test]
    fn a_subtitle_says_what_was_simulated() {
        let mut report = report("fifo");
        expect!["load 0.50 · 2 slots · 2 seeds · served by 1 worker, round trip 500us"]
            .assert_eq(&subtitle(&report));

        (report.load, report.seeds) = (None, 1);
        expect!["closed loop · 2 slots · 1 seed · served by 1 worker, round trip 500us"]
            .assert_eq(&subtitle(&report));
    }

    #[test]
    fn no_reports_make_no_picture() {
        assert!(matches!(svg(&[]), Err(PictureError::NoReports)));
    }
}

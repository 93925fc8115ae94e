//! Colours and type.

use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::prelude::{
    Color, FontFamily, FontStyle, IntoFont, RGBColor, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Part of the picture. Its unit is half a pixel of the picture as it is shown, since plotters draws at whole units.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Why something could not be drawn.
pub(super) type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// Text.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Text that says what other text is.
pub(super) const FAINT: RGBColor = RGBColor(0x66, 0x66, 0x66);
/// Lines at ticks.
pub(super) const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
/// Lines between ticks.
pub(super) const FINE_GRID: RGBColor = RGBColor(0xF1, 0xF1, 0xF1);

/// Letters of a policy's name that have room beside its figures and over its panel.
pub(super) const NAME_LETTERS: usize = 22;

/// Heights of letters.
pub(super) const TITLE: f64 = 42.0;
pub(super) const HEADING: f64 = 30.0;
pub(super) const TEXT: f64 = 27.0;
pub(super) const TICK: f64 = 24.0;

const BLACK: RGBColor = RGBColor(0, 0, 0);
const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
const YELLOW: RGBColor = RGBColor(0xF0, 0xE4, 0x42);
const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);

/// Of lines: the palette that people with any colour vision tell apart (Okabe and Ito, 2008), without its yellow, which
/// no line shows on white.
const LINES: [RGBColor; 7] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK];
/// Of areas: the same palette, the light ones first.
const AREAS: [RGBColor; 7] = [SKY, ORANGE, GREEN, PURPLE, YELLOW, BLUE, VERMILION];

/// How the line of the policy at `place` looks.
pub(super) fn line(place: usize) -> ShapeStyle {
    LINES[place % LINES.len()].stroke_width(5)
}

/// Whether the line of the policy at `place` is dashed: those whose colour an earlier one has.
pub(super) const fn is_dashed(place: usize) -> bool {
    (place / LINES.len()) % 2 == 1
}

/// How the area of the class at `place` looks.
pub(super) fn area(place: usize) -> ShapeStyle {
    AREAS[place % AREAS.len()].mix(0.85).filled()
}

/// A name that has room for so many letters, without its middle where it has more.
pub(super) fn fitting(name: &str, letters: usize) -> String {
    let count = name.chars().count();
    if count <= letters {
        return name.to_owned();
    }
    let head: String = name.chars().take(letters / 2).collect();
    let tail: String = name.chars().skip(count - (letters - 1 - letters / 2)).collect();
    format!("{head}…{tail}")
}

/// Text of that height, beside or above a point.
pub(super) fn text(height: f64, color: RGBColor, h_pos: HPos) -> TextStyle<'static> {
    styled(height, FontStyle::Normal, color, h_pos)
}

/// The same in bold, from the left.
pub(super) fn bold(height: f64) -> TextStyle<'static> {
    styled(height, FontStyle::Bold, INK, HPos::Left)
}

fn styled(height: f64, style: FontStyle, color: RGBColor, h_pos: HPos) -> TextStyle<'static> {
    /// By which plotters divides what it is asked for.
    const PLOTTERS: f64 = 1.24;
    let font = (FontFamily::SansSerif, height * PLOTTERS, style).into_font();
    font.color(&color).pos(Pos::new(h_pos, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_keeps_its_ends() {
        assert_eq!(fitting("weighted", 8), "weighted");
        assert_eq!(fitting("/tmp/policies/müde.yaml", 11), "/tmp/….yaml");
        assert_eq!(fitting("/tmp/policies/müde.yaml", 11).chars().count(), 11);
    }
}

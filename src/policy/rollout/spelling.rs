//! What people write of a rollout, on the command line and over REST alike.

use super::share::Share;
use crate::policy::LotBy;

/// The part of the tasks that a candidate gets first, where nobody says otherwise.
pub const FIRST_SHARE: &str = "10%";
/// Where its part goes from there on, in ten-thousandths.
const STEPS: [u16; 3] = [2_500, 5_000, 10_000];

/// A word that is none; says what to give instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misspelt(&'static str);

/// A part of the tasks in percent: `10%`, `10`, `0.5%`. The sign may be left out from 1 on. What is finer than 0.01 % is rounded.
///
/// # Errors
/// [`Misspelt`] for no number, for one below 0.01 or above 100, and for one below 1 without the sign.
pub fn read_share(text: &str) -> Result<Share, Misspelt> {
    let misspelt = Misspelt("give a part of the tasks from 0.01% to 100%, such as 10%");
    let number = text.trim().trim_end_matches('%').trim_end();
    let percent: f64 = number.parse().map_err(|_| misspelt)?;
    // A tenth, or a tenth of a percent?
    if percent < 1.0 && number.len() == text.trim().len() {
        return Err(Misspelt(
            "say whether it is a part or percent: 10% for a tenth, 0.1% for a thousandth",
        ));
    }
    let ten_thousandths = (percent * 100.0).round();
    match (1.0..=10_000.0).contains(&ten_thousandths) {
        true => Share::new(ten_thousandths as u16).ok_or(misspelt),
        false => Err(misspelt),
    }
}

/// The part in each stage: `first`, then `steps`, or those of 25, 50 and 100 % above the first where none are given.
///
/// # Errors
/// [`Misspelt`] where they do not rise.
pub fn stages(first: Share, steps: &[Share]) -> Result<Vec<Share>, Misspelt> {
    let mut shares = vec![first];
    match steps {
        [] => shares.extend(
            STEPS
                .into_iter()
                .filter_map(Share::new)
                .filter(|step| *step > first),
        ),
        steps => shares.extend(steps),
    }
    match shares.windows(2).all(|pair| pair[0] < pair[1]) {
        true => Ok(shares),
        false => Err(Misspelt(
            "give parts that rise, each above the first, such as 25%,50%,100%",
        )),
    }
}

/// What the workers have in common that serve a candidate, as `KEY=VALUE`.
///
/// # Errors
/// [`Misspelt`] where one of the two is missing.
pub fn read_label(text: &str) -> Result<(String, String), Misspelt> {
    let pair = text.split_once('=');
    let pair = pair.filter(|(key, value)| !key.is_empty() && !value.is_empty());
    let owned = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    owned.ok_or(Misspelt("give KEY=VALUE, as workers have it in --worker-labels"))
}

/// Who draws the lot.
///
/// # Errors
/// [`Misspelt`] for any other word.
pub fn read_lot_by(text: &str) -> Result<LotBy, Misspelt> {
    let by = LotBy::ALL.into_iter().find(|by| by.as_str() == text);
    by.ok_or(Misspelt("give tenant or task"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(first: &str, steps: &[&str]) -> Option<Vec<u16>> {
        let steps: Vec<Share> = steps.iter().map(|step| read_share(step).unwrap()).collect();
        let stages = stages(read_share(first).unwrap(), &steps).ok()?;
        Some(stages.into_iter().map(Share::ten_thousandths).collect())
    }

    #[test]
    fn a_share_is_a_percentage_within_its_bounds() {
        let read = |text| read_share(text).ok().map(Share::ten_thousandths);
        for (text, ten_thousandths) in [
            ("10%", 1_000),
            (" 10 % ", 1_000),
            ("0.01%", 1),
            ("10", 1_000),
            ("1", 100),
            ("12.346%", 1_235),
            ("100%", 10_000),
        ] {
            assert_eq!(read(text), Some(ten_thousandths), "{text}");
        }
        for text in [
            "", "%", "0%", "0.004%", "0.1", "100.1%", "-1", "NaN", "inf", "a tenth",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn stages_rise_and_have_the_usual_steps_where_none_are_given() {
        assert_eq!(parts("10%", &[]), Some(vec![1_000, 2_500, 5_000, 10_000]));
        assert_eq!(parts("50%", &[]), Some(vec![5_000, 10_000]));
        assert_eq!(parts("100%", &[]), Some(vec![10_000]));
        assert_eq!(parts("1%", &["2", "3"]), Some(vec![100, 200, 300]));
        assert_eq!(parts("10%", &["10%", "20%"]), None);
        assert_eq!(parts("10%", &["50%", "20%"]), None);
    }

    #[test]
    fn labels_have_a_key_and_a_value_and_lots_are_drawn_by_tenant_or_task() {
        assert_eq!(read_label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(
            ["", "a", "a=", "=b"]
                .into_iter()
                .all(|text| read_label(text).is_err())
        );
        assert_eq!(read_lot_by("task"), Ok(LotBy::Task));
        assert!(read_lot_by("class").is_err());
    }
}

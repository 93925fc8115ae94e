//! Pleas for tokens of a rate, and what is lent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scheduler::rate::{Account, Lent, Meter, Plea, Want};
use crate::task::{ClassName, ModelToken};

#[derive(Serialize, Deserialize)]
struct PleaShape {
    version: u64,
    n: u64,
    #[serde(default)]
    want: BTreeMap<String, u32>,
    /// Those that are not waited for.
    #[serde(default)]
    now: BTreeMap<String, u32>,
    /// Loan, tokens spent, µs since the last of them, tokens given back.
    #[serde(default)]
    done: Vec<(u64, u32, u64, u32)>,
}

#[derive(Serialize, Deserialize)]
struct LentShape {
    version: u64,
    n: u64,
    /// Of what, under which number, how many.
    #[serde(default)]
    lent: Vec<(String, u64, u32)>,
    /// In µs.
    #[serde(default)]
    dry: BTreeMap<String, u64>,
}

/// A plea as JSON.
#[must_use]
pub fn plea_body(plea: &Plea) -> Vec<u8> {
    let done = |told: &Account| (told.loan, told.spent, micros(told.ago), told.back);
    let wants = |waits: bool| {
        let of = plea.wants.iter().filter(move |want| want.waits == waits);
        of.map(|want| (name(&want.meter), want.tokens)).collect()
    };
    let shape = PleaShape {
        version: 1,
        n: plea.number,
        want: wants(true),
        now: wants(false),
        done: plea.accounts.iter().map(done).collect(),
    };
    serde_json::to_vec(&shape).unwrap_or_default()
}

/// Reads a plea; what it wants of something that this version cannot count is passed over.
///
/// # Errors
/// When it is none.
pub fn read_plea(body: &[u8]) -> Result<Plea, serde_json::Error> {
    let shape: PleaShape = serde_json::from_slice(body)?;
    let account = |(loan, spent, ago_us, back)| Account {
        loan,
        spent,
        ago: Duration::from_micros(ago_us),
        back,
    };
    let wants = |named: &BTreeMap<String, u32>, waits: bool| -> Vec<Want> {
        let want = |(meter, tokens): (&String, &u32)| {
            Some(Want {
                meter: of(meter)?,
                tokens: *tokens,
                waits,
            })
        };
        named.iter().filter_map(want).collect()
    };
    Ok(Plea {
        number: shape.n,
        wants: [wants(&shape.want, true), wants(&shape.now, false)].concat(),
        accounts: shape.done.into_iter().map(account).collect(),
    })
}

/// What is lent, as JSON.
#[must_use]
pub fn lent_body(lent: &Lent) -> Vec<u8> {
    let shape = LentShape {
        version: 1,
        n: lent.number,
        lent: lent
            .tokens
            .iter()
            .map(|(meter, loan, count)| (name(meter), *loan, *count))
            .collect(),
        dry: lent
            .dry
            .iter()
            .map(|(meter, wait)| (name(meter), micros(*wait)))
            .collect(),
    };
    serde_json::to_vec(&shape).unwrap_or_default()
}

/// Reads what is lent.
///
/// # Errors
/// When it is no such thing.
pub fn read_lent(body: &[u8]) -> Result<Lent, serde_json::Error> {
    let shape: LentShape = serde_json::from_slice(body)?;
    let tokens = shape
        .lent
        .into_iter()
        .filter_map(|(meter, loan, count)| Some((of(&meter)?, loan, count)));
    let dry = shape
        .dry
        .iter()
        .filter_map(|(meter, us)| Some((of(meter)?, Duration::from_micros(*us))));
    Ok(Lent {
        number: shape.n,
        tokens: tokens.collect(),
        dry: dry.collect(),
    })
}

fn name(meter: &Meter) -> String {
    match meter {
        Meter::Class(class) => format!("class.{class}"),
        Meter::Model(model) => format!("model.{model}"),
    }
}

fn of(name: &str) -> Option<Meter> {
    match name.split_once('.')? {
        ("class", class) => ClassName::new(class).ok().map(Meter::Class),
        ("model", model) => ModelToken::new(model).ok().map(Meter::Model),
        _ => None,
    }
}

/// Rounded down: what is told to be later than it was leaves fewer tokens, not more.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn want(meter: &Meter, tokens: u32, waits: bool) -> Want {
        Want {
            meter: meter.clone(),
            tokens,
            waits,
        }
    }

    #[test]
    fn pleas_and_what_is_lent_read_back_and_look_like_this_for_ever() {
        let pay = Meter::Class(ClassName::new("pay").unwrap());
        let model = Meter::Model(ModelToken::new("m").unwrap());
        let plea = Plea {
            number: 7,
            wants: vec![want(&pay, 3, true), want(&model, 1, false)],
            accounts: vec![Account {
                loan: 41,
                spent: 2,
                ago: Duration::from_micros(1_500),
                back: 1,
            }],
        };
        let body = plea_body(&plea);
        assert_eq!(read_plea(&body).unwrap(), plea);
        expect![[r#"{"version":1,"n":7,"want":{"class.pay":3},"now":{"model.m":1},"done":[[41,2,1500,1]]}"#]]
            .assert_eq(&String::from_utf8(body).unwrap());
        let lent = Lent {
            number: 7,
            tokens: vec![(pay, 42, 3)],
            dry: vec![(model, Duration::from_millis(20))],
        };
        let body = lent_body(&lent);
        assert_eq!(read_lent(&body).unwrap(), lent);
        expect![[r#"{"version":1,"n":7,"lent":[["class.pay",42,3]],"dry":{"model.m":20000}}"#]]
            .assert_eq(&String::from_utf8(body).unwrap());
    }

    #[test]
    fn what_cannot_be_counted_is_passed_over_and_what_is_no_plea_is_refused() {
        let plea = read_plea(br#"{"version":2,"n":1,"want":{"gpu.0":1,"class.a b":1,"class.a":1},"more":1}"#);
        let class = Meter::Class(ClassName::new("a").unwrap());
        assert_eq!(plea.unwrap().wants, [want(&class, 1, true)]);
        assert!(read_plea(b"{}").is_err() && read_lent(b"[]").is_err());
    }
}

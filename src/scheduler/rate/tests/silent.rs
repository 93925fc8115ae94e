//! Workers that were lent something and are not heard of again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Account, Lender, Plea};
use super::lender::{TEN, plea, rates, tokens, wanted};
use super::time::at_ms;

/// One that is killed waits in the books for as long as its last plea holds.
#[test]
fn who_was_lent_something_and_says_nothing_gets_no_more_until_it_does() {
    let mut lender = Lender::new(rates(TEN), 0, at_ms(0));
    let lent = lender.hear("first", &plea(1, 4), at_ms(9_000));
    let (_, loan, spent) = lent[0].1.tokens[0].clone();
    let told = Account {
        loan,
        spent,
        ago: Duration::ZERO,
        back: 0,
    };
    let done = Plea {
        number: 2,
        wants: vec![wanted(0)],
        accounts: vec![told],
    };
    lender.hear("first", &done, at_ms(9_001));
    assert_eq!(
        tokens(&lender.hear("silent", &plea(1, 9), at_ms(9_002))),
        BTreeMap::from([("silent", 0)])
    );
    for ms in [9_101, 9_201] {
        assert_eq!(
            tokens(&lender.tick(at_ms(ms))),
            BTreeMap::from([("silent", 1)]),
            "{ms}"
        );
    }
    assert_eq!(
        tokens(&lender.tick(at_ms(9_401))),
        BTreeMap::new(),
        "it is dead, for all that is known"
    );
    assert_eq!(
        tokens(&lender.hear("silent", &plea(2, 9), at_ms(9_402))),
        BTreeMap::from([("silent", 2)]),
        "it was only slow"
    );
}

//! Bounds as they are written, and what they ask.

use expect_test::{Expect, expect};

use crate::sim::whatif::{Bound, BoundError, Measure, Of, Question, questions};

/// Two classes, of which the first has an SLO.
fn classes() -> Vec<(String, bool)> {
    vec![("pay".to_owned(), true), ("bulk".to_owned(), false)]
}

fn asked(bounds: &[&str]) -> Result<Vec<Question>, BoundError> {
    let read: Result<Vec<Bound>, BoundError> = bounds.iter().map(|text| text.parse()).collect();
    questions(&read?, &classes())
}

fn check(bounds: &[&str], told: Expect) {
    let words = |question: &Question| {
        let whom = match question.of {
            Of::All => "all".to_owned(),
            Of::Class(place) => classes()[place].0.clone(),
        };
        format!("{} of {whom} by {}", question.measure.as_str(), question.margin)
    };
    let said = match asked(bounds) {
        Ok(asked) => asked.iter().map(words).collect::<Vec<_>>().join("; "),
        Err(error) => error.to_string(),
    };
    told.assert_eq(&said);
}

#[test]
fn without_a_bound_no_class_may_wait_longer_attain_less_or_lose_more() {
    check(
        &[],
        expect![
            "wait_p99 of pay by 5; wait_p99 of bulk by 5; slo_attained of pay by 1; given_up of pay by 1; given_up of bulk by 1"
        ],
    );
}

#[test]
fn a_bound_is_on_each_class_on_one_or_on_all_together() {
    check(
        &["wait_mean"],
        expect!["wait_mean of pay by 5; wait_mean of bulk by 5"],
    );
    check(&["time_p50:bulk=20%"], expect!["time_p50 of bulk by 20"]);
    check(&["throughput:all=0"], expect!["throughput of all by 0"]);
    check(&["bypass_max=50 %"], expect!["bypass_max of all by 50"]);
    check(&["slo_attained"], expect!["slo_attained of pay by 1"]);
}

#[test]
fn a_bound_on_a_class_counts_before_one_on_each_and_the_last_before_the_first() {
    check(
        &[
            "wait_p99:bulk=50%",
            "wait_p99",
            "wait_p99:pay=1%",
            "wait_p99:pay=2%",
        ],
        expect!["wait_p99 of pay by 2; wait_p99 of bulk by 50"],
    );
}

#[test]
fn what_there_is_not_is_answered_with_what_there_is() {
    check(
        &["wait"],
        expect![[
            r#"no measure "wait"; the measures are wait_mean, wait_p50, wait_p99, time_mean, time_p50, time_p99, slo_attained, starved, given_up, throughput, bypass_max"#
        ]],
    );
    check(
        &["wait_p99:gone"],
        expect![[
            r#"no class "gone" in the trace; its classes are pay, bulk, and `all` is all of them together"#
        ]],
    );
    for margin in [
        "wait_p99=much",
        "wait_p99=-1",
        "wait_p99=1001%",
        "wait_p99=nan",
        "wait_p99=",
    ] {
        let told = asked(&[margin]).unwrap_err().to_string();
        assert!(
            told.ends_with("is none; give a number from 0 to 1000, such as 5%"),
            "{told}"
        );
    }
    check(
        &["bypass_max:pay"],
        expect!["bypass_max is one figure of all tasks together; leave the class out"],
    );
    check(
        &["starved:bulk"],
        expect![
            "starved needs an slo_ms, and no policy has one for the class bulk; give the class one, or ask for a wait instead"
        ],
    );
}

#[test]
fn every_measure_reads_back_by_its_word() {
    for measure in Measure::ALL {
        assert_eq!(measure.as_str().parse(), Ok(measure));
    }
}

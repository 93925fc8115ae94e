//! Traces, good and bad.

use std::path::Path;

use expect_test::{Expect, expect};

use super::Trace;
use crate::sim::workload::{Job, Kind, Source, Spec, Workload, build};

const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

/// Four rows of the Azure 2023 code trace (CC-BY).
const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:17:04.0781060,110,27
2023-11-16 18:17:05.9799600,7433,14

";

const CLASSES: &str = "TIMESTAMP,ContextTokens,GeneratedTokens,Class,ServiceMs
2023-11-16 00:00:00,0,0,chat,100
2023-11-16 00:00:00.5,0,0,batch,2000.5
2023-11-16 00:00:01,0,0,chat,300
";

fn trace(text: &str) -> Trace {
    Trace::parse("folder/t.csv", text).unwrap()
}

fn made(text: &str, load: Option<f64>, slots: Option<u32>) -> Workload {
    let spec = Spec {
        load,
        slots,
        ..Spec::new(Kind::Trace(trace(text)))
    };
    build(&spec, 1).unwrap()
}

fn jobs(made: &Workload) -> &[Job] {
    match &made.source {
        Source::Open(jobs) => jobs,
        Source::Closed(_) => panic!("a trace is an open loop"),
    }
}

fn refuse(text: &str, told: Expect) {
    told.assert_eq(&Trace::parse("t.csv", text).unwrap_err().to_string());
}

#[test]
fn an_azure_trace_comes_at_its_own_times_with_service_by_its_tokens() {
    let made = made(AZURE, None, None);
    let seen: Vec<(u64, u64)> = jobs(&made)
        .iter()
        .map(|job| (job.at_us, job.service_us))
        .collect();
    assert_eq!(
        seen,
        [
            (0, 750_800),
            (52_000, 538_000),
            (98_146, 706_000),
            (2_000_000, 1_113_300)
        ]
    );
    assert_eq!(
        (made.name.as_str(), made.end_us, made.warmup_us),
        ("t", 2_000_000, 200_000)
    );
    assert_eq!(made.classes.len(), 1);
    assert_eq!(
        (made.classes[0].name.as_str(), made.classes[0].slo_ms),
        ("trace", 3_886)
    );
}

#[test]
fn a_trace_has_the_slots_that_keep_it_at_or_below_a_load_of_seven_tenths() {
    let made = made(AZURE, None, None);
    assert_eq!(made.slots, 3, "3.1 s of work in 2 s");
    assert!(made.load.is_some_and(|load| (load - 3.1081 / 6.0).abs() < 1e-9));
}

#[test]
fn a_load_stretches_all_times_of_a_trace_alike() {
    let made = made(AZURE, Some(0.5), Some(1));
    assert_eq!(made.end_us, 6_216_200);
    assert!(made.load.is_some_and(|load| (load - 0.5).abs() < 1e-6));
    let times: Vec<u64> = jobs(&made).iter().map(|job| job.at_us).collect();
    assert_eq!(times, [0, 161_621, 305_047, 6_216_200]);
}

#[test]
fn a_class_column_makes_classes_in_order_of_their_first_rows_and_service_may_be_given() {
    let made = made(CLASSES, None, None);
    let classes: Vec<(&str, u64)> = made
        .classes
        .iter()
        .map(|class| (class.name.as_str(), class.slo_ms))
        .collect();
    assert_eq!(classes, [("chat", 1_000), ("batch", 10_003)]);
    let seen: Vec<(usize, u64)> = jobs(&made)
        .iter()
        .map(|job| (job.class, job.service_us))
        .collect();
    assert_eq!(seen, [(0, 100_000), (1, 2_000_500), (0, 300_000)]);
}

#[test]
fn a_tenant_column_says_who_pays_by_number_in_order_of_their_first_rows() {
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens,Class,ServiceMs,Tenant
2023-11-16 00:00:00,0,0,chat,100,acme
2023-11-16 00:00:01,0,0,chat,100,default
2023-11-16 00:00:02,0,0,batch,100,acme
";
    let tenants: Vec<u32> = jobs(&made(text, None, None))
        .iter()
        .map(|job| job.tenant)
        .collect();
    assert_eq!(tenants, [0, 1, 0]);
    assert_eq!(trace(text).classes(), [("chat", 2), ("batch", 1)]);
    assert_eq!(trace(AZURE).classes(), []);
    refuse(
        &text.replace("default", "a b"),
        expect!["t.csv:3: Tenant: tenant has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed"],
    );
}

#[test]
fn windows_line_ends_and_fewer_digits_of_a_second_are_fine() {
    let text = CLASSES.replace('\n', "\r\n") + "\r\n \r\n";
    assert_eq!(trace(&text), trace(CLASSES));
}

#[test]
fn a_line_that_is_no_row_is_refused_with_its_number() {
    let row = |row: &str| format!("{HEADER}2023-11-16 18:17:03,1,1\n{row}\n2023-11-16 18:17:05,1,1\n");
    refuse(
        "",
        expect![[
            r#"t.csv:1: the header is ""; write TIMESTAMP,ContextTokens,GeneratedTokens, then Class, ServiceMs and Tenant as far as the rows have them"#
        ]],
    );
    refuse(
        "time,in,out\n",
        expect![[
            r#"t.csv:1: the header is "time,in,out"; write TIMESTAMP,ContextTokens,GeneratedTokens, then Class, ServiceMs and Tenant as far as the rows have them"#
        ]],
    );
    refuse(
        &row("2023-11-16 18:17:04,1"),
        expect!["t.csv:3: has 2 cells, the header names 3; give one for each"],
    );
    refuse(&row(""), expect!["t.csv:3: is blank, and rows follow; delete it"]);
    refuse(
        &row("16.11.2023 18:17,1,1"),
        expect![[
            r#"t.csv:3: TIMESTAMP is "16.11.2023 18:17"; write it as 2023-11-16 18:17:03.9799600, in UTC, with seven digits of a fraction or fewer"#
        ]],
    );
    refuse(
        &row("2023-11-16 18:17:04.12345678,1,1"),
        expect![[
            r#"t.csv:3: TIMESTAMP is "2023-11-16 18:17:04.12345678"; write it as 2023-11-16 18:17:03.9799600, in UTC, with seven digits of a fraction or fewer"#
        ]],
    );
    refuse(
        &row("2023-11-16 18:17:02.9,1,1"),
        expect!["t.csv:3: arrives before the row above it; sort the rows by TIMESTAMP"],
    );
    refuse(
        &row("2023-11-16 18:17:02.9999999,1,1"),
        expect!["t.csv:3: arrives before the row above it; sort the rows by TIMESTAMP"],
    );
    refuse(
        &row("2023-11-16 18:17:06,1,1"),
        expect!["t.csv:4: arrives before the row above it; sort the rows by TIMESTAMP"],
    );
    refuse(
        &row("2023-11-16 18:17:04,-1,1"),
        expect![[r#"t.csv:3: ContextTokens is "-1"; give a whole number of tokens, 0 to 10000000"#]],
    );
    refuse(
        &row("2023-11-16 18:17:04,1,10000001"),
        expect![[r#"t.csv:3: GeneratedTokens is "10000001"; give a whole number of tokens, 0 to 10000000"#]],
    );
}

#[test]
fn a_row_more_than_a_month_after_the_first_is_refused_with_both_lines() {
    let last = |time: &str| format!("{HEADER}2023-11-16 18:17:03,1,1\n2023-11-20 00:00:00,1,1\n{time},1,1\n");
    assert!(Trace::parse("t.csv", &last("2023-12-17 18:17:03")).is_ok());
    refuse(
        &last("2099-01-01 00:00:00"),
        expect![
            "t.csv:4: arrives 27439 days after the row on line 2, and a trace lasts 31 days at most; mend the TIMESTAMP of one of the two, or cut the file between them"
        ],
    );
}

#[test]
fn a_load_that_stretches_a_trace_over_more_than_a_month_is_refused() {
    let spec = Spec {
        load: Some(0.001),
        slots: Some(1),
        ..Spec::new(Kind::Trace(trace(&CLASSES.replace("2000.5", "3000000"))))
    };
    expect!["at that load the trace would last 35 days, of at most 31; give a higher --load or more --slots"]
        .assert_eq(&build(&spec, 1).unwrap_err().to_string());
}

#[test]
fn a_class_or_service_that_is_none_is_refused_with_its_line() {
    let class = |name: &str| CLASSES.replace("batch", name);
    refuse(
        &class("a.b"),
        expect!["t.csv:3: Class: class has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed"],
    );
    refuse(
        &class(""),
        expect!["t.csv:3: Class: class is empty; give 1 to 64 of A-Z a-z 0-9 _ -"],
    );
    refuse(
        &CLASSES.replace("2000.5", "0"),
        expect![[r#"t.csv:3: ServiceMs is "0"; give milliseconds, more than 0 and at most 86400000"#]],
    );
    refuse(
        &CLASSES.replace("2000.5", "inf"),
        expect![[r#"t.csv:3: ServiceMs is "inf"; give milliseconds, more than 0 and at most 86400000"#]],
    );
}

#[test]
fn more_classes_than_a_policy_may_have_are_refused() {
    let rows = (0..201).map(|n| format!("2023-11-16 00:00:{:02},1,1,c{n}\n", n / 4));
    let text = format!(
        "TIMESTAMP,ContextTokens,GeneratedTokens,Class\n{}",
        rows.collect::<String>()
    );
    refuse(
        &text,
        expect![[r#"t.csv:202: Class "c200" is one more than 200; name fewer classes"#]],
    );
}

#[test]
fn rows_of_one_moment_are_no_trace() {
    refuse(
        HEADER,
        expect![
            "t.csv holds no two rows of different times; a trace needs them, else nothing can be said of its load"
        ],
    );
    refuse(
        &format!("{HEADER}2023-11-16 18:17:04,1,1\n2023-11-16 18:17:04,1,1\n"),
        expect![
            "t.csv holds no two rows of different times; a trace needs them, else nothing can be said of its load"
        ],
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let told = Trace::read(Path::new("no/such.csv")).unwrap_err().to_string();
    expect!["cannot read the trace no/such.csv: No such file or directory (os error 2)"].assert_eq(&told);
}

#[test]
fn a_file_is_read_as_its_text_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, AZURE).unwrap();
    assert_eq!(Trace::read(&path).unwrap(), trace(AZURE));
}

#[test]
fn a_trace_that_no_number_of_slots_could_serve_asks_for_them() {
    let text = format!("{HEADER}2023-11-16 18:17:04,1,10000000\n2023-11-16 18:17:04.000001,1,1\n");
    let told = build(&Spec::new(Kind::Trace(trace(&text))), 1).unwrap_err();
    expect!["the trace would need 357142950286 slots at its own speed, of at most 100000; give --slots, or --load and --slots"]
        .assert_eq(&told.to_string());
}

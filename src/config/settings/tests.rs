//! Layers over layers, and what is said about values that cannot stand.

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

/// Loads with `toml` as a file of that content; the file's folder is left out of what is shown.
fn load(flags: &Raw, toml: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fairlane.toml");
    std::fs::write(&file, toml).unwrap();
    let loaded = load_settings(flags, Some(&file), &environment(variables));
    loaded.map_err(|faults| {
        faults
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    })
}

fn check(toml: &str, variables: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&load(&Raw::default(), toml, variables).map_or_else(|f| f, |s| format!("{s:#?}")));
}

#[test]
fn without_a_word_the_defaults_hold() {
    let settings = load_settings(&Raw::default(), None, &BTreeMap::new()).unwrap();
    expect![[r#"
        Settings {
            nats_url: [
                "nats://127.0.0.1:4222",
            ],
            nats_creds: None,
            http_listen: None,
            metrics_listen: 127.0.0.1:0,
            callback_key: None,
            policy: None,
            slots: 4,
            worker_id: None,
            worker_labels: {},
            log: "info",
            nats_server: None,
            model_dir: None,
            drain_ms: 30000,
        }"#]]
    .assert_eq(&format!("{settings:#?}"));
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let flags = Raw {
        slots: Some(3),
        ..Raw::default()
    };
    let toml = "slots = 1\nlog = 'debug'\ndrain_ms = 5\n";
    let settings = load(
        &flags,
        toml,
        &[
            ("FAIRLANE_SLOTS", "2"),
            ("FAIRLANE_LOG", "warn"),
            ("FAIRLANE_POLICY", ""),
        ],
    );
    let settings = settings.unwrap();
    assert_eq!(
        (settings.slots, settings.log.as_str(), settings.drain_ms),
        (3, "warn", 5)
    );
    assert_eq!(settings.policy, None);
}

#[test]
fn a_variable_names_the_file_unless_a_flag_does() {
    let variables = environment(&[("FAIRLANE_CONFIG", "/nowhere/fairlane.toml")]);
    let faults = load_settings(&Raw::default(), None, &variables)
        .unwrap_err()
        .to_string();
    assert!(
        faults.starts_with("/nowhere/fairlane.toml: cannot be read"),
        "{faults}"
    );
    let faults = load_settings(&Raw::default(), Some(Path::new("/absent/f.toml")), &variables).unwrap_err();
    assert!(
        faults.to_string().starts_with("/absent/f.toml: cannot be read"),
        "{faults}"
    );
}

#[test]
fn every_fault_names_its_source() {
    check(
        "slots = 'many'\nnats_creds = 7\nslot = 1\ncolor = 'red'\n[log]\nlevel = 'info'\n",
        &[
            ("FAIRLANE_DRAIN_MS", "soon"),
            ("FAIRLANE_WORKER", "w"),
            ("FAIRLANE_X", "1"),
            ("FAIRLANE_WORKER_ID", "a.b"),
        ],
        expect![[r#"
            fairlane.toml: color is no key of this program; leave it out
            fairlane.toml: slot is no key; did you mean slots?
            environment FAIRLANE_WORKER is no variable; did you mean FAIRLANE_WORKER_ID?
            environment FAIRLANE_X is no variable of this program; leave it out
            fairlane.toml: nats_creds: is no text; put it in quotes
            fairlane.toml: slots: "many" is not allowed; give a whole number from 1 to 4096
            environment FAIRLANE_WORKER_ID: "a.b" is no worker id; give 1 to 64 of A-Z a-z 0-9 _ -
            fairlane.toml: log: is no text; put it in quotes
            environment FAIRLANE_DRAIN_MS: "soon" is not allowed; give a whole number from 0 to 3600000"#]],
    );
    let flags = Raw {
        slots: Some(0),
        metrics_listen: Some("0.0.0.0:9090".to_owned()),
        ..Raw::default()
    };
    expect![[r#"
        flag --metrics-listen: 0.0.0.0:9090 would be open to the network, and there are no keys yet to guard it; give a loopback address such as 127.0.0.1:9090
        flag --slots: 0 is not allowed; give a whole number from 1 to 4096"#]].assert_eq(&load(&flags, "slots = 4", &[]).unwrap_err());
    check(
        "slots = 4\nslots = 5\n",
        &[],
        expect!["fairlane.toml:2:1: duplicate key `slots` in document root"],
    );
    check(
        "metrics_listen = 'localhost:1'\nmodel_dir = ''\ndrain_ms = -1",
        &[("FAIRLANE_SLOTS", "4097")],
        expect![[r#"
            fairlane.toml: metrics_listen: "localhost:1" is no address; give IP:PORT such as 127.0.0.1:9090
            environment FAIRLANE_SLOTS: 4097 is not allowed; give a whole number from 1 to 4096
            fairlane.toml: model_dir: is empty; give a text or leave it out
            fairlane.toml: drain_ms: -1 is not allowed; give a whole number from 0 to 3600000"#]],
    );
}

#[test]
fn a_password_is_never_shown() {
    let settings = load(
        &Raw::default(),
        "",
        &[("NATS_URL", "nats://u:secret@a:4222,tls://b")],
    )
    .unwrap();
    assert_eq!(settings.nats_url, ["nats://u:secret@a:4222", "tls://b"]);
    assert!(!format!("{settings:?}").contains("secret"));
    for bad in [
        "http://u:secret@a",
        "nats://u:secret@",
        "nats://u:secret@a,",
        "nats://u:secret @a",
    ] {
        let faults = load(&Raw::default(), "", &[("NATS_URL", bad)]).unwrap_err();
        assert!(
            !faults.contains("secret") && faults.starts_with("environment NATS_URL: "),
            "{faults}"
        );
    }
}

#[test]
fn an_ipv6_loopback_is_loopback() {
    let flags = Raw {
        metrics_listen: Some("[::1]:0".to_owned()),
        ..Raw::default()
    };
    assert!(load(&flags, "", &[]).unwrap().metrics_listen.ip().is_loopback());
}

//! One layer of settings, as figment merges them; each says where a value of its stands.

use std::collections::BTreeMap;
use std::path::Path;

use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::Raw;
use super::keys::{CONFIG_VARIABLE, Form, KEYS, PREFIX, SCRIPT_VARIABLES};
use crate::config::nearest::nearest;

/// Values and the place they come from.
pub(super) struct Layer {
    metadata: Metadata,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

impl Layer {
    /// What holds where nobody said anything; `docs/settings.md` gives the reasons.
    pub(super) fn defaults() -> Layer {
        let values = Dict::from([
            ("nats_url".to_owned(), Value::from("nats://127.0.0.1:4222")),
            ("metrics_listen".to_owned(), Value::from("127.0.0.1:0")),
            ("slots".to_owned(), Value::from(4_u64)),
            ("log".to_owned(), Value::from("info")),
            ("drain_ms".to_owned(), Value::from(30_000_u64)),
        ]);
        let metadata = Metadata::named("default")
            .interpolater(|_: &Profile, path: &[&str]| format!("default of {}", path.join(".")));
        Layer { metadata, values }
    }

    /// The TOML file.
    pub(super) fn file(path: &Path, faults: &mut Vec<String>) -> Layer {
        let name = path.display().to_string();
        let values = match std::fs::read_to_string(path) {
            Ok(text) => parse_toml(&name, &text, faults),
            Err(error) => {
                faults.push(format!("{name}: cannot be read: {error}"));
                Dict::new()
            }
        };
        let metadata = Metadata::named("file")
            .interpolater(move |_: &Profile, path: &[&str]| format!("{name}: {}", path.join(".")));
        Layer { metadata, values }
    }

    /// The variables. An empty one counts as absent, as shells and units can hardly unset one.
    pub(super) fn environment(variables: &BTreeMap<String, String>, faults: &mut Vec<String>) -> Layer {
        let mut values = Dict::new();
        for (variable, text) in variables.iter().filter(|(_, text)| !text.is_empty()) {
            if let Some(key) = KEYS.iter().find(|k| k.variable == variable) {
                let number = text.parse::<u64>().ok().filter(|_| key.form == Form::Whole);
                values.insert(
                    key.key.to_owned(),
                    number.map_or_else(|| Value::from(text.as_str()), Value::from),
                );
            } else if let Some(word) = variable
                .strip_prefix(PREFIX)
                .filter(|_| variable != CONFIG_VARIABLE && !SCRIPT_VARIABLES.contains(&variable.as_str()))
            {
                // Without the prefix, which all have in common and which would make any two look alike.
                let known = KEYS.iter().map(|k| k.variable).chain([CONFIG_VARIABLE]);
                let near = nearest(word, known.filter_map(|v| v.strip_prefix(PREFIX)));
                let near = near.map(|near| format!("{PREFIX}{near}"));
                faults.push(unknown(
                    &format!("environment {variable}"),
                    "variable",
                    near.as_deref(),
                ));
            }
        }
        let metadata = Metadata::named("environment").interpolater(|_: &Profile, path: &[&str]| {
            let variable = KEYS.iter().find(|k| path == [k.key]).map_or("", |k| k.variable);
            format!("environment {variable}")
        });
        Layer { metadata, values }
    }

    /// The command line.
    pub(super) fn flags(raw: &Raw) -> Layer {
        let values = Serialized::defaults(raw)
            .data()
            .ok()
            .and_then(|mut all| all.remove(&Profile::Default));
        let metadata = Metadata::named("flag").interpolater(|_: &Profile, path: &[&str]| {
            format!("flag --{}", path.join(".").replace('_', "-"))
        });
        Layer {
            metadata,
            values: values.unwrap_or_default(),
        }
    }
}

fn parse_toml(name: &str, text: &str, faults: &mut Vec<String>) -> Dict {
    let values = match Toml::from_str::<Dict>(text) {
        Ok(values) => values,
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            faults.push(format!("{name}:{line}:{column}: {}", error.message().trim_end()));
            return Dict::new();
        }
    };
    for key in values.keys().filter(|key| !KEYS.iter().any(|k| k.key == *key)) {
        faults.push(unknown(
            &format!("{name}: {key}"),
            "key",
            nearest(key, KEYS.iter().map(|k| k.key)),
        ));
    }
    values
}

fn unknown(whole: &str, what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{whole} is no {what}; did you mean {near}?"),
        None => format!("{whole} is no {what} of this program; leave it out"),
    }
}

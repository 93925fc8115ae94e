//! `rate`: how many tasks of a class or model may start in a time.

use super::kind::ABOVE_ZERO;
use super::note::Absent;
use super::section::Section;
use crate::scheduler::rate::Rate;

/// The bounds within which a bucket counts exactly.
const PER_S_MAX: f64 = 1e6;
const BURST_MAX: u32 = 1_000_000;
/// The burst where none is given: this part of a second's tokens, but one at least.
const BURST_PART: f64 = 0.2;

/// None where it is absent or null.
pub(super) fn read(section: &mut Section<'_>) -> Option<Rate> {
    let mut rate = section.child_or_none("rate")?;
    let per_s = rate.f64("per_s", ABOVE_ZERO..=PER_S_MAX, None);
    let usual = (per_s * BURST_PART).ceil().max(1.0) as u32;
    let usual = Absent::Derived(usual, "a fifth of `per_s`, 1 at least");
    let burst = rate.u32("burst", 1..=BURST_MAX, usual);
    rate.close(&[]);
    Some(Rate {
        per_s,
        burst: f64::from(burst),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::config::parse_policy;

    fn shown(class: &str, model: &str) -> String {
        let yaml = format!(
            "version: 1
classes:
  a: {{ priority: 1, share: 1{class} }}
default_class: a
models:
  m: {{ executor: simulate{model} }}
"
        );
        match parse_policy("p.yaml", &yaml) {
            Ok(policy) => format!("{:?} {:?}", policy.classes[0].rate, policy.models[0].rate),
            Err(faults) => faults.to_string(),
        }
    }

    #[test]
    fn a_rate_is_read_with_its_burst_or_a_fifth_of_it() {
        let cases = [
            ("", ""),
            (", rate: null", ", rate: null"),
            (", rate: { per_s: 50, burst: 10 }", ", rate: { per_s: 0.5 }"),
            (", rate: { per_s: 52 }", ""),
        ];
        let all: Vec<String> = cases.iter().map(|(class, model)| shown(class, model)).collect();
        expect![[r#"
            None None
            None None
            Some(Rate { per_s: 50.0, burst: 10.0 }) Some(Rate { per_s: 0.5, burst: 1.0 })
            Some(Rate { per_s: 52.0, burst: 11.0 }) None"#]]
        .assert_eq(&all.join("\n"));
    }

    #[test]
    fn a_faulty_rate_is_told_with_its_place() {
        expect![[r#"
            p.yaml:3:37: classes.a.rate: is 5; give a mapping of keys to values
            p.yaml:6:34: models.m.rate.per_s: is missing; give a number of more than 0, up to 1000000
            p.yaml:6:43: models.m.rate.burst: is 0; give a whole number from 1 to 1000000
            p.yaml:6:46: models.m.rate.per_sec: is no key here; the keys are per_s, burst"#]]
        .assert_eq(&shown(", rate: 5", ", rate: { burst: 0, per_sec: 1 }"));
        expect![[r#"
            p.yaml:3:46: classes.a.rate.per_s: is 0; give a number of more than 0, up to 1000000
            p.yaml:6:43: models.m.rate.per_s: is 2000000; give a number of more than 0, up to 1000000
            p.yaml:6:59: models.m.rate.burst: is 1.5; give a whole number from 1 to 1000000"#]]
        .assert_eq(&shown(
            ", rate: { per_s: 0 }",
            ", rate: { per_s: 2000000, burst: 1.5 }",
        ));
    }
}

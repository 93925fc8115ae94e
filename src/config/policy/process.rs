//! `models.NAME.process`: how the child processes of a model are run.

use super::kind::Kind;
use super::note::{Absent, Needs};
use super::section::Section;
use crate::policy::ProcessRules;

const PROCESSES_MAX: u32 = 256;
/// Below this an interpreter does not even start.
const MEMORY_MB_MIN: u64 = 16;
/// 16 TiB: a larger number is a typing mistake.
const MEMORY_MB_MAX: u64 = 16 * 1024 * 1024;
const HOUR_MS: u64 = 3_600_000;
const TASKS_MAX: u32 = 1_000_000_000;

/// The section `process` of a model's.
pub(super) fn read(model: &mut Section<'_>) -> ProcessRules {
    let mut section = model.child_of("process", Kind::Mapping, Absent::Required);
    model.needs("process", Needs::Word("executor", "process"));
    let command = section.texts(
        "command",
        "a list of program and arguments, such as [python3, handler.py]",
    );
    if command.first().is_some_and(|program| program.is_empty()) {
        let path = section.path_of("command");
        let what = "names no program: its first text is empty";
        section.faults.add(&path, what.to_owned());
    }
    let rules = ProcessRules {
        command: command.into_iter().map(str::to_owned).collect(),
        processes: section.u32_or_none("processes", 1..=PROCESSES_MAX, Absent::Is(None)),
        memory_mb_max: section.u64_or_none("memory_mb_max", MEMORY_MB_MIN..=MEMORY_MB_MAX),
        start_ms_max: section.u64("start_ms_max", 1..=HOUR_MS, Some(60_000)),
        tasks_max: section.u32_or_none("tasks_max", 1..=TASKS_MAX, Absent::Is(None)),
    };
    section.close(&[]);
    rules
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::config::parse_policy;
    use crate::policy::{ExecutorKind, Policy, ProcessRules};

    fn parsed(model: &str) -> Result<Policy, String> {
        let head = "version: 1\nclasses: { a: { priority: 1, share: 1 } }\ndefault_class: a\nmodels:\n";
        parse_policy("p.yaml", &format!("{head}  m: {model}\n")).map_err(|faults| faults.to_string())
    }

    fn check(model: &str, expected: Expect) {
        let shown = parsed(model).map_or_else(|faults| faults, |_| "stands".to_owned());
        expected.assert_eq(&shown);
    }

    #[test]
    fn what_is_absent_or_null_has_its_default() {
        let expected = ProcessRules {
            command: vec!["python3".to_owned(), "h.py".to_owned()],
            processes: None,
            memory_mb_max: None,
            start_ms_max: 60_000,
            tasks_max: None,
        };
        for rest in ["", ", processes: null, memory_mb_max: null, tasks_max: null"] {
            let model = format!("{{ executor: process, process: {{ command: [python3, h.py]{rest} }} }}");
            let policy = parsed(&model).unwrap();
            assert_eq!(policy.models[0].executor, ExecutorKind::Process(expected.clone()));
        }
        let all = "{ executor: process, process: { command: [x], processes: 2, memory_mb_max: 512, \
                   start_ms_max: 5, tasks_max: 100 } }";
        let expected = ProcessRules {
            command: vec!["x".to_owned()],
            processes: Some(2),
            memory_mb_max: Some(512),
            start_ms_max: 5,
            tasks_max: Some(100),
        };
        assert_eq!(
            parsed(all).unwrap().models[0].executor,
            ExecutorKind::Process(expected)
        );
    }

    #[test]
    fn the_section_goes_with_its_executor() {
        check(
            "{ executor: process }",
            expect![
                "p.yaml:5:6: models.m.process: is missing; give { command: [PROGRAM, ARGUMENT…] }, which the executor process needs"
            ],
        );
        check(
            "{ executor: simulate, process: { command: [x] } }",
            expect![
                "p.yaml:5:37: models.m.process: is for the executor process alone; leave it out, or say executor: process"
            ],
        );
        check(
            "{ executor: proces, process: { comand: [x] } }",
            expect![[r#"
            p.yaml:5:18: models.m.executor: is the text "proces"; give embed, process or simulate
            p.yaml:5:35: models.m.process.command: is missing; give a list of program and arguments, such as [python3, handler.py]
            p.yaml:5:37: models.m.process.comand: is no key here; did you mean command?"#]],
        );
        check(
            "{ executor: process, process: null }",
            expect!["p.yaml:5:36: models.m.process: is empty; give a mapping of keys to values"],
        );
    }

    #[test]
    fn its_values_are_checked_each_at_its_place() {
        check(
            "{ executor: process, process: { command: python3 h.py } }",
            expect![[
                r#"p.yaml:5:47: models.m.process.command: is the text "python3 h.py"; give a list of program and arguments, such as [python3, handler.py]"#
            ]],
        );
        check(
            "{ executor: process, process: { command: [] } }",
            expect![
                "p.yaml:5:47: models.m.process.command: is an empty list; give a list of program and arguments, such as [python3, handler.py]"
            ],
        );
        check(
            "{ executor: process, process: { command: ['', x] } }",
            expect!["p.yaml:5:47: models.m.process.command: names no program: its first text is empty"],
        );
        check(
            "{ executor: process, process: { command: [x, 80, [y]] } }",
            expect![[r#"
            p.yaml:5:51: models.m.process.command.2: is 80; give a text, in quotes if need be
            p.yaml:5:55: models.m.process.command.3: is a list; give a text, in quotes if need be"#]],
        );
        check(
            "{ executor: process, process: { command: [x], processes: 0, memory_mb_max: 15, start_ms_max: 0, tasks_max: 0, cpus: 1 } }",
            expect![[r#"
                p.yaml:5:63: models.m.process.processes: is 0; give a whole number from 1 to 256
                p.yaml:5:81: models.m.process.memory_mb_max: is 15; give a whole number from 16 to 16777216
                p.yaml:5:99: models.m.process.start_ms_max: is 0; give a whole number from 1 to 3600000
                p.yaml:5:113: models.m.process.tasks_max: is 0; give a whole number from 1 to 1000000000
                p.yaml:5:116: models.m.process.cpus: is no key here; the keys are command, processes, memory_mb_max, start_ms_max, tasks_max"#]],
        );
    }
}

//! The help of every command, as one text, and as the page docs/cli.md: what people depend on shows in review when it
//! changes. `UPDATE_EXPECT=1` writes both.

use std::fmt::Write;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use expect_test::expect_file;

use super::args::Cli;
use super::flags::HEADING;

/// Width of the golden text; a terminal's would differ from machine to machine.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Commands and flags

Everything that `fairlane` takes, as `fairlane COMMAND --help` says it. [README.md](../README.md#commands) says what each command is for,
[operating.md](operating.md) how they are used, [settings.md](settings.md) which flags are also variables or keys of a file. This page is
written by `make goldens` from the commands under `src/cli/`.

## everywhere

Before or after any command.
";

fn tree() -> Command {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    root
}

#[test]
fn every_command_has_the_help_that_was_agreed() {
    let root = tree();
    root.clone().debug_assert();
    let mut text = String::new();
    walk(root, &mut text);
    expect_file!["../../tests/golden/help.txt"].assert_eq(&text);
}

#[test]
fn the_page_on_commands_says_what_they_take() {
    let root = tree();
    let mut page = HEAD.to_owned();
    write_flags(root.get_arguments().filter(|arg| is_everywhere(arg)), &mut page);
    for command in shown(&root) {
        write_section(command, &mut page);
    }
    expect_file!["../../docs/cli.md"].assert_eq(&page);
}

/// What stands everywhere is shown once, at the root.
fn walk(mut command: Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("fairlane").to_owned();
    writeln!(text, "$ {name} --help\n\n{}", command.render_long_help()).unwrap();
    for sub in shown(&command) {
        walk(alone(sub.clone()), text);
    }
}

/// A command without the flags that stand everywhere.
fn alone(command: Command) -> Command {
    command.mut_args(|arg| if is_everywhere(&arg) { arg.hide(true) } else { arg })
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}

fn is_everywhere(arg: &Arg) -> bool {
    arg.get_help_heading().is_some_and(|heading| heading == HEADING)
}

/// A command and those below it; one that only holds others has no section.
fn write_section(command: &Command, page: &mut String) {
    let is_own = |arg: &&Arg| !is_everywhere(arg) && !matches!(arg.get_id().as_str(), "help" | "version");
    let own = || command.get_arguments().filter(is_own);
    if own().next().is_some() || shown(command).next().is_none() {
        let name = command.get_bin_name().unwrap().trim_start_matches("fairlane ");
        let about = command.get_long_about().or_else(|| command.get_about()).unwrap();
        let usage = alone(command.clone()).render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").replace("\n       ", "\n");
        write!(page, "\n## {name}\n\n{}\n\n```\n{usage}\n```\n", sentences(about)).unwrap();
        if own().next().is_some() {
            write_flags(own(), page);
        }
        if let Some(more) = command.get_after_help() {
            write!(page, "\n{more}\n").unwrap();
        }
    }
    for sub in shown(command) {
        write_section(sub, page);
    }
}

fn write_flags<'a>(args: impl Iterator<Item = &'a Arg>, page: &mut String) {
    page.push_str("\n| flag or argument | what it is |\n| --- | --- |\n");
    for arg in args {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let others = arg.get_visible_aliases().unwrap_or_default();
        let names = short
            .into_iter()
            .chain([arg.to_string()])
            .chain(others.into_iter().map(|alias| format!("--{alias}")));
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let row = format!("| {} | {} |", cell(&names.join(", ")), cell(&said(arg)));
        writeln!(page, "{row}").unwrap();
    }
}

/// What a flag is, what it may be, and what it is without.
fn said(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut said: Vec<String> = help.map(sentences).into_iter().collect();
    if !arg.get_action().takes_values() {
        return said.concat();
    }
    let words = arg.get_possible_values();
    if !words.is_empty() && !arg.is_hide_possible_values_set() {
        let words: Vec<&str> = words.iter().map(|word| word.get_name()).collect();
        said.push(format!("One of {}.", words.join(", ")));
    }
    if let [default] = arg.get_default_values()
        && !arg.is_hide_default_value_set()
    {
        said.push(format!("Without it: {}.", default.to_string_lossy()));
    }
    said.join(" ")
}

/// Paragraphs that end as sentences do.
fn sentences(text: &StyledStr) -> String {
    let text = text.to_string();
    let paragraphs = text.trim().split("\n\n");
    let ended = |paragraph: &str| match paragraph.ends_with(['.', ']']) {
        true => paragraph.to_owned(),
        false => format!("{paragraph}."),
    };
    paragraphs.map(ended).collect::<Vec<_>>().join("\n\n")
}

/// A line within a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', r"\|")
}

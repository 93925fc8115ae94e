//! The help of every command, as one text: what people depend on shows in review when it changes.

use std::fmt::Write;

use clap::CommandFactory;
use expect_test::expect_file;

use super::args::Cli;
use super::flags::HEADING;

/// Width of the golden text; a terminal's would differ from machine to machine.
const WIDTH: usize = 100;

#[test]
fn every_command_has_the_help_that_was_agreed() {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    root.clone().debug_assert();
    let mut text = String::new();
    walk(root, &mut text);
    expect_file!["../../tests/golden/help.txt"].assert_eq(&text);
}

/// What stands everywhere is shown once, at the root.
fn walk(mut command: clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("fairlane").to_owned();
    writeln!(text, "$ {name} --help\n\n{}", command.render_long_help()).unwrap();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let everywhere = |arg: &clap::Arg| arg.get_help_heading().is_some_and(|h| h == HEADING);
        walk(
            sub.clone()
                .mut_args(|arg| if everywhere(&arg) { arg.hide(true) } else { arg }),
            text,
        );
    }
}

//! From arguments to a command, and from how it ended to an exit code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use super::args::{Cli, Command};
use super::exit::{self, Exit, Stop};
use super::flags::Global;
use super::output::{Closed, Format, Output};
use super::session::Session;
use crate::config::{Raw, Settings, load_settings};
use crate::telemetry::LogFormat;

/// Arguments that were understood, with the settings that follow from them.
pub struct Invocation {
    /// How this process is to run.
    pub settings: Settings,
    /// How a line of its log looks.
    pub log_format: LogFormat,
    output: Output,
    nats_given: bool,
    command: Command,
}

/// Reads arguments and settings. What cannot be read has been said when this returns.
///
/// # Errors
/// The exit code, also for `--help` and `--version`, which end here.
pub fn read(
    args: impl IntoIterator<Item = OsString>,
    environment: &BTreeMap<String, String>,
) -> Result<Invocation, ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    #[cfg(feature = "failpoints")]
    if let Some(name) = environment.get(crate::failpoint::VARIABLE) {
        crate::failpoint::arm(name);
    }
    #[cfg(feature = "failpoints")]
    if let Some(path) = environment.get(crate::failpoint::JOURNAL)
        && let Ok(file) = std::fs::OpenOptions::new().create(true).append(true).open(path)
    {
        crate::failpoint::keep_journal(file);
    }
    let Cli { global, command } = Cli::try_parse_from(&args).map_err(|error| refuse(&error, &args))?;
    let mut raw = Raw::default();
    global.fill(&mut raw);
    command.fill(&mut raw);
    let output = Output {
        format: global.format(),
    };
    check_format(&global, &command).map_err(|stop| fail(output, &stop.into()))?;
    let settings = load_settings(&raw, global.config.as_deref(), environment)
        .map_err(|faults| fail(output, &faults.into()))?;
    Ok(Invocation {
        settings,
        log_format: global.log_format,
        output,
        nats_given: raw.nats_url.is_some(),
        command,
    })
}

/// Data in one form, and a picture only of what makes one.
fn check_format(global: &Global, command: &Command) -> Result<(), Stop> {
    if global.is_ambiguous() {
        return Err(Stop::usage(
            "--json and --output svg exclude each other; leave one out",
        ));
    }
    match global.format() {
        Format::Svg if !command.draws() => Err(Stop::usage(
            "--output svg is a picture of what sim compares, without tune and --explain; give table or json",
        )),
        _ => Ok(()),
    }
}

/// Runs the command on this thread, with a runtime of its own. The main thread must be the one to
/// call it: a child's parent-death signal fires when the thread that started the child ends.
#[must_use]
pub fn run(invocation: Invocation) -> ExitCode {
    let Invocation {
        settings,
        output,
        nats_given,
        command,
        ..
    } = invocation;
    let session = Session {
        settings,
        output,
        nats_given,
    };
    let ended = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let ended = runtime.block_on(command.run(&session));
            // A read of stdin that nobody waits for any more would hold the end up until a key is hit.
            runtime.shutdown_background();
            ended
        });
    match ended {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => fail(output, &error),
    }
}

impl Invocation {
    /// Says why the command cannot run, and gives the exit code.
    #[must_use]
    pub fn fail(&self, error: &anyhow::Error) -> ExitCode {
        fail(self.output, error)
    }
}

fn fail(output: Output, error: &anyhow::Error) -> ExitCode {
    if error.is::<Closed>() {
        return ExitCode::from(Exit::Ok as u8);
    }
    let exit = exit::of(error);
    output.complain(exit, &exit::message(error));
    ExitCode::from(exit as u8)
}

/// Help goes to stdout; what was not understood to stderr, as JSON where that much was understood.
fn refuse(error: &clap::Error, args: &[OsString]) -> ExitCode {
    if !error.use_stderr() || !asks_for_json(args) {
        // Nobody reads it: the exit code says enough.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { Exit::Usage } else { Exit::Ok } as u8);
    }
    let message = error.render().to_string();
    let message = message.trim().trim_start_matches("error: ");
    Output { format: Format::Json }.complain(Exit::Usage, message);
    ExitCode::from(Exit::Usage as u8)
}

/// Whether JSON was asked for, as far as arguments that clap refused can tell.
fn asks_for_json(args: &[OsString]) -> bool {
    let is = |arg: &OsString, text: &str| arg.to_str() == Some(text);
    let spelled = ["--json", "-ojson", "-o=json", "--output=json"];
    args.iter().any(|arg| spelled.iter().any(|text| is(arg, text)))
        || args
            .windows(2)
            .any(|pair| (is(&pair[0], "-o") || is(&pair[0], "--output")) && is(&pair[1], "json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised_among_refused_arguments() {
        for (line, asked) in [
            ("fairlane --json nope", true),
            ("fairlane nope -o json", true),
            ("fairlane nope --output=json", true),
            ("fairlane nope -o table", false),
            ("fairlane json", false),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(asks_for_json(&args), asked, "{line}");
        }
    }
}

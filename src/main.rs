//! Starts the program: arguments, settings, telemetry, command.

use std::process::ExitCode;

use fairlane::{cli, config, dev, telemetry};

fn main() -> ExitCode {
    if let Some(code) = dev::hidden_command(std::env::args_os()) {
        return code;
    }
    let invocation = match cli::read(std::env::args_os(), &config::process_environment()) {
        Ok(invocation) => invocation,
        Err(code) => return code,
    };
    if let Err(error) = telemetry::start(&invocation.settings.log, invocation.log_format) {
        return invocation.fail(&error.into());
    }
    cli::run(invocation)
}

//! Starts one role of Fairlane.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = fairlane::dev::hidden_command(std::env::args_os()) {
        return code;
    }
    ExitCode::SUCCESS
}

//! The log: to stderr, since stdout is for data.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The client reports each connection as an event of its own wording; [`crate::lifecycle`] and the
/// roles say the same once, so only its warnings pass unless the filter asks for more.
const QUIETER: &str = "async_nats=warn";

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The filter is none.
    #[error("{filter:?} is no log filter: {source}; give a level such as info, or fairlane=debug,warn")]
    Filter {
        /// As it was given.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process has a log already.
    #[error("the log was started twice")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts the log of this process.
///
/// # Errors
/// [`StartError`].
pub fn start(filter: &str, format: LogFormat) -> Result<(), StartError> {
    let filter = parse_filter(filter)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match format {
        LogFormat::Text => subscriber.finish().try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).finish().try_init(),
    }
    .map_err(StartError::Twice)
}

fn parse_filter(filter: &str) -> Result<EnvFilter, StartError> {
    let parsed = EnvFilter::try_new(filter).and_then(|_| EnvFilter::try_new(format!("{QUIETER},{filter}")));
    parsed.map_err(|source| StartError::Filter {
        filter: filter.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_and_directives_are_filters_and_other_text_is_not() {
        for good in ["info", "warn,fairlane=debug", "async_nats=trace"] {
            assert!(parse_filter(good).is_ok(), "{good}");
        }
        for bad in ["fairlane=loud", "a=b=c"] {
            assert!(parse_filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_client_is_quiet_unless_asked() {
        assert!(
            parse_filter("info")
                .unwrap()
                .to_string()
                .contains("async_nats=warn")
        );
        assert!(
            !parse_filter("async_nats=debug")
                .unwrap()
                .to_string()
                .contains("async_nats=warn")
        );
    }
}

//! The credentials that stand in a server's URL. The client takes only the address from there.

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

/// Hands the credentials of the first URL that has any over to `options`. One set serves all
/// servers, as they are one cluster.
pub(super) fn with_login(options: ConnectOptions, servers: &[ServerAddr]) -> ConnectOptions {
    match servers.iter().find_map(login) {
        Some(Login::User { name, password }) => options.user_and_password(name, password),
        Some(Login::Token(token)) => options.token(token),
        None => options,
    }
}

/// What a URL holds before its `@`.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
enum Login {
    User { name: String, password: String },
    Token(String),
}

fn login(server: &ServerAddr) -> Option<Login> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let name = server.username().map(decode)?;
    Some(match server.password().map(decode) {
        Some(password) => Login::User { name, password },
        None => Login::Token(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_holds_user_and_password_or_a_token_or_nothing() {
        let user = |name: &str, password: &str| Login::User {
            name: name.to_owned(),
            password: password.to_owned(),
        };
        for (url, expected) in [
            ("nats://a:b@h", Some(user("a", "b"))),
            ("nats://a:p%40ss@h:4222", Some(user("a", "p@ss"))),
            ("nats://t%2Fk@h", Some(Login::Token("t/k".to_owned()))),
            ("nats://h:4222", None),
        ] {
            assert_eq!(login(&url.parse().unwrap()), expected, "{url}");
        }
    }
}

//! URLs without their secrets.

/// `url` with what stands before an `@` replaced by `***`; also for a comma-separated list.
///
/// Errs on the side of hiding: a part without a scheme counts to the one before it, because it
/// may be the rest of a password with a comma in it, and all up to the last `@` goes.
#[must_use]
pub fn redact_url(url: &str) -> String {
    let mut groups: Vec<String> = Vec::new();
    for part in url.split(',') {
        match groups.last_mut().filter(|_| !part.contains("://")) {
            Some(group) => {
                group.push(',');
                group.push_str(part);
            }
            None => groups.push(part.to_owned()),
        }
    }
    groups
        .iter()
        .map(|group| redact_group(group))
        .collect::<Vec<_>>()
        .join(",")
}

fn redact_group(url: &str) -> String {
    let Some((secret, host)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    match secret.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            format!("{scheme}://***@{host}")
        }
        _ => format!("***@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_before_an_at_sign_is_shown() {
        for (url, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://user:secret@host:4222", "nats://***@host:4222"),
            ("nats://token@host", "nats://***@host"),
            ("nats://a:1,nats://u:secret@b:2", "nats://a:1,nats://***@b:2"),
            ("nats://u:sec,ret@b,c:3", "nats://***@b,c:3"),
            ("nats://u:sec@ret/@b", "nats://***@b"),
            ("user:secret@host", "***@host"),
            ("a:1,b:2", "a:1,b:2"),
            ("u:secret@nats://host", "***@nats://host"),
            ("u:://secret@host", "***@host"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }
}

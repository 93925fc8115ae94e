//! Where a result may be delivered: addresses of the public internet, unless somebody said otherwise.
//!
//! Whoever submits a task names the address, so a mesh that posted anywhere would let its users reach
//! what only its own machines can (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Which addresses results may be delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Those of the public internet.
    #[default]
    Public,
    /// Also loopback and private ones; for trying things out on one machine.
    Anywhere,
}

/// An address to which no result is delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("is no URL: {0}; give one such as https://client.example.com/result")]
    Unreadable(#[from] url::ParseError),
    /// Another scheme.
    #[error("has the scheme {0:?}; only https and http are delivered to")]
    Scheme(String),
    /// A name or password stands in it.
    #[error("holds a user name or password; leave them out: deliveries are signed")]
    Login,
    /// No host.
    #[error("names no host; give one such as https://client.example.com/result")]
    NoHost,
    /// It is, or its name stands for, an address that is not public.
    #[error(
        "leads to {0}, which is no address of the public internet; give a public host \
         (`fairlane dev --callback-private` takes others)"
    )]
    NotPublic(IpAddr),
}

/// Reads a `callback_url`. Where its host is an address, that is checked; a name has to be
/// resolved first, and each of its addresses checked with [`Reach::check`].
///
/// # Errors
/// [`AddressError`].
pub fn callback_url(text: &str, reach: Reach) -> Result<Url, AddressError> {
    let url = Url::parse(text)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Login);
    }
    match url.host() {
        None => return Err(AddressError::NoHost),
        // The parser has turned every way of writing an address (0x7f.1, 2130706433) into one.
        Some(Host::Ipv4(ip)) => reach.check(ip.into())?,
        Some(Host::Ipv6(ip)) => reach.check(ip.into())?,
        Some(Host::Domain(_)) => (),
    }
    Ok(url)
}

impl Reach {
    /// Whether results may be delivered to `ip`.
    ///
    /// # Errors
    /// [`AddressError::NotPublic`].
    pub fn check(self, ip: IpAddr) -> Result<(), AddressError> {
        match self {
            Reach::Public if !is_public(ip) => Err(AddressError::NotPublic(ip)),
            _ => Ok(()),
        }
    }
}

/// Whether an address belongs to the public internet, by the registries of special-purpose addresses
/// (RFC 6890 and its successors).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let relay = a == 192 && b == 88 && c == 99;
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || shared
        || protocol
        || relay
        || benchmark
        || a >= 224)
}

/// Only 2000::/3 is given out, less what is set aside in it.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let protocol = a == 0x2001 && b < 0x200;
    let documentation = (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
    (0x2000..0x4000).contains(&a) && !protocol && !documentation
}

/// The IPv4 address that an IPv6 address carries: mapped, compatible, translated (64:ff9b::/96) or
/// 6to4. A gateway on the way may turn it into that one.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = ip.segments();
    let inner = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(w, x, y, z)
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] | [0, 0, 0, 0, 0xffff, 0] => {
            Some(inner(high, low))
        }
        [0x2002, ..] => Some(inner(b, c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (ip, public) in [
            ("93.184.216.34", true),
            ("172.32.0.1", true),
            ("100.128.0.1", true),
            ("2606:2800:220:1::1", true),
            ("::ffff:93.184.216.34", true),
            ("64:ff9b::5db8:d822", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("127.255.0.9", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("2002:a00:1::", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("3fff::1", false),
            ("4000::1", false),
            ("100::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }

    #[test]
    fn an_address_is_refused_in_whatever_form_it_is_written() {
        let told: String = [
            "https://client.example.com/result",
            "http://93.184.216.34:8080/",
            "client.example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://user:secret@example.com/",
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
            "http:///path",
        ]
        .iter()
        .map(|url| match callback_url(url, Reach::Public) {
            Ok(url) => format!("{url}\n"),
            Err(error) => format!("{url} {error}\n"),
        })
        .collect();
        expect![[r#"
            https://client.example.com/result
            http://93.184.216.34:8080/
            client.example.com is no URL: relative URL without a base; give one such as https://client.example.com/result
            ftp://example.com/ has the scheme "ftp"; only https and http are delivered to
            file:///etc/passwd has the scheme "file"; only https and http are delivered to
            https://user:secret@example.com/ holds a user name or password; leave them out: deliveries are signed
            http://127.0.0.1/ leads to 127.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://2130706433/ leads to 127.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://0x7f.1/ leads to 127.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://017700000001/ leads to 127.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://[::1]/ leads to ::1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://[::ffff:10.0.0.1]/ leads to ::ffff:10.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://169.254.169.254/latest/meta-data leads to 169.254.169.254, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
            http://path/
        "#]].assert_eq(&told);
        assert!(callback_url("http://127.0.0.1/", Reach::Anywhere).is_ok());
        assert!(callback_url("ftp://127.0.0.1/", Reach::Anywhere).is_err());
    }
}

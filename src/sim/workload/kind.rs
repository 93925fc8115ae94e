//! The workloads by name.

use std::str::FromStr;

use super::Trace;

/// Which workload.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Short and long tasks of clients that wait for their answers, on one slot.
    Reference,
    /// Code completion in bursts: fits of the Azure 2023 code trace.
    Code,
    /// Conversations: fits of the Azure 2023 conv trace.
    Conv,
    /// Code, conversations and long contexts, 50 to 40 to 10 by count.
    Mix,
    /// Four modest classes, of which the least floods.
    Flood,
    /// Sixteen tenants of one class, of which one asks for all there is.
    Tenants,
    /// What a file recorded.
    Trace(Trace),
}

impl Kind {
    /// Every kind that is made from a seed alone, in the order of their names in errors and help.
    pub const MADE: [Kind; 6] = [
        Kind::Reference,
        Kind::Code,
        Kind::Conv,
        Kind::Mix,
        Kind::Flood,
        Kind::Tenants,
    ];

    /// Its name. A trace's workload bears the name of its file instead.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Kind::Reference => "reference",
            Kind::Code => "code",
            Kind::Conv => "conv",
            Kind::Mix => "mix",
            Kind::Flood => "flood",
            Kind::Tenants => "tenants",
            Kind::Trace(_) => "trace",
        }
    }
}

/// A text that names no workload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no workload {0:?}; the workloads are {names}", names = Kind::MADE.map(|kind| kind.as_str()).join(", "))]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    /// One of [`Kind::MADE`]; a trace is read with [`Trace::read`].
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Kind::MADE
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_name_reads_back_as_its_kind() {
        for kind in Kind::MADE {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names() {
        let told = "Mix".parse::<Kind>().unwrap_err().to_string();
        expect![[r#"no workload "Mix"; the workloads are reference, code, conv, mix, flood, tenants"#]]
            .assert_eq(&told);
    }
}

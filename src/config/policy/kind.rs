//! What a value may be: one description for faults, for the schema and for the reference page.

/// The least number that counts as "more than 0".
pub(super) const ABOVE_ZERO: f64 = f64::MIN_POSITIVE;

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A whole number, both bounds included.
    Whole { from: u64, to: u64 },
    /// A finite number, both bounds included; from [`ABOVE_ZERO`]: more than 0.
    Number { from: f64, to: f64 },
    /// One of these.
    Word(Vec<&'static str>),
    /// Any text.
    Text,
    /// Values of one kind, so many of them.
    List {
        of: Box<Kind>,
        least: usize,
        most: Option<usize>,
    },
    /// Keys that the reader knows, and no others.
    Mapping,
    /// Names that people choose, each with a mapping.
    Names(&'static Names),
    /// The same, or null.
    OrNull(Box<Kind>),
}

/// Names that people choose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// What one of them names, in words.
    pub(super) noun: &'static str,
    /// What stands for one of them in a pattern.
    pub(super) placeholder: &'static str,
    /// Whether there must be one.
    pub(super) is_required: bool,
    /// The longest, in bytes, where there is a bound.
    pub(super) length_max: Option<usize>,
    /// A regular expression for their letters, where not all are allowed.
    pub(super) letters: Option<&'static str>,
}

impl Kind {
    /// The kind without null, and whether null may be given.
    pub(super) fn without_null(&self) -> (&Kind, bool) {
        match self {
            Kind::OrNull(kind) => (kind, true),
            kind => (kind, false),
        }
    }

    /// Whether it has keys of its own.
    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.without_null().0, Kind::Mapping | Kind::Names(_))
    }

    /// What to give, as the rest of a sentence.
    pub(super) fn in_words(&self) -> String {
        match self {
            Kind::Whole { from, to } if from == to => from.to_string(),
            Kind::Whole { from, to } => format!("a whole number from {from} to {to}"),
            Kind::Number { from, to } if *from == ABOVE_ZERO => {
                format!("a number of more than 0, up to {to}")
            }
            Kind::Number { from, to } => format!("a number from {from} to {to}"),
            Kind::Word(words) => alternatives(words),
            Kind::Text => "a text".to_owned(),
            Kind::List { of, least, most } => {
                let number = most.map_or_else(
                    || format!("at least {least}"),
                    |most| format!("{least} to {most}"),
                );
                match &**of {
                    Kind::Whole { from, to } => {
                        format!("a list of {number} whole numbers from {from} to {to}")
                    }
                    of => format!("a list of {number}, each {}", of.in_words()),
                }
            }
            Kind::Mapping | Kind::Names(_) => "a mapping of keys to values".to_owned(),
            Kind::OrNull(kind) => kind.in_words(),
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

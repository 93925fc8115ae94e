//! Free text in headers: ASCII, one line, cut to a bound.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Space too: some clients trim header values. Bytes outside ASCII are always encoded.
const FREE_TEXT: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// `text` as one line of printable ASCII.
pub(super) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, FREE_TEXT).to_string()
}

/// What [`percent_encode`] was given; text that nobody encoded comes back as it is.
pub(super) fn percent_decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `value` with every control character percent-encoded.
pub(super) fn without_controls(value: String) -> String {
    if value.bytes().any(|b| b.is_ascii_control()) {
        return value.chars().fold(String::new(), |mut safe, c| {
            if c.is_ascii_control() {
                safe.push_str(&format!("%{:02X}", u32::from(c)));
            } else {
                safe.push(c);
            }
            safe
        });
    }
    value
}

/// JSON in ASCII: everything above it becomes `\uXXXX`, which any JSON reader undoes.
pub(super) fn ascii_json(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

/// The longest start of `text` that has at most `max` bytes and ends between two characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        for (text, max, kept) in [
            ("abc", 5, "abc"),
            ("abc", 2, "ab"),
            ("aé", 2, "a"),
            ("é", 1, ""),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, max), kept);
        }
    }

    #[test]
    fn free_text_is_one_line_of_printable_ascii() {
        assert_eq!(percent_encode("50 % more\r\né"), "50%20%25%20more%0D%0A%C3%A9");
        assert_eq!(percent_decode("no%2"), "no%2");
        assert_eq!(ascii_json("\"é😀\""), r#""\u00e9\ud83d\ude00""#);
    }

    proptest! {
        #[test]
        fn free_text_comes_back(text in any::<String>()) {
            let encoded = percent_encode(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert_eq!(percent_decode(&encoded), text);
        }

        #[test]
        fn json_in_ascii_means_the_same(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let ascii = ascii_json(&json);
            prop_assert!(ascii.bytes().all(|b| (0x20..0x7f).contains(&b)));
            prop_assert_eq!(serde_json::from_str::<String>(&ascii).unwrap(), text);
        }
    }
}

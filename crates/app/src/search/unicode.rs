//! What Unicode knows of characters: from its tables, or in a browser from the browser, which has them anyway.

#[cfg(not(target_family = "wasm"))]
pub use tables::*;

#[cfg(target_family = "wasm")]
pub use crate::browser::unicode::*;

#[cfg(not(target_family = "wasm"))]
mod tables {
    use unicode_normalization::UnicodeNormalization as _;
    pub use unicode_normalization::char::is_combining_mark;
    use unicode_segmentation::UnicodeSegmentation as _;

    /// Which tables: what was indexed with others is indexed anew.
    pub fn versions() -> String {
        let (a, b, c) = unicode_normalization::UNICODE_VERSION;
        let (d, e, f) = unicode_segmentation::UNICODE_VERSION;
        format!("{a}.{b}.{c}; {d}.{e}.{f}")
    }

    /// Taken apart, and without what only tells variants of a character apart (NFKD).
    pub fn taken_apart(text: &str) -> String {
        text.nfkd().collect()
    }

    /// Put together (NFC).
    pub fn put_together(text: &str) -> String {
        text.nfc().collect()
    }

    /// Characters as people see them, and where each begins.
    pub fn characters(text: &str) -> impl Iterator<Item = (usize, &str)> {
        text.grapheme_indices(true)
    }
}

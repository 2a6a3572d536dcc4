//! What the browser knows of characters. Its tables, a tenth of all that would have to be loaded, are there anyway.

use js_sys::{Array, JsString, Reflect, RegExp, try_iter};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Splits a text into characters as people see them.
    #[wasm_bindgen(js_namespace = Intl)]
    type Segmenter;

    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new() -> Segmenter;

    #[wasm_bindgen(method)]
    fn segment(this: &Segmenter, text: &str) -> JsValue;
}

thread_local! {
    static SEGMENTER: Segmenter = Segmenter::new();
    static MARK: RegExp = RegExp::new(r"^\p{M}$", "u");
}

/// A browser does not tell which tables it has. Each edition knows more characters than the one before.
pub fn versions() -> String {
    let all: String = ('\0'..'\u{20000}').collect();
    let known = JsString::from(all).match_(&RegExp::new(r"\P{Cn}", "gu"));
    format!("browser {}", known.map_or(0, |known| Array::from(&known).length()))
}

fn normal(text: &str, form: &str) -> String {
    JsString::from(text).normalize(form).into()
}

/// Taken apart, and without what only tells variants of a character apart (NFKD).
pub fn taken_apart(text: &str) -> String {
    normal(text, "NFKD")
}

/// Put together (NFC).
pub fn put_together(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { normal(text, "NFC") }
}

/// Whether it stands on the one before.
pub fn is_combining_mark(c: char) -> bool {
    // The first of them is U+0300.
    c >= '\u{300}' && MARK.with(|mark| mark.test(c.encode_utf8(&mut [0; 4])))
}

/// Characters as people see them, and where each begins.
pub fn characters(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut ends = Vec::new();
    if text.is_ascii() {
        ends.extend(1..=text.len());
    } else {
        let segments = SEGMENTER.with(|segmenter| segmenter.segment(text));
        let mut end = 0;
        for segment in try_iter(&segments).ok().flatten().into_iter().flatten().flatten() {
            let segment = Reflect::get(&segment, &JsValue::from_str("segment")).ok();
            end += segment.and_then(|segment| segment.as_string()).map_or(0, |segment| segment.len());
            ends.push(end);
        }
    }
    let mut start = 0;
    ends.into_iter().map_while(move |end| {
        let from = std::mem::replace(&mut start, end);
        Some((from, text.get(from..end)?))
    })
}

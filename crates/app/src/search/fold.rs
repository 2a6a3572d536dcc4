//! Texts as they are compared: without case, accents and variants of the same character.
//!
//! Accents are taken off where people leave them off when they search (Latin, Greek, Cyrillic, Hebrew points,
//! Arabic vowel signs) and stay where they make another letter (the scripts of South and South-East Asia, й,
//! Japanese voicing marks).

use super::unicode::{characters, is_combining_mark, put_together, taken_apart};

/// A character of a folded text, and where it comes from: bytes of the original, whole characters as people
/// see them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub c: char,
    pub start: usize,
    pub end: usize,
}

/// What a folded character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Between words: one space, whatever it was.
    Gap,
    /// Part of a word that spaces set apart from the next one.
    Word,
    /// A character of a script without spaces that says much by itself: Han, Hangul.
    Ideograph,
    /// One of a script without spaces that says little by itself: Kana, Thai, Khmer and their like.
    Letter,
    /// Emoji and other signs, each by itself.
    Sign,
}

/// What stands between words is one gap; what is not seen is gone.
pub fn fold(text: &str) -> Vec<Unit> {
    let mut units = Vec::with_capacity(text.len());
    for (start, cluster) in characters(text) {
        let end = start + cluster.len();
        let mut push = |c: char| {
            let c = if class(c) == Class::Gap { ' ' } else { c };
            if c != ' ' || units.last().is_some_and(|unit: &Unit| unit.c != ' ') {
                units.push(Unit { c, start, end });
            }
        };
        if let [byte] = cluster.as_bytes() {
            push(char::from(byte.to_ascii_lowercase()));
            continue;
        }
        let mut base = ' ';
        let apart = taken_apart(cluster);
        let bare: String = apart
            .chars()
            .filter(|c| {
                if !is_combining_mark(*c) {
                    base = *c;
                }
                !is_accent(*c, base) && !is_unseen(*c)
            })
            .collect();
        put_together(&bare).chars().flat_map(char::to_lowercase).for_each(|c| match spelled_out(c) {
            Some(letters) => letters.chars().for_each(&mut push),
            None => push(same(c)),
        });
    }
    units
}

/// Of a folded character.
pub fn class(c: char) -> Class {
    match u32::from(c) {
        0..0x80 => match c.is_ascii_alphanumeric() {
            true => Class::Word,
            false => Class::Gap,
        },
        // Han and what is written among it, Bopomofo, Yi, Hangul.
        0x2e80..=0x2fdf
        | 0x3005..=0x3007
        | 0x3021..=0x3029
        | 0x3105..=0x312f
        | 0x31a0..=0x31bf
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xa000..=0xa48c
        | 0xf900..=0xfaff
        | 0x2_0000..=0x3_ffff
        | 0x1100..=0x11ff
        | 0xa960..=0xa97f
        | 0xac00..=0xd7ff => Class::Ideograph,
        // Thai, Lao, Tibetan, Myanmar, Khmer, Tai, Balinese, Kana, Javanese, and what belongs to them.
        0x0e01..=0x0e3a
        | 0x0e40..=0x0e4e
        | 0x0e81..=0x0edf
        | 0x0f00
        | 0x0f18..=0x0f33
        | 0x0f35
        | 0x0f37
        | 0x0f39
        | 0x0f3e..=0x0f84
        | 0x0f86..=0x0fbc
        | 0x1000..=0x1049
        | 0x1050..=0x109d
        | 0x1780..=0x17d3
        | 0x1950..=0x19df
        | 0x1a20..=0x1a99
        | 0x1b00..=0x1b59
        | 0x3041..=0x309f
        | 0x30a1..=0x30fa
        | 0x30fc..=0x30ff
        | 0x31f0..=0x31ff
        | 0x1_b000..=0x1_b16f
        | 0xa980..=0xa9c0
        | 0xa9e0..=0xa9fe
        | 0xaa60..=0xaadf => Class::Letter,
        _ if c.is_alphanumeric() || is_combining_mark(c) => Class::Word,
        // Currencies; arrows, mathematics, dingbats; emoji and flags.
        0x20a0..=0x20cf | 0x2190..=0x2bff | 0x3030 | 0x303d | 0x1_f000..=0x1_fbff => Class::Sign,
        0xa2..=0xa5 | 0xa7 | 0xa9 | 0xae | 0xb0 | 0x0e3f => Class::Sign,
        _ => Class::Gap,
    }
}

/// A mark that people leave away when they search. `base`: what it stands on.
fn is_accent(c: char, base: char) -> bool {
    match c {
        // й is no и.
        '\u{306}' => !matches!(base, 'и' | 'И'),
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{5bf}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}'
        | '\u{640}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e8}'
        | '\u{6ea}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => true,
        _ => false,
    }
}

/// Joiners, selectors of variants, skin tones, marks of direction: nobody types them into a search.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Letters that others know by two, or by one without its stroke.
fn spelled_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}

/// One character for those that are told apart by their place or their keyboard only.
fn same(c: char) -> char {
    /// Zeros of decimal digits.
    const ZEROS: [char; 11] = [
        '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{be6}', '\u{c66}', '\u{e50}',
        '\u{1040}', '\u{17e0}',
    ];
    match c {
        'ς' => 'σ',
        'ی' | 'ى' => 'ي',
        'ک' => 'ك',
        'ة' => 'ه',
        'ٱ' => 'ا',
        _ if c.is_ascii() => c,
        _ => {
            let value = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10);
            ZEROS.into_iter().find_map(value).and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
        }
    }
}

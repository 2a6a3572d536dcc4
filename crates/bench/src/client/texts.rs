//! Texts that nobody wrote, in several scripts, whose words are as unevenly frequent as people's.

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

/// Words of a language that separates words; others are made of half as many.
const WORDS: usize = 30_000;
const EMOJI: [&str; 8] = ["😂", "❤️", "👍🏽", "🎉", "😅", "🙏", "👩‍👩‍👧", "🇫🇷"];

/// How a script is written.
struct Script {
    name: &'static str,
    /// Of a hundred conversations.
    share: usize,
    onsets: &'static [&'static str],
    vowels: &'static [&'static str],
    /// Spaces between words.
    spaced: bool,
}

const SCRIPTS: [Script; 8] = [
    Script {
        name: "latin",
        share: 52,
        onsets: &[
            "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr",
            "sch", "j",
        ],
        vowels: &["a", "e", "i", "o", "u", "en", "er", "es", "on", "é", "ü", "ø", "al", "in"],
        spaced: true,
    },
    Script {
        name: "cyrillic",
        share: 8,
        onsets: &["б", "в", "г", "д", "ж", "к", "л", "м", "н", "п", "р", "с", "т", "ш", "ч"],
        vowels: &["а", "е", "ё", "и", "о", "у", "ой", "ать", "ен"],
        spaced: true,
    },
    Script {
        name: "arabic",
        share: 8,
        onsets: &["ب", "ت", "ج", "ح", "د", "ر", "س", "ش", "ع", "ف", "ق", "ك", "ل", "م", "ن", "ه"],
        vowels: &["ا", "و", "ي", "", "َ", "ِ", "ان"],
        spaced: true,
    },
    Script {
        name: "devanagari",
        share: 8,
        onsets: &["क", "ख", "ग", "च", "ज", "त", "द", "न", "प", "ब", "म", "य", "र", "ल", "व", "स", "ह"],
        vowels: &["", "ा", "ि", "ी", "ु", "े", "ो", "ं"],
        spaced: true,
    },
    Script { name: "han", share: 10, onsets: &[], vowels: &[], spaced: false },
    Script {
        name: "japanese",
        share: 5,
        onsets: &[
            "日", "本", "人", "今", "何", "時", "行", "見", "食", "新", "学", "大", "ラ", "タ", "ン", "コ",
        ],
        vowels: &["の", "は", "を", "に", "が", "です", "ます", "した", "る", "って", "から", "く", "い"],
        spaced: false,
    },
    Script {
        name: "thai",
        share: 5,
        onsets: &[
            "ก", "ข", "ค", "ง", "จ", "ช", "ด", "ต", "ท", "น", "บ", "ป", "พ", "ม", "ย", "ร", "ล", "ว", "ส",
            "ห",
        ],
        vowels: &["า", "ี", "ู", "้า", "่อ", "", "ิน", "ัน", "ุ", "ะ", "ำ"],
        spaced: false,
    },
    Script { name: "hangul", share: 4, onsets: &[], vowels: &[], spaced: true },
];

/// A language: its words, the most frequent first.
pub struct Language {
    pub name: &'static str,
    pub words: Vec<String>,
    share: usize,
    spaced: bool,
    /// Sums of frequencies, the whole being the last.
    sums: Vec<f64>,
}

impl Language {
    /// A part of the words, by how frequent they are.
    pub fn ranks(&self, from: usize, to: usize) -> &[String] {
        let end = to.min(self.words.len());
        self.words.get(from.min(end)..end).unwrap_or_default()
    }

    fn word(&self, rng: &mut ChaCha20Rng) -> &str {
        let whole = self.sums.last().copied().unwrap_or(1.0);
        let at = f64::from(rng.next_u32()) / f64::from(u32::MAX) * whole;
        let index = self.sums.partition_point(|sum| *sum < at);
        self.words.get(index).or(self.words.last()).map_or("", String::as_str)
    }

    /// One message.
    pub fn text(&self, rng: &mut ChaCha20Rng) -> String {
        let count = 1 + (below(rng, 12) + below(rng, 8)) / if self.spaced { 1 } else { 2 };
        let mut text = String::new();
        for index in 0..count {
            if self.spaced && index > 0 {
                text.push(' ');
            }
            text.push_str(self.word(rng));
        }
        match below(rng, 100) {
            0..5 => text.push_str(EMOJI.get(below(rng, EMOJI.len())).copied().unwrap_or_default()),
            5..7 => text.push_str(&format!(" https://example.org/{}", rng.next_u32())),
            _ => {}
        }
        text
    }
}

/// All of them; the same ones from the same generator.
pub fn languages(rng: &mut ChaCha20Rng) -> Vec<Language> {
    SCRIPTS.iter().map(|script| language(script, rng)).collect()
}

/// The language of a conversation, so that each has its share.
pub fn of_conversation(languages: &[Language], number: usize) -> Option<&Language> {
    // Neighbours in size speak differently.
    let mut place = number * 37 % 100;
    languages.iter().find(|language| {
        let mine = place < language.share;
        place = place.saturating_sub(language.share);
        mine
    })
}

/// Evenly enough.
pub fn below(rng: &mut ChaCha20Rng, bound: usize) -> usize {
    let wide = u64::from(rng.next_u32()) * bound as u64;
    usize::try_from(wide >> 32).unwrap_or(0)
}

fn language(script: &Script, rng: &mut ChaCha20Rng) -> Language {
    let count = if script.spaced { WORDS } else { WORDS / 2 };
    let mut words = Vec::with_capacity(count);
    let mut known = std::collections::BTreeSet::new();
    while words.len() < count {
        // Frequent words are short.
        let syllables = 1 + usize::from(words.len() > 40) + below(rng, 2 + usize::from(words.len() > 400));
        let word: String = (0..syllables).map(|_| syllable(script, rng)).collect();
        // What cannot be told apart any more gets longer.
        let word = if known.contains(&word) { word + &syllable(script, rng) } else { word };
        if known.insert(word.clone()) {
            words.push(word);
        }
    }
    // Zipf and Mandelbrot: the first words are a tenth of all that is said.
    let mut sum = 0.0;
    let sums = (0..count).map(|rank| {
        sum += 1.0 / (rank as f64 + 2.7);
        sum
    });
    Language { name: script.name, sums: sums.collect(), words, share: script.share, spaced: script.spaced }
}

fn syllable(script: &Script, rng: &mut ChaCha20Rng) -> String {
    let point = |start: u32, from: &mut ChaCha20Rng, count: usize| {
        let offset = u32::try_from(below(from, count)).unwrap_or(0);
        char::from_u32(start + offset).unwrap_or('x').to_string()
    };
    match script.name {
        // Some characters are in most words.
        "han" if below(rng, 3) == 0 => point(0x4e00, rng, 60),
        "han" => point(0x4e00, rng, 3_000),
        "hangul" if below(rng, 3) == 0 => point(0xac00, rng, 60),
        "hangul" => point(0xac00, rng, 2_000),
        _ => {
            let pick = |from: &mut ChaCha20Rng, some: &[&str]| {
                some.get(below(from, some.len())).copied().unwrap_or_default().to_owned()
            };
            pick(rng, script.onsets) + &pick(rng, script.vowels)
        }
    }
}

use waxwing_client::{Delivery, Direction, MessageKey};
use waxwing_wire::attachment::Attachment;
use waxwing_wire::{DeviceAddress, DeviceId, GroupId, MessageId};

use super::snippet::Piece;
use super::*;
use crate::limits::MAX_SNIPPET_CHARACTERS;

fn message(text: &str) -> Message {
    let account = AccountId([0xb0; 16]);
    Message {
        key: MessageKey { from: DeviceAddress { account, device: DeviceId::PRIMARY }, id: MessageId(1) },
        with: Conversation::Account(account),
        order: 1,
        direction: Direction::Incoming,
        sent_at_ms: 5,
        stored_at_ms: 5,
        body: Body::plain(text),
        delivery: Delivery::Delivered,
        position: 1,
        missing_before: 0,
        edited_at_ms: 0,
        expires_at_ms: 0,
    }
}

/// What was marked. Checks on the way that the index would have brought the message, as [`Wanted::marks`] says.
#[track_caller]
fn found(text: &str, search: &str) -> Option<Vec<String>> {
    let message = message(text);
    let wanted = Wanted::new(search, None, None, None);
    let marks = wanted.marks(&message);
    if marks.is_some() {
        let words = words(&message).unwrap();
        let words: Vec<&str> = words.split(' ').collect();
        for part in wanted.expression().expect("something to look for").split(" AND ") {
            let word = part.trim_end_matches(" *").trim_matches('"');
            let has = match part.ends_with('*') {
                true => words.iter().any(|known| known.starts_with(word)),
                false => words.contains(&word),
            };
            assert!(has, "{search:?} in {text:?}: the index does not have {word:?}: {words:?}");
        }
    }
    Some(marks?.into_iter().map(|range| text.get(range).expect("whole characters").to_owned()).collect())
}

#[track_caller]
fn marks(text: &str, search: &str, expected: &[&str]) {
    assert_eq!(
        found(text, search).as_deref(),
        Some(&expected.iter().map(|s| (*s).into()).collect::<Vec<_>>()[..])
    );
}

#[track_caller]
fn misses(text: &str, search: &str) {
    assert_eq!(found(text, search), None, "{search:?} in {text:?}");
}

#[test]
fn words_are_found_by_their_beginnings_in_any_order_and_case() {
    marks("See you Tomorrow at noon", "tomorrow", &["Tomorrow"]);
    marks("See you Tomorrow at noon", "TOM", &["Tom"]);
    marks("See you Tomorrow at noon", "noon see", &["See", "noon"]);
    marks("a b", "a", &["a"]);
    misses("See you Tomorrow at noon", "morrow");
    misses("See you Tomorrow at noon", "noon midnight");
    marks("the theme of the day", "the", &["the", "the", "the"]);
    marks("look: https://example.org/a?b=c", "example.org", &["example.org"]);
    marks("it's l'amour", "amour", &["amour"]);
    marks("call +49 (170) 123", "170", &["170"]);
    let long = "x".repeat(5_000);
    marks(&long, &long[..1_000], &[&long[..1_000]]);
}

#[test]
fn what_is_quoted_stands_as_it_is_quoted() {
    marks("flying from New York today", "\"new york\"", &["New York"]);
    marks("New, York", "“new york”", &["New, York"]);
    misses("a new day in York", "\"new york\"");
    misses("newish York", "\"new york\"");
    marks("a new day in York", "new york", &["new", "York"]);
    marks("an unclosed quote", "\"unclosed qu", &["unclosed qu"]);
}

#[test]
fn case_accents_and_variants_do_not_matter() {
    marks("Straße", "STRASSE", &["Straße"]);
    marks("STRASSE", "straße", &["STRASSE"]);
    marks("Ḿüller’s Café", "muller cafe", &["Ḿüller", "Café"]);
    marks("Cafe\u{301}", "café", &["Cafe\u{301}"]);
    marks("Łódź, Århus, Đà Nẵng", "lodz arhus da nang", &["Łódź", "Århus", "Đà", "Nẵng"]);
    marks("İstanbul ve Iğdır", "istanbul igdir", &["İstanbul", "Iğdır"]);
    marks("ｆｕｌｌｗｉｄｔｈ １２", "fullwidth 12", &["ｆｕｌｌｗｉｄｔｈ", "１２"]);
    marks("Ὀδυσσεύς", "οδυσσευσ", &["Ὀδυσσεύς"]);
    marks("ΑΘΉΝΑ", "αθήνα", &["ΑΘΉΝΑ"]);
    marks("Ещё раз", "еще", &["Ещё"]);
    marks("мой дом", "мой", &["мой"]);
    misses("мой дом", "мои");
    marks("ﬁnally", "fin", &["ﬁn"]);
}

#[test]
fn right_to_left_scripts() {
    marks("שָׁלוֹם לכולם", "שלום", &["שָׁלוֹם"]);
    marks("أَهْلًا وسهلاً بكم", "اهلا", &["أَهْلًا"]);
    marks("می\u{200c}خواهم بروم", "میخواهم", &["می\u{200c}خواهم"]);
    marks("كتاب جديد", "کتاب", &["كتاب"]);
    marks("الساعة ١٢", "12", &["١٢"]);
}

#[test]
fn scripts_of_south_asia_keep_their_vowels() {
    marks("नमस्ते दुनिया", "नमस्ते", &["नमस्ते"]);
    marks("नमस्ते दुनिया", "दुनि", &["दुनि"]);
    misses("कल", "काल");
    marks("வணக்கம் நண்பரே", "வணக்கம்", &["வணக்கம்"]);
    marks("আমি ভালো আছি", "ভালো", &["ভালো"]);
}

#[test]
fn scripts_without_spaces_are_found_anywhere() {
    marks("我们明天去北京吃烤鸭", "北京", &["北京"]);
    misses("我们明天去北京吃烤鸭", "茶");
    marks("我们明天去北京吃烤鸭", "明", &["明"]);
    marks("我们明天去北京吃烤鸭", "明天去北京", &["明天去北京"]);
    misses("我们明天去北京吃烤鸭", "北吃");
    misses("北海 南京", "北京");
    marks("新しいｶﾒﾗを買いました", "カメラ", &["ｶﾒﾗ"]);
    marks("東京タワーに行きたい", "タワーに行き", &["タワーに行き"]);
    marks("がっこう", "か\u{3099}っ", &["がっ"]);
    misses("かき", "がき");
    marks("서울대학교에서 만나요", "대학교", &["대학교"]);
    marks("พรุ่งนี้ไปกินข้าวกันไหม", "กินข้าว", &["กินข้าว"]);
    marks("พรุ่งนี้ไปกินข้าวกันไหม", "ข้า", &["ข้า"]);
    misses("พรุ่งนี้ไปกินข้าวกันไหม", "ขาว");
    marks("ខ្ញុំស្រឡាញ់ភាសាខ្មែរ", "ភាសា", &["ភាសា"]);
    marks("ສະບາຍດີຊາວໂລກ", "ຊາວ", &["ຊາວ"]);
    marks("မင်္ဂလာပါကမ္ဘာ", "ကမ္ဘာ", &["ကမ္ဘာ"]);
    marks("买iPhone手机壳", "iphone手机", &["iPhone手机"]);
    marks("买iPhone手机壳", "手机", &["手机"]);
    marks("买iPhone手机壳", "iph", &["iPh"]);
    marks("𠮷野家", "𠮷野", &["𠮷野"]);
}

#[test]
fn emoji_are_found() {
    marks("well done 👍🏽!", "👍", &["👍🏽"]);
    marks("family 👩‍👩‍👧 here", "👩‍👩‍👧", &["👩‍👩‍👧"]);
    marks("love ❤️ it", "❤", &["❤️"]);
    marks("from 🇩🇪 to 🇫🇷", "🇫🇷", &["🇫🇷"]);
    misses("from 🇩🇪 to 🇫🇷", "🇩🇰");
    marks("lol😂😂", "😂", &["😂😂"]);
    marks("that is 5€", "5€", &["5€"]);
}

#[test]
fn what_cannot_be_found_finds_nothing_and_nothing_finds_all() {
    assert!(Wanted::new("?! ...", None, None, None).expression().is_none());
    assert!(Wanted::new(" ", None, None, None).expression().is_some());
    marks("anything", " ", &[]);
    for search in [
        "\"",
        "\" \"",
        "*",
        "a OR b",
        "NEAR(a b)",
        "words:a",
        "-a",
        "^a",
        "a AND",
        "(",
        "a*",
        "\"\"\"",
        "'",
        "a\0b",
    ] {
        let wanted = Wanted::new(search, None, None, None);
        if let Some(expression) = wanted.expression() {
            let outside: String = expression.split('"').step_by(2).collect();
            assert!(outside.replace(" AND ", "").replace(" *", "").is_empty(), "{search:?}: {expression}");
        }
    }
}

#[test]
fn people_conversations_and_kinds() {
    let is = |message: &Message, with, from, kind| {
        let wanted = Wanted::new("", with, from, kind);
        let words = words(message).unwrap();
        let expression = wanted.expression().unwrap();
        let indexed =
            expression.split(" AND ").all(|part| words.split(' ').any(|word| word == part.trim_matches('"')));
        assert_eq!(indexed, wanted.marks(message).is_some());
        indexed
    };
    let (bob, group) = (AccountId([0xb0; 16]), Conversation::Group(GroupId([0xb0; 16])));
    let plain = message("hi");
    assert!(is(&plain, Some(Conversation::Account(bob)), Some(bob), Some(Kind::Text)));
    assert!(!is(&plain, Some(group), None, None), "a group of the same digits is another conversation");
    assert!(!is(&plain, None, Some(AccountId([1; 16])), None));
    assert!(!is(&plain, None, None, Some(Kind::Link)));
    assert!(is(&message("see http://a.b"), None, None, Some(Kind::Link)));
    let with_file = |kind: AttachmentKind| {
        let mut message = message("");
        let Body::Post(post) = &mut message.body else { panic!("a post") };
        let file = Attachment::new(kind, [0; 32], [0; 32], 1);
        post.attachments.push(Attachment { name: "Ferienplan.pdf".into(), ..file });
        message
    };
    let document = with_file(AttachmentKind::Document);
    assert!(is(&document, None, None, Some(Kind::Document)) && !is(&document, None, None, Some(Kind::Photo)));
    assert!(!is(&document, None, None, Some(Kind::Text)), "its name is no text of its sender's");
    let named = Wanted::new("ferienplan", None, None, None);
    assert!(named.marks(&document).is_some());
    assert!(is(&with_file(AttachmentKind::Gif), None, None, Some(Kind::Photo)));
    assert!(is(&with_file(AttachmentKind::Video), None, None, Some(Kind::Video)));
    assert!(is(&with_file(AttachmentKind::Audio), None, None, Some(Kind::Voice)));
    let mut lost = message("");
    lost.body = Body::Lost;
    assert!(words(&lost).is_none() && Wanted::new("", None, None, None).marks(&lost).is_none());
}

#[test]
fn a_snippet_surrounds_the_first_mark() {
    let pieces = |text: &str, search: &str| {
        let marks = Wanted::new(search, None, None, None).marks(&message(text)).unwrap();
        snippet(text, &marks)
    };
    let piece = |text: &str, marked| Piece { text: text.to_owned(), marked };
    let whole = [piece("See ", false), piece("you", true), piece(" and ", false), piece("you", true)];
    assert_eq!(pieces("See you and you", "you"), whole);
    assert_eq!(pieces("", ""), []);
    let long = format!("{} needle {}", "é👩‍👩‍👧".repeat(500), "hay ".repeat(500));
    let cut = pieces(&long, "needle");
    assert_eq!((cut.len(), &cut[1]), (3, &piece("needle", true)));
    assert!(cut[0].text.starts_with('…') && cut[2].text.ends_with('…'));
    assert!(cut[0].text.ends_with("é👩‍👩‍👧 "), "characters stay whole");
    let end = pieces(&format!("{}end", "hay ".repeat(500)), "end");
    let length: usize = end.iter().map(|piece| piece.text.chars().count()).sum();
    assert_eq!(length, MAX_SNIPPET_CHARACTERS + 1, "as much as there is room for");
    let many = pieces(&"x ".repeat(3_000), "x");
    assert!(many.iter().map(|piece| piece.text.len()).sum::<usize>() < 400);
}

#[test]
fn anything_can_be_folded_and_what_is_folded_stays_as_it_is() {
    for first in (0..=0x10_ffff).step_by(7).filter_map(char::from_u32) {
        let text = format!("a{first}\u{301}b");
        let once: String = fold(&text).iter().map(|unit| unit.c).collect();
        let twice: String = fold(&once).iter().map(|unit| unit.c).collect();
        assert_eq!(once, twice, "{first:?} U+{:x}", u32::from(first));
        assert!(!once.contains(MARK));
    }
}

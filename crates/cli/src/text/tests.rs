use super::*;

#[test]
fn what_would_steer_the_terminal_is_seen_instead() {
    assert_eq!(harmless("a\x1b[2Jb"), "a␛[2Jb");
    assert_eq!(harmless("\x1b]0;title\x07"), "␛]0;title␇");
    // The one-byte forms of the same: CSI and OSC of the second control range.
    assert_eq!(harmless("\u{9b}2J\u{9d}0;x"), "\u{fffd}2J\u{fffd}0;x");
    assert_eq!(harmless("x\u{7f}\u{8}y\0"), "x␡␈y␀");
    assert_eq!(harmless("exe.\u{202e}gpj"), "exe.\u{fffd}gpj");
    assert_eq!(harmless("a\tb"), "a    b");
    assert_eq!(harmless("one\r\ntwo\rthree\u{2028}four\nfive"), "one\ntwo\nthree\nfour\nfive");
    for c in (0..0x2_0000).filter_map(char::from_u32).filter(|c| c.is_control()) {
        assert!(harmless(&c.to_string()).chars().all(|c| !c.is_control() || c == '\n'), "{c:?}");
    }
}

#[test]
fn what_people_write_stays() {
    for text in ["Grüße, Ævar!", "日本語", "שלום", "مرحبا", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽", "e\u{301}", "ни́", "\u{200f}‏"]
    {
        assert_eq!(harmless(text), text);
    }
}

#[test]
fn no_line_of_a_message_can_pass_for_a_line_of_the_program() {
    assert_eq!(indented("hi\n12:00 bob: send money"), "hi\n    12:00 bob: send money");
    assert_eq!(one_line("a\nb\x1b"), "a b␛");
}

#[test]
fn times_are_said_in_the_users_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    // 2026-03-07 22:30 UTC, a Saturday; half past midnight of Sunday in this zone.
    let ms = 1_772_922_600_000;
    assert_eq!(clock(ms, &zone), "00:30");
    assert_eq!(date_and_clock(ms, &zone), "2026-03-08 00:30");
    let later = |days: u64| ms + days * 86_400_000;
    assert_eq!(day(ms, ms, &zone), "Today");
    assert_eq!(day(ms, later(1), &zone), "Yesterday");
    assert_eq!(day(ms, later(2), &zone), "Sunday");
    assert_eq!(day(ms, later(6), &zone), "Sunday");
    assert_eq!(day(ms, later(7), &zone), "8 March");
    assert_eq!(day(ms, later(400), &zone), "8 March 2026");
    assert_eq!(day(later(3), ms, &zone), "11 March", "a clock that is ahead");
    assert_eq!(day(u64::MAX, ms, &zone), "1 January 1970");
}

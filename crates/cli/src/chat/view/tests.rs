//! The screen as golden text.

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use waxwing_app::api::{
    Body, Delivery, Direction, Event, GroupAction, Message, NetFailure, NetFailureCode, Notice,
};

use super::super::layout::Palette;
use super::super::screen::tests::*;
use super::*;

fn check(screen: &mut Screen, width: u16, height: u16, golden: &[&str]) {
    let shown = rows(screen, width, height);
    assert_eq!(shown, golden, "\nthe screen is\n{}\n", shown.join("\n"));
}

#[test]
fn a_conversation() {
    let mut screen = screen();
    let yesterday =
        Message { stored_at_ms: NOON - 86_400_000, delivery: Delivery::Read, ..theirs(1, "hi alice") };
    let deliveries = [Delivery::Read, Delivery::Delivered, Delivery::Sent, Delivery::Pending];
    let mut messages = vec![yesterday];
    for (order, delivery) in (2..).zip(deliveries) {
        messages.push(Message { delivery, ..mine(order, &format!("message {order}")) });
    }
    messages.push(Message { delivery: Delivery::Failed, ..mine(6, "lost for good") });
    messages.push(Message {
        delivery: Delivery::Read,
        ..theirs(7, "see you at eight, and bring the red umbrella")
    });
    screen.begin(messages, 100);
    type_in(&mut screen, "ok");
    check(
        &mut screen,
        50,
        22,
        &[
            " bob                                  ● connected",
            "",
            "",
            "",
            "",
            "       ──────────── Yesterday ────────────",
            "",
            "  hi alice  14:05",
            "",
            "         ──────────── Today ────────────",
            "",
            "                             message 2  14:07 ✓✓",
            "                             message 3  14:08 ✓✓",
            "                              message 4  14:09 ✓",
            "                              message 5  14:10 ⏱",
            "                 lost for good  14:11 ✗ not sent",
            "",
            "  see you at eight, and bring the",
            "  red umbrella              14:12",
            "──────────────────────────────────────────────────",
            "› ok",
            "  Enter sends · Alt+Enter new line · Esc leaves",
        ],
    );
}

#[test]
fn unread_messages_gaps_and_placeholders() {
    let mut screen = screen();
    let read = Message { delivery: Delivery::Read, ..theirs(1, "before") };
    screen
        .begin(vec![read, theirs(2, "日本語 👩‍👩‍👧 ok"), Message { body: Body::Waiting, ..theirs(3, "") }], 100);
    arrive(&mut screen, Message { body: Body::Lost, ..theirs(4, "") });
    arrive(&mut screen, Message { missing_before: 3, ..theirs(5, "after the gap") });
    check(
        &mut screen,
        60,
        20,
        &[
            " bob                                            ● connected",
            "",
            "",
            "              ──────────── Today ────────────",
            "",
            "  before  14:06",
            "",
            "         ──────────── 1 unread message ────────────",
            "",
            "  日本語 👩‍👩‍👧 ok  14:07",
            "  waiting for this message…  14:08",
            "  this message could not be decrypted; ask",
            "  for it to be sent again            14:09",
            "",
            " ─────────── 3 messages of bob are missing here ───────────",
            "",
            "  after the gap  14:10",
            "────────────────────────────────────────────────────────────",
            "› Write a message",
            "  Enter sends · Alt+Enter new line · Esc leaves",
        ],
    );
}

fn trust(screen: &mut Screen, now: Trust) {
    if let ChatWith::Contact { trust, .. } = &mut screen.chat.with {
        *trust = now;
    }
}

#[test]
fn a_group_names_its_authors_and_says_what_happened() {
    let mut screen = group_screen();
    let added = GroupAction::Add { account: CAROL.to_owned(), admin: false };
    let notice = Notice::GroupChanged { by: BOB.to_owned(), device: 1, at_ms: NOON, actions: vec![added] };
    let notice = Message { body: Body::Notice { notice }, ..in_group(1, BOB, "") };
    let mut messages = vec![notice, in_group(2, BOB, "welcome"), in_group(3, BOB, "here we hike")];
    messages.push(in_group(4, CAROL, "hello"));
    messages.push(Message { with: GROUP.to_owned(), delivery: Delivery::Delivered, ..mine(5, "hi") });
    for message in &mut messages {
        if message.direction == Direction::Incoming {
            message.delivery = Delivery::Read;
        }
    }
    screen.begin(messages, 100);
    check(
        &mut screen,
        50,
        19,
        &[
            " hikes  group of 3                    ● connected",
            "",
            "",
            "",
            "         ──────────── Today ────────────",
            "",
            "                 bob added carol",
            "",
            " bob",
            "  welcome  14:07",
            "  here we hike  14:08",
            "",
            " carol",
            "  hello  14:09",
            "",
            "                                    hi  14:10 ✓✓",
            "──────────────────────────────────────────────────",
            "› Write a message",
            "  Enter sends · Alt+Enter new line · Esc leaves",
        ],
    );
}

#[test]
fn trouble_is_said_in_words() {
    let mut screen = screen();
    trust(&mut screen, Trust::Changed { at_ms: NOON });
    screen.connection = Connection::Waiting {
        until_ms: NOON + 3_600_000 + 4_500,
        reason: Some(NetFailure {
            code: NetFailureCode::Unreachable,
            detail: "the server h:1 cannot be reached:\x1b[31m no".to_owned(),
        }),
    };
    screen.event(Event::StorageFailed { detail: "the disk is full".to_owned() });
    check(
        &mut screen,
        72,
        10,
        &[
            " bob                               ○ no connection, trying again in 5 s",
            " The safety number changed. Compare it: waxwing safety-number bob",
            " cannot write: the disk is full",
            " the server h:1 cannot be reached:␛[31m no",
            "",
            "                       no messages yet; say hello",
            "",
            "────────────────────────────────────────────────────────────────────────",
            "› Write a message",
            "  Enter sends · Alt+Enter new line · ↑ messages · /help · Esc leaves",
        ],
    );
    screen.event(Event::StorageRecovered);
    trust(&mut screen, Trust::Verified);
    screen.connection = Connection::Refused { code: "replaced".to_owned() };
    let shown = rows(&mut screen, 72, 10);
    assert_eq!(shown[0], " bob  ✔ verified                                ✗ refused by the server");
    assert_eq!(shown[1], " This profile has connected elsewhere; use it in one place only.");
}

#[test]
fn what_a_message_holds_cannot_leave_its_place() {
    let mut screen = screen();
    arrive(&mut screen, theirs(1, "\x1b[2J\x1b[H\u{9b}31mred\x07\u{202e}\tend"));
    let shown = rows(&mut screen, 60, 12).join("\n");
    assert!(shown.contains("␛[2J␛[H\u{fffd}31mred␇\u{fffd}    end"), "{shown}");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_long_draft_takes_a_few_rows_and_follows_the_cursor() {
    let mut screen = screen();
    for line in 1..=9 {
        screen.key(&crossterm::event::Event::Paste(format!("line {line}\n")));
    }
    type_in(&mut screen, "end");
    let shown = rows(&mut screen, 40, 16);
    assert_eq!(shown[9..15], ["  line 5", "  line 6", "  line 7", "  line 8", "  line 9", "  end"]);
}

#[test]
fn every_size_of_terminal_is_borne() {
    let mut screen = screen();
    for order in 1..30 {
        arrive(&mut screen, theirs(order, "日本語 and some words that are long enough to wrap 👩‍👩‍👧"));
        arrive(&mut screen, mine(order + 100, "yes"));
    }
    type_in(&mut screen, "draft 日本");
    for width in [1, 2, 3, 5, 8, 13, 40, 200] {
        for height in [1, 2, 3, 4, 5, 7, 8, 30] {
            rows(&mut screen, width, height);
            press(&mut screen, crossterm::event::KeyCode::PageUp);
        }
    }
}

#[test]
fn ticks_turn_coloured_when_a_message_was_read() {
    let colour = |delivery| {
        let mut screen = screen();
        screen.begin(vec![Message { delivery, ..mine(1, "hi") }], 100);
        let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
        terminal.draw(|frame| draw(frame, &mut screen, NOON)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let cell = buffer.content().iter().find(|cell| cell.symbol() == "✓").unwrap().clone();
        (cell.fg, cell.bg)
    };
    let (delivered, read) = (colour(Delivery::Delivered), colour(Delivery::Read));
    assert_eq!(read.0, Color::Indexed(45));
    assert_ne!(delivered.0, read.0);
    assert_eq!(delivered.1, read.1, "on the same ground");
}

#[test]
fn without_colours_nothing_is_coloured() {
    let mut screen = Screen::new(bob(), names(), Connection::Online, TimeZone::UTC);
    screen.palette = Palette { colours: false };
    arrive(&mut screen, theirs(1, "hi"));
    arrive(&mut screen, mine(2, "hi"));
    let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
    terminal.draw(|frame| draw(frame, &mut screen, NOON)).unwrap();
    for cell in terminal.backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn what_a_search_found() {
    let mut screen = screen();
    let rows = vec![found(9, "2026-03-07 14:05 bob"), found(3, "2026-03-06 09:30 you to carol")];
    screen.results =
        Some(crate::chat::results::Results::new("“tea” in all conversations".to_owned(), rows, None));
    check(
        &mut screen,
        60,
        10,
        &[
            " bob                                            ● connected",
            " “tea” in all conversations",
            "",
            " › 2026-03-07 14:05 bob  more tea please",
            "   2026-03-06 09:30 you to carol  more tea please",
            "",
            "",
            "────────────────────────────────────────────────────────────",
            "› Write a message",
            "  ↑/↓ choose · Enter shows it where it stands · Esc closes",
        ],
    );
}

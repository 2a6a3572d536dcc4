use super::super::results::Row;
use super::super::view;
use super::*;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use waxwing_app::api::{Failure, GroupKind, Person, SnippetPiece, Trust};

pub const BOB: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
pub const CAROL: &str = "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0";
pub const GROUP: &str = "g:07070707070707070707070707070707";
/// 2026-03-07 14:05 UTC.
pub const NOON: u64 = 1_772_892_300_000;

pub fn person(account: &str, name: &str) -> Person {
    Person { account: account.to_owned(), username: Some(name.to_owned()), name: None, profile_name: None }
}

fn chat(conversation: &str, with: ChatWith) -> Chat {
    Chat {
        conversation: conversation.to_owned(),
        with,
        request: false,
        unread: 0,
        last_message: None,
        archived: false,
        pinned: false,
        muted_until_ms: 0,
        lifetime_s: 0,
        draft: String::new(),
    }
}

pub fn bob() -> Chat {
    chat(BOB, ChatWith::Contact { person: person(BOB, "bob"), trust: Trust::FirstUse, blocked: false })
}

pub fn names() -> Names {
    let mut names = Names::default();
    names.is(&person(BOB, "bob"));
    names.is(&person(CAROL, "carol"));
    names
}

pub fn screen() -> Screen {
    let mut screen = Screen::new(bob(), names(), Connection::Online, TimeZone::UTC);
    screen.palette = Palette { colours: true };
    screen
}

pub fn group_screen() -> Screen {
    let with =
        ChatWith::Group { name: "hikes".to_owned(), group_kind: GroupKind::Group, members: 3, member: true };
    let mut screen = Screen::new(chat(GROUP, with), names(), Connection::Online, TimeZone::UTC);
    screen.palette = Palette { colours: true };
    screen
}

/// In the group, from somebody.
pub fn in_group(order: u64, from: &str, text: &str) -> Message {
    Message { with: GROUP.to_owned(), from: from.to_owned(), ..theirs(order, text) }
}

pub fn message(order: u64, direction: Direction, text: &str) -> Message {
    Message {
        id: format!("id{order}"),
        with: BOB.to_owned(),
        from: if direction == Direction::Incoming { BOB.to_owned() } else { "own".to_owned() },
        device: 1,
        order,
        direction,
        sent_at_ms: NOON,
        stored_at_ms: NOON + order * 60_000,
        body: Body::plain(text),
        delivery: match direction {
            Direction::Incoming => Delivery::Delivered,
            Direction::Outgoing => Delivery::Pending,
        },
        missing_before: 0,
        edited_at_ms: 0,
        expires_at_ms: 0,
        done: Vec::new(),
    }
}

pub fn found(order: u64, head: &str) -> Row {
    let piece = |text: &str, marked| SnippetPiece { text: text.to_owned(), marked };
    let snippet = vec![piece("more ", false), piece("tea", true), piece(" please", false)];
    Row { place: Place { conversation: BOB.to_owned(), order }, head: head.to_owned(), snippet }
}

pub fn theirs(order: u64, text: &str) -> Message {
    message(order, Direction::Incoming, text)
}

pub fn mine(order: u64, text: &str) -> Message {
    message(order, Direction::Outgoing, text)
}

pub fn arrive(screen: &mut Screen, message: Message) {
    screen.event(Event::Message { message });
}

/// The screen's rows, without what is blank at their ends.
pub fn rows(screen: &mut Screen, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(frame, screen, NOON + 3_600_000)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    (0..height)
        .map(|y| {
            // A wide character takes two cells, of which the second is blank.
            let (mut row, mut x) = (String::new(), 0);
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                row.push_str(symbol);
                x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap().max(1);
            }
            row.trim_end().to_owned()
        })
        .collect()
}

pub fn press(screen: &mut Screen, code: KeyCode) -> Wish {
    screen.key(&Key::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn press_with(screen: &mut Screen, modifiers: KeyModifiers, code: KeyCode) -> Wish {
    screen.key(&Key::Key(KeyEvent::new(code, modifiers)))
}

pub fn type_in(screen: &mut Screen, text: &str) {
    for c in text.chars() {
        press(screen, KeyCode::Char(c));
    }
}

fn shows(screen: &mut Screen, text: &str) -> bool {
    rows(screen, 60, 14).iter().any(|row| row.contains(text))
}

fn long_history(screen: &mut Screen, count: u64) {
    let messages =
        (1..=count).map(|order| Message { delivery: Delivery::Read, ..theirs(order, &format!("m{order}")) });
    screen.begin(messages.collect(), 10_000);
}

#[test]
fn a_message_is_read_when_it_is_on_the_screen_and_not_before() {
    let mut screen = screen();
    arrive(&mut screen, theirs(1, "one"));
    assert_eq!(screen.take_seen(), None);
    rows(&mut screen, 60, 14);
    assert_eq!(screen.take_seen(), Some(1));
    assert_eq!(screen.take_seen(), None, "once is enough");
}

#[test]
fn nothing_is_read_while_the_user_looks_elsewhere() {
    let mut screen = screen();
    screen.key(&Key::FocusLost);
    arrive(&mut screen, theirs(1, "one"));
    rows(&mut screen, 60, 14);
    assert_eq!(screen.take_seen(), None);
    screen.key(&Key::FocusGained);
    rows(&mut screen, 60, 14);
    assert_eq!(screen.take_seen(), Some(1));
}

#[test]
fn the_screen_begins_at_the_first_unread_message_and_reads_as_far_as_it_shows() {
    let mut screen = screen();
    let read =
        (1..=20).map(|order| Message { delivery: Delivery::Read, ..theirs(order, &format!("m{order}")) });
    let unread = (21..=60).map(|order| theirs(order, &format!("m{order}")));
    screen.begin(read.chain(unread).collect(), 100);
    assert!(shows(&mut screen, "40 unread messages"));
    assert!(shows(&mut screen, "m21") && !shows(&mut screen, "m60") && !shows(&mut screen, "m20 "));
    let seen = screen.take_seen().unwrap();
    assert!((21..40).contains(&seen), "{seen}");
    press(&mut screen, KeyCode::PageDown);
    rows(&mut screen, 60, 14);
    assert!(screen.take_seen().unwrap() > seen);
    // Jumping over messages does not read them.
    press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::End);
    assert!(shows(&mut screen, "m60"));
    let seen = screen.take_seen();
    assert!(seen.is_none_or(|seen| seen < 50), "{seen:?}");
}

#[test]
fn scrolled_up_the_view_stands_still_and_counts_what_arrives() {
    let mut screen = screen();
    long_history(&mut screen, 50);
    assert!(shows(&mut screen, "m50"));
    press(&mut screen, KeyCode::PageUp);
    let before = rows(&mut screen, 60, 14);
    arrive(&mut screen, theirs(51, "new"));
    arrive(&mut screen, theirs(52, "newer"));
    let after = rows(&mut screen, 60, 14);
    assert_eq!(before[1..10], after[1..10]);
    assert!(shows(&mut screen, "↓ 2 new messages"));
    assert_eq!(screen.take_seen(), None, "they are below the screen");
    press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::End);
    assert!(shows(&mut screen, "newer") && !shows(&mut screen, "↓"));
    assert_eq!(screen.take_seen(), Some(52));
}

#[test]
fn up_and_down_come_back_to_where_they_began() {
    let mut screen = screen();
    long_history(&mut screen, 50);
    let bottom = rows(&mut screen, 60, 14);
    for _ in 0..7 {
        press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::Up);
        rows(&mut screen, 60, 14);
    }
    assert_ne!(rows(&mut screen, 60, 14), bottom);
    for _ in 0..7 {
        press(&mut screen, KeyCode::Down);
        rows(&mut screen, 60, 14);
    }
    assert_eq!(rows(&mut screen, 60, 14), bottom);
    press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::Home);
    assert!(shows(&mut screen, "m1 "));
    press(&mut screen, KeyCode::PageUp);
    assert!(shows(&mut screen, "m1 "));
}

#[test]
fn keys_that_come_faster_than_the_screen_is_drawn_all_count() {
    let (mut fast, mut slow) = (screen(), screen());
    for screen in [&mut fast, &mut slow] {
        long_history(screen, 200);
        rows(screen, 60, 14);
    }
    for _ in 0..5 {
        press(&mut fast, KeyCode::PageUp);
        press(&mut slow, KeyCode::PageUp);
        rows(&mut slow, 60, 14);
    }
    assert_eq!(rows(&mut fast, 60, 14), rows(&mut slow, 60, 14));
}

#[test]
fn older_pages_are_asked_for_near_the_top_and_do_not_move_the_view() {
    let mut screen = screen();
    let page = |orders: std::ops::Range<u64>| -> Vec<Message> {
        orders
            .map(|order| Message { delivery: Delivery::Read, ..mine(order, &format!("m{order}")) })
            .collect()
    };
    screen.begin(page(101..201), 100);
    rows(&mut screen, 60, 14);
    assert_eq!(screen.wants_older(), None);
    for _ in 0..8 {
        press(&mut screen, KeyCode::PageUp);
        rows(&mut screen, 60, 14);
    }
    assert_eq!(screen.wants_older(), Some(101));
    let before = rows(&mut screen, 60, 14);
    screen.prepend(page(1..101), 100);
    assert_eq!(rows(&mut screen, 60, 14), before);
    press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::Home);
    rows(&mut screen, 60, 14);
    assert_eq!(screen.wants_older(), Some(1));
    screen.prepend(Vec::new(), 100);
    rows(&mut screen, 60, 14);
    assert_eq!(screen.wants_older(), None, "the beginning is known");
}

#[test]
fn enter_sends_and_other_ways_of_it_begin_a_line() {
    let mut screen = screen();
    assert!(matches!(press(&mut screen, KeyCode::Enter), Wish::Nothing), "nothing to send");
    type_in(&mut screen, "one");
    press_with(&mut screen, KeyModifiers::ALT, KeyCode::Enter);
    type_in(&mut screen, "two");
    press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::Char('j'));
    screen.key(&Key::Paste("three\r\nfour".to_owned()));
    match press(&mut screen, KeyCode::Enter) {
        Wish::Send(text) => assert_eq!(text, "one\ntwo\nthree\nfour"),
        _ => panic!("it should be sent"),
    }
    assert!(screen.editor.is_empty());
}

#[test]
fn leaving_asks_again_when_something_would_be_lost() {
    let mut empty = screen();
    assert!(matches!(press(&mut empty, KeyCode::Esc), Wish::Leave));
    let control = KeyModifiers::CONTROL;
    assert!(matches!(press_with(&mut empty, control, KeyCode::Char('c')), Wish::Leave));
    let mut screen = screen();
    type_in(&mut screen, "draft");
    assert!(matches!(press(&mut screen, KeyCode::Esc), Wish::Nothing));
    assert!(shows(&mut screen, "press again to leave"));
    type_in(&mut screen, "s");
    assert!(matches!(press_with(&mut screen, control, KeyCode::Char('c')), Wish::Nothing));
    assert!(matches!(press_with(&mut screen, control, KeyCode::Char('c')), Wish::Leave));
}

#[test]
fn a_refused_message_comes_back_into_the_input() {
    let mut screen = screen();
    type_in(&mut screen, "much too long");
    let Wish::Send(text) = press(&mut screen, KeyCode::Enter) else { panic!("it should be sent") };
    screen.sending(5, text);
    let failure = serde_json::from_str::<Failure>(
        r#"{"code":"tooLong","fault":"user","detail":"the message is too long"}"#,
    );
    screen.event(Event::Failed { command: 5, failure: failure.unwrap() });
    assert!(shows(&mut screen, "the message is too long"));
    assert!(shows(&mut screen, "› much too long"));
}

#[test]
fn doubled_events_and_other_conversations_change_nothing() {
    let mut screen = screen();
    arrive(&mut screen, theirs(1, "once"));
    arrive(&mut screen, theirs(1, "once"));
    let other = Message { with: "c".repeat(32), ..theirs(2, "not for here") };
    arrive(&mut screen, other);
    let shown = rows(&mut screen, 60, 14);
    assert_eq!(shown.iter().filter(|row| row.contains("once")).count(), 1);
    assert!(!shown.iter().any(|row| row.contains("not for here")));
    assert!(shown.iter().any(|row| row.contains("another conversation")));
}

#[test]
fn a_line_with_a_slash_is_a_command_and_with_two_a_message() {
    let mut screen = screen();
    type_in(&mut screen, "/mute");
    assert!(matches!(press(&mut screen, KeyCode::Enter), Wish::Do(line) if line == "mute"));
    type_in(&mut screen, "//mute");
    assert!(matches!(press(&mut screen, KeyCode::Enter), Wish::Send(text) if text == "/mute"));
}

#[test]
fn a_panel_stands_in_front_until_a_key_is_pressed() {
    let mut screen = screen();
    arrive(&mut screen, theirs(1, "behind it"));
    screen.panel = Some(vec!["the devices".to_owned()]);
    assert!(shows(&mut screen, "the devices") && !shows(&mut screen, "behind it"));
    assert_eq!(screen.take_seen(), None, "what cannot be seen is not read");
    assert!(matches!(press(&mut screen, KeyCode::Esc), Wish::Nothing), "it closes the panel only");
    assert!(!shows(&mut screen, "the devices") && shows(&mut screen, "behind it"));
}

#[test]
fn what_is_deleted_elsewhere_goes_from_the_screen() {
    let mut screen = screen();
    for order in 1..=3 {
        arrive(&mut screen, theirs(order, &format!("m{order}")));
    }
    screen.event(Event::Deleted { messages: vec!["id1".to_owned(), "id3".to_owned()] });
    assert!(shows(&mut screen, "m2") && !shows(&mut screen, "m1") && !shows(&mut screen, "m3"));
    assert_eq!(screen.take_seen(), Some(2));
    screen.event(Event::Deleted { messages: vec!["id2".to_owned()] });
    assert!(shows(&mut screen, "no messages yet"));
}

#[test]
fn ten_thousand_messages_are_drawn_at_once() {
    let mut screen = screen();
    long_history(&mut screen, 10_000);
    let begin = std::time::Instant::now();
    for _ in 0..100 {
        rows(&mut screen, 100, 50);
        press(&mut screen, KeyCode::PageUp);
    }
    // 60 frames a second with a wide margin for an unoptimised build on a busy machine.
    assert!(begin.elapsed().as_millis() < 5_000, "{:?}", begin.elapsed());
}

#[test]
fn results_are_walked_and_opened() {
    let mut screen = screen();
    screen.begin(vec![theirs(1, "hi")], 100);
    let rows_of = |orders: std::ops::Range<u64>| orders.rev().map(|order| found(order, "bob")).collect();
    screen.results = Some(Results::new("tea".to_owned(), rows_of(50..100), Some(50)));
    rows(&mut screen, 60, 20);
    let opened = |wish: Wish| match wish {
        Wish::Open(place) => Some(place.order),
        _ => None,
    };
    assert!(matches!(press(&mut screen, KeyCode::Down), Wish::Nothing));
    assert!(matches!(press(&mut screen, KeyCode::Up), Wish::Nothing));
    assert!(matches!(press(&mut screen, KeyCode::Up), Wish::Nothing), "not above the first");
    assert!(matches!(press(&mut screen, KeyCode::End), Wish::MoreResults));
    let results = screen.results.as_mut().unwrap();
    results.rows.extend::<Vec<Row>>(rows_of(1..50));
    results.next = None;
    assert!(matches!(press(&mut screen, KeyCode::Down), Wish::Nothing));
    assert!(rows(&mut screen, 60, 20).iter().any(|row| row.starts_with(" › bob")), "it is on the screen");
    assert_eq!(opened(press(&mut screen, KeyCode::Enter)), Some(49));
    assert!(screen.results.is_none());
    // Esc closes the list and not the screen; other keys write.
    screen.results = Some(Results::new("tea".to_owned(), rows_of(1..3), None));
    assert!(matches!(press(&mut screen, KeyCode::Esc), Wish::Nothing));
    screen.results = Some(Results::new("tea".to_owned(), rows_of(1..3), None));
    type_in(&mut screen, "x");
    assert!(screen.results.is_none() && !screen.editor.is_empty());
}

#[test]
fn an_old_message_that_was_looked_up_leads_back_to_the_newest() {
    let page = |orders: std::ops::Range<u64>| -> Vec<Message> {
        orders
            .map(|order| Message { delivery: Delivery::Read, ..theirs(order, &format!("m{order}")) })
            .collect()
    };
    let mut screen = screen();
    screen.begin_at(500, page(401..501), page(501..601), 100);
    let shown = rows(&mut screen, 60, 20);
    assert!(shown[2].contains("found") && shown[4].contains("m500"), "{shown:?}");
    assert!(screen.wants_newer().is_none() && screen.wants_older().is_none());
    // What arrives meanwhile is not put behind a gap.
    arrive(&mut screen, theirs(2_000, "new"));
    assert_eq!((screen.messages().len(), screen.new_below), (200, 1));
    // Walking down loads what is between.
    let mut loaded = 0;
    for _ in 0..60 {
        press(&mut screen, KeyCode::PageDown);
        rows(&mut screen, 60, 20);
        if let Some(after) = screen.wants_newer() {
            loaded += 1;
            screen.append(page(after + 1..(after + 101).min(701)), 100);
        }
    }
    assert!(loaded == 2 && !screen.take_wants_newest(), "{loaded}");
    assert_eq!(screen.messages().last().map(|message| message.order), Some(700));
    // And one key leads there at once, as does writing.
    for leads in [KeyCode::End, KeyCode::Null] {
        screen.begin_at(500, page(401..501), page(501..601), 100);
        match leads {
            KeyCode::End => drop(press_with(&mut screen, KeyModifiers::CONTROL, KeyCode::End)),
            _ => arrive(&mut screen, mine(2_001, "mine")),
        }
        assert!(screen.take_wants_newest() && !screen.take_wants_newest());
        screen.begin(page(1_900..2_000), 100);
        assert!(rows(&mut screen, 60, 20).iter().any(|row| row.contains("m1999")));
    }
}

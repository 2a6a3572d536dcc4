use waxwing_app::api::{Composing, Event, Presence};

use crate::chat::screen::tests::*;

const HOUR_MS: u64 = 3_600_000;

fn composing(with: &str, account: &str, what: Composing) -> Event {
    Event::Composing { with: with.to_owned(), account: account.to_owned(), what }
}

fn first_row(screen: &mut crate::chat::screen::Screen, width: u16) -> String {
    rows(screen, width, 8).remove(0)
}

fn rule(screen: &mut crate::chat::screen::Screen, width: u16) -> String {
    rows(screen, width, 8).remove(5)
}

#[test]
fn the_header_says_whether_the_contact_is_there() {
    let mut screen = screen();
    let about = |account: &str, presence| Event::Presence { account: account.to_owned(), presence };
    assert_eq!(first_row(&mut screen, 50), " bob                                  ● connected");
    screen.event(about(BOB, Presence::Online));
    assert_eq!(first_row(&mut screen, 50), " bob  online                          ● connected");
    screen.event(about(CAROL, Presence::Unknown));
    assert_eq!(first_row(&mut screen, 50), " bob  online                          ● connected", "another");
    screen.event(about(BOB, Presence::LastSeen { at_ms: NOON }));
    assert_eq!(first_row(&mut screen, 50), " bob  last seen 14:05                 ● connected");
    screen.event(about(BOB, Presence::LastSeen { at_ms: NOON - 24 * HOUR_MS }));
    assert!(first_row(&mut screen, 50).contains("  last seen 20"), "with the day");
    // Where there is no room, what is more important stays.
    assert_eq!(first_row(&mut screen, 12).trim_end(), " bob      ●");
    screen.event(about(BOB, Presence::Unknown));
    assert_eq!(first_row(&mut screen, 50), " bob                                  ● connected");
}

#[test]
fn the_rule_says_who_types() {
    let mut screen = screen();
    screen.event(composing(BOB, BOB, Composing::Typing));
    assert!(rule(&mut screen, 40).starts_with("─ typing… ──────"), "{}", rule(&mut screen, 40));
    screen.event(composing(BOB, BOB, Composing::Recording));
    assert!(rule(&mut screen, 40).starts_with("─ recording… ───"));
    screen.event(composing(CAROL, CAROL, Composing::Typing));
    screen.event(composing(BOB, BOB, Composing::Stopped));
    assert_eq!(rule(&mut screen, 40), "─".repeat(40), "what others write elsewhere is not said here");
}

#[test]
fn in_a_group_it_says_their_names() {
    let mut screen = group_screen();
    screen.event(composing(GROUP, BOB, Composing::Typing));
    assert!(rule(&mut screen, 60).starts_with("─ bob is typing… ──"), "{}", rule(&mut screen, 60));
    screen.event(composing(GROUP, CAROL, Composing::Recording));
    assert!(rule(&mut screen, 60).contains(" and "));
    screen.event(composing(GROUP, "d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0", Composing::Typing));
    assert!(rule(&mut screen, 60).starts_with("─ 3 people are typing… ─"));
}

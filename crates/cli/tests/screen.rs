//! The chat screen in a real terminal, by keys and by sight.

mod support;

use support::tmux::Tmux;
use support::{Person, Server, eventually, two};

/// The colour of ticks that were read, as a terminal gets it.
const READ: &str = "38;5;45";

#[test]
fn two_people_talk_on_two_screens() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    let (a, b) = (Tmux::start(80, 24), Tmux::start(80, 24));
    a.chat(&alice, "bob");
    a.waits_for("● connected");
    a.waits_for("no messages yet");
    a.enter("Hello Bob 👋 日本語");
    a.waits_for("Hello Bob 👋 日本語");
    eventually("one tick", || a.line("Hello Bob").is_some_and(|line| line.trim_end().ends_with('✓')));
    assert!(!a.colours().contains(READ), "nobody has read it");

    b.chat(&bob, "alice");
    b.waits_for("Hello Bob 👋 日本語");
    b.waits_for("1 unread message");
    eventually("two coloured ticks", || {
        a.line("Hello Bob").is_some_and(|line| line.contains("✓✓")) && a.colours().contains(READ)
    });
    b.text("line one");
    b.keys(&["M-Enter"]);
    b.text("line two");
    b.keys(&["Enter"]);
    a.waits_for("line two");
    assert!(a.line("line one").is_some_and(|line| line.starts_with("  line one")), "theirs are on the left");
    b.paste("pasted\nin two lines");
    b.waits_for("in two lines");
    assert!(!a.screen().contains("pasted"), "a paste is not sent by itself");
    b.keys(&["Enter"]);
    a.waits_for("in two lines");

    for screen in [&a, &b] {
        screen.resize(40, 12);
        screen.waits_for("in two lines");
        screen.keys(&["Escape"]);
        screen.waits_for("ready>");
        assert!(!screen.screen().contains("Esc leaves"), "the screen is as it was before");
        screen.enter("echo still $((40 + 2))");
        screen.waits_for("still 42");
    }
}

#[test]
fn without_a_server_the_screen_works_and_says_so() {
    let mut server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    alice.send("bob", "before");
    server.kill();
    let a = Tmux::start(80, 24);
    a.chat(&alice, "bob");
    a.waits_for("before");
    a.waits_for("no connection");
    a.waits_for("cannot be reached");
    a.enter("written offline");
    eventually("a clock", || a.line("written offline").is_some_and(|line| line.contains('⏱')));
    server.start_again();
    a.waits_for("● connected");
    eventually("one tick", || a.line("written offline").is_some_and(|line| line.trim_end().ends_with('✓')));
    // Killed while the screen is open: it comes back by itself.
    server.kill();
    a.waits_for("no connection");
    server.start_again();
    a.waits_for("● connected");
    assert_eq!(bob.received(), ["before", "written offline"]);
    eventually("coloured ticks", || a.colours().contains(READ));
    a.keys(&["C-c"]);
    a.waits_for("ready>");
}

#[test]
fn a_long_history_is_loaded_as_one_scrolls() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    server_down_and_queue(&alice, 150);
    let a = Tmux::start(60, 20);
    a.chat(&alice, "bob");
    a.waits_for("number 149");
    a.keys(&["C-Home"]);
    for _ in 0..20 {
        a.keys(&["PageUp"]);
    }
    a.waits_for("number 0 ");
    a.keys(&["C-End"]);
    a.waits_for("number 149");
    eventually("the server has the last one", || a.line("number 149").is_some_and(|line| line.contains('✓')));
    a.keys(&["Escape"]);
    a.waits_for("ready>");
    let received = bob.json(&["receive", "--wait", "20"]).succeeded().texts();
    assert_eq!(received, (0..150).map(|number| format!("number {number} ")).collect::<Vec<_>>());
}

#[test]
fn a_message_is_looked_up_and_shown_where_it_stands() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    alice.send("bob", "the needle is here");
    server_down_and_queue(&alice, 60);
    let a = Tmux::start(70, 20);
    a.chat(&alice, "bob");
    a.waits_for("number 59");
    a.enter("/search NEEDLE");
    a.waits_for("you to bob  the needle is here");
    a.keys(&["Enter"]);
    a.waits_for("── found ──");
    assert!(a.line("the needle is here").is_some() && a.line("number 59").is_none());
    a.keys(&["C-End"]);
    a.waits_for("number 59");
    a.enter("/search nothing-like-it");
    a.waits_for("nothing found");
    a.keys(&["Escape"]);
    a.waits_for("ready>");
}

/// Many messages in little time: nobody waits for the server.
fn server_down_and_queue(person: &Person, count: u32) {
    person.json(&["contacts", "add", "bob"]).succeeded();
    for number in 0..count {
        person.json(&["--timeout", "0", "send", "bob", &format!("number {number} ")]).succeeded();
    }
}

#[test]
fn the_screen_of_a_busy_profile_says_who_has_it() {
    let server = Server::start();
    let (alice, _bob) = two(&server);
    let a = Tmux::start(80, 24);
    a.chat(&alice, "bob");
    a.waits_for("● connected");
    let second = alice.json(&["send", "bob", "hi"]);
    assert_eq!((second.code, second.error().as_str()), (1, "profileBusy"));
    assert!(second.stderr.contains("pid"), "{}", second.stderr);
}

/// Bytes that a key may cost on the way to the terminal: the character, where it stands, and the cursor.
const MAX_BYTES_PER_KEY: u64 = 100;

#[test]
fn a_key_costs_few_bytes_and_no_more_than_sixty_frames_are_drawn_in_a_second() {
    let server = Server::start();
    let (alice, bob) = two(&server);
    bob.json(&["contacts", "add", "alice"]).succeeded();
    server_down_and_queue(&alice, 60);
    let a = Tmux::start(200, 60);
    a.chat(&alice, "bob");
    a.waits_for("number 59");
    eventually("the server has all", || !a.screen().contains('⏱'));
    // Slowly: every key is a frame of its own.
    let written = a.records();
    let before = written.bytes().len();
    let typed = "the quick brown fox jumps over the lazy dog";
    for letter in typed.chars() {
        a.text(&letter.to_string());
        std::thread::sleep(std::time::Duration::from_millis(40));
    }
    a.waits_for(typed);
    let bytes = (written.bytes().len() - before) as u64;
    let keys = typed.len() as u64;
    assert!(bytes <= keys * MAX_BYTES_PER_KEY, "{bytes} bytes for {keys} keys");
    // As fast as it goes: what comes within a frame is shown with it.
    let (begin, frames) = (std::time::Instant::now(), written.frames());
    for _ in 0..40 {
        a.text("as fast as it can be typed ");
    }
    a.keys(&["C-u"]);
    eventually("all keys were taken", || !a.screen().contains("typed"));
    let (frames, elapsed) = (written.frames() - frames, begin.elapsed());
    let most = elapsed.as_secs_f64() * 60.0 + 3.0;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let drawn = frames as f64;
    assert!(drawn <= most && frames > 0, "{frames} frames in {elapsed:?}");
    a.keys(&["Escape"]);
    a.waits_for("ready>");
}

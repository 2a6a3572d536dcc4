//! A bot written for signal-cli runs here too.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::rpc::Daemon;
use support::{Person, Server, eventually};

#[test]
fn the_example_bot_answers_in_conversations_and_in_groups() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("there is no python3 here: the example bot is not tried");
        return;
    }
    let server = Server::start();
    let invitation = server.invitation();
    let bot = Person::registered("bot", &server.address, &invitation);
    let anna = Person::registered("anna", &server.address, &invitation);
    let daemon = Daemon::start(&bot, &["--tcp=127.0.0.1:0"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bot/bot.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(daemon.tcp_address()).env("PYTHONUTF8", "1").stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "listening");
    let heard = |text: &str| {
        let mut all: Vec<String> = Vec::new();
        eventually(text, || {
            all.extend(anna.json(&["receive"]).succeeded().texts());
            all.iter().any(|said| said == text)
        });
    };
    anna.send("bot", "!echo hello, world");
    heard("hello, world");
    assert_eq!(said.next().unwrap().unwrap(), "anna: !echo hello, world");
    anna.send("bot", "!group hikes");
    heard("Welcome to hikes!");
    anna.send("hikes", "!echo up the hill");
    heard("up the hill");
    let group = anna.history("hikes").texts();
    assert!(group.contains(&"up the hill".to_owned()), "it was said where it was asked: {group:?}");
    anna.send("bot", "!quit");
    heard("Good-bye!");
    assert!(child.wait().unwrap().success());
    eventually("the bot has reacted to what it was told first", || {
        anna.json(&["receive"]).succeeded();
        let first = anna.history("bot").objects().swap_remove(0);
        let done = &first["message"]["done"][0];
        done["what"] == "react" && done["emoji"] == "👀"
    });
}

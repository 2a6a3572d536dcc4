use std::fs;

use super::*;

/// A stand-in for `waxwingd`: a shell script in a directory of its own.
struct Stand {
    directory: PathBuf,
}

impl Stand {
    fn new(name: &str, script: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("waxwing-xtask-up-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let daemon = directory.join("waxwingd");
        // Written by another process: a file this one holds open for writing while a parallel test forks could
        // not be executed ("text file busy").
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
        let status = Command::new("sh").args(["-c", write, "sh", script]).arg(&daemon).status().unwrap();
        assert!(status.success());
        Self { directory }
    }

    fn daemon(&self) -> PathBuf {
        self.directory.join("waxwingd")
    }

    fn options(&self) -> Options {
        Options { listen: "127.0.0.1:0".into(), data_dir: self.directory.join("data"), debug: false }
    }

    fn start(&self) -> Child {
        start(&self.daemon(), &self.options()).unwrap()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn the_address_is_the_one_the_server_names() {
    let stand = Stand::new("ready", "echo opening the store; echo \"listening on $3\"");
    let mut server = stand.start();
    let address = await_ready(server.stdout.take().unwrap(), READY_TIMEOUT).unwrap();
    assert_eq!(address, "127.0.0.1:0");
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_server_that_ends_before_it_answers_is_an_error() {
    let stand = Stand::new("dead", "echo no space left; exit 1");
    let mut server = stand.start();
    let error = await_ready(server.stdout.take().unwrap(), READY_TIMEOUT).unwrap_err();
    assert!(error.to_string().contains("ended before it answered"), "{error}");
    assert!(!server.wait().unwrap().success());
}

#[test]
fn a_server_that_never_answers_is_an_error() {
    let stand = Stand::new("mute", "exec sleep 30");
    let mut server = stand.start();
    let error = await_ready(server.stdout.take().unwrap(), Duration::from_millis(50)).unwrap_err();
    assert!(error.to_string().contains("did not answer"), "{error}");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_signal_reaches_the_server_and_it_ends_in_good_order() {
    let stand =
        Stand::new("signal", "trap 'exit 0' TERM; echo listening on a:1; while :; do sleep 0.05; done");
    let mut server = stand.start();
    await_ready(server.stdout.take().unwrap(), READY_TIMEOUT).unwrap();
    rustix::process::kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
}

#[test]
fn the_invitation_is_the_line_that_was_printed() {
    let stand = Stand::new("invite", "test \"$1 $4\" = 'invite --reusable' && echo wax1abc");
    assert_eq!(invite(&stand.daemon(), Path::new("data")).unwrap(), "wax1abc");
    let silent = Stand::new("silent", "exit 0");
    assert!(invite(&silent.daemon(), Path::new("data")).is_err());
    let failing = Stand::new("failing", "echo half; exit 3");
    assert!(invite(&failing.daemon(), Path::new("data")).is_err());
}

#[test]
fn the_welcome_has_a_line_to_register_and_one_to_chat_for_each() {
    let text = welcome(Path::new("target/release/waxwing"), "127.0.0.1:7667", "wax1abc");
    for line in [
        "http://127.0.0.1:7667/#invite=wax1abc",
        "target/release/waxwing --data-dir ./alice register 127.0.0.1:7667 --invite wax1abc --username alice",
        "target/release/waxwing --data-dir ./bob register 127.0.0.1:7667 --invite wax1abc --username bob",
        "target/release/waxwing --data-dir ./alice chat bob",
        "target/release/waxwing --data-dir ./bob chat alice",
    ] {
        assert!(text.lines().any(|found| found.trim() == line), "no line {line:?} in {text}");
    }
}

#[test]
fn listening_everywhere_is_dialled_here() {
    assert_eq!(reachable("0.0.0.0:7667"), "127.0.0.1:7667");
    assert_eq!(reachable("[::]:7667"), "127.0.0.1:7667");
    assert_eq!(reachable("192.0.2.7:7667"), "192.0.2.7:7667");
}

//! Every subcommand against the real server, as small as it can be. What is checked is that the numbers are
//! there and can be true, never how good they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

const COMMON: &[&str] = &[
    "messages",
    "seconds",
    "messages_per_second",
    "p50_ms",
    "p99_ms",
    "bytes_up_per_message",
    "bytes_down_per_message",
];

/// The server beside the program under test.
fn server() -> PathBuf {
    built("waxwingd", "waxwing-serverd")
}

/// A program beside the one under test; `cargo test -p waxwing-bench` alone has not built it.
fn built(name: &str, package: &str) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_waxwing-bench")).with_file_name(name);
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", package, "--bin", name]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "building {name}");
    }
    program
}

/// What it prints.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_waxwing-bench"))
        .args(arguments)
        .args(["--smoke", "--server"])
        .arg(server())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn run(subcommand: &str) -> Value {
    let said = printed(&[subcommand]);
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["bench"], subcommand);
    for name in COMMON {
        assert!(number(&report, name) > 0.0, "{name}: {report}");
    }
    assert!(number(&report, "p50_ms") <= number(&report, "p99_ms"), "{report}");
    assert!(report["server_memory_per_connection"].is_u64(), "{report}");
    assert!(number(&report, "server_cpu_us_per_message") >= 0.0, "{report}");
    report
}

#[test]
fn client() {
    let report: Value = serde_json::from_str(&printed(&["client"])).unwrap();
    for name in ["messages", "p50_ms", "p99_ms", "index_bytes_per_message", "index_seconds"] {
        assert!(number(&report, name) > 0.0, "{name}: {report}");
    }
    for kind in ["frequent", "han_1", "thai", "links", "all_of_a_month"] {
        assert!(number(&report["by_kind"][kind], "hits") > 0.0, "{kind}: {report}");
    }
    assert!(number(&report["start"], "first_drawing_p50_ms") > 0.0, "{report}");
    assert!(number(&report["bytes"], "index") < number(&report["bytes"], "database"), "{report}");
}

#[test]
fn storm() {
    let report: Value = serde_json::from_str(&printed(&["storm"])).unwrap();
    assert_eq!(report["stored_bytes_by_storm_alone"], 0, "{report}");
    assert_eq!(report["commits_by_storm_alone"], 0, "{report}");
    for span in ["storm_alone", "both"] {
        assert!(number(&report[span], "light_taken") > 100.0, "{report}");
        assert!(number(&report[span], "light_handed_on") > 100.0, "{report}");
    }
    for span in ["messages_alone", "both"] {
        assert!(number(&report[span], "messages") > 10.0, "{report}");
        assert!(number(&report[span], "p50_ms") <= number(&report[span], "p99_ms"), "{report}");
    }
}

#[test]
fn group() {
    let report: Value = serde_json::from_str(&printed(&["group", "--json"])).unwrap();
    assert_eq!(report["bench"], "group");
    let size = &report["sizes"][0];
    // Six members with two devices each, of which three are connected.
    assert_eq!((&size["devices"], &size["online_devices"]), (&12.into(), &6.into()), "{report}");
    let (group, pairwise) = (&size["group"], &size["pairwise"]);
    assert_eq!((&group["recipients"], &pairwise["recipients"]), (&11.into(), &10.into()), "{report}");
    // One upload and one stored ciphertext, and not one for each device.
    let ciphertext = number(&report, "group_ciphertext_bytes");
    let up = number(group, "sender_bytes_up_per_message");
    assert!(up > ciphertext && up < 2.0 * ciphertext, "{report}");
    let stored = number(group, "stored_bytes_per_message");
    assert!(stored > ciphertext && stored < 4.0 * ciphertext, "{report}");
    assert!(number(pairwise, "sender_bytes_up_per_message") > 10.0 * number(&report, "ciphertext_bytes"));
    assert!(number(&size["ratio"], "sender_bytes_up_per_message") < 0.2, "{report}");
    for way in [group, pairwise] {
        for name in ["log_bytes_per_message", "server_cpu_us_per_message", "fsyncs_per_message"] {
            assert!(number(way, name) > 0.0, "{name}: {report}");
        }
        assert!(number(way, "accepted_p50_ms") <= number(way, "accepted_p99_ms"), "{report}");
    }
    assert!(number(&size["bystander"], "during_p50_ms") > 0.0, "{report}");
}

/// A file over a link that breaks again and again: it arrives as it was, nothing of it travels twice but what was on its
/// way, and nobody holds it in memory.
#[test]
fn media() {
    built("waxwing", "waxwing-cli");
    let report: Value = serde_json::from_str(&printed(&["media"])).unwrap();
    let link = &report["link"];
    for way in ["up", "down"] {
        assert!(number(&link[way], "drops") >= 1.0, "{report}");
        assert!(number(&link[way], "mbit") > 0.1, "{report}");
    }
    assert!(number(&link["up"], "sent_twice") < 0.2, "{report}");
    for who in ["sender", "recipient", "server"] {
        let beyond = number(&link["memory_mib"], &format!("{who}_beyond_idle"));
        assert!(beyond < 64.0, "{who}: {report}");
    }
    assert!(number(&report["encryption"]["ratio"], "seal_to_raw_aead") > 0.0, "{report}");
    assert!(number(&report["upload"]["ratio"], "upload_to_cp") > 0.0, "{report}");
}

fn number(report: &Value, name: &str) -> f64 {
    report[name].as_f64().unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[test]
fn online() {
    let report = run("online");
    // A ciphertext travels twice, and something is said about it.
    let ciphertext = number(&report, "ciphertext_bytes");
    assert!(ciphertext > 200.0, "{report}");
    assert!(number(&report, "bytes_up_per_message") > ciphertext, "{report}");
    assert!(number(&report, "bytes_down_per_message") > ciphertext, "{report}");
    assert!(number(&report, "fsyncs_per_message") > 0.0, "{report}");
}

#[test]
fn offline() {
    let report = run("offline");
    assert_eq!(number(&report, "messages"), 200.0, "{report}");
    assert_eq!(report["store"]["messages"], 200, "{report}");
    assert_eq!(report["drain"]["messages"], 200, "{report}");
    assert!(number(&report, "fsyncs_per_message") > 0.0, "{report}");
}

#[test]
fn idle() {
    let report = run("idle");
    assert_eq!(number(&report, "connections"), 50.0, "{report}");
    assert_eq!(number(&report, "messages"), 100.0, "{report}");
}

#[test]
fn logins() {
    let report = run("logins");
    assert!(number(&report, "bytes_up_per_message") > 1_285.0, "{report}");
}

#[test]
fn wire() {
    let report = run("wire");
    let one = &report["one_message"];
    let sum: f64 = ["send", "accepted", "entry", "stored", "receipt", "receipt_stored"]
        .iter()
        .map(|step| {
            assert!(number(one, step) > 16.0, "{report}");
            number(one, step)
        })
        .sum();
    assert_eq!(sum, number(one, "total"));
    assert!(number(&report["under_load"], "messages") > 0.0, "{report}");
}

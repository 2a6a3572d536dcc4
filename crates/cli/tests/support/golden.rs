//! Screens kept as files, so that everybody sees what changes. `WAXWING_WRITE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::tmux::Tmux;

/// Much shorter than what other tests wait: the screen was waited for already.
const PATIENCE: Duration = Duration::from_secs(30);
/// A screen that has not changed for so long is one to be kept.
const STILL: Duration = Duration::from_millis(1_500);

/// Compares the screen with `tests/golden/NAME.txt`, as soon as it is the same.
#[track_caller]
pub fn check(terminal: &Tmux, name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if std::env::var_os("WAXWING_WRITE_GOLDEN").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, still(terminal)).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = masked(&terminal.screen());
        if shown == golden {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{} is another now (WAXWING_WRITE_GOLDEN=1 writes it anew); the screen is\n{shown}\nand was\n{golden}",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn still(terminal: &Tmux) -> String {
    let mut shown = masked(&terminal.screen());
    let mut since = Instant::now();
    while since.elapsed() < STILL {
        std::thread::sleep(Duration::from_millis(100));
        let now = masked(&terminal.screen());
        if now != shown {
            (shown, since) = (now, Instant::now());
        }
    }
    shown
}

/// Times of day and dates are not the same twice: their digits become `#`, in the same place.
pub fn masked(screen: &str) -> String {
    const PATTERNS: [&str; 2] = ["dddd-dd-dd", "dd:dd"];
    let mut lines = Vec::new();
    for line in screen.lines() {
        let mut chars: Vec<char> = line.trim_end().chars().collect();
        for pattern in PATTERNS {
            let pattern: Vec<char> = pattern.chars().collect();
            for start in 0..chars.len() {
                let Some(part) = chars.get_mut(start..start + pattern.len()) else { break };
                let fits = part.iter().zip(&pattern).all(|(c, wanted)| match wanted {
                    'd' => c.is_ascii_digit(),
                    other => c == other,
                });
                if fits {
                    part.iter_mut().filter(|c| c.is_ascii_digit()).for_each(|c| *c = '#');
                }
            }
        }
        lines.push(chars.into_iter().collect::<String>());
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

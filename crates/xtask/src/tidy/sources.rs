//! What may stand in a file.

use super::arrows::CORES;
use super::code::{self, has_word};
use super::{File, Finding};

/// A file longer than this hides something.
const FILE_LINES: usize = 800;
/// Tests are read one by one.
const TEST_FILE_LINES: usize = 1_200;
/// Lines of code in a function, blanks and comments aside. The style asks for 70; this is where it stops.
const FUNCTION_LINES: usize = 100;

/// The only files in which `unsafe` may stand, each with its reason there.
const UNSAFE_FILES: &[&str] = &[];

/// Macros that talk past the shell.
const PRINTING: &[&str] = &["println!", "eprintln!", "print!", "eprint!", "dbg!"];

/// Words that mark something unfinished. Put together here so that this file does not hold them.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

pub fn check(file: &File) -> Vec<Finding> {
    let mut findings = lines(file);
    if file.path.ends_with(".rs") {
        let code = code::only(&file.text);
        findings.extend(length(file));
        findings.extend(words(file, &code));
        if !is_test(&file.path) {
            findings.extend(functions(file, &code));
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

/// The room whose core this file belongs to.
fn core_of(path: &str) -> Option<&str> {
    let (room, _) = path.strip_prefix("crates/")?.split_once('/')?;
    CORES.contains(&room).then_some(room)
}

fn lines(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.split('\n').enumerate() {
        let finding = |what: String, fix: &str| Finding::new(&file.path, index + 1, what, fix);
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(finding("white space at the end of the line".into(), "remove it"));
        }
        if let Some(word) = UNFINISHED.iter().find(|word| has_word(line, word)) {
            findings
                .push(finding(format!("`{word}`"), "do it now, or open an issue and say why it can wait"));
        }
    }
    findings
}

fn length(file: &File) -> Option<Finding> {
    let limit = if is_test(&file.path) { TEST_FILE_LINES } else { FILE_LINES };
    let lines = file.text.lines().count();
    let what = format!("{lines} lines are more than {limit}");
    (lines > limit).then(|| Finding::new(&file.path, limit + 1, what, "split the file by what it is about"))
}

fn words(file: &File, code: &str) -> Vec<Finding> {
    let is_build_script = file.path.ends_with("/build.rs");
    let core = core_of(&file.path).filter(|_| !is_build_script && !is_test(&file.path));
    let mut findings = Vec::new();
    for (index, line) in code.lines().enumerate() {
        if has_word(line, "unsafe") && !UNSAFE_FILES.contains(&file.path.as_str()) {
            let fix = "do it safely, or name the file and the reason in UNSAFE_FILES";
            findings.push(Finding::new(
                &file.path,
                index + 1,
                "`unsafe` in a file that is not on the list",
                fix,
            ));
        }
        if let (Some(core), Some(word)) = (core, PRINTING.iter().find(|word| has_macro(line, word))) {
            let what = format!("`{word}` in the core `{core}`");
            findings.push(Finding::new(
                &file.path,
                index + 1,
                what,
                "return what is to be said; a shell says it",
            ));
        }
    }
    findings
}

/// Whether the macro is called, and not one whose name ends alike.
fn has_macro(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(index, _)| {
        let before = line.get(..index).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Formatted code needs no parser: a function ends at the first brace as deep as it began.
fn functions(file: &File, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = code.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        if !has_word(line, "fn") || line.trim_end().ends_with(['}', ';', ',']) {
            continue;
        }
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let end = format!("{indent}}}");
        // A declaration in a trait may spread over lines and have no body.
        let declared = format!("{indent})");
        let ends = |line: &str| line == end || (line.starts_with(&declared) && line.ends_with(';'));
        let body = lines.iter().skip(start + 1).take_while(|line| !ends(line.trim_end()));
        let length = body.filter(|line| !line.trim().is_empty()).count();
        if length > FUNCTION_LINES {
            let what = format!("a function of {length} lines of code, more than {FUNCTION_LINES}");
            findings.push(Finding::new(&file.path, start + 1, what, "let its parts be functions"));
        }
    }
    findings
}

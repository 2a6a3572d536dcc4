//! How many pages a PDF file has (ISO 32000-1): what it says for quick viewing (annex F), or the largest count that one
//! of its page trees names (7.7.3), also of those that are packed with others (7.5.7). What a fuzzer is to call:
//! [`pages`].

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::limits::{MAX_PDF_COUNTS, MAX_PDF_PACK_BYTES, MAX_PDF_PACKS, MAX_PDF_UNPACKED_BYTES};

/// 0: not known.
pub fn pages(file: &[u8]) -> u32 {
    if !file.starts_with(b"%PDF-") {
        return 0;
    }
    let said = quick(file);
    if said > 0 {
        return said;
    }
    let mut left = MAX_PDF_COUNTS;
    let mut most = largest(file, &mut left);
    let (mut rest, mut bytes) = (file, MAX_PDF_UNPACKED_BYTES);
    for _ in 0..MAX_PDF_PACKS {
        let Some(packed) = next_pack(&mut rest) else { break };
        // What is larger, or is packed otherwise, is left out.
        let Ok(unpacked) = decompress_to_vec_zlib_with_limit(packed, bytes) else {
            // It may have cost all that it was allowed to.
            bytes /= 2;
            continue;
        };
        bytes -= unpacked.len();
        most = most.max(largest(&unpacked, &mut left));
    }
    most
}

/// Bytes of a dictionary that are looked at, on either side.
const NEAR: usize = 4_096;
/// More pages than that are a lie.
const MOST: u32 = 1_000_000;

/// What the first object says, if the file is made to be shown while it comes.
fn quick(file: &[u8]) -> u32 {
    let head = file.get(..file.len().min(NEAR)).unwrap_or_default();
    let dictionary = find(head, b"/Linearized").and_then(|at| head.get(at..)).unwrap_or_default();
    let dictionary = find(dictionary, b">>").and_then(|at| dictionary.get(..at)).unwrap_or_default();
    let mut rest = dictionary;
    while let Some(at) = find(rest, b"/N") {
        rest = rest.get(at + 2..).unwrap_or_default();
        if rest.first().is_some_and(|byte| byte.is_ascii_whitespace() || byte.is_ascii_digit()) {
            return believed(number(rest));
        }
    }
    0
}

/// The largest count of a page tree.
fn largest(file: &[u8], left: &mut u32) -> u32 {
    let mut most = 0;
    let mut at = 0;
    while let Some(found) = file.get(at..).and_then(|rest| find(rest, b"/Count")) {
        let Some(fewer) = left.checked_sub(1) else { break };
        *left = fewer;
        let (before, after) = file.split_at(at + found);
        let after = after.get(6..).unwrap_or_default();
        // A dictionary of a tree's node is short, and its type may stand on either side.
        let near = before.len().saturating_sub(NEAR);
        let begins = before.get(near..).unwrap_or_default();
        let ends = after.get(..after.len().min(NEAR)).unwrap_or_default();
        let begins = rfind(begins, b"<<").and_then(|at| begins.get(at..)).unwrap_or(begins);
        let ends = find(ends, b">>").and_then(|at| ends.get(..at)).unwrap_or(ends);
        if [begins, ends].iter().any(|part| is_pages(part)) {
            most = most.max(believed(number(after)));
        }
        at += found + 6;
    }
    most
}

fn believed(pages: u32) -> u32 {
    if pages > MOST { 0 } else { pages }
}

/// The content of the next stream of packed objects, and what is behind it.
fn next_pack<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    loop {
        let after = rest.get(find(rest, b"/ObjStm")? + 7..)?;
        *rest = after;
        let near = after.get(..after.len().min(NEAR)).unwrap_or_default();
        if let Some(begins) = find(near, b"stream") {
            let content = after.get(begins + 6..).unwrap_or_default();
            let content = content.strip_prefix(b"\r").unwrap_or(content);
            let content = content.strip_prefix(b"\n").unwrap_or(content);
            return content.get(..content.len().min(MAX_PDF_PACK_BYTES));
        }
    }
}

fn is_pages(part: &[u8]) -> bool {
    find(part, b"/Pages").is_some()
}

fn number(text: &[u8]) -> u32 {
    let digits = text.iter().skip_while(|byte| byte.is_ascii_whitespace()).take_while(|b| b.is_ascii_digit());
    digits.take(9).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn rfind(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}

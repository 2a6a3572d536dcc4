use std::io::BufReader;

use super::*;

/// What is read of a text with a buffer of some bytes.
fn read(text: &str, buffer: usize, max: usize) -> Vec<String> {
    let mut input = BufReader::with_capacity(buffer, text.as_bytes());
    let mut lines = Vec::new();
    loop {
        match read_line(&mut input, max, &|| true).unwrap() {
            Line::Whole(line) => lines.push(String::from_utf8(line).unwrap()),
            Line::TooLong => lines.push("(too long)".to_owned()),
            Line::End => return lines,
        }
    }
}

#[test]
fn lines_are_read_whole_or_not_at_all() {
    for buffer in [1, 2, 3, 7, 100] {
        assert_eq!(read("a\nbc\n\nd", buffer, 5), ["a", "bc", "", "d"]);
        assert_eq!(
            read("12345\n123456\n12345678901234567890\nx\n", buffer, 5),
            ["12345", "(too long)", "(too long)", "x"]
        );
        assert_eq!(read("123456", buffer, 5), ["(too long)"]);
        assert!(read("", buffer, 5).is_empty());
    }
}

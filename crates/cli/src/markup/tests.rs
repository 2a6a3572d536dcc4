use waxwing_app::api::{Post, Style};

use super::{marked, parse};

fn parsed(typed: &str) -> (String, Vec<(String, Style)>) {
    let (text, spans) = parse(typed);
    let part = |span: &waxwing_app::api::Span| {
        let (start, bytes) = (span.start as usize, span.bytes as usize);
        (text[start..start + bytes].to_owned(), span.style.clone())
    };
    let spans = spans.iter().map(part).collect();
    (text, spans)
}

fn one(text: &str, part: &str, style: Style) -> (String, Vec<(String, Style)>) {
    (text.to_owned(), vec![(part.to_owned(), style)])
}

#[test]
fn markers_become_spans() {
    assert!(parsed("*now*") == one("now", "now", Style::Bold));
    assert!(parsed("come _soon_, please") == one("come soon, please", "soon", Style::Italic));
    assert!(parsed("~Grüße~ 世界") == one("Grüße 世界", "Grüße", Style::Strike));
    assert!(parsed("`a*b*c`") == one("a*b*c", "a*b*c", Style::Monospace));
    assert!(parsed("||the end||!") == one("the end!", "the end", Style::Spoiler));
    let (text, spans) = parsed("*very _much_ so*");
    assert_eq!(text, "very much so");
    assert!(spans == [("very much so".to_owned(), Style::Bold), ("much".to_owned(), Style::Italic)]);
}

#[test]
fn what_is_no_marker_stays() {
    for typed in
        ["2*3*4", "a_b_c", "* list", "*", "**", "***", "5 * 6 *", "snake_case_name", "*open", "~ ~", "`", ""]
    {
        assert!(parsed(typed) == (typed.to_owned(), vec![]), "{typed}");
    }
}

#[test]
fn markers_come_back() {
    for typed in ["*now*", "come _soon_, please", "*very _much_ so*", "||a|| `b` ~c~", "plain", "*_both_*"] {
        let (text, spans) = parse(typed);
        assert_eq!(marked(&Post { text, spans, ..Post::default() }), typed);
    }
}

#[test]
fn no_input_panics() {
    for typed in ["*é*_", "||", "||a", "|||||", "*_*_*_", "`*`*`", "世*界* *世*"] {
        let (text, spans) = parse(typed);
        for span in &spans {
            let (start, bytes) = (span.start as usize, span.bytes as usize);
            assert!(text.get(start..start + bytes).is_some_and(|part| !part.is_empty()), "{typed}");
        }
    }
}

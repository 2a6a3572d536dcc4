//! What a page says about itself: the Open Graph properties (ogp.me), or else its title and description.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

use crate::limits::{MAX_PAGE_TAGS, MAX_PAGE_TEXT_BYTES};

/// What was found; each at most [`MAX_PAGE_TEXT_BYTES`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct About {
    pub title: Option<String>,
    pub description: Option<String>,
    /// Where, relative to the page.
    pub image: Option<String>,
}

/// Reads as far as the page's head goes. Bytes that are no UTF-8 are shown as such.
pub fn read(page: &[u8]) -> About {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut graph = About::default();
    let mut plain = About::default();
    let mut in_title = false;
    let tokens = Tokenizer::new_with_emitter(page, emitter).map_while(Result::ok);
    for token in tokens.take(MAX_PAGE_TAGS) {
        match token {
            Token::StartTag(tag) if *tag.name == b"title" => in_title = plain.title.is_none(),
            Token::StartTag(tag) if *tag.name == b"meta" => meta(&tag, &mut graph, &mut plain),
            Token::StartTag(tag) if *tag.name == b"body" => break,
            Token::EndTag(tag) if *tag.name == b"title" => in_title = false,
            Token::EndTag(tag) if *tag.name == b"head" => break,
            Token::String(text) if in_title => {
                let title = plain.title.get_or_insert_default();
                title.push_str(&cut(&text));
                title.truncate(title.floor_char_boundary(MAX_PAGE_TEXT_BYTES));
            }
            _ => {}
        }
    }
    About {
        title: graph.title.or(plain.title),
        description: graph.description.or(plain.description),
        image: graph.image.or(plain.image),
    }
}

fn meta(tag: &StartTag<()>, graph: &mut About, plain: &mut About) {
    let attribute = |name: &[u8]| tag.attributes.get(name).map(|value| cut(value));
    let Some(content) = attribute(b"content").filter(|content| !content.trim().is_empty()) else { return };
    let name = attribute(b"property").or_else(|| attribute(b"name")).unwrap_or_default().to_ascii_lowercase();
    let place = match name.as_str() {
        "og:title" => &mut graph.title,
        "og:description" => &mut graph.description,
        "og:image" | "og:image:url" | "og:image:secure_url" => &mut graph.image,
        "twitter:title" => &mut plain.title,
        "description" | "twitter:description" => &mut plain.description,
        "twitter:image" => &mut plain.image,
        _ => return,
    };
    place.get_or_insert(content);
}

fn cut(bytes: &[u8]) -> String {
    let start = bytes.get(..MAX_PAGE_TEXT_BYTES).unwrap_or(bytes);
    String::from_utf8_lossy(start).into_owned()
}

//! What of files is taken, and what is not.

use bytes::Bytes;
use prost::Message as _;

use super::samples;
use crate::attachment::{Attachment, AttachmentKind, fit};
use crate::content::{Body, Content};
use crate::limits::{
    MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, MAX_ATTACHMENTS_BYTES, MAX_CIPHERTEXT_BYTES, MAX_LABEL_BYTES,
    MAX_MENTIONS, MAX_PREVIEW_IMAGE_BYTES, MAX_QUOTE_BYTES, MAX_SPANS, MAX_TEXT_BYTES, MAX_THUMBNAIL_BYTES,
};
use crate::pb::content as pb;
use crate::post::{Post, Preview, Quote, Span, Style};

fn post(attachments: Vec<Attachment>) -> Post {
    Post { attachments, ..Post::default() }
}

fn taken(post: &Post) -> bool {
    Post::decode(&post.encode()).is_ok_and(|read| read == *post)
}

fn photo() -> Attachment {
    samples::short_file(AttachmentKind::Photo)
}

#[test]
fn bounds_of_a_file_hold() {
    assert!(taken(&post(vec![photo()])));
    let thumbnail = |bytes: usize| Bytes::from(vec![7; bytes]);
    let wrong = [
        Attachment { bytes: MAX_ATTACHMENT_BYTES + 1, ..photo() },
        Attachment { media_type: "x".repeat(128), ..photo() },
        Attachment { name: "x".repeat(256), ..photo() },
        Attachment { blurhash: "x".repeat(65), ..photo() },
        Attachment { waveform: thumbnail(65), ..photo() },
        Attachment { thumbnail: thumbnail(MAX_THUMBNAIL_BYTES + 1), ..photo() },
    ];
    for file in wrong {
        assert!(!fit(std::slice::from_ref(&file)) && !taken(&post(vec![file])));
    }
}

#[test]
fn an_album_has_so_many_files_and_so_many_bytes() {
    let album = |files: usize| vec![photo(); files];
    assert!(fit(&album(MAX_ATTACHMENTS)) && taken(&post(album(MAX_ATTACHMENTS))));
    assert!(!fit(&album(MAX_ATTACHMENTS + 1)) && !taken(&post(album(MAX_ATTACHMENTS + 1))));
    let large = Attachment { thumbnail: Bytes::from(vec![7; MAX_ATTACHMENTS_BYTES / 3]), ..photo() };
    assert!(fit(&vec![large.clone(); 2]) && taken(&post(vec![large.clone(); 2])));
    assert!(!fit(&vec![large.clone(); 3]) && !taken(&post(vec![large; 3])));
}

#[test]
fn the_largest_message_with_files_fits_an_envelope() {
    let thumbnail = Bytes::from(vec![7; MAX_ATTACHMENTS_BYTES / 3]);
    let mut post = post(vec![Attachment { thumbnail, ..photo() }; 2]);
    post.text = "x".repeat(MAX_TEXT_BYTES);
    let at = |start: usize| u32::try_from(MAX_TEXT_BYTES - 1 - start).unwrap();
    let span = |start: usize, style| Span { start: at(start), bytes: 1, style };
    post.spans = (0..MAX_SPANS - MAX_MENTIONS).map(|start| span(start, Style::Spoiler)).collect();
    post.spans.extend((0..MAX_MENTIONS).map(|start| span(start, Style::Mention(samples::BOB))));
    let crate::post::Quote { message, .. } = *samples::with_files().quote.unwrap();
    let attachments = vec![AttachmentKind::Gif; MAX_ATTACHMENTS];
    post.quote = Some(Box::new(Quote { message, text: "x".repeat(MAX_QUOTE_BYTES), attachments }));
    assert!(taken(&post));
    let content = samples::content(1, Body::Post(Box::new(post)));
    // Padding and what an encrypted message has beside its plaintext take a twentieth, and some.
    assert!(content.encode().len() * 21 / 20 + 2_048 < MAX_CIPHERTEXT_BYTES);
    assert!(Content::decode(&content.encode()).unwrap() == content);
}

#[test]
fn beside_files_there_is_no_preview() {
    let preview = Preview {
        url: "https://example.org/".into(),
        title: "x".repeat(MAX_LABEL_BYTES),
        description: String::new(),
        image: Bytes::from(vec![7; MAX_PREVIEW_IMAGE_BYTES]),
    };
    let both = Post { preview: Some(Box::new(preview)), ..post(vec![photo()]) };
    assert!(Post::decode(&both.encode()).unwrap() == post(vec![photo()]));
}

#[test]
fn a_kind_that_is_not_known_is_a_document() {
    let mut file = photo().to_pb();
    file.kind = 99;
    let bytes = pb::Post { attachment: vec![file], ..pb::Post::default() }.encode_to_vec();
    assert!(Post::decode(&bytes).unwrap() == post(vec![samples::short_file(AttachmentKind::Document)]));
}

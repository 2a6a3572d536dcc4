//! Posts and what is done about them.

use super::{account_of, message_key, message_key_of, picture, picture_of};
use super::{album_of, attachment, attachment_kind};
use crate::api::{Card, Deed, Done, Failure, Place, Post, Preview, Quote, Reply, Span, Style};
use waxwing_client::post as core;

/// What somebody wrote. What is to be seen once is not in it.
pub fn post(post: &core::Post) -> Post {
    if post.once {
        return Post { once: true, lifetime_s: post.lifetime_s, ..Post::default() };
    }
    whole_post(post)
}

/// The same, with what is to be seen once. A preview of a link that is not in the text is not shown: it would say
/// of one link what another one leads to.
pub fn whole_post(post: &core::Post) -> Post {
    Post {
        text: post.text.clone(),
        spans: post.spans.iter().map(span).collect(),
        quote: post.quote.as_ref().map(|quote| Quote {
            message: message_key(&waxwing_client::MessageKey { from: quote.message.0, id: quote.message.1 }),
            text: quote.text.clone(),
            attachments: quote.attachments.iter().map(|kind| attachment_kind(*kind)).collect(),
        }),
        forwards: post.forwards,
        lifetime_s: post.lifetime_s,
        once: post.once,
        preview: post.preview.as_ref().filter(|preview| post.text.contains(&preview.url)).map(|preview| {
            Preview {
                url: preview.url.clone(),
                title: preview.title.clone(),
                description: preview.description.clone(),
                image: picture(&preview.image),
            }
        }),
        card: post.card.as_deref().map(card),
        attachments: post.attachments.iter().map(attachment).collect(),
    }
}

/// What somebody writes.
pub fn post_of(post: &Post) -> Result<core::Post, Failure> {
    let quote = |quote: &Quote| {
        let key = message_key_of(&quote.message)?;
        let (text, attachments) = (quote.text.clone(), Vec::new());
        Ok::<_, Failure>(Box::new(core::Quote { message: (key.from, key.id), text, attachments }))
    };
    let preview = |preview: &Preview| {
        if !post.text.contains(&preview.url) {
            return Err(Failure::user(
                "malformedPreview",
                "the preview is of a link that is not in the text",
            ));
        }
        Ok(Box::new(core::Preview {
            url: preview.url.clone(),
            title: preview.title.clone(),
            description: preview.description.clone(),
            image: picture_of(&preview.image)?,
        }))
    };
    Ok(core::Post {
        text: post.text.clone(),
        spans: post.spans.iter().map(|span| span_of(span, &post.text)).collect::<Result<_, _>>()?,
        quote: post.quote.as_ref().map(quote).transpose()?,
        forwards: 0,
        lifetime_s: post.lifetime_s,
        once: post.once,
        preview: post.preview.as_ref().map(preview).transpose()?,
        card: post.card.as_ref().map(card_of).transpose()?.map(Box::new),
        attachments: album_of(&post.attachments)?,
    })
}

fn span(span: &core::Span) -> Span {
    let style = match span.style {
        core::Style::Bold => Style::Bold,
        core::Style::Italic => Style::Italic,
        core::Style::Strike => Style::Strike,
        core::Style::Monospace => Style::Monospace,
        core::Style::Spoiler => Style::Spoiler,
        core::Style::Mention(account) => Style::Mention { account: account.to_hex() },
    };
    Span { start: span.start, bytes: span.bytes, style }
}

fn span_of(span: &Span, text: &str) -> Result<core::Span, Failure> {
    let style = match &span.style {
        Style::Bold => core::Style::Bold,
        Style::Italic => core::Style::Italic,
        Style::Strike => core::Style::Strike,
        Style::Monospace => core::Style::Monospace,
        Style::Spoiler => core::Style::Spoiler,
        Style::Mention { account } => core::Style::Mention(account_of(account)?),
    };
    let (start, bytes) = (span.start as usize, span.bytes as usize);
    let part = start.checked_add(bytes).and_then(|end| text.get(start..end));
    if part.is_none_or(str::is_empty) {
        let detail = "a span must lie within the text, at boundaries of characters; count bytes of UTF-8";
        return Err(Failure::user("malformedSpan", detail));
    }
    Ok(core::Span { start: span.start, bytes: span.bytes, style })
}

fn card(card: &core::Card) -> Card {
    match card {
        core::Card::Contact { name, account, details } => Card::Contact {
            name: name.clone(),
            account: account.map(waxwing_wire::AccountId::to_hex),
            details: details.clone(),
        },
        core::Card::Place(of) => Card::Place { place: place(of) },
        core::Card::Poll { options, several } => Card::Poll { options: options.clone(), several: *several },
        core::Card::Event { starts_at_ms, ends_at_ms, place } => {
            Card::Event { starts_at_ms: *starts_at_ms, ends_at_ms: *ends_at_ms, place: place.clone() }
        }
    }
}

fn card_of(card: &Card) -> Result<core::Card, Failure> {
    Ok(match card {
        Card::Contact { name, account, details } => core::Card::Contact {
            name: name.clone(),
            account: account.as_deref().map(account_of).transpose()?,
            details: details.clone(),
        },
        Card::Place { place } => core::Card::Place(place_of(place)),
        Card::Poll { options, several } => core::Card::Poll { options: options.clone(), several: *several },
        Card::Event { starts_at_ms, ends_at_ms, place } => {
            core::Card::Event { starts_at_ms: *starts_at_ms, ends_at_ms: *ends_at_ms, place: place.clone() }
        }
    })
}

fn place(place: &core::Place) -> Place {
    Place {
        latitude_e7: place.latitude_e7,
        longitude_e7: place.longitude_e7,
        accuracy_m: place.accuracy_m,
        name: place.name.clone(),
        live_s: place.live_s,
    }
}

fn place_of(place: &Place) -> core::Place {
    core::Place {
        latitude_e7: place.latitude_e7,
        longitude_e7: place.longitude_e7,
        accuracy_m: place.accuracy_m,
        name: place.name.clone(),
        live_s: place.live_s,
    }
}

/// What the user does.
pub fn deed_of(deed: &Deed) -> Result<core::Deed, Failure> {
    Ok(match deed {
        Deed::React { emoji } => core::Deed::React(emoji.clone()),
        Deed::Edit { post } => core::Deed::Edit(Box::new(post_of(post)?)),
        Deed::Delete => core::Deed::Delete,
        Deed::Pin { until_ms } => core::Deed::Pin(*until_ms),
        Deed::Keep { keep } => core::Deed::Keep(*keep),
        Deed::Vote { options } => {
            let mut options = options.clone();
            options.sort_unstable();
            options.dedup();
            core::Deed::Vote(options)
        }
        Deed::Answer { answer } => core::Deed::Answer(match answer {
            Reply::None => core::Answer::None,
            Reply::Yes => core::Answer::Yes,
            Reply::No => core::Answer::No,
            Reply::Perhaps => core::Answer::Perhaps,
        }),
        Deed::Live { place } => core::Deed::Live(place_of(place)),
        Deed::Opened => core::Deed::Opened,
        Deed::Lifetime { seconds } => core::Deed::Lifetime(*seconds),
    })
}

/// What somebody has done; `None` where that shows elsewhere, or was taken back.
pub fn done(act: &core::ActBy) -> Option<Done> {
    deed_done(act).filter(|done| match &done.deed {
        Deed::React { emoji } => !emoji.is_empty(),
        Deed::Pin { until_ms } => *until_ms > 0,
        Deed::Keep { keep } => *keep,
        Deed::Vote { options } => !options.is_empty(),
        Deed::Answer { answer } => *answer != Reply::None,
        Deed::Live { .. } | Deed::Opened | Deed::Delete => true,
        Deed::Edit { .. } | Deed::Lifetime { .. } => false,
    })
}

/// What somebody has done, also where it takes something back; `None`: a newer version knows.
pub fn deed_done(act: &core::ActBy) -> Option<Done> {
    let deed = match &act.act.deed {
        core::Deed::React(emoji) => Deed::React { emoji: emoji.clone() },
        core::Deed::Edit(of) => Deed::Edit { post: Box::new(post(of)) },
        core::Deed::Delete => Deed::Delete,
        core::Deed::Pin(until_ms) => Deed::Pin { until_ms: *until_ms },
        core::Deed::Keep(keep) => Deed::Keep { keep: *keep },
        core::Deed::Vote(options) => Deed::Vote { options: options.clone() },
        core::Deed::Answer(answer) => Deed::Answer {
            answer: match answer {
                core::Answer::None => Reply::None,
                core::Answer::Yes => Reply::Yes,
                core::Answer::No => Reply::No,
                core::Answer::Perhaps => Reply::Perhaps,
            },
        },
        core::Deed::Live(of) => Deed::Live { place: place(of) },
        core::Deed::Opened => Deed::Opened,
        core::Deed::Lifetime(seconds) => Deed::Lifetime { seconds: *seconds },
        core::Deed::Unknown => return None,
    };
    Some(Done { by: act.by.account.to_hex(), at_ms: act.act.at, deed })
}

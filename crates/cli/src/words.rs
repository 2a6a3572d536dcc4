//! What messages say, in words.

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use waxwing_app::api::{
    Allowed, Attachment, AttachmentKind, Body, Card, Deed, Delivery, GroupAction, GroupKind, Message, Notice,
    Permissions, Place, Post, Presence, Preview, Quote, Receipt, Reply,
};

use crate::markup::marked;
use crate::names::Names;
use crate::text::{clock, date_and_clock, local, one_line};

/// Ticks as everybody knows them; colours are the screen's affair.
pub fn ticks(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "⏱",
        Delivery::Sent => "✓",
        Delivery::Delivered => "✓✓",
        Delivery::Read => "✓✓ read",
        Delivery::Failed => "✗ not sent",
    }
}

/// What a message says, or what is to be said about it.
pub fn body_text(body: &Body, names: &Names) -> String {
    match body {
        Body::Text(post) => post_text(post, names),
        Body::Deleted => "this message was deleted".to_owned(),
        Body::Opened => "opened".to_owned(),
        Body::Waiting => "waiting for this message…".to_owned(),
        Body::Lost => "this message could not be decrypted; ask for it to be sent again".to_owned(),
        Body::Unknown => "this message needs a newer version of waxwing".to_owned(),
        Body::Notice { notice } => notice_text(notice, names),
    }
}

/// Columns of a quoted message.
const QUOTED: usize = 60;

/// A message with what it answers before it, and with what was done about it after it.
pub fn whole_text(message: &Message, names: &Names) -> String {
    let mut text = String::new();
    if let Some(quote) = message.body.post().and_then(|post| post.quote.as_ref()) {
        let said: String = quote_text(quote).chars().take(QUOTED).collect();
        text.push_str(&format!("│ {said}\n"));
    }
    text.push_str(&body_text(&message.body, names));
    if message.edited_at_ms > 0 {
        text.push_str(" (edited)");
    }
    let done = done_text(message, names);
    if !done.is_empty() {
        text.push_str(&format!("\n{done}"));
    }
    text
}

/// What was done about a message, on one line.
pub fn done_text(message: &Message, names: &Names) -> String {
    let mut said = Vec::new();
    for done in &message.done {
        let by = names.of(&done.by);
        said.extend(match &done.deed {
            Deed::React { emoji } => Some(format!("{} {by}", one_line(emoji))),
            Deed::Vote { options } => {
                let options: Vec<String> =
                    options.iter().map(|at| format!("({})", u16::from(*at) + 1)).collect();
                Some(format!("{by} voted {}", options.join(" ")))
            }
            Deed::Answer { answer } => Some(format!("{by}: {}", answer_text(*answer))),
            Deed::Pin { .. } => Some("pinned".to_owned()),
            Deed::Keep { keep: true } => Some("kept".to_owned()),
            Deed::Live { place } if place.live_s > 0 => Some(format!("now at {}", place_text(place))),
            Deed::Live { .. } => Some("ended".to_owned()),
            Deed::Opened => Some(format!("opened by {by}")),
            _ => None,
        });
    }
    said.join(" · ")
}

fn answer_text(answer: Reply) -> &'static str {
    match answer {
        Reply::Yes => "comes",
        Reply::No => "does not come",
        Reply::Perhaps => "comes perhaps",
        Reply::None => "has not answered",
    }
}

/// What somebody did about a message, behind their name; `None` where that shows elsewhere.
pub fn deed_text(deed: &Deed) -> Option<String> {
    Some(match deed {
        Deed::React { emoji } => format!("reacted {}", one_line(emoji)),
        Deed::Vote { options } => {
            let options: Vec<String> = options.iter().map(|at| (u16::from(*at) + 1).to_string()).collect();
            format!("voted for {}", options.join(", "))
        }
        Deed::Answer { answer } => answer_text(*answer).to_owned(),
        Deed::Pin { .. } => "pinned it".to_owned(),
        Deed::Keep { .. } => "kept it".to_owned(),
        Deed::Live { .. } => "moved".to_owned(),
        Deed::Opened => "opened it".to_owned(),
        Deed::Delete => "deleted it".to_owned(),
        Deed::Edit { .. } | Deed::Lifetime { .. } => return None,
    })
}

/// Whether nobody wrote it.
pub fn is_notice(message: &Message) -> bool {
    matches!(message.body, Body::Notice { .. })
}

/// So many messages are missing before the next one; `from`: of whom.
pub fn missing_text(missing: u64, from: &str) -> String {
    match missing {
        1 => format!("1 message of {from} is missing here"),
        _ => format!("{missing} messages of {from} are missing here"),
    }
}

/// Since when somebody has a message, and since when they have seen it, behind their ticks.
pub fn receipt_text(receipt: &Receipt, zone: &TimeZone) -> String {
    let times = [("delivered", receipt.delivered_at_ms), ("read", receipt.read_at_ms)];
    let known = times.iter().filter(|(_, at_ms)| *at_ms > 0);
    known.map(|(what, at_ms)| format!("  {what} {}", date_and_clock(*at_ms, zone))).collect()
}

/// What happened, in a sentence.
pub fn notice_text(notice: &Notice, names: &Names) -> String {
    match notice {
        Notice::IdentityChanged { account } => {
            format!("the safety number of {} has changed; compare it anew", names.of(account))
        }
        Notice::GroupChanged { by, actions, .. } => {
            let said: Vec<String> = actions.iter().map(|action| action_text(by, action, names)).collect();
            said.join("; ")
        }
        Notice::Joined { by } if names.is_own(by) => {
            "you joined the group; what was before is not known here".to_owned()
        }
        Notice::Joined { by } => {
            format!("{} added you to the group; what was before is not known here", names.of(by))
        }
        Notice::GroupForked { account } => format!(
            "warning: the server has told {} something else about this group than you; what you write now \
             may not reach everybody",
            names.of(account)
        ),
        Notice::ServerDisagrees { account } => format!(
            "warning: the server changed the group in another way than {} said; what they signed counts",
            names.of(account)
        ),
        Notice::Lifetime { by, seconds: 0 } => {
            format!("{} set messages to stay until somebody deletes them", names.of(by))
        }
        Notice::Lifetime { by, seconds } => {
            format!("{} set messages to disappear after {}", names.of(by), span_text(*seconds))
        }
    }
}

/// A span of time in its largest whole unit.
pub fn span_text(seconds: u32) -> String {
    const UNITS: [(u32, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let whole = |(length, _): &&(u32, &str)| seconds >= *length && seconds.is_multiple_of(*length);
    let (length, unit) = UNITS.iter().find(whole).copied().unwrap_or((1, "second"));
    let count = seconds / length;
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

fn action_text(by: &str, action: &GroupAction, names: &Names) -> String {
    let maker = names.of(by);
    let kind_name = |kind: &GroupKind| match kind {
        GroupKind::Group => "group",
        GroupKind::Community => "community",
    };
    match action {
        GroupAction::Create { name, kind } => {
            format!("{maker} made the {} “{}”", kind_name(kind), one_line(name))
        }
        GroupAction::Add { account, .. } if account == by => format!("{maker} joined"),
        GroupAction::Add { account, admin: false } => format!("{maker} added {}", names.of(account)),
        GroupAction::Add { account, admin: true } => {
            format!("{maker} added {} as an admin", names.of(account))
        }
        GroupAction::Remove { account } if account == by => format!("{maker} left"),
        GroupAction::Remove { account } => format!("{maker} removed {}", names.of(account)),
        GroupAction::Promote { account } => format!("{maker} made {} an admin", names.of(account)),
        GroupAction::Demote { account } => {
            format!("{maker} made {} an ordinary member", names.of(account))
        }
        GroupAction::Name { name } => format!("{maker} named the group “{}”", one_line(name)),
        GroupAction::Description { text } if text.is_empty() => {
            format!("{maker} took the description away")
        }
        GroupAction::Description { text } => format!("{maker} described the group: {}", one_line(text)),
        GroupAction::Picture { picture } if picture.is_empty() => format!("{maker} took the picture away"),
        GroupAction::Picture { .. } => format!("{maker} changed the picture"),
        GroupAction::Permissions { permissions } => {
            format!("{maker} changed who may do what: {}", permissions_text(*permissions))
        }
        GroupAction::Link { enabled: true } => format!("{maker} drew a new invitation link"),
        GroupAction::Link { enabled: false } => format!("{maker} ended the invitation link"),
        GroupAction::LinkGroup { linked } => {
            format!("{maker} put the group “{}” into the community", one_line(&linked.name))
        }
        GroupAction::UnlinkGroup { .. } => format!("{maker} took a group out of the community"),
        GroupAction::Community { community: Some(_) } => format!("{maker} put this group into a community"),
        GroupAction::Community { community: None } => {
            format!("{maker} took this group out of its community")
        }
    }
}

/// Who may do what, on one line.
pub fn permissions_text(permissions: Permissions) -> String {
    let who = |allowed| match allowed {
        Allowed::Everybody => "everybody",
        Allowed::Admins => "admins",
    };
    let approve = if permissions.approve { "an admin lets in who comes by link" } else { "the link lets in" };
    format!(
        "{} write, {} edit, {} add, {approve}",
        who(permissions.send),
        who(permissions.edit),
        who(permissions.add)
    )
}

/// The same message without what its link leads to: of whom the user does not know, nothing is shown but words.
pub fn without_preview(message: &Message) -> Message {
    let mut message = message.clone();
    if let Body::Text(post) = &mut message.body {
        post.preview = None;
    }
    message
}

/// What somebody wrote, with everything that is not text in words.
pub fn post_text(post: &Post, names: &Names) -> String {
    if post.once {
        return "a message to be seen once; open it with `waxwing open`".to_owned();
    }
    let mut text = String::new();
    if post.forwards > 0 {
        text.push_str(if post.forwards > 4 { "[forwarded many times] " } else { "[forwarded] " });
    }
    text.push_str(&marked(post));
    if let Some(preview) = &post.preview {
        text.push('\n');
        text.push_str(&preview_text(preview));
    }
    for file in &post.attachments {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&file_text(file));
    }
    let card = match &post.card {
        None => return text,
        Some(Card::Contact { name, account, .. }) => match account {
            Some(account) => format!("contact: {} ({})", one_line(name), names.of(account)),
            None => format!("contact: {}", one_line(name)),
        },
        Some(Card::Place { place }) => place_text(place),
        Some(Card::Poll { options, several }) => {
            let options: Vec<String> = options
                .iter()
                .enumerate()
                .map(|(at, option)| format!("({}) {}", at + 1, one_line(option)))
                .collect();
            let how = if *several { "choose some" } else { "choose one" };
            format!("poll, {how}: {}", options.join("  "))
        }
        Some(Card::Event { starts_at_ms, ends_at_ms, place }) => {
            event_text(*starts_at_ms, *ends_at_ms, place, &TimeZone::system())
        }
    };
    if text.is_empty() { card } else { format!("{text}\n{card}") }
}

/// What was answered, on one line: its files by their kinds, then its text.
pub fn quote_text(quote: &Quote) -> String {
    let mut kinds: Vec<String> = Vec::new();
    if let [kind] = quote.attachments[..] {
        kinds.push(format!("[{}]", kind_name(kind)));
    } else if !quote.attachments.is_empty() {
        kinds.push(format!("[{} files]", quote.attachments.len()));
    }
    kinds.push(one_line(&quote.text));
    kinds.join(" ").trim().to_owned()
}

/// What a file is called.
pub fn kind_name(kind: AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Document => "document",
        AttachmentKind::Photo => "photo",
        AttachmentKind::Video => "video",
        AttachmentKind::Voice => "voice message",
        AttachmentKind::Audio => "audio",
        AttachmentKind::Sticker => "sticker",
        AttachmentKind::Gif => "GIF",
    }
}

/// What a document is called, by its type or by how its name ends.
fn document_name(file: &Attachment) -> &'static str {
    let end = file.name.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
    match (file.media_type.as_str(), end.as_str()) {
        ("application/pdf", _) | (_, "pdf") => "PDF",
        (_, "doc" | "docx" | "odt" | "rtf") => "text document",
        (_, "xls" | "xlsx" | "ods" | "csv") => "table",
        (_, "ppt" | "pptx" | "odp") => "slides",
        (_, "txt" | "md") => "text",
        (_, "vcf") => "contacts",
        (_, "apk" | "exe" | "msi" | "dmg" | "deb" | "rpm" | "sh" | "bat" | "jar") => "program",
        ("application/zip", _) | (_, "zip" | "7z" | "rar" | "tar" | "gz" | "xz" | "zst") => "archive",
        _ => kind_name(AttachmentKind::Document),
    }
}

/// Places of a waveform.
const WAVE_PLACES: usize = 16;

/// How loud a recording is from its beginning to its end, as bars; empty: not known.
fn wave_text(waveform: &str) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let parts = data_encoding::BASE64.decode(waveform.as_bytes()).unwrap_or_default();
    let places = parts.len().min(WAVE_PLACES);
    let bar = |place: usize| {
        let part = parts.get(place * parts.len() / places..(place + 1) * parts.len() / places);
        let loudest = part.unwrap_or_default().iter().max().copied().unwrap_or(0);
        BARS.get(usize::from(loudest) * BARS.len() / 256).copied().unwrap_or(' ')
    };
    (0..places).map(bar).collect()
}

/// A file on one line: kind, name, duration, pages, size.
pub fn file_text(file: &Attachment) -> String {
    let kind = if file.kind == AttachmentKind::Document { document_name(file) } else { kind_name(file.kind) };
    let mut said = vec![kind.to_owned()];
    if !file.name.is_empty() {
        said.push(one_line(&file.name));
    }
    let wave = wave_text(&file.waveform);
    if !wave.is_empty() {
        said.push(wave);
    }
    if file.duration_ms > 0 {
        said.push(duration_text(file.duration_ms));
    }
    match file.pages {
        0 => {}
        1 => said.push("1 page".to_owned()),
        pages => said.push(format!("{pages} pages")),
    }
    said.push(size_text(file.bytes));
    format!("[{}]", said.join(", "))
}

/// `1:05`, `1:00:00`.
pub fn duration_text(ms: u32) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Bytes in a unit that fits them.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        // One place behind the point, rounded down: never more than there is.
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

/// Whether somebody is there; empty: not known.
pub fn presence_text(presence: Presence, now_ms: u64, zone: &TimeZone) -> String {
    match presence {
        Presence::Unknown => String::new(),
        Presence::Online => "online".to_owned(),
        Presence::LastSeen { at_ms } if local(at_ms, zone).date() == local(now_ms, zone).date() => {
            format!("last seen {}", clock(at_ms, zone))
        }
        Presence::LastSeen { at_ms } => format!("last seen {}", date_and_clock(at_ms, zone)),
    }
}

/// When and where something is going to happen.
pub fn event_text(starts_at_ms: u64, ends_at_ms: u64, place: &str, zone: &TimeZone) -> String {
    let mut when = format!("event: {}", date_and_clock(starts_at_ms, zone));
    if ends_at_ms > 0 {
        when.push_str(&format!(" to {}", date_and_clock(ends_at_ms, zone)));
    }
    if !place.is_empty() {
        when.push_str(&format!(", {}", one_line(place)));
    }
    when
}

/// What the first link of a text leads to, as the sender found it.
pub fn preview_text(preview: &Preview) -> String {
    let said = one_line(&preview.title);
    match one_line(&preview.description).as_str() {
        "" => format!("↗ {said}"),
        more => format!("↗ {said} — {more}"),
    }
}

/// A place: its name and where it is on Earth.
pub fn place_text(place: &Place) -> String {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    let at = format!("{:.5}, {:.5}", degrees(place.latitude_e7), degrees(place.longitude_e7));
    let live = if place.live_s > 0 { "live location" } else { "location" };
    match place.name.as_str() {
        "" => format!("{live}: {at}"),
        name => format!("{live}: {} ({at})", one_line(name)),
    }
}

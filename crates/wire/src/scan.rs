//! Counts what lists a frame holds before anything is allocated for them.
//!
//! A protobuf decoder makes room for whatever it meets: two bytes of input can become a hundred of memory,
//! and only afterwards can anybody count. So each frame is walked first, without allocating, along the
//! table of its lists below. A list above its bound, or a message where the schema has one and not a list
//! standing there twice, is malformed. The table is the only place where these bounds are applied.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::Malformed;
use crate::limits::{
    DELIVERY_WINDOW_ENTRIES, MAX_ACTIONS_PER_CHANGE, MAX_ACTS_PER_ARCHIVED, MAX_APPROVERS, MAX_ATTACHMENTS,
    MAX_CHANGES_PER_CATCH_UP, MAX_COPIES_PER_SEND, MAX_DEVICES, MAX_GROUP_MEMBERS, MAX_GROUP_SENDS_PER_FRAME,
    MAX_GROUPS_PER_PART, MAX_IDS_PER_RECEIPT, MAX_KYBER_PREKEYS_PER_UPLOAD, MAX_LIGHTS_PER_FRAME,
    MAX_LINKED_GROUPS, MAX_MENTIONS, MAX_MESSAGES_PER_PART, MAX_ONE_TIME_PREKEYS, MAX_PAST_CHANGES,
    MAX_PRESENCES_PER_FRAME, MAX_REQUESTS_PER_FRAME, MAX_SEGMENT_HEADERS, MAX_SEGMENT_URLS,
    MAX_SENDS_IN_FLIGHT, MAX_SENDS_PER_FRAME, MAX_SPANS, MAX_STATE_ENTRIES, MAX_UNDECRYPTABLE_PER_STORED,
    MAX_WATCHED, POLL_OPTIONS,
};

/// A field that is a list, or leads to one.
pub(crate) struct Rule {
    field: u32,
    /// How many of it one message may hold.
    most: usize,
    holds: Holds,
    /// In the words of the schema.
    what: &'static str,
}

enum Holds {
    Messages(&'static [Rule]),
    Varints,
    Fixed64,
}

const fn messages(field: u32, most: usize, inside: &'static [Rule], what: &'static str) -> Rule {
    Rule { field, most, holds: Holds::Messages(inside), what }
}

pub(crate) const CLIENT_FRAME: &[Rule] = &[
    messages(1, MAX_SENDS_PER_FRAME, SEND, "ClientFrame.send"),
    messages(2, 1, STORED, "ClientFrame.stored"),
    messages(5, MAX_REQUESTS_PER_FRAME, REQUEST, "ClientFrame.request"),
    messages(6, MAX_GROUP_SENDS_PER_FRAME, &[], "ClientFrame.group_send"),
    messages(7, MAX_LIGHTS_PER_FRAME, &[], "ClientFrame.light"),
    messages(9, 1, WATCH, "ClientFrame.watch"),
];
const WATCH: &[Rule] = &[messages(2, MAX_WATCHED, &[], "Watch.watched")];
const SEND: &[Rule] = &[
    messages(3, MAX_COPIES_PER_SEND, &[], "Send.copy"),
    messages(6, MAX_COPIES_PER_SEND, &[], "Send.other"),
];
const STORED: &[Rule] = &[Rule {
    field: 2,
    most: MAX_UNDECRYPTABLE_PER_STORED,
    holds: Holds::Varints,
    what: "Stored.undecryptable",
}];
const REQUEST: &[Rule] = &[
    messages(2, 1, REGISTER, "Request.register"),
    messages(4, 1, FETCH_BUNDLES, "Request.fetch_bundles"),
    messages(5, 1, PREKEYS, "Request.publish_prekeys"),
    messages(12, 1, COMPLETE_LINK, "Request.complete_link"),
];
const REGISTER: &[Rule] = &[messages(5, 1, PREKEYS, "Register.prekeys")];
const FETCH_BUNDLES: &[Rule] =
    &[Rule { field: 2, most: MAX_DEVICES, holds: Holds::Varints, what: "FetchBundles.device" }];
const COMPLETE_LINK: &[Rule] = &[messages(4, 1, PREKEYS, "CompleteLink.prekeys")];
const PREKEYS: &[Rule] = &[
    messages(3, MAX_ONE_TIME_PREKEYS, &[], "PublishPrekeys.one_time"),
    messages(4, MAX_KYBER_PREKEYS_PER_UPLOAD, &[], "PublishPrekeys.one_time_kyber"),
];

pub(crate) const SERVER_FRAME: &[Rule] = &[
    messages(1, DELIVERY_WINDOW_ENTRIES, ENTRY, "ServerFrame.entry"),
    Rule { field: 2, most: MAX_SENDS_IN_FLIGHT, holds: Holds::Fixed64, what: "ServerFrame.accepted" },
    messages(3, MAX_SENDS_IN_FLIGHT, REFUSED, "ServerFrame.refused"),
    messages(6, MAX_REQUESTS_PER_FRAME, RESPONSE, "ServerFrame.response"),
    messages(8, MAX_LIGHTS_PER_FRAME, &[], "ServerFrame.light"),
    messages(9, MAX_PRESENCES_PER_FRAME, &[], "ServerFrame.presence"),
];
pub(crate) const ENTRY: &[Rule] = &[messages(3, 1, RECEIPT, "Entry.receipt")];
const RECEIPT: &[Rule] =
    &[Rule { field: 3, most: MAX_IDS_PER_RECEIPT, holds: Holds::Fixed64, what: "Receipt.id" }];
const REFUSED: &[Rule] = &[
    Rule { field: 3, most: MAX_COPIES_PER_SEND, holds: Holds::Varints, what: "Refused.missing" },
    Rule { field: 4, most: MAX_COPIES_PER_SEND, holds: Holds::Varints, what: "Refused.extra" },
    Rule { field: 5, most: MAX_COPIES_PER_SEND, holds: Holds::Varints, what: "Refused.stale" },
];
const RESPONSE: &[Rule] = &[
    messages(5, 1, BUNDLES, "Response.bundles"),
    messages(7, 1, DEVICES, "Response.devices"),
    messages(11, 1, GROUP_FOUND, "Response.group_found"),
    messages(18, 1, SEGMENTS, "Response.segments"),
    messages(19, 1, DOWNLOAD, "Response.download"),
];
const SEGMENTS: &[Rule] = &[
    messages(1, MAX_SEGMENT_URLS, &[], "Segments.url"),
    messages(3, MAX_SEGMENT_HEADERS, &[], "Segments.header"),
];
const DOWNLOAD: &[Rule] = &[messages(3, MAX_SEGMENT_URLS, &[], "Download.url")];
const DEVICES: &[Rule] = &[messages(2, MAX_DEVICES, &[], "Devices.device")];
const GROUP_FOUND: &[Rule] = &[messages(1, MAX_APPROVERS, &[], "GroupFound.approver")];
const BUNDLES: &[Rule] = &[messages(1, MAX_DEVICES, &[], "Bundles.bundle")];

/// Content comes from peers, encrypted: whoever is a contact can send any bytes.
pub(crate) const CONTENT: &[Rule] = &[
    messages(3, 1, POST, "Content.post"),
    messages(4, 1, READ, "Content.read"),
    messages(11, 1, WELCOME, "Content.welcome"),
    messages(13, 1, CATCH_UP, "Content.catch_up"),
    messages(14, 1, SHARED_HISTORY, "Content.shared_history"),
    messages(15, 1, SYNC, "Content.sync"),
    messages(16, 1, ARCHIVE, "Content.archive"),
    messages(17, 1, ACT, "Content.act"),
    messages(19, 1, STATUS, "Content.status"),
    messages(20, 1, ACT, "Content.status_act"),
];
const STATUS: &[Rule] = &[messages(2, 1, POST, "Status.post")];
pub(crate) const POST: &[Rule] = &[
    Rule { field: 2, most: MAX_SPANS * 3, holds: Holds::Varints, what: "Post.span" },
    messages(12, MAX_MENTIONS, &[], "Post.mention"),
    messages(10, 1, POLL, "Post.poll"),
    messages(3, 1, QUOTE, "Post.quote"),
    messages(13, MAX_ATTACHMENTS, &[], "Post.attachment"),
];
const QUOTE: &[Rule] =
    &[Rule { field: 3, most: MAX_ATTACHMENTS, holds: Holds::Varints, what: "Quote.attachment" }];
const POLL: &[Rule] = &[messages(1, *POLL_OPTIONS.end(), &[], "Poll.option")];
pub(crate) const ACT: &[Rule] = &[messages(5, 1, POST, "Act.edit"), messages(9, 1, VOTE, "Act.vote")];
const VOTE: &[Rule] =
    &[Rule { field: 1, most: *POLL_OPTIONS.end(), holds: Holds::Varints, what: "Vote.option" }];
const ARCHIVED: &[Rule] = &[
    messages(6, 1, POST, "ArchivedMessage.post"),
    messages(11, MAX_ACTS_PER_ARCHIVED, &[], "ArchivedMessage.act"),
];
const SYNC_SENT: &[Rule] = &[messages(1, 1, ARCHIVED, "SyncSent.message")];
const SYNC_ACT: &[Rule] = &[messages(2, 1, ACT, "SyncAct.act")];
const READ: &[Rule] = &[Rule { field: 1, most: MAX_IDS_PER_RECEIPT, holds: Holds::Fixed64, what: "Read.id" }];
const WELCOME: &[Rule] = &[
    messages(1, 1, GROUP_STATE, "GroupWelcome.state"),
    messages(2, MAX_PAST_CHANGES, &[], "GroupWelcome.past"),
];
pub(crate) const GROUP_STATE: &[Rule] = &[
    messages(7, MAX_GROUP_MEMBERS, &[], "GroupState.member"),
    messages(11, MAX_LINKED_GROUPS, &[], "GroupState.linked"),
];
const CATCH_UP: &[Rule] = &[messages(1, MAX_CHANGES_PER_CATCH_UP, &[], "CatchUp.change")];
const SHARED_HISTORY: &[Rule] = &[messages(1, MAX_MESSAGES_PER_PART, ARCHIVED, "SharedHistory.message")];
const SYNC: &[Rule] = &[
    messages(1, 1, SYNC_SENT, "Sync.sent"),
    messages(2, 1, SYNC_READ, "Sync.read"),
    messages(3, 1, SYNC_STATE, "Sync.state"),
    messages(6, 1, SYNC_ACT, "Sync.act"),
];
const SYNC_READ: &[Rule] = &[messages(2, MAX_IDS_PER_RECEIPT, &[], "SyncRead.message")];
const SYNC_STATE: &[Rule] = &[messages(1, MAX_STATE_ENTRIES, &[], "SyncState.entry")];
const ARCHIVE: &[Rule] = &[
    messages(4, MAX_MESSAGES_PER_PART, ARCHIVED, "Archive.message"),
    messages(5, MAX_STATE_ENTRIES, &[], "Archive.state"),
    messages(6, MAX_GROUPS_PER_PART, WELCOME, "Archive.group"),
    messages(7, MAX_MESSAGES_PER_PART, &[], "Archive.peer"),
    messages(8, MAX_MESSAGES_PER_PART, ARCHIVED, "Archive.status"),
];
pub(crate) const CHANGE: &[Rule] = &[messages(7, MAX_ACTIONS_PER_CHANGE, &[], "Change.action")];
pub(crate) const DEVICE_LIST: &[Rule] = &[messages(4, MAX_DEVICES, &[], "DeviceList.device")];

/// As long as the longest table above, or longer.
const MAX_RULES: usize = 10;

/// Walks one message along its table.
pub(crate) fn scan(mut bytes: &[u8], rules: &'static [Rule]) -> Result<(), Malformed> {
    debug_assert!(rules.len() <= MAX_RULES);
    let malformed = |_| Malformed::new("protobuf");
    let mut counts = [0usize; MAX_RULES];
    while !bytes.is_empty() {
        let (field, wire_type) = decode_key(&mut bytes).map_err(malformed)?;
        let rule = rules.iter().zip(&mut counts).find(|(rule, _)| rule.field == field);
        let Some((rule, count)) = rule else {
            skip_field(wire_type, field, &mut bytes, DecodeContext::default()).map_err(malformed)?;
            continue;
        };
        if wire_type == WireType::LengthDelimited {
            let length = decode_varint(&mut bytes).map_err(malformed)?;
            let body = usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
            let (body, rest) = body.ok_or(Malformed::new("protobuf"))?;
            bytes = rest;
            *count += elements(body, rule)?;
        } else {
            skip_field(wire_type, field, &mut bytes, DecodeContext::default()).map_err(malformed)?;
            *count += 1;
        }
        if *count > rule.most {
            return Err(Malformed::new(rule.what));
        }
    }
    Ok(())
}

fn elements(body: &[u8], rule: &Rule) -> Result<usize, Malformed> {
    match rule.holds {
        Holds::Messages([]) => Ok(1),
        Holds::Messages(inside) => scan(body, inside).map(|()| 1),
        // The last byte of a varint is the one without its top bit.
        Holds::Varints => Ok(body.iter().filter(|byte| **byte & 0x80 == 0).count()),
        Holds::Fixed64 => Ok(body.len() / 8),
    }
}

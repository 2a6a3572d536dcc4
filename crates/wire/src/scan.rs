//! Counts what lists a frame holds before anything is allocated for them.
//!
//! A protobuf decoder makes room for whatever it meets: two bytes of input can become a hundred of memory,
//! and only afterwards can anybody count. So each frame is walked first, without allocating, along the
//! table of its lists below. A list above its bound, or a message where the schema has one and not a list
//! standing there twice, is malformed. The table is the only place where these bounds are applied.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::Malformed;
use crate::limits::{
    DELIVERY_WINDOW_ENTRIES, MAX_APPROVERS, MAX_COPIES_PER_SEND, MAX_DEVICES, MAX_GROUP_MEMBERS,
    MAX_GROUP_SENDS_PER_FRAME, MAX_IDS_PER_RECEIPT, MAX_KYBER_PREKEYS_PER_UPLOAD, MAX_ONE_TIME_PREKEYS,
    MAX_REQUESTS_PER_FRAME, MAX_SENDS_IN_FLIGHT, MAX_SENDS_PER_FRAME, MAX_UNDECRYPTABLE_PER_STORED,
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
    messages(6, MAX_GROUP_SENDS_PER_FRAME, GROUP_SEND, "ClientFrame.group_send"),
];
const SEND: &[Rule] = &[
    messages(3, MAX_COPIES_PER_SEND, &[], "Send.copy"),
    messages(6, MAX_COPIES_PER_SEND, &[], "Send.other"),
];
const GROUP_SEND: &[Rule] = &[messages(8, 1, GROUP_CHANGE, "GroupSend.change")];
const GROUP_CHANGE: &[Rule] = &[
    messages(1, MAX_GROUP_MEMBERS, &[], "GroupChange.add"),
    messages(2, MAX_GROUP_MEMBERS, &[], "GroupChange.remove"),
    messages(3, MAX_GROUP_MEMBERS, &[], "GroupChange.promote"),
    messages(4, MAX_GROUP_MEMBERS, &[], "GroupChange.demote"),
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
];
pub(crate) const ENTRY: &[Rule] =
    &[messages(2, 1, ENVELOPE, "Entry.envelope"), messages(3, 1, RECEIPT, "Entry.receipt")];
const ENVELOPE: &[Rule] = &[messages(10, 1, GROUP_CHANGE, "Envelope.change")];
const RECEIPT: &[Rule] =
    &[Rule { field: 3, most: MAX_IDS_PER_RECEIPT, holds: Holds::Fixed64, what: "Receipt.id" }];
const REFUSED: &[Rule] = &[
    Rule { field: 3, most: MAX_COPIES_PER_SEND, holds: Holds::Varints, what: "Refused.missing" },
    Rule { field: 4, most: MAX_COPIES_PER_SEND, holds: Holds::Varints, what: "Refused.extra" },
    Rule { field: 5, most: MAX_COPIES_PER_SEND, holds: Holds::Varints, what: "Refused.stale" },
    messages(6, 1, GROUP_VIEW, "Refused.group"),
];
const GROUP_VIEW: &[Rule] = &[messages(2, MAX_GROUP_MEMBERS, &[], "GroupView.member")];
const RESPONSE: &[Rule] = &[
    messages(5, 1, BUNDLES, "Response.bundles"),
    messages(7, 1, DEVICES, "Response.devices"),
    messages(11, 1, GROUP_FOUND, "Response.group_found"),
];
const DEVICES: &[Rule] = &[messages(2, MAX_DEVICES, &[], "Devices.device")];
const GROUP_FOUND: &[Rule] = &[messages(1, MAX_APPROVERS, &[], "GroupFound.approver")];
const BUNDLES: &[Rule] = &[messages(1, MAX_DEVICES, &[], "Bundles.bundle")];

/// More than the longest table above.
const MAX_RULES: usize = 4;

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

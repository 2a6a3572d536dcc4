//! One value of every kind that crosses the wire, with every field away from its default somewhere.

use bytes::Bytes;

use crate::client_frame::{
    ClientFrame, Copy, Hello, Register, Request, RequestBody, Send as SendMessage, Stored,
};
use crate::content::{Body, Content, PlainContent};
use crate::invitation::{Invitation, InvitationToken};
use crate::limits::{KYBER_KEY_BYTES, SIGNATURE_BYTES};
use crate::server_frame::{
    Bundle, DeviceMismatch, Entry, Envelope, Item, Receipt, Refused, Response, ResponseBody, ServerFrame,
    Welcome,
};
use crate::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, EnvelopeKind, KyberPrekey, MessageId, OneTimePrekey,
    PrekeyUpload, PrekeysLeft, Reject, RejectCode, SignedPrekey,
};

pub(super) const ALICE: AccountId = AccountId(*b"alice's account!");
pub(super) const BOB: AccountId = AccountId(*b"bob's account id");
/// November 2026, milliseconds since 1970.
pub(super) const NOW_MS: u64 = 1_795_000_000_000;

pub(super) fn device(number: u8) -> DeviceId {
    DeviceId::new(number).unwrap()
}

pub(super) fn address(account: AccountId, number: u8) -> DeviceAddress {
    DeviceAddress { account, device: device(number) }
}

pub(super) fn copy(device_number: u8, ciphertext: &[u8]) -> Copy {
    Copy {
        device: device(device_number),
        registration_id: 0x3fff,
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::copy_from_slice(ciphertext),
    }
}

pub(super) fn send(id: u64, ciphertext: &[u8]) -> SendMessage {
    SendMessage { id: MessageId(id), to: BOB, copies: vec![copy(1, ciphertext)], silent: false, attempt: 0 }
}

pub(super) fn signed() -> SignedPrekey {
    SignedPrekey { id: 7, key: [5; 33], signature: [0x51; SIGNATURE_BYTES] }
}

pub(super) fn kyber(id: u32) -> KyberPrekey {
    KyberPrekey { id, key: Bytes::from(vec![8; KYBER_KEY_BYTES]), signature: [0x4b; SIGNATURE_BYTES] }
}

pub(super) fn one_time(id: u32) -> OneTimePrekey {
    OneTimePrekey { id, key: [5; 33] }
}

pub(super) fn upload() -> PrekeyUpload {
    PrekeyUpload {
        signed: Some(signed()),
        last_resort: Some(kyber(8)),
        one_time: vec![one_time(9), one_time(u32::MAX)],
        one_time_kyber: vec![kyber(10)],
        replace: true,
    }
}

fn request(what: RequestBody) -> ClientFrame {
    ClientFrame { requests: vec![Request { id: 3, what }], ..Default::default() }
}

pub(super) fn register() -> Register {
    Register {
        invitation: InvitationToken([0x1a; 16]),
        username: "alice".into(),
        identity: [5; 33],
        registration_id: 12_345,
        prekeys: upload(),
    }
}

pub(super) fn client_frames() -> Vec<(&'static str, ClientFrame)> {
    let stored = Stored { up_to: 300, undecryptable: vec![297, 299] };
    let all_kinds = SendMessage {
        id: MessageId(u64::MAX),
        to: ALICE,
        copies: vec![
            copy(1, b"whisper"),
            Copy { kind: EnvelopeKind::Prekey, ..copy(2, b"prekey") },
            Copy { kind: EnvelopeKind::Plaintext, ..copy(126, b"plaintext") },
            Copy { kind: EnvelopeKind::SenderKey, registration_id: 0, ..copy(127, b"") },
        ],
        silent: true,
        attempt: 2,
    };
    vec![
        ("client_empty", ClientFrame::default()),
        (
            "client_hello",
            ClientFrame { hello: Some(Hello { version: 1, lease: 5, stored: 299 }), ..Default::default() },
        ),
        ("client_send", ClientFrame { sends: vec![send(1, b"ciphertext")], ..Default::default() }),
        (
            "client_sends",
            ClientFrame { sends: vec![send(2, b"ciphertext"), all_kinds], ..Default::default() },
        ),
        (
            "client_stored",
            ClientFrame { stored: Some(Stored { up_to: 300, undecryptable: vec![] }), ..Default::default() },
        ),
        ("client_stored_undecryptable", ClientFrame { stored: Some(stored.clone()), ..Default::default() }),
        ("client_ping", ClientFrame { ping: Some(77), ..Default::default() }),
        ("client_ping_zero", ClientFrame { ping: Some(0), ..Default::default() }),
        ("client_register", request(RequestBody::Register(Box::new(register())))),
        ("client_find_account", request(RequestBody::FindAccount("bob".into()))),
        ("client_fetch_bundles", request(RequestBody::FetchBundles(BOB))),
        ("client_publish_prekeys", request(RequestBody::PublishPrekeys(Box::new(upload())))),
        ("client_publish_nothing", request(RequestBody::PublishPrekeys(Box::default()))),
        (
            "client_everything",
            ClientFrame {
                hello: Some(Hello { version: 1, lease: u64::MAX, stored: u64::MAX }),
                stored: Some(stored),
                sends: vec![send(3, b"one"), send(4, b"two")],
                requests: vec![
                    Request { id: 0, what: RequestBody::FindAccount(String::new()) },
                    Request { id: u32::MAX, what: RequestBody::FetchBundles(ALICE) },
                ],
                ping: Some(u32::MAX),
            },
        ),
    ]
}

pub(super) fn envelope(ciphertext: &[u8]) -> Envelope {
    Envelope {
        from: address(ALICE, 1),
        id: MessageId(0x0102_0304_0506_0708),
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::copy_from_slice(ciphertext),
        accepted_at_ms: NOW_MS,
        silent: false,
    }
}

pub(super) fn receipt(ids: &[u64]) -> Receipt {
    Receipt {
        by: address(BOB, 1),
        ids: ids.iter().copied().map(MessageId).collect(),
        at_ms: NOW_MS + 40,
        expired: false,
    }
}

pub(super) fn items() -> Vec<(&'static str, Item)> {
    let companion = Envelope {
        from: address(ALICE, 2),
        kind: EnvelopeKind::Prekey,
        silent: true,
        ..envelope(b"prekey message")
    };
    let expired = Receipt { by: address(BOB, 127), expired: true, ..receipt(&[1, u64::MAX]) };
    vec![
        ("item_envelope", Item::Envelope(envelope(b"ciphertext"))),
        ("item_envelope_companion", Item::Envelope(companion)),
        ("item_receipt", Item::Receipt(receipt(&[1]))),
        ("item_receipt_expired", Item::Receipt(expired)),
    ]
}

fn response(what: ResponseBody) -> ServerFrame {
    ServerFrame { responses: vec![Response { id: 3, what }], ..Default::default() }
}

pub(super) fn bundle(number: u8) -> Bundle {
    Bundle {
        device: device(number),
        registration_id: 12_345,
        identity: [5; 33],
        signed: signed(),
        kyber: kyber(8),
        one_time: Some(one_time(9)),
    }
}

pub(super) fn server_frames() -> Vec<(&'static str, ServerFrame)> {
    let welcome = Welcome {
        address: address(ALICE, 1),
        server_time_ms: NOW_MS,
        previous_lease: 4,
        acknowledged: 299,
        accepted_in_lease: Some(0),
        prekeys_left: PrekeysLeft { one_time: 100, one_time_kyber: 20 },
    };
    let entries: Vec<Entry> =
        items().into_iter().zip([300, 301, 302, 310]).map(|((_, item), seq)| Entry { seq, item }).collect();
    let full = Reject::later(RejectCode::MailboxFull, "Their mailbox is full; try again later.", 60_000);
    let refused = vec![
        Refused { id: MessageId(1), reject: full.clone(), mismatch: DeviceMismatch::default() },
        Refused {
            id: MessageId(2),
            reject: Reject::new(RejectCode::DeviceMismatch, "Their devices have changed."),
            mismatch: DeviceMismatch {
                missing: vec![device(1), device(127)],
                extra: vec![device(2)],
                stale: vec![device(3)],
            },
        },
    ];
    vec![
        ("server_empty", ServerFrame::default()),
        ("server_welcome", ServerFrame { welcome: Some(welcome), ..Default::default() }),
        (
            "server_welcome_forgotten",
            ServerFrame {
                welcome: Some(Welcome { address: address(ALICE, 2), accepted_in_lease: None, ..welcome }),
                ..Default::default()
            },
        ),
        ("server_entries", ServerFrame { entries: entries.clone(), ..Default::default() }),
        (
            "server_accepted",
            ServerFrame { accepted: vec![MessageId(1), MessageId(u64::MAX)], ..Default::default() },
        ),
        ("server_refused", ServerFrame { refused: refused.clone(), ..Default::default() }),
        ("server_pong", ServerFrame { pong: Some(77), ..Default::default() }),
        ("server_goodbye", ServerFrame { goodbye: Some(full.clone()), ..Default::default() }),
        ("server_reject", response(ResponseBody::Reject(full.clone()))),
        ("server_registered", response(ResponseBody::Registered(address(ALICE, 1)))),
        ("server_found", response(ResponseBody::Found { account: BOB, identity: [5; 33] })),
        (
            "server_bundles",
            response(ResponseBody::Bundles(vec![bundle(1), Bundle { one_time: None, ..bundle(2) }])),
        ),
        ("server_no_bundles", response(ResponseBody::Bundles(vec![]))),
        (
            "server_published",
            response(ResponseBody::Published(PrekeysLeft { one_time: 0, one_time_kyber: 1 })),
        ),
        (
            "server_everything",
            ServerFrame {
                welcome: Some(welcome),
                entries,
                accepted: vec![MessageId(0)],
                refused,
                responses: vec![Response {
                    id: 0,
                    what: ResponseBody::Found { account: ALICE, identity: [5; 33] },
                }],
                pong: Some(0),
                goodbye: Some(full),
            },
        ),
    ]
}

pub(super) fn contents() -> Vec<(&'static str, Content)> {
    let content =
        |position, body| Content { sent_at_ms: NOW_MS, position, id: MessageId(0x0123_4567_89ab_cdef), body };
    vec![
        ("content_text", content(1, Body::Text("Grüß dich, 世界 👋".into()))),
        ("content_text_empty", content(u64::MAX, Body::Text(String::new()))),
        ("content_read", content(0, Body::Read(vec![MessageId(1), MessageId(u64::MAX)]))),
        ("content_renew", content(0, Body::Renew)),
    ]
}

pub(super) fn plain_contents() -> Vec<(&'static str, PlainContent)> {
    vec![("plain_retry", PlainContent::Retry { id: MessageId(0x0102_0304_0506_0708), attempt: 1 })]
}

pub(super) fn invitation() -> Invitation {
    Invitation { server: DeviceKey([0x5e; 32]), token: InvitationToken([0x1a; 16]) }
}

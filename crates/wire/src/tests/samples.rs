//! One value of every kind that crosses the wire, with every field away from its default somewhere.

use crate::attachment::{Attachment, AttachmentKind};
use crate::post::{Act, Answer, Card, Deed, Place, Post, Preview, Quote, Span, Style};
use crate::profile::{PresenceKeys, Profile};
use bytes::Bytes;

use crate::client_frame::{
    ApproveLink, ClientFrame, CompleteLink, Copy, GroupSend, Hello, Register, Request, RequestBody,
    Send as SendMessage, Stored,
};
use crate::content::{
    Archive, ArchivedBody, ArchivedMessage, ArchivedPeer, Body, Content, Conversation, GroupContext,
    MessageName, PlainContent, SenderKey, StateEntry, Status, Sync,
};
use crate::devices::{
    DeviceList, HistoryRange, LinkGrant, LinkOffer, LinkReference, ListedDevice, SignedDeviceList,
};
use crate::directory::{AddressCode, Evaluated};
use crate::file::{Download, FileRequest, Segments, UploadTicket, UploadToken};
use crate::group::{
    Action, Allowed, Change, GroupKind, GroupState, GroupToken, GroupView, GroupWelcome, LinkedGroup, Member,
    MemberView, PastChange, Permissions, PublicChange, SignedChange, Standing,
};
use crate::invitation::{Invitation, InvitationToken};
use crate::light::{
    Announcement, Light, LightContent, LightEvent, LightKind, Presence, PresenceToken, Watch, Watched,
};
use crate::limits::{KYBER_KEY_BYTES, MAX_FILE_BYTES, MAX_LIGHT_BYTES, SIGNATURE_BYTES};
use crate::server_frame::{
    Bundle, DeviceMismatch, DeviceState, Entry, Envelope, GroupEnvelope, Item, Receipt, Refused, Response,
    ResponseBody, ServerFrame, Welcome,
};
use crate::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, EnvelopeKind, FileId, GroupId, KyberPrekey, MessageId,
    OneTimePrekey, PrekeyUpload, PrekeysLeft, Reject, RejectCode, SignedPrekey, Username,
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
    SendMessage {
        id: MessageId(id),
        to: BOB,
        copies: vec![copy(1, ciphertext)],
        silent: false,
        attempt: 0,
        others: vec![],
        files: vec![],
    }
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
        list: signed_list(),
    }
}

pub(super) const GROUP: GroupId = GroupId(*b"a group's number");
const FILE: FileId = FileId(*b"a file on server");
const TOKEN: UploadToken = UploadToken([0x70; 32]);
const REFERENCE: LinkReference = LinkReference([0x4c; 16]);

pub(super) fn device_list() -> DeviceList {
    let listed = |number, registration_id| ListedDevice {
        device: device(number),
        registration_id,
        identity: [number; 33],
    };
    DeviceList {
        version: 3,
        issued_at_ms: NOW_MS,
        expires_at_ms: NOW_MS + 60 * 86_400_000,
        devices: vec![listed(1, 12_345), listed(4, 0x3fff)],
        next: 5,
    }
}

pub(super) fn signed_list() -> SignedDeviceList {
    SignedDeviceList { list: device_list().encode(), signature: [0x15; SIGNATURE_BYTES] }
}

pub(super) fn link_offer() -> LinkOffer {
    LinkOffer {
        identity: [5; 33],
        registration_id: 77,
        name: Bytes::from_static(b"sealed name"),
        mac: [0x3a; 32],
    }
}

pub(super) fn link_grant() -> LinkGrant {
    LinkGrant {
        account: ALICE,
        device: device(4),
        username: Username::parse("alice").unwrap(),
        identity: [5; 33],
        history: HistoryRange::Year,
    }
}

pub(super) fn public_change() -> PublicChange {
    PublicChange {
        add: vec![BOB, ALICE],
        remove: vec![BOB],
        promote: vec![ALICE],
        demote: vec![ALICE, BOB],
        members_add: true,
        link: Some([0x11; 32]),
    }
}

pub(super) fn group_state() -> GroupState {
    GroupState {
        group: GROUP,
        epoch: 9,
        previous: Some([9; 32]),
        name: "Family".into(),
        description: "Who cooks when".into(),
        picture: Bytes::from_static(b"an image file"),
        members: vec![Member { account: ALICE, admin: true }, Member { account: BOB, admin: false }],
        permissions: Permissions {
            send: Allowed::Everybody,
            edit: Allowed::Admins,
            add: Allowed::Admins,
            approve: true,
        },
        link: Some(GroupToken([2; 16])),
        kind: GroupKind::Community,
        linked: vec![LinkedGroup {
            group: GroupId([3; 16]),
            name: "Cooks".into(),
            link: Some(GroupToken([4; 16])),
        }],
        community: Some(GroupId([6; 16])),
    }
}

fn group_welcome(past: Vec<PastChange>) -> GroupWelcome {
    GroupWelcome { state: group_state(), past }
}

fn past_changes() -> Vec<PastChange> {
    let past = |epoch, before| PastChange { epoch, everybody_sent: epoch == 8, before };
    let carol = AccountId([0xca; 16]);
    vec![
        past(9, vec![(carol, Standing::Member), (BOB, Standing::Admin)]),
        past(8, vec![]),
        past(7, vec![(carol, Standing::Outside)]),
    ]
}

pub(super) fn change() -> Change {
    Change {
        group: GROUP,
        epoch: 10,
        previous: Some([9; 32]),
        by: address(ALICE, 4),
        at_ms: NOW_MS,
        actions: vec![
            Action::Create { name: "Family".into(), kind: GroupKind::Community },
            Action::Add(Member { account: BOB, admin: true }),
            Action::Remove(ALICE),
            Action::Promote(BOB),
            Action::Demote(BOB),
            Action::Name("Family!".into()),
            Action::Description(String::new()),
            Action::Picture(Bytes::from_static(b"another")),
            Action::Permissions(Permissions { send: Allowed::Admins, ..Permissions::default() }),
            Action::Link(None),
            Action::Link(Some(GroupToken([8; 16]))),
            Action::LinkGroup(LinkedGroup { group: GroupId([3; 16]), name: "Cooks".into(), link: None }),
            Action::UnlinkGroup(GroupId([3; 16])),
            Action::Community(Some(GroupId([6; 16]))),
            Action::Community(None),
        ],
    }
}

fn signed_change() -> SignedChange {
    SignedChange { change: change().encode(), signature: [0xc4; SIGNATURE_BYTES] }
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
        others: vec![(device(1), 0), (device(99), 0x3fff)],
        files: vec![],
    };
    let group_send = GroupSend {
        id: MessageId(5),
        group: GROUP,
        epoch: 3,
        view: [0x77; 32],
        ciphertext: Bytes::from_static(b"sender key message"),
        silent: false,
        attempt: 0,
        change: None,
        files: vec![],
    };
    let change =
        GroupSend { epoch: 0, silent: true, attempt: 1, change: Some(public_change()), ..group_send.clone() };
    let group_sends = vec![group_send, change];
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
        ("client_fetch_bundles", request(RequestBody::FetchBundles(BOB, vec![]))),
        ("client_fetch_some_bundles", request(RequestBody::FetchBundles(BOB, vec![device(1), device(127)]))),
        ("client_fetch_devices", request(RequestBody::FetchDevices(BOB))),
        ("client_publish_device_list", request(RequestBody::PublishDeviceList(signed_list()))),
        ("client_remove_device", request(RequestBody::RemoveDevice(device(4)))),
        ("client_offer_link", request(RequestBody::OfferLink(REFERENCE, link_offer().encode()))),
        ("client_fetch_link", request(RequestBody::FetchLink(REFERENCE))),
        (
            "client_approve_link",
            request(RequestBody::ApproveLink(Box::new(ApproveLink {
                reference: REFERENCE,
                list: signed_list(),
                sealed: Bytes::from_static(b"sealed grant"),
            }))),
        ),
        (
            "client_complete_link",
            request(RequestBody::CompleteLink(Box::new(CompleteLink {
                reference: REFERENCE,
                registration_id: 77,
                countersignature: [0xcc; SIGNATURE_BYTES],
                prekeys: upload(),
                device: None,
            }))),
        ),
        (
            "client_complete_link_as",
            request(RequestBody::CompleteLink(Box::new(CompleteLink {
                reference: REFERENCE,
                registration_id: 77,
                countersignature: [0xcc; SIGNATURE_BYTES],
                prekeys: upload(),
                device: DeviceId::new(3),
            }))),
        ),
        ("client_find_group", request(RequestBody::FindGroup(GROUP, GroupToken([2; 16])))),
        ("client_fetch_group_epoch", request(RequestBody::FetchGroupEpoch(GROUP))),
        ("client_find_username", request(RequestBody::FindUsername(BOB))),
        ("client_evaluate_addresses", request(RequestBody::EvaluateAddresses(vec![[1; 32], [2; 32]]))),
        ("client_fetch_bucket", request(RequestBody::FetchBucket(15))),
        ("client_findable", request(RequestBody::Findable(None))),
        ("client_not_findable", request(RequestBody::Findable(Some(false)))),
        ("client_redeem_address", request(RequestBody::RedeemAddress(AddressCode([7; 16])))),
        (
            "client_files",
            ClientFrame {
                sends: vec![SendMessage { files: vec![FILE, FileId([0xff; 16])], ..send(5, b"a picture") }],
                group_sends: group_sends
                    .iter()
                    .map(|send| GroupSend { files: vec![FILE], ..send.clone() })
                    .collect(),
                ..Default::default()
            },
        ),
        ("client_request_upload", request(RequestBody::File(FileRequest::Upload(MAX_FILE_BYTES)))),
        (
            "client_request_segments",
            request(RequestBody::File(FileRequest::Segments {
                file: FILE,
                token: TOKEN,
                first: 16,
                count: 16,
            })),
        ),
        (
            "client_finish_upload",
            request(RequestBody::File(FileRequest::Finish { file: FILE, token: TOKEN })),
        ),
        (
            "client_request_download",
            request(RequestBody::File(FileRequest::Download { file: FILE, first: 32 })),
        ),
        (
            "client_fetched_files",
            request(RequestBody::File(FileRequest::Fetched(vec![FILE, FileId([0; 16])]))),
        ),
        ("client_group_sends", ClientFrame { group_sends: group_sends.clone(), ..Default::default() }),
        ("client_publish_prekeys", request(RequestBody::PublishPrekeys(Box::new(upload())))),
        ("client_publish_nothing", request(RequestBody::PublishPrekeys(Box::default()))),
        (
            "client_everything",
            ClientFrame {
                hello: Some(Hello { version: 1, lease: u64::MAX, stored: u64::MAX }),
                stored: Some(stored),
                sends: vec![send(3, b"one"), send(4, b"two")],
                group_sends,
                requests: vec![
                    Request { id: 0, what: RequestBody::FindAccount(String::new()) },
                    Request { id: u32::MAX, what: RequestBody::FetchBundles(ALICE, vec![]) },
                ],
                ping: Some(u32::MAX),
                lights: vec![],
                announcement: None,
                watch: None,
            },
        ),
        ("client_light", ClientFrame { lights: lights(), ..Default::default() }),
        (
            "client_announcement",
            ClientFrame { announcement: Some(Box::new(announcement())), ..Default::default() },
        ),
        ("client_watch", ClientFrame { watch: Some(watch()), ..Default::default() }),
    ]
}

fn lights() -> Vec<Light> {
    let sealed = Bytes::from(vec![0x5e; MAX_LIGHT_BYTES]);
    vec![
        Light { to: Conversation::Account(BOB), sealed: sealed.clone() },
        Light { to: Conversation::Group(GROUP), sealed },
    ]
}

fn announcement() -> Announcement {
    Announcement {
        sealed: Bytes::from_static(b"sealed: in use"),
        gate: PresenceToken([0x70; 16]).gate(),
        seen: Bytes::from_static(b"sealed: last in use"),
        seen_gate: Some(PresenceToken([0x73; 16]).gate()),
    }
}

fn watch() -> Watch {
    let watched = Watched { account: BOB, token: PresenceToken([0x70; 16]), seen_token: None };
    let more = Watched { account: ALICE, seen_token: Some(PresenceToken([0x73; 16])), ..watched };
    Watch { awake: true, watched: vec![watched, more] }
}

/// What light events say, before it is encrypted.
pub(super) fn light_contents() -> Vec<(&'static str, LightContent)> {
    let of = |kind| LightContent { kind, at_ms: NOW_MS };
    vec![
        ("light_stopped", of(LightKind::Stopped)),
        ("light_typing", of(LightKind::Typing)),
        ("light_recording", of(LightKind::Recording)),
        ("light_active", of(LightKind::Active)),
        ("light_away", of(LightKind::Away)),
        ("light_seen", of(LightKind::Seen)),
    ]
}

/// Announcements and light events as they come down.
fn light_frames() -> Vec<(&'static str, ServerFrame)> {
    let event = |group| LightEvent { from: address(ALICE, 4), group, sealed: Bytes::from_static(b"sealed") };
    let presence = Presence {
        of: address(ALICE, 1),
        sealed: Bytes::from_static(b"sealed: in use"),
        seen: Bytes::new(),
        gone: false,
        left_at_ms: 0,
    };
    let gone = Presence {
        of: address(ALICE, 4),
        seen: Bytes::from_static(b"sealed: last in use"),
        gone: true,
        left_at_ms: NOW_MS,
        ..presence.clone()
    };
    vec![
        (
            "server_lights",
            ServerFrame { lights: vec![event(None), event(Some(GROUP))], ..Default::default() },
        ),
        ("server_presences", ServerFrame { presences: vec![presence, gone], ..Default::default() }),
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
        group: None,
    }
}

pub(super) fn receipt(ids: &[u64]) -> Receipt {
    Receipt {
        by: address(BOB, 1),
        ids: ids.iter().copied().map(MessageId).collect(),
        sent_by: device(1),
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
    let expired =
        Receipt { by: address(BOB, 127), expired: true, sent_by: device(4), ..receipt(&[1, u64::MAX]) };
    let to_group = |change| Envelope {
        kind: EnvelopeKind::SenderKey,
        group: Some(GroupEnvelope { group: GROUP, epoch: 10, change }),
        ..envelope(b"sender key message")
    };
    vec![
        ("item_envelope", Item::Envelope(envelope(b"ciphertext"))),
        ("item_envelope_companion", Item::Envelope(companion)),
        ("item_group", Item::Envelope(to_group(None))),
        ("item_group_change", Item::Envelope(to_group(Some(public_change())))),
        ("item_receipt", Item::Receipt(receipt(&[1]))),
        ("item_receipt_expired", Item::Receipt(expired)),
    ]
}

pub(super) fn device_state(number: u8) -> DeviceState {
    DeviceState {
        device: device(number),
        registration_id: 12_345,
        countersignature: None,
        last_seen_ms: NOW_MS,
        place: "203.0.113.7".into(),
        linked_at_ms: NOW_MS - 1,
    }
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
        countersignature: (number != 1).then_some([0xcc; SIGNATURE_BYTES]),
    }
}

pub(super) fn server_frames() -> Vec<(&'static str, ServerFrame)> {
    let welcome = Welcome {
        address: address(ALICE, 1),
        server_time_ms: NOW_MS,
        previous_lease: 4,
        acknowledged: 299,
        received_in_lease: Some(0),
        prekeys_left: PrekeysLeft { one_time: 100, one_time_kyber: 20 },
        list_version: 3,
        devices: 2,
        skipped: 0,
    };
    let entries: Vec<Entry> = items()
        .into_iter()
        .zip([300, 301, 302, 303, 304, 310])
        .map(|((_, item), seq)| Entry { seq, item })
        .collect();
    let full = Reject::later(RejectCode::MailboxFull, "Their mailbox is full; try again later.", 60_000);
    let refused = vec![
        Refused {
            id: MessageId(1),
            reject: full.clone(),
            mismatch: DeviceMismatch::default(),
            group: None,
            files_gone: vec![],
        },
        Refused {
            id: MessageId(2),
            reject: Reject::new(RejectCode::DeviceMismatch, "Their devices have changed."),
            mismatch: DeviceMismatch {
                missing: vec![device(1), device(127)],
                extra: vec![device(2)],
                stale: vec![device(3)],
            },
            group: None,
            files_gone: vec![],
        },
        Refused {
            id: MessageId(3),
            reject: Reject::new(RejectCode::GroupMismatch, "The group has changed."),
            mismatch: DeviceMismatch::default(),
            group: Some(GroupView {
                epoch: 10,
                members: vec![
                    MemberView { account: ALICE, digest: [1; 8], admin: true },
                    MemberView { account: BOB, digest: [2; 8], admin: false },
                ],
            }),
            files_gone: vec![],
        },
    ];
    let mut frames = vec![
        ("server_empty", ServerFrame::default()),
        ("server_welcome", ServerFrame { welcome: Some(welcome), ..Default::default() }),
        (
            "server_welcome_forgotten",
            ServerFrame {
                welcome: Some(Welcome {
                    address: address(ALICE, 2),
                    received_in_lease: None,
                    skipped: 12,
                    ..welcome
                }),
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
            response(ResponseBody::Bundles {
                list: signed_list(),
                bundles: vec![bundle(1), Bundle { one_time: None, ..bundle(2) }],
            }),
        ),
        ("server_no_bundles", response(ResponseBody::Bundles { list: signed_list(), bundles: vec![] })),
        (
            "server_devices",
            response(ResponseBody::Devices {
                list: signed_list(),
                devices: vec![
                    device_state(1),
                    DeviceState { countersignature: Some([0xcc; 64]), ..device_state(4) },
                ],
            }),
        ),
        ("server_done", response(ResponseBody::Done)),
        ("server_link_offered", response(ResponseBody::LinkOffered(link_offer().encode()))),
        (
            "server_linked",
            response(ResponseBody::Linked {
                list: signed_list(),
                sealed: Bytes::from_static(b"sealed grant"),
            }),
        ),
        ("server_group_found", response(ResponseBody::GroupFound(vec![ALICE, BOB]))),
        ("server_group_epoch", response(ResponseBody::GroupEpoch(7))),
        ("server_username", response(ResponseBody::Username("alice".into()))),
        (
            "server_evaluated",
            response(ResponseBody::Evaluated(Box::new(Evaluated {
                elements: vec![[1; 32], [2; 32]],
                proof: [3; 64],
                key: [4; 32],
                bits: 4,
            }))),
        ),
        ("server_bucket", response(ResponseBody::Bucket(vec![[1; 60], [2; 60]]))),
        ("server_findable", response(ResponseBody::Findable { on: true, addresses: 2 })),
        (
            "server_upload_ticket",
            response(ResponseBody::UploadTicket(UploadTicket {
                file: FILE,
                token: TOKEN,
                url: "/media/61".into(),
                expires_at_ms: NOW_MS,
                segment_bytes: 0,
            })),
        ),
        (
            "server_upload_in_segments",
            response(ResponseBody::UploadTicket(UploadTicket {
                file: FILE,
                token: TOKEN,
                url: String::new(),
                expires_at_ms: NOW_MS,
                segment_bytes: 8 << 20,
            })),
        ),
        (
            "server_segments",
            response(ResponseBody::Segments(Segments {
                urls: vec![
                    "https://store.example/61/0?sig=1".into(),
                    "https://store.example/61/1?sig=2".into(),
                ],
                expires_at_ms: NOW_MS,
                headers: Vec::new(),
            })),
        ),
        (
            "server_segments_with_headers",
            response(ResponseBody::Segments(Segments {
                urls: vec![
                    "https://store.example/61/0?sig=1".into(),
                    "https://store.example/61/1?sig=2".into(),
                ],
                expires_at_ms: NOW_MS,
                headers: vec![("x-ms-blob-type".into(), "BlockBlob".into())],
            })),
        ),
        (
            "server_download",
            response(ResponseBody::Download(Download {
                bytes: MAX_FILE_BYTES,
                segment_bytes: 8 << 20,
                urls: vec!["https://store.example/61/0?sig=1".into()],
                expires_at_ms: NOW_MS,
            })),
        ),
        (
            "server_file_gone",
            ServerFrame {
                refused: vec![Refused {
                    id: MessageId(4),
                    reject: Reject::new(RejectCode::FileGone, "A file is gone."),
                    mismatch: DeviceMismatch::default(),
                    group: None,
                    files_gone: vec![FILE],
                }],
                ..Default::default()
            },
        ),
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
                lights: vec![],
                presences: vec![],
            },
        ),
    ];
    frames.extend(light_frames());
    frames
}

pub(super) fn content(position: u64, body: Body) -> Content {
    Content {
        sent_at_ms: NOW_MS,
        position,
        id: MessageId(0x0123_4567_89ab_cdef),
        group: None,
        devices: 3,
        body,
    }
}

pub(super) fn contents() -> Vec<(&'static str, Content)> {
    let group = GroupContext { group: GROUP, epoch: 10, state: group_state().hash() };
    let in_group = |body| Content { group: Some(group), ..content(2, body) };
    let sync = |sync| content(0, Body::Sync(sync));
    let name = (address(ALICE, 4), MessageId(77));
    let sender_key = SenderKey { distribution: Bytes::from_static(b"distribution"), light: None };
    let archived = |body| ArchivedMessage {
        name,
        conversation: Conversation::Group(GROUP),
        sent_at_ms: NOW_MS,
        stored_at_ms: NOW_MS + 1,
        delivery: 3,
        position: 12,
        body,
        acts: vec![Bytes::from_static(b"an act")],
        shown_to: Vec::new(),
    };
    let text = archived(ArchivedBody::Post(Box::new(Post::plain("older"))));
    let entry = |value: Option<&'static [u8]>| StateEntry {
        key: Bytes::from_static(b"register"),
        value: value.map(Bytes::from_static),
        at: NOW_MS,
        device: device(4),
    };
    let peer = |known: bool| ArchivedPeer {
        account: BOB,
        username: known.then(|| Username::parse("bob").unwrap()),
        identity: known.then_some([5; 33]),
        verified: known,
        profile: None,
    };
    vec![
        ("content_text", content(1, Body::Post(Box::new(Post::plain("Grüß dich, 世界 👋"))))),
        ("content_text_empty", content(u64::MAX, Body::Post(Box::default()))),
        ("content_read", content(0, Body::Read(vec![MessageId(1), MessageId(u64::MAX)]))),
        ("content_renew", content(0, Body::Renew)),
        ("content_post", content(3, Body::Post(Box::new(whole_post())))),
        ("content_post_place", content(4, Body::Post(Box::new(carded(Card::Place(place())))))),
        ("content_post_contact", {
            let card =
                Card::Contact { name: "Bob".into(), account: Some(BOB), details: "BEGIN:VCARD".into() };
            content(5, Body::Post(Box::new(carded(card))))
        }),
        ("content_post_event", {
            let card = Card::Event { starts_at_ms: NOW_MS, ends_at_ms: 0, place: "here".into() };
            content(6, Body::Post(Box::new(carded(card))))
        }),
        ("content_post_attachments", content(7, Body::Post(Box::new(with_files())))),
        ("content_post_attachment_short", {
            let attachments = vec![Attachment { file: None, ..short_file(AttachmentKind::Document) }];
            content(8, Body::Post(Box::new(Post { attachments, ..Post::default() })))
        }),
        ("content_act_react", content(0, act(Some(name), Deed::React("👍".into())))),
        ("content_act_edit", content(0, act(Some(name), Deed::Edit(Box::new(whole_post()))))),
        ("content_act_delete", content(0, act(Some(name), Deed::Delete))),
        ("content_act_pin", content(0, act(Some(name), Deed::Pin(NOW_MS)))),
        ("content_act_keep", content(0, act(Some(name), Deed::Keep(true)))),
        ("content_act_vote", content(0, act(Some(name), Deed::Vote(vec![0, 11])))),
        ("content_act_answer", content(0, act(Some(name), Deed::Answer(Answer::Perhaps)))),
        ("content_act_live", content(0, act(Some(name), Deed::Live(place())))),
        ("content_act_opened", content(0, act(Some(name), Deed::Opened))),
        ("content_act_lifetime", content(0, act(None, Deed::Lifetime(86_400)))),
        ("content_sync_act", {
            let Body::Act(act) = act(None, Deed::Lifetime(0)) else { unreachable!() };
            sync(Sync::Act(Conversation::Account(BOB), act))
        }),
        ("content_group_text", in_group(Body::Post(Box::new(Post::plain("to all"))))),
        ("content_sender_key", in_group(Body::SenderKey(sender_key.clone()))),
        (
            "content_sender_key_light",
            in_group(Body::SenderKey(SenderKey { light: Some([0x11; 32]), ..sender_key })),
        ),
        ("content_change", in_group(Body::Change(signed_change()))),
        ("content_welcome", in_group(Body::Welcome(Box::new(group_welcome(Vec::new()))))),
        ("content_welcome_past", in_group(Body::Welcome(Box::new(group_welcome(past_changes()))))),
        ("content_join", content(0, Body::Join(GROUP, GroupToken([2; 16])))),
        ("content_catch_up", in_group(Body::CatchUp(vec![signed_change(), signed_change()]))),
        (
            "content_shared_history",
            in_group(Body::SharedHistory(vec![
                text.clone(),
                archived(ArchivedBody::Lost),
                archived(ArchivedBody::Unknown),
                archived(ArchivedBody::Notice(Bytes::from_static(b"notice"))),
            ])),
        ),
        (
            "content_sync_sent",
            sync(Sync::Sent(Box::new(ArchivedMessage {
                conversation: Conversation::Account(BOB),
                ..text.clone()
            }))),
        ),
        ("content_sync_read", sync(Sync::Read(Conversation::Account(BOB), vec![name, name]))),
        ("content_sync_state", sync(Sync::State(vec![entry(Some(b"value")), entry(Some(b"")), entry(None)]))),
        ("content_status", content(0, status())),
        ("content_status_act", {
            let Body::Act(act) = act(Some(name), Deed::React("👍".into())) else { unreachable!() };
            content(0, Body::StatusAct(act))
        }),
        ("content_sync_status", {
            let conversation = Conversation::Status(ALICE);
            sync(Sync::Sent(Box::new(ArchivedMessage {
                conversation,
                shown_to: vec![ALICE, BOB],
                ..text.clone()
            })))
        }),
        ("content_archive_status", {
            let shown = ArchivedMessage { conversation: Conversation::Status(BOB), ..text.clone() };
            let messages = vec![text.clone(), shown];
            content(0, Body::Archive(Box::new(Archive { part: 3, messages, ..Archive::default() })))
        }),
        ("content_sync_removed", sync(Sync::Removed(device(4)))),
        ("content_sync_hello", sync(Sync::Hello("Laptop".into()))),
        (
            "content_archive",
            content(
                0,
                Body::Archive(Box::new(Archive {
                    part: 2,
                    last: true,
                    total: 1_000,
                    messages: vec![text],
                    state: vec![entry(None)],
                    groups: vec![group_welcome(Vec::new())],
                    peers: vec![peer(true), peer(false)],
                })),
            ),
        ),
        ("content_profile", content(0, Body::Profile(Box::new(profile())))),
        ("content_profile_short", {
            let presence = Some(PresenceKeys { online: [2; 32], last_seen: None });
            content(0, Body::Profile(Box::new(Profile { presence, ..Profile::default() })))
        }),
        (
            "content_archive_profile",
            content(
                0,
                Body::Archive(Box::new(Archive {
                    peers: vec![ArchivedPeer { profile: Some(Box::new(profile())), ..peer(true) }],
                    ..Archive::default()
                })),
            ),
        ),
    ]
}

fn status() -> Body {
    let post = Box::new(Post { lifetime_s: 86_400, ..whole_post() });
    Body::Status(Box::new(Status { id: MessageId(0x7700_0000_0000_0001), post }))
}

fn profile() -> Profile {
    Profile {
        at: NOW_MS,
        name: "Zoë".into(),
        about: "At the sea".into(),
        picture: Bytes::from_static(b"image"),
        light_key: Some([1; 32]),
        presence: Some(PresenceKeys { online: [2; 32], last_seen: Some([3; 32]) }),
        no_groups: true,
    }
}

fn act(target: Option<MessageName>, deed: Deed) -> Body {
    Body::Act(Box::new(Act { target, sent_at_ms: NOW_MS, at: NOW_MS + 5, deed }))
}

fn place() -> Place {
    Place { latitude_e7: -1, longitude_e7: 1_800_000_000, accuracy_m: 7, name: "Fiji".into(), live_s: 900 }
}

fn carded(card: Card) -> Post {
    Post { card: Some(Box::new(card)), ..Post::default() }
}

/// An album, that answers one.
pub(super) fn with_files() -> Post {
    use AttachmentKind::{Audio, Document, Gif, Photo, Sticker, Video, Voice};
    let photo = Attachment {
        media_type: "image/jpeg".into(),
        name: "sea.jpg".into(),
        width: 1600,
        height: 1200,
        duration_ms: 61_000,
        blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj".into(),
        waveform: Bytes::from_static(&[0, 128, 255]),
        thumbnail: Bytes::from_static(b"image"),
        pages: 3,
        ..short_file(Photo)
    };
    let mut attachments = vec![photo];
    attachments.extend([Document, Video, Voice, Audio, Sticker, Gif].map(short_file));
    let quote = Quote {
        message: (address(ALICE, 4), MessageId(9)),
        text: String::new(),
        attachments: vec![Photo, Document, Gif],
    };
    Post { attachments, quote: Some(Box::new(quote)), once: true, ..Post::plain("at the sea") }
}

pub(super) fn short_file(kind: AttachmentKind) -> Attachment {
    Attachment { file: Some(FileId([0xb1; 16])), ..Attachment::new(kind, [0xce; 32], [0xd1; 32], 2 << 30) }
}

fn whole_post() -> Post {
    Post {
        spans: vec![
            Span { start: 0, bytes: 5, style: Style::Bold },
            Span { start: 6, bytes: 4, style: Style::Mention(BOB) },
        ],
        quote: Some(Box::new(Quote {
            message: (address(ALICE, 4), MessageId(9)),
            text: "who?".into(),
            attachments: Vec::new(),
        })),
        forwards: 2,
        lifetime_s: 86_400,
        once: true,
        preview: Some(Box::new(Preview {
            url: "https://example.org/".into(),
            title: "Example".into(),
            description: "of a link".into(),
            image: Bytes::from_static(b"image"),
        })),
        card: Some(Box::new(Card::Poll { options: vec!["a".into(), "b".into()], several: true })),
        ..Post::plain("hello @bob")
    }
}

pub(super) fn plain_contents() -> Vec<(&'static str, PlainContent)> {
    let retry = |group| PlainContent::Retry { id: MessageId(0x0102_0304_0506_0708), attempt: 1, group };
    vec![("plain_retry", retry(None)), ("plain_retry_group", retry(Some((GROUP, 9))))]
}

pub(super) fn invitation() -> Invitation {
    Invitation { server: DeviceKey([0x5e; 32]), token: InvitationToken([0x1a; 16]) }
}

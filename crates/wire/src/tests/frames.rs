//! Bounds, defaults and what later versions may add.

use crate::post::Post;
use crate::profile::Profile;
use bytes::Bytes;
use prost::Message;

use super::samples::{self, BOB, address, bundle, copy, device, envelope, kyber, one_time, receipt, send};
use crate::client_frame::{
    ClientFrame, GroupSend, Register, Request, RequestBody, Send as SendMessage, Stored,
};
use crate::content::{ArchivedMessage, Body, Content, PlainContent, Status};
use crate::group::{Action, Change, GroupState, GroupView, Member, MemberView};
use crate::limits::{
    DELIVERY_WINDOW_ENTRIES, MAX_ABOUT_BYTES, MAX_CIPHERTEXT_BYTES, MAX_COPIES_PER_SEND, MAX_DETAIL_BYTES,
    MAX_DEVICES, MAX_GROUP_DESCRIPTION_BYTES, MAX_GROUP_MEMBERS, MAX_GROUP_NAME_BYTES,
    MAX_GROUP_PICTURE_BYTES, MAX_IDS_PER_RECEIPT, MAX_KYBER_PREKEYS_PER_UPLOAD, MAX_ONE_TIME_PREKEYS,
    MAX_PLAINTEXT_BYTES, MAX_PROFILE_NAME_BYTES, MAX_PROFILE_PICTURE_BYTES, MAX_REQUESTS_PER_FRAME,
    MAX_SENDS_IN_FLIGHT, MAX_SENDS_PER_FRAME, MAX_STATUS_AUDIENCE, MAX_TEXT_BYTES,
    MAX_UNDECRYPTABLE_PER_STORED,
};
use crate::pb::content as pb_content;
use crate::pb::frame as pb;
use crate::server_frame::{
    DeviceMismatch, Entry, Item, Receipt, Refused, Response, ResponseBody, ServerFrame, entry_bytes_bound,
    put_entry,
};
use crate::{AccountId, Malformed, MessageId, PrekeyUpload, Reject, RejectCode};

pub(super) fn up(frame: &ClientFrame) -> Result<ClientFrame, Malformed> {
    ClientFrame::decode(frame.encode().into())
}

pub(super) fn down(frame: &ServerFrame) -> Result<ServerFrame, Malformed> {
    ServerFrame::decode(frame.encode().into())
}

fn sends(sends: Vec<SendMessage>) -> ClientFrame {
    ClientFrame { sends, ..Default::default() }
}

/// A list of `most` passes, one of `most + 1` is refused under the name of the list.
pub(super) fn bounded<F, D: std::fmt::Debug + PartialEq>(
    what: &str,
    most: usize,
    frame: impl Fn(usize) -> F,
    decode: impl Fn(&F) -> Result<D, Malformed>,
) {
    assert!(decode(&frame(most)).is_ok(), "{what}: {:?}", decode(&frame(most)));
    assert_eq!(decode(&frame(most + 1)).unwrap_err().what, what);
}

#[test]
fn lists_of_client_frames_are_bounded() {
    bounded(
        "ClientFrame.send",
        MAX_SENDS_PER_FRAME,
        |n| sends((0..n as u64).map(|id| send(id, b"x")).collect()),
        up,
    );
    bounded(
        "Send.copy",
        MAX_COPIES_PER_SEND,
        |n| sends(vec![SendMessage { copies: vec![copy(1, b"x"); n], ..send(1, b"") }]),
        up,
    );
    let stored = |undecryptable| ClientFrame {
        stored: Some(Stored { up_to: 1 << 40, undecryptable }),
        ..Default::default()
    };
    let most = MAX_UNDECRYPTABLE_PER_STORED;
    bounded("Stored.undecryptable", most, |n| stored(vec![u64::MAX; n]), up);
    let requests = |n| ClientFrame {
        requests: vec![Request { id: 1, what: RequestBody::FetchBundles(BOB, vec![]) }; n],
        ..Default::default()
    };
    bounded("ClientFrame.request", MAX_REQUESTS_PER_FRAME, requests, up);
    let publish = |upload: PrekeyUpload| ClientFrame {
        requests: vec![Request { id: 1, what: RequestBody::PublishPrekeys(Box::new(upload)) }],
        ..Default::default()
    };
    let keys = |n| publish(PrekeyUpload { one_time: vec![one_time(1); n], ..Default::default() });
    bounded("PublishPrekeys.one_time", MAX_ONE_TIME_PREKEYS, keys, up);
    let keys = |n| publish(PrekeyUpload { one_time_kyber: vec![kyber(1); n], ..Default::default() });
    bounded("PublishPrekeys.one_time_kyber", MAX_KYBER_PREKEYS_PER_UPLOAD, keys, up);
}

#[test]
fn lists_of_server_frames_are_bounded() {
    let entry = |n: usize| ServerFrame {
        entries: (1..=n as u64).map(|seq| Entry { seq, item: Item::Receipt(receipt(&[1])) }).collect(),
        ..Default::default()
    };
    bounded("ServerFrame.entry", DELIVERY_WINDOW_ENTRIES, entry, down);
    let ids = |n| ServerFrame { accepted: vec![MessageId(1); n], ..Default::default() };
    bounded("ServerFrame.accepted", MAX_SENDS_IN_FLIGHT, ids, down);
    let refuse = |mismatch| Refused {
        id: MessageId(1),
        reject: Reject::new(RejectCode::StorageFull, ""),
        mismatch,
        group: None,
        files_gone: vec![],
    };
    let many = |n| ServerFrame { refused: vec![refuse(DeviceMismatch::default()); n], ..Default::default() };
    bounded("ServerFrame.refused", MAX_SENDS_IN_FLIGHT, many, down);
    type List = fn(usize) -> DeviceMismatch;
    let lists: [(&str, List); 3] = [
        ("Refused.missing", |n| DeviceMismatch { missing: vec![device(1); n], ..Default::default() }),
        ("Refused.extra", |n| DeviceMismatch { extra: vec![device(1); n], ..Default::default() }),
        ("Refused.stale", |n| DeviceMismatch { stale: vec![device(1); n], ..Default::default() }),
    ];
    for (what, list) in lists {
        let frame = |n| ServerFrame { refused: vec![refuse(list(n))], ..Default::default() };
        bounded(what, MAX_COPIES_PER_SEND, frame, down);
    }
    let response = |what| ServerFrame { responses: vec![Response { id: 1, what }], ..Default::default() };
    let bundles =
        |n| response(ResponseBody::Bundles { list: samples::signed_list(), bundles: vec![bundle(1); n] });
    bounded("Bundles.bundle", MAX_DEVICES, bundles, down);
    let many = |n| {
        let one = Response { id: 1, what: ResponseBody::Done };
        ServerFrame { responses: vec![one; n], ..Default::default() }
    };
    bounded("ServerFrame.response", MAX_REQUESTS_PER_FRAME, many, down);
    let ids = |n| Item::Receipt(Receipt { ids: vec![MessageId(1); n], ..receipt(&[]) });
    bounded("Receipt.id", MAX_IDS_PER_RECEIPT, ids, |item| Item::decode(item.encode().into()));
}

#[test]
fn a_bound_holds_however_the_list_is_written() {
    // Repeated scalars may stand packed, one by one, or in several packs; messages may come in parts.
    let over = MAX_UNDECRYPTABLE_PER_STORED + 1;
    let unpacked = [0x10, 1].repeat(over);
    let two_packs = [&[0x12, 0x80, 0x01][..], &[1; 128], &[0x12, 0x81, 0x01], &[1; 129]].concat();
    for inside in [unpacked, two_packs] {
        let mut frame = vec![0x12];
        prost::encoding::encode_varint(inside.len() as u64, &mut frame);
        frame.extend_from_slice(&inside);
        assert_eq!(ClientFrame::decode(frame.into()).unwrap_err().what, "Stored.undecryptable");
    }
    let twice = [0x12, 0x02, 0x08, 0x05].repeat(2);
    assert_eq!(ClientFrame::decode(twice.into()).unwrap_err().what, "ClientFrame.stored");
}

#[test]
fn the_largest_useful_frames_fit() {
    let registration = Register {
        username: "x".repeat(32),
        prekeys: PrekeyUpload {
            one_time: vec![one_time(u32::MAX); MAX_ONE_TIME_PREKEYS],
            one_time_kyber: vec![kyber(u32::MAX); MAX_KYBER_PREKEYS_PER_UPLOAD],
            ..samples::upload()
        },
        ..samples::register()
    };
    let what = RequestBody::Register(Box::new(registration));
    let frame = ClientFrame { requests: vec![Request { id: u32::MAX, what }], ..Default::default() };
    assert!(frame.encode().len() <= MAX_PLAINTEXT_BYTES, "{}", frame.encode().len());
    assert!(up(&frame).is_ok());

    let all = ResponseBody::Bundles {
        list: samples::signed_list(),
        bundles: (1..=MAX_DEVICES as u8).map(bundle).collect(),
    };
    let frame = ServerFrame { responses: vec![Response { id: u32::MAX, what: all }], ..Default::default() };
    assert!(frame.encode().len() <= MAX_PLAINTEXT_BYTES);

    let largest = send(1, &vec![0; MAX_CIPHERTEXT_BYTES]);
    assert!(largest.fits());
    let item = Item::Envelope(envelope(&vec![0; MAX_CIPHERTEXT_BYTES])).encode();
    assert!(entry_bytes_bound(item.len()) <= MAX_PLAINTEXT_BYTES);
}

#[test]
fn sizes_are_foretold() {
    for (bytes, copies) in [(0, 1), (100, 1), (127, 2), (128, 2), (16_383, 3), (20_000, 3)] {
        let message = SendMessage { copies: vec![copy(3, &vec![7; bytes]); copies], ..send(u64::MAX, b"") };
        assert_eq!(sends(vec![message.clone()]).encode().len(), message.encoded_bytes());
    }
    let too_large = SendMessage { copies: vec![copy(1, &[0; 40_000]); 2], ..send(1, b"") };
    assert!(!too_large.fits());
    for (item_bytes, seq) in [(0, 1), (127, 1 << 20), (40_000, u64::MAX)] {
        let mut out = Vec::new();
        put_entry(&mut out, seq, false, &vec![0; item_bytes]);
        assert!(out.len() <= entry_bytes_bound(item_bytes));
    }
}

#[test]
fn parts_above_their_size_are_refused() {
    let large = sends(vec![send(1, &vec![0; MAX_CIPHERTEXT_BYTES + 1])]);
    assert_eq!(up(&large).unwrap_err().what, "ciphertext");
    let detail = Reject::new(RejectCode::Unavailable, "x".repeat(MAX_DETAIL_BYTES + 1));
    let goodbye = ServerFrame { goodbye: Some(detail), ..Default::default() };
    assert_eq!(down(&goodbye).unwrap_err().what, "Reject.detail");
    let name = RequestBody::FindAccount("x".repeat(257));
    let find = ClientFrame { requests: vec![Request { id: 1, what: name }], ..Default::default() };
    assert_eq!(up(&find).unwrap_err().what, "FindAccount.username");
    assert_eq!(ClientFrame::decode(vec![0; MAX_PLAINTEXT_BYTES + 1].into()).unwrap_err().what, "ClientFrame");
    let content =
        |body| Content { sent_at_ms: 1, position: 1, id: MessageId(1), group: None, devices: 1, body };
    let text = |n| content(Body::Post(Box::new(Post::plain("x".repeat(n)))));
    assert!(Content::decode(&text(MAX_TEXT_BYTES).encode()).is_ok());
    assert!(Content::decode(&text(MAX_TEXT_BYTES + 1).encode()).is_err());
    let read = |n| content(Body::Read(vec![MessageId(1); n]));
    assert!(Content::decode(&read(MAX_IDS_PER_RECEIPT).encode()).is_ok());
    assert!(Content::decode(&read(MAX_IDS_PER_RECEIPT + 1).encode()).is_err());
    let profile = |name: usize, about: usize, picture: usize| {
        let (name, about) = ("x".repeat(name), "x".repeat(about));
        let profile = Profile { name, about, picture: vec![0; picture].into(), ..Profile::default() };
        Content::decode(&content(Body::Profile(Box::new(profile))).encode()).map(|_| ())
    };
    let (name, about, picture) = (MAX_PROFILE_NAME_BYTES, MAX_ABOUT_BYTES, MAX_PROFILE_PICTURE_BYTES);
    assert!(profile(name, about, picture).is_ok());
    assert_eq!(profile(name + 1, 0, 0).unwrap_err().what, "Profile.name");
    assert_eq!(profile(0, about + 1, 0).unwrap_err().what, "Profile.about");
    assert_eq!(profile(0, 0, picture + 1).unwrap_err().what, "Profile.picture");
    let shown = |n: usize| {
        let post = Box::new(Post::plain("x".repeat(n)));
        let status = Body::Status(Box::new(Status { id: MessageId(1), post }));
        Content::decode(&content(status).encode()).map(|_| ())
    };
    assert!(shown(MAX_TEXT_BYTES).is_ok());
    assert_eq!(shown(MAX_TEXT_BYTES + 1).unwrap_err().what, "Post.text");
    let empty = pb_content::content::Body::Status(pb_content::Status { id: 1, post: None });
    let empty = pb_content::Content { body: Some(empty), ..Default::default() }.encode_to_vec();
    assert_eq!(Content::decode(&empty).err().unwrap().what, "Status.post");
    let to = |bytes: usize| {
        let name = pb_content::MessageName { account: vec![1; 16].into(), device: 1, id: 1 };
        let what = pb_content::conversation::What::Status(vec![1; 16].into());
        let message = pb_content::ArchivedMessage {
            name: Some(name),
            conversation: Some(pb_content::Conversation { what: Some(what) }),
            shown_to: vec![1; bytes].into(),
            ..Default::default()
        };
        ArchivedMessage::try_from(message).map(|_| ())
    };
    assert!(to(MAX_STATUS_AUDIENCE * 16).is_ok());
    for wrong in [MAX_STATUS_AUDIENCE * 16 + 16, 17, 1] {
        assert_eq!(to(wrong).unwrap_err().what, "ArchivedMessage.shown_to");
    }
    let keys = |light: &'static [u8], online: &'static [u8]| {
        let presence = Some(pb_content::PresenceKeys { online: online.into(), last_seen: Bytes::new() });
        let profile = pb_content::Profile { light_key: light.into(), presence, ..Default::default() };
        Profile::try_from(profile).map(|_| ())
    };
    assert!(keys(&[], &[1; 32]).is_ok());
    assert_eq!(keys(&[1; 31], &[1; 32]).err().unwrap().what, "Profile.light_key");
    assert_eq!(keys(&[1; 32], &[]).err().unwrap().what, "PresenceKeys.online");
}

#[test]
fn a_profile_is_named_by_what_it_says() {
    let profile = Profile { at: 1, name: "Zoë".into(), ..Profile::default() };
    assert_eq!(profile.digest(), Profile { at: 2, ..profile.clone() }.digest());
    assert_ne!(profile.digest(), Profile { no_groups: true, ..profile.clone() }.digest());
}

#[test]
fn fixed_lengths_and_ranges_are_checked() {
    let frame = |change: fn(&mut pb::Send)| {
        let mut send = pb::Send::from(&send(1, b"x"));
        change(&mut send);
        ClientFrame::decode(pb::ClientFrame { send: vec![send], ..Default::default() }.encode_to_vec().into())
    };
    assert!(frame(|_| ()).is_ok());
    assert_eq!(frame(|s| s.to = Bytes::from_static(&[1; 15])).unwrap_err().what, "Send.to");
    assert_eq!(frame(|s| s.to = Bytes::new()).unwrap_err().what, "Send.to");
    assert_eq!(frame(|s| s.copy[0].device = 128).unwrap_err().what, "Copy.device");
    assert_eq!(frame(|s| s.copy[0].device = 257).unwrap_err().what, "Copy.device");
    assert_eq!(frame(|s| s.copy[0].registration = 1 << 14).unwrap_err().what, "registration id");
    assert_eq!(frame(|s| s.copy[0].kind = 4).unwrap_err().what, "envelope kind");
    // Written out or not, 1 is the primary.
    assert_eq!(frame(|s| s.copy[0].device = 1), frame(|s| s.copy[0].device = 0));
}

#[test]
fn missing_parts_are_named() {
    for (bytes, what) in [(&[0x2a, 0][..], "Request.what"), (&[0x0a, 0], "Send.to")] {
        assert_eq!(ClientFrame::decode(Bytes::from_static(bytes)).unwrap_err().what, what);
    }
    for (bytes, what) in [
        (&[0x0a, 2, 0x08, 1][..], "Entry.item"),
        (&[0x32, 0], "Response.what"),
        (&[0x3a, 0], "Goodbye.reject"),
        (&[0x1a, 0], "Refused.reject"),
        (&[0x2a, 0], "Welcome.account"),
    ] {
        assert_eq!(ServerFrame::decode(Bytes::from_static(bytes)).unwrap_err().what, what);
    }
    assert_eq!(PlainContent::decode(&[]).unwrap_err().what, "PlainContent.body");
}

#[test]
fn what_a_later_version_adds_is_skipped() {
    let addition = [0x78, 5, 0x7a, 3, 1, 2, 3, 0xfd, 0x7f, 1, 2, 3, 4, 0xf9, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8];
    for (name, frame) in samples::client_frames() {
        let bytes = [&frame.encode()[..], &addition].concat();
        assert_eq!(ClientFrame::decode(bytes.into()).unwrap(), frame, "{name}");
    }
    for (name, frame) in samples::server_frames() {
        let bytes = [&frame.encode()[..], &addition].concat();
        assert_eq!(ServerFrame::decode(bytes.into()).unwrap(), frame, "{name}");
    }
    let unknown_body = [0x08, 1, 0x10, 2, 0xa2, 0x06, 1, 0];
    let content = Content::decode(&unknown_body).unwrap();
    let (id, body) = (MessageId(0), Body::Unknown);
    assert!(content == Content { sent_at_ms: 1, position: 2, id, group: None, devices: 0, body });
    // A reason that this build has no name for is still a reject.
    let reject = pb::Reject { code: 999, detail: "new".into(), retry_after: 1 };
    let goodbye = pb::Goodbye { reject: Some(reject) };
    let bytes = pb::ServerFrame { goodbye: Some(goodbye), ..Default::default() }.encode_to_vec();
    let goodbye = ServerFrame::decode(bytes.into()).unwrap().goodbye.unwrap();
    assert_eq!(goodbye, Reject::later(RejectCode::Unspecified, "new", 1));
}

#[test]
fn sequence_numbers_of_entries() {
    let item = Item::Receipt(receipt(&[1]));
    let frame = |numbers: &[(u64, bool)]| {
        let mut out = Vec::new();
        numbers.iter().for_each(|(seq, follows)| put_entry(&mut out, *seq, *follows, &item.encode()));
        ServerFrame::decode(out.into()).map(|f| f.entries.iter().map(|e| e.seq).collect::<Vec<_>>())
    };
    assert_eq!(frame(&[(5, false), (6, true), (7, true)]), Ok(vec![5, 6, 7]));
    assert_eq!(frame(&[(5, false), (9, false), (10, true)]), Ok(vec![5, 9, 10]));
    assert_eq!(frame(&[(u64::MAX, false)]), Ok(vec![u64::MAX]));
    assert!(frame(&[(5, true)]).is_err(), "nothing to follow");
    assert!(frame(&[(0, false)]).is_err(), "numbers begin at 1");
    assert!(frame(&[(5, false), (5, false)]).is_err(), "twice");
    assert!(frame(&[(5, false), (4, false)]).is_err(), "backwards");
    assert!(frame(&[(u64::MAX, false), (0, true)]).is_err(), "past the end");
}

#[test]
fn entries_put_by_hand_and_a_frame_are_one_frame() {
    let item = Item::Envelope(envelope(b"x"));
    let mut bytes = Vec::new();
    put_entry(&mut bytes, 3, false, &item.encode());
    put_entry(&mut bytes, 4, true, &item.encode());
    let rest = ServerFrame { accepted: vec![MessageId(9)], pong: Some(1), ..Default::default() };
    bytes.extend_from_slice(&rest.encode());
    let entries = vec![Entry { seq: 3, item: item.clone() }, Entry { seq: 4, item }];
    let whole = ServerFrame { entries, ..rest };
    assert_eq!(ServerFrame::decode(bytes.into()).unwrap(), whole);
    assert_eq!(down(&whole).unwrap(), whole);
}

#[test]
fn an_empty_frame_is_no_bytes() {
    assert!(ClientFrame::default().encode().is_empty());
    assert!(ServerFrame::default().encode().is_empty());
    assert!(ClientFrame::default().is_empty());
    assert!(samples::client_frames().iter().skip(1).all(|(_, frame)| !frame.is_empty()));
}

#[test]
fn what_is_printed_identifies_nobody() {
    let shown = format!("{:?}", address(samples::ALICE, 1));
    assert_eq!(shown, "DeviceAddress { account: AccountId(616c…), device: DeviceId(1) }");
    assert_eq!(format!("{:?}", samples::invitation().token), "InvitationToken(…)");
    assert_eq!(format!("{:?}", crate::Username::parse("alice").unwrap()), "Username(…)");
}

#[test]
fn groups_of_the_largest_size_fit() {
    let accounts: Vec<AccountId> =
        (0..MAX_GROUP_MEMBERS as u128).map(|n| AccountId(n.to_be_bytes())).collect();
    let member = |account: &AccountId| MemberView { account: *account, digest: [7; 8], admin: true };
    let view = GroupView { epoch: u64::MAX, members: accounts.iter().map(member).collect() };
    let refused = Refused {
        id: MessageId(1),
        reject: Reject::new(RejectCode::GroupMismatch, "x".repeat(MAX_DETAIL_BYTES)),
        mismatch: DeviceMismatch::default(),
        group: Some(view),
        files_gone: vec![],
    };
    let frame = ServerFrame { refused: vec![refused], ..Default::default() };
    assert!(frame.encode().len() <= MAX_PLAINTEXT_BYTES, "{}", frame.encode().len());
    assert_eq!(down(&frame).unwrap(), frame);

    let member = |account: &AccountId| Member { account: *account, admin: true };
    let members: Vec<Member> = accounts.iter().map(member).collect();
    let linked = samples::group_state().linked.remove(0);
    let state = GroupState {
        members: members.clone(),
        name: "x".repeat(MAX_GROUP_NAME_BYTES),
        description: "x".repeat(MAX_GROUP_DESCRIPTION_BYTES),
        picture: vec![1; MAX_GROUP_PICTURE_BYTES].into(),
        linked: vec![linked; 50],
        ..samples::group_state()
    };
    let change = Change { actions: members.into_iter().map(Action::Add).collect(), ..samples::change() };
    let send = GroupSend {
        id: MessageId(1),
        group: samples::GROUP,
        epoch: 1,
        view: [0; 32],
        ciphertext: vec![0; change.encode().len() + 512].into(),
        silent: false,
        attempt: 0,
        change: Some(change.public(&state)),
        files: vec![],
    };
    assert!(send.fits(), "{}", send.encoded_bytes());
    assert!(GroupState::decode(&state.encode()).unwrap() == state);
    assert!(state.encode().len() + 512 < MAX_CIPHERTEXT_BYTES, "{}", state.encode().len());
}

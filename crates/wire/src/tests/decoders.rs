//! Fuzz smoke: every decoder with random bytes and with valid ones that were tampered with.

use bytes::Bytes;
use proptest::prelude::*;

use super::{first_frame, join_ik, join_xx, keys, only_frame, rng, samples};
use crate::client_frame::ClientFrame;
use crate::content::{Content, PlainContent};
use crate::devices::{DeviceList, LinkCode, LinkGrant, LinkOffer};
use crate::group::{Change as GroupChange, GroupLink, GroupState, GroupToken};
use crate::handshake::{Answer, Initiator, Responder};
use crate::light::LightContent;
use crate::server_frame::{Item, ServerFrame};

/// One change to a message.
#[derive(Debug, Clone, Copy)]
enum Change {
    Set(u16, u8),
    Flip(u16, u8),
    Insert(u16, u8),
    Remove(u16, u8),
    Repeat(u16, u8),
    Truncate(u16),
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        let place = |at: u16, bytes: &Vec<u8>| usize::from(at) % (bytes.len() + 1);
        match self {
            Self::Set(at, value) => {
                let at = place(at, bytes);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = value);
            }
            Self::Flip(at, bit) => {
                let at = place(at, bytes);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (bit & 7));
            }
            Self::Insert(at, value) => bytes.insert(place(at, bytes), value),
            Self::Remove(at, count) => {
                let at = place(at, bytes);
                bytes.drain(at..(at + usize::from(count & 15)).min(bytes.len()));
            }
            Self::Repeat(at, count) => {
                let at = place(at, bytes);
                let part = bytes[at..(at + usize::from(count)).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            Self::Truncate(at) => bytes.truncate(place(at, bytes)),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (0..6u8, any::<u16>(), any::<u8>()).prop_map(|(kind, at, value)| match kind {
        0 => Change::Set(at, value),
        1 => Change::Flip(at, value),
        2 => Change::Insert(at, value),
        3 => Change::Remove(at, value),
        4 => Change::Repeat(at, value),
        _ => Change::Truncate(at),
    });
    prop::collection::vec(change, 1..5)
}

/// Bytes that came from a valid message by a few changes.
fn changed(valid: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(valid), changes()).prop_map(|(mut bytes, changes)| {
        changes.into_iter().for_each(|change| change.apply(&mut bytes));
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    // Bytes that protobuf may take for keys and lengths are the more interesting ones.
    let byte = prop_oneof![any::<u8>(), 0..64u8];
    prop::collection::vec(byte, 0..150)
}

fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) }
}

/// What was accepted is accepted again when it is written anew, and says the same.
fn client_frame(bytes: Vec<u8>) {
    if let Ok(frame) = ClientFrame::decode(bytes.into()) {
        assert_eq!(ClientFrame::decode(frame.encode().into()).unwrap(), frame);
    }
}

fn server_frame(bytes: Vec<u8>) {
    if let Ok(frame) = ServerFrame::decode(bytes.into()) {
        assert_eq!(ServerFrame::decode(frame.encode().into()).unwrap(), frame);
    }
}

fn item(bytes: Vec<u8>) {
    if let Ok(item) = Item::decode(bytes.into()) {
        assert_eq!(Item::decode(item.encode().into()).unwrap(), item);
    }
}

fn content(bytes: &[u8]) {
    if let Ok(content) = Content::decode(bytes) {
        assert!(Content::decode(&content.encode()).unwrap() == content);
    }
}

fn plain_content(bytes: &[u8]) {
    if let Ok(content) = PlainContent::decode(bytes) {
        assert_eq!(PlainContent::decode(&content.encode()).unwrap(), content);
    }
}

/// What devices sign and pass to each other, whichever of it the bytes are.
fn signed_parts(bytes: &[u8]) {
    if let Ok(list) = DeviceList::decode(bytes) {
        assert_eq!(DeviceList::decode(&list.encode()).unwrap(), list);
    }
    if let Ok(offer) = LinkOffer::decode(bytes) {
        assert_eq!(LinkOffer::decode(&offer.encode()).unwrap(), offer);
    }
    if let Ok(grant) = LinkGrant::decode(bytes) {
        assert!(LinkGrant::decode(&grant.encode()).unwrap() == grant);
    }
    if let Ok(light) = LightContent::decode(bytes) {
        assert_eq!(LightContent::decode(&light.encode()).unwrap(), light);
    }
    if let Ok(state) = GroupState::decode(bytes) {
        assert!(GroupState::decode(&state.encode()).unwrap() == state);
    }
    if let Ok(change) = GroupChange::decode(bytes) {
        assert!(GroupChange::decode(&change.encode()).unwrap() == change);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _typed = LinkCode::parse(text);
        let _link = GroupLink::parse(text);
    }
}

fn signed_samples() -> Vec<Vec<u8>> {
    let code = LinkCode { secret: [7; 15], identity: None };
    vec![
        samples::device_list().encode().to_vec(),
        samples::link_offer().encode().to_vec(),
        samples::link_grant().encode(),
        samples::group_state().encode(),
        samples::change().encode().to_vec(),
        code.to_text().into_bytes(),
        code.to_qr(&[5; 33]).into_bytes(),
        GroupLink { group: samples::GROUP, token: GroupToken([1; 16]) }.to_text().into_bytes(),
    ]
}

fn encoded<T>(list: Vec<(&'static str, T)>, encode: impl Fn(&T) -> Vec<u8>) -> Vec<Vec<u8>> {
    list.iter().map(|(_, value)| encode(value)).collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_bytes(bytes in any_bytes()) {
        client_frame(bytes.clone());
        server_frame(bytes.clone());
        item(bytes.clone());
        content(&bytes);
        plain_content(&bytes);
        signed_parts(&bytes);
    }

    #[test]
    fn changed_signed_parts(bytes in changed(signed_samples())) {
        signed_parts(&bytes);
    }

    #[test]
    fn changed_client_frames(bytes in changed(encoded(samples::client_frames(), ClientFrame::encode))) {
        client_frame(bytes);
    }

    #[test]
    fn changed_server_frames(bytes in changed(encoded(samples::server_frames(), ServerFrame::encode))) {
        server_frame(bytes);
    }

    #[test]
    fn changed_items(bytes in changed(encoded(samples::items(), Item::encode))) {
        item(bytes);
    }

    #[test]
    fn changed_contents(bytes in changed(encoded(samples::contents(), Content::encode))) {
        content(&bytes);
    }

    #[test]
    fn changed_plain_contents(bytes in changed(encoded(samples::plain_contents(), PlainContent::encode))) {
        plain_content(&bytes);
    }

    #[test]
    fn changed_handshakes(
        bytes in changed([join_ik(1).messages, join_xx(2).messages].concat()),
        random in any_bytes(),
        xx in any::<bool>(),
    ) {
        responder_reads(xx, &random);
        responder_reads(xx, &bytes);
    }

    #[test]
    fn changed_answers(
        bytes in changed(vec![join_ik(1).messages.remove(1), join_xx(2).messages.remove(1)]),
        random in any_bytes(),
        xx in any::<bool>(),
    ) {
        initiator_finishes(xx, &random);
        initiator_finishes(xx, &bytes);
    }
}

fn responder_reads(xx: bool, bytes: &[u8]) {
    let server = keys(if xx { 2 } else { 1 }).1;
    let preamble = [b'W', b'X', b'W', 1, if xx { 2 } else { 1 }];
    let responder = Responder::start(&server, &preamble, &mut rng(5)).unwrap();
    if let Ok(Answer::Continue(responder, _)) = responder.read(bytes) {
        assert!(responder.read(bytes).is_err());
    }
}

fn initiator_finishes(xx: bool, bytes: &[u8]) {
    let (alice, server) = keys(if xx { 2 } else { 1 });
    let known = (!xx).then(|| server.public());
    let (initiator, _) = Initiator::start(&alice, known, &mut rng(3)).unwrap();
    assert!(initiator.finish(bytes).is_err());
}

#[test]
fn decoding_copies_no_ciphertext() {
    let message = samples::send(1, &[7; 1_000]);
    let bytes = Bytes::from(ClientFrame { sends: vec![message], ..Default::default() }.encode());
    let range = bytes.as_ptr_range();
    let frame = ClientFrame::decode(bytes).unwrap();
    assert!(range.contains(&frame.sends[0].copies[0].ciphertext.as_ptr()));
    let (_, first) = Initiator::start(&keys(1).0, None, &mut rng(1)).unwrap();
    assert!(!only_frame(&first[5..]).is_empty() && first_frame(&first).0[4] == 2);
}

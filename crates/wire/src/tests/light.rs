//! Bounds of light events.

use bytes::Bytes;

use super::frames::{bounded, down, up};
use super::samples::{BOB, address};
use crate::client_frame::ClientFrame;
use crate::content::Conversation;
use crate::light::{Announcement, Light, LightContent, LightEvent, Presence, PresenceToken, Watch, Watched};
use crate::limits::{MAX_LIGHT_BYTES, MAX_LIGHTS_PER_FRAME, MAX_PRESENCES_PER_FRAME, MAX_WATCHED};
use crate::server_frame::ServerFrame;

fn light(bytes: usize) -> Light {
    Light { to: Conversation::Account(BOB), sealed: vec![1; bytes].into() }
}

fn event(bytes: usize) -> LightEvent {
    LightEvent { from: address(BOB, 1), group: None, sealed: vec![1; bytes].into() }
}

fn presence(sealed: usize, seen: usize) -> Presence {
    Presence {
        of: address(BOB, 1),
        sealed: vec![1; sealed].into(),
        seen: vec![1; seen].into(),
        gone: true,
        left_at_ms: u64::MAX,
    }
}

fn announcement(sealed: usize, seen: usize) -> Announcement {
    let gate = PresenceToken([1; 16]).gate();
    Announcement { sealed: vec![1; sealed].into(), gate, seen: vec![1; seen].into(), seen_gate: None }
}

fn watch(accounts: usize) -> Watch {
    let token = PresenceToken([3; 16]);
    Watch { awake: true, watched: vec![Watched { account: BOB, token, seen_token: Some(token) }; accounts] }
}

#[test]
fn lists_are_bounded() {
    let lights = |n| ClientFrame { lights: vec![light(100); n], ..Default::default() };
    bounded("ClientFrame.light", MAX_LIGHTS_PER_FRAME, lights, up);
    let watches = |n| ClientFrame { watch: Some(watch(n)), ..Default::default() };
    bounded("Watch.watched", MAX_WATCHED, watches, up);
    let events = |n| ServerFrame { lights: vec![event(100); n], ..Default::default() };
    bounded("ServerFrame.light", MAX_LIGHTS_PER_FRAME, events, down);
    let presences = |n| ServerFrame { presences: vec![presence(100, 100); n], ..Default::default() };
    bounded("ServerFrame.presence", MAX_PRESENCES_PER_FRAME, presences, down);
}

#[test]
fn sizes_are_bounded() {
    let most = MAX_LIGHT_BYTES;
    bounded("Light.sealed", most, |n| ClientFrame { lights: vec![light(n)], ..Default::default() }, up);
    let announces =
        |n, seen| ClientFrame { announcement: Some(Box::new(announcement(n, seen))), ..Default::default() };
    bounded("Announcement.sealed", most, |n| announces(n, 0), up);
    bounded("Announcement.seen", most, |n| announces(0, n), up);
    bounded(
        "LightEvent.sealed",
        most,
        |n| ServerFrame { lights: vec![event(n)], ..Default::default() },
        down,
    );
    let presences = |n, seen| ServerFrame { presences: vec![presence(n, seen)], ..Default::default() };
    bounded("Presence.sealed", most, |n| presences(n, 0), down);
    bounded("Presence.seen", most, |n| presences(0, n), down);
}

#[test]
fn a_light_event_goes_to_somebody_and_to_one() {
    use prost::Message as _;
    let with = |account: &'static [u8], group: &'static [u8]| {
        let light = crate::pb::frame::Light {
            account: Bytes::from_static(account),
            group: Bytes::from_static(group),
            sealed: Bytes::new(),
        };
        let frame = crate::pb::frame::ClientFrame { light: vec![light], ..Default::default() };
        ClientFrame::decode(frame.encode_to_vec().into())
    };
    assert!(with(&[1; 16], &[]).is_ok() && with(&[], &[1; 16]).is_ok());
    for (account, group) in [(&[][..], &[][..]), (&[1; 16], &[1; 16]), (&[1; 15], &[]), (&[], &[1; 17])] {
        assert!(with(account, group).is_err());
    }
}

#[test]
fn what_a_later_version_says_is_no_light_of_this_one() {
    assert!(LightContent::decode(&[8, 99]).is_err(), "an unknown kind");
    assert!(LightContent::decode(&[8, 1, 16, 7, 26, 0]).is_ok(), "a field more");
    assert!(LightContent::decode(&[0x1a; MAX_LIGHT_BYTES + 1]).is_err());
}

#[test]
fn tokens_are_not_printed() {
    let token = PresenceToken([0xab; 16]);
    assert_eq!(format!("{token:?}"), "PresenceToken(…)");
    assert_ne!(token.gate(), PresenceToken([0xac; 16]).gate());
}

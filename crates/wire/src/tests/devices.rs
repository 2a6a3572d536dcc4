//! Device lists, linking codes and group links.

use super::samples;
use crate::devices::{DeviceList, LinkCode, LinkGrant, LinkOffer};
use crate::group::{Action, Change, GroupId, GroupLink, GroupState, GroupToken, member_digest, view_digest};

#[test]
fn lists_that_make_no_sense_are_refused() {
    let list = samples::device_list();
    assert_eq!(DeviceList::decode(&list.encode()).unwrap(), list);
    type Change = fn(&mut DeviceList);
    let changes: [Change; 6] = [
        |list| list.version = 0,
        |list| list.devices.reverse(),
        |list| list.devices.push(list.devices[1]),
        |list| list.devices.rotate_left(1),
        |list| list.next = 4,
        |list| list.devices.clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut wrong = list.clone();
        change(&mut wrong);
        assert!(DeviceList::decode(&wrong.encode()).is_err(), "{number}");
    }
}

#[test]
fn of_an_expired_list_only_the_primary_remains() {
    let list = samples::device_list();
    let valid = |now_ms| list.valid_at(now_ms).map(|device| device.device.number()).collect::<Vec<_>>();
    assert_eq!(valid(list.expires_at_ms - 1), [1, 4]);
    assert_eq!(valid(list.expires_at_ms), [1]);
}

#[test]
fn offers_and_grants_come_back() {
    let offer = samples::link_offer();
    assert_eq!(LinkOffer::decode(&offer.encode()).unwrap(), offer);
    assert!(LinkOffer::decode(&offer.authenticated_bytes()).is_err());
    assert!(LinkGrant::decode(&samples::link_grant().encode()).unwrap() == samples::link_grant());
}

#[test]
fn linking_codes_survive_people() {
    let code = LinkCode { secret: *b"fifteen letters", identity: None };
    let text = code.to_text();
    assert_eq!(text.len(), 29);
    let typed = format!(" {} ", text.replace('-', " ").to_ascii_uppercase());
    assert!(LinkCode::parse(&typed).unwrap() == code);
    let scanned = LinkCode::parse(&code.to_qr(&[5; 33])).unwrap();
    assert_eq!((scanned.secret, scanned.identity), (code.secret, Some([5; 33])));
    assert_eq!(scanned.reference(), code.reference());
    for at in [0, 7, 28] {
        let mut wrong = text.clone().into_bytes();
        wrong[at] = if wrong[at] == b'q' { b'r' } else { b'q' };
        let other = LinkCode::parse(std::str::from_utf8(&wrong).unwrap());
        assert!(other.is_err(), "{at}");
    }
    assert!(LinkCode::parse(&text[..20]).is_err() && LinkCode::parse("").is_err());
}

#[test]
fn group_links_survive_people() {
    let link = GroupLink { group: GroupId([7; 16]), token: GroupToken([9; 16]) };
    let text = link.to_text();
    assert_eq!(GroupLink::parse(&format!(" {} ", text.to_ascii_uppercase())), Ok(link));
    assert!(GroupLink::parse(&text[..text.len() - 1]).is_err());
    assert!(GroupLink::parse(&text.replace("waxwing-group:", "")).is_err());
}

#[test]
fn a_state_is_named_by_everything_in_it() {
    let state = samples::group_state();
    assert!(GroupState::decode(&state.encode()).unwrap() == state);
    type Edit = fn(&mut GroupState);
    let edits: [Edit; 8] = [
        |state| state.epoch += 1,
        |state| state.previous = None,
        |state| state.name.push('!'),
        |state| state.members[1].admin = true,
        |state| state.permissions.approve = false,
        |state| state.link = None,
        |state| state.linked.clear(),
        |state| state.community = None,
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut other = state.clone();
        edit(&mut other);
        assert_ne!(other.hash(), state.hash(), "{number}");
    }
}

#[test]
fn the_server_is_told_of_a_change_what_fans_out() {
    let change = Change {
        actions: vec![
            Action::Add(crate::group::Member { account: samples::BOB, admin: true }),
            Action::Name("secret".into()),
            Action::Remove(samples::ALICE),
        ],
        ..samples::change()
    };
    let public = change.public(&samples::group_state());
    assert_eq!((public.add, public.promote), (vec![samples::BOB], vec![samples::BOB]));
    assert_eq!((public.remove, public.demote), (vec![samples::ALICE], vec![]));
    assert_eq!(public.link, Some(GroupToken([2; 16]).hash()));
    assert!(!public.members_add);
}

#[test]
fn digests_tell_devices_apart() {
    let device = samples::device;
    let one = member_digest(3, [(device(1), 7)]);
    assert_ne!(one, member_digest(4, [(device(1), 7)]));
    assert_ne!(one, member_digest(3, [(device(1), 8)]));
    assert_ne!(one, member_digest(3, [(device(1), 7), (device(2), 7)]));
    assert_ne!(view_digest([(samples::ALICE, one)]), view_digest([(samples::BOB, one)]));
}

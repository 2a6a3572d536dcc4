use waxwing_wire::client_frame::Register;
use waxwing_wire::devices::{DeviceList, ListedDevice};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{DeviceAddress, DeviceId, DeviceKey, RejectCode};

use crate::limits::MAX_INVITATION_USES;
use crate::row::{Row, sha256};
use crate::world::{World, registration, signed};
use crate::{Command, Key};

fn register(world: &mut World, number: u8, register: Register) -> Result<DeviceAddress, RejectCode> {
    let key = DeviceKey([number; 32]);
    match world.ask(|origin| Command::Register { origin, key, register: Box::new(register) }) {
        ResponseBody::Registered(address) => Ok(address),
        ResponseBody::Reject(reject) => Err(reject.code),
        other => panic!("{other:?}"),
    }
}

fn find(world: &mut World, username: &str) -> Result<ResponseBody, RejectCode> {
    match world.ask(|origin| Command::FindAccount { origin, username: username.to_owned() }) {
        ResponseBody::Reject(reject) => Err(reject.code),
        other => Ok(other),
    }
}

#[test]
fn an_account_is_found_by_its_name() {
    let mut world = World::new();
    let address = register(&mut world, 1, registration("Alice", 1)).unwrap();
    assert_eq!(address.device, DeviceId::PRIMARY);
    let found = ResponseBody::Found { account: address.account, identity: [1; 33] };
    assert_eq!(find(&mut world, "alice"), Ok(found.clone()));
    assert_eq!(find(&mut world, "ALICE"), Ok(found));
    assert_eq!(find(&mut world, "bob"), Err(RejectCode::UnknownAccount));
    assert_eq!(find(&mut world, "no spaces"), Err(RejectCode::UsernameInvalid));
}

#[test]
fn the_same_key_comes_to_the_same_account() {
    let mut world = World::new();
    let first = register(&mut world, 1, registration("alice", 1)).unwrap();
    let store = world.store.clone();
    assert_eq!(register(&mut world, 1, registration("alice", 1)), Ok(first));
    // Even without the invitation, which may have ended since.
    let mut without = registration("alice", 1);
    without.invitation = InvitationToken([0; 16]);
    assert_eq!(register(&mut world, 1, without), Ok(first));
    assert_eq!(world.store, store, "nothing is written again");
    // But it has only one.
    assert_eq!(register(&mut world, 1, registration("alicia", 1)), Err(RejectCode::UsernameInvalid));
    assert_eq!(register(&mut world, 1, registration("alice", 2)), Err(RejectCode::UsernameInvalid));
    assert_eq!(world.store, store);
}

#[test]
fn a_taken_name_leaves_the_invitation_good() {
    let mut world = World::new();
    let token = InvitationToken([5; 16]);
    world.run(Command::CreateInvitation { token, uses: Some(1), expires_at_ms: None });
    register(&mut world, 1, registration("alice", 1)).unwrap();
    let with = |name| Register { invitation: token, ..registration(name, 2) };
    assert_eq!(register(&mut world, 2, with("Alice")), Err(RejectCode::UsernameTaken));
    // Nobody else can use it now.
    let other = Register { invitation: token, ..registration("carol", 3) };
    assert_eq!(register(&mut world, 3, other), Err(RejectCode::InvitationInvalid));
    let bob = register(&mut world, 2, with("bob")).unwrap();
    assert!(
        matches!(find(&mut world, "bob"), Ok(ResponseBody::Found { account, .. }) if account == bob.account)
    );
}

#[test]
fn counted_invitations_are_used_up_and_end() {
    let mut world = World::new();
    let (counted, timed) = (InvitationToken([5; 16]), InvitationToken([6; 16]));
    let end = world.now.0 + 1_000;
    world.run(Command::CreateInvitation { token: counted, uses: Some(2), expires_at_ms: None });
    world.run(Command::CreateInvitation { token: timed, uses: None, expires_at_ms: Some(end) });
    let with = |invitation, name: &str, number| Register { invitation, ..registration(name, number) };
    register(&mut world, 1, with(counted, "one", 1)).unwrap();
    register(&mut world, 2, with(counted, "two", 2)).unwrap();
    let third = register(&mut world, 3, with(counted, "three", 3));
    assert_eq!(third, Err(RejectCode::InvitationInvalid));
    let third = register(&mut world, 3, with(InvitationToken([0; 16]), "three", 3));
    assert_eq!(third, Err(RejectCode::InvitationInvalid));
    let left_behind = world.row(Key::Credential(DeviceKey([3; 32])));
    assert_eq!(left_behind, None, "who has no invitation leaves nothing behind");
    register(&mut world, 3, with(timed, "three", 3)).unwrap();
    world.now.0 = end;
    let fourth = register(&mut world, 4, with(timed, "four", 4));
    assert_eq!(fourth, Err(RejectCode::InvitationInvalid));
    // Made again with other words it stays what it is.
    world.run(Command::CreateInvitation { token: counted, uses: Some(9), expires_at_ms: None });
    let Some(Row::Invitation(row)) = world.row(Key::Invitation(sha256(&counted.0))) else { panic!() };
    assert_eq!((row.uses, row.claimed_by.len()), (Some(2), 2));
    let many = Command::CreateInvitation {
        token: InvitationToken([7; 16]),
        uses: Some(MAX_INVITATION_USES + 1),
        expires_at_ms: None,
    };
    let before = world.store.clone();
    world.run(many);
    assert_eq!(world.store, before);
}

#[test]
fn registrations_are_checked_before_anything_is_kept() {
    let mut world = World::new();
    let before = world.store.clone();
    for name in ["", "a", "-ab", "with space", "ümlaut", &"x".repeat(33)] {
        let refused = register(&mut world, 1, registration(name, 1));
        assert_eq!(refused, Err(RejectCode::UsernameInvalid), "{name}");
    }
    let mut without = registration("alice", 1);
    without.prekeys.signed = None;
    assert_eq!(register(&mut world, 1, without), Err(RejectCode::Malformed));
    let mut without = registration("alice", 1);
    without.prekeys.last_resort = None;
    assert_eq!(register(&mut world, 1, without), Err(RejectCode::Malformed));
    let list = registration("alice", 1).list.decode_list().unwrap();
    let only = list.devices[0];
    let second = ListedDevice { device: DeviceId::new(2).unwrap(), ..only };
    let others = [
        DeviceList { version: 2, ..list.clone() },
        DeviceList { devices: vec![only, second], next: 3, ..list.clone() },
        DeviceList { devices: vec![ListedDevice { identity: [9; 33], ..only }], ..list.clone() },
        DeviceList { devices: vec![ListedDevice { registration_id: 9, ..only }], ..list },
    ];
    for other in others {
        let with = Register { list: signed(&other), ..registration("alice", 1) };
        assert_eq!(register(&mut world, 1, with), Err(RejectCode::Malformed), "{other:?}");
    }
    assert_eq!(world.store, before);
}

#[test]
fn a_name_begun_with_does_not_lead_to_an_account_that_took_another() {
    let mut world = World::new();
    let key = DeviceKey([1; 32]);
    let begin =
        |name| move |origin| Command::Register { origin, key, register: Box::new(registration(name, 1)) };
    // The server dies once the id is reserved and the name claimed.
    let conn = world.conn();
    world.commits_left = Some(2);
    world.run(begin("first")(crate::Origin { conn, request: 1 }));
    assert!(world.dead);
    world.restart();
    assert_eq!(find(&mut world, "first"), Err(RejectCode::UnknownAccount));
    let ResponseBody::Registered(_) = world.ask(begin("second")) else { panic!("not registered") };
    assert!(find(&mut world, "second").is_ok());
    assert_eq!(find(&mut world, "first"), Err(RejectCode::UnknownAccount));
}

use proptest::prelude::*;
use waxwing_wire::directory::{Address, AddressCode, Blinded, Place};
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, RejectCode};

use crate::limits::{ADDRESSES_PER_DAY, BUCKETS_PER_DAY, MAX_ADDRESSES};
use crate::row::{BucketEntry, BucketRow, DirectoryRow, Row};
use crate::world::{Device, World, registration, stranger};
use crate::{Command, DirectoryCommand, Key, Origin};

const DAY_MS: u64 = 24 * 3_600_000;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn world() -> World {
    let mut world = World::new();
    world.run(Command::Directory(DirectoryCommand::Open));
    world
}

fn directory(world: &World) -> DirectoryRow {
    match world.row(Key::Directory) {
        Some(Row::Directory(row)) => row,
        other => panic!("no directory: {other:?}"),
    }
}

fn vouch(world: &mut World, code: u8, text: &str) -> AddressCode {
    let code = AddressCode([code; 16]);
    let hash = DirectoryCommand::hash(code);
    let command =
        DirectoryCommand::Vouch { hash, expires_at_ms: Some(world.now.0 + 1), address: address(text) };
    world.run(Command::Directory(command));
    code
}

fn ask(world: &mut World, make: impl FnOnce(Origin) -> DirectoryCommand) -> ResponseBody {
    world.ask(|origin| Command::Directory(make(origin)))
}

fn redeem(world: &mut World, account: AccountId, code: AddressCode) -> ResponseBody {
    let hash = DirectoryCommand::hash(code);
    ask(world, |origin| DirectoryCommand::Redeem { origin: Some(origin), account, hash })
}

fn findable(world: &mut World, account: AccountId, set: Option<bool>) -> ResponseBody {
    ask(world, |origin| DirectoryCommand::Findable { origin, account, set })
}

fn code_of(answer: &ResponseBody) -> RejectCode {
    match answer {
        ResponseBody::Reject(reject) => reject.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// As a client looks up: blinded, and then in the buckets.
fn look_up(
    world: &mut World,
    account: AccountId,
    texts: &[&str],
) -> Result<Vec<Option<AccountId>>, RejectCode> {
    let mut rng = world.rng.clone();
    let blinded: Vec<_> = texts.iter().map(|text| Blinded::new(address(text), &mut rng).unwrap()).collect();
    let elements = blinded.iter().map(Blinded::element).collect();
    let answer = ask(world, |origin| DirectoryCommand::Evaluate { origin, account, blinded: elements });
    let ResponseBody::Evaluated(evaluated) = answer else { return Err(code_of(&answer)) };
    let places = Blinded::places(&blinded, &evaluated, None).unwrap();
    let found = |place: &Place| {
        let bucket = place.bucket(evaluated.bits);
        let answer = ask(world, |origin| DirectoryCommand::FetchBucket { origin, account, bucket });
        let ResponseBody::Bucket(entries) = answer else { return Err(code_of(&answer)) };
        Ok(entries.iter().find_map(|entry| place.open(entry)))
    };
    places.iter().map(found).collect()
}

fn one(world: &mut World, by: &Device, text: &str) -> Option<AccountId> {
    look_up(world, by.address.account, &[text]).unwrap().remove(0)
}

#[test]
fn who_wants_to_be_found_is_found_and_nobody_else() {
    let mut world = world();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let (anna, ben) = ("anna@example.org", "+491701234567");
    let codes = [vouch(&mut world, 1, anna), vouch(&mut world, 2, ben)];
    let account = alice.address.account;
    let off = ResponseBody::Findable { on: false, addresses: 1 };
    assert_eq!(redeem(&mut world, account, codes[0]), off);
    assert_eq!(redeem(&mut world, account, codes[0]), off, "repeated after a lost answer");
    assert_eq!(code_of(&redeem(&mut world, bob.address.account, codes[0])), RejectCode::InvitationInvalid);
    assert_eq!(one(&mut world, &bob, anna), None, "she has not said so");
    let on = ResponseBody::Findable { on: true, addresses: 1 };
    assert_eq!(findable(&mut world, account, Some(true)), on);
    assert_eq!(findable(&mut world, account, None), on);
    assert_eq!(one(&mut world, &bob, anna), Some(account));
    assert_eq!(one(&mut world, &bob, "Anna@Example.org"), Some(account));
    assert_eq!(one(&mut world, &bob, "anna@example.com"), None);
    // An address that comes later is shown at once; one that nobody vouched for never is.
    redeem(&mut world, account, codes[1]);
    assert_eq!(one(&mut world, &bob, ben), Some(account));
    findable(&mut world, account, Some(false));
    for text in [anna, ben] {
        assert_eq!(one(&mut world, &bob, text), None);
    }
    // Nothing that is stored is an address.
    for (_, bytes) in world.store.rows() {
        for text in [&b"anna"[..], b"example", b"1701234567"] {
            assert!(!bytes.windows(text.len()).any(|part| part == text));
        }
    }
}

#[test]
fn an_address_belongs_to_whom_the_operator_vouched_for_last() {
    let mut world = world();
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let text = "office@example.org";
    let (first, second) = (vouch(&mut world, 1, text), vouch(&mut world, 2, text));
    redeem(&mut world, alice.address.account, first);
    findable(&mut world, alice.address.account, Some(true));
    assert_eq!(one(&mut world, &bob, text), Some(alice.address.account));
    redeem(&mut world, bob.address.account, second);
    assert_eq!(one(&mut world, &alice, text), None, "bob has not said that he wants to be found");
    findable(&mut world, alice.address.account, Some(false));
    findable(&mut world, alice.address.account, Some(true));
    redeem(&mut world, alice.address.account, first);
    assert_eq!(one(&mut world, &bob, text), None, "alice does not get it back by herself");
    findable(&mut world, bob.address.account, Some(true));
    assert_eq!(one(&mut world, &alice, text), Some(bob.address.account));
}

#[test]
fn an_invitation_brings_its_address_along() {
    let mut world = world();
    let token = InvitationToken([5; 16]);
    let address = address("anna@example.org");
    world.run(Command::Directory(DirectoryCommand::Invite { token, expires_at_ms: None, address }));
    let register =
        Box::new(waxwing_wire::client_frame::Register { invitation: token, ..registration("anna", 7) });
    let key = stranger(7).key;
    for _ in 0..2 {
        let answer = world.ask(|origin| Command::Register { origin, key, register: register.clone() });
        let ResponseBody::Registered(address) = answer else { panic!("{answer:?}") };
        let own = ResponseBody::Findable { on: false, addresses: 1 };
        assert_eq!(findable(&mut world, address.account, None), own);
    }
    let other =
        Box::new(waxwing_wire::client_frame::Register { invitation: token, ..registration("eve", 8) });
    let key = stranger(8).key;
    let answer = world.ask(|origin| Command::Register { origin, key, register: other });
    assert_eq!(code_of(&answer), RejectCode::InvitationInvalid, "one account has an address");
}

#[test]
fn a_full_directory_or_none_does_not_stand_in_the_way_of_a_registration() {
    for opened in [false, true] {
        let mut world = if opened { world() } else { World::new() };
        let token = InvitationToken([5; 16]);
        world.run(Command::CreateInvitation { token, uses: Some(1), expires_at_ms: None });
        if opened {
            let address = address("anna@example.org");
            let place = directory(&world).key().unwrap().place(&address).unwrap();
            let entry = |n: u16| {
                let mut tag = [0; 16];
                tag[..2].copy_from_slice(&n.to_be_bytes());
                BucketEntry { tag, account: AccountId([1; 16]), shown: None }
            };
            let entries = (0..waxwing_wire::limits::MAX_BUCKET_ENTRIES as u16).map(entry).collect();
            let bucket = place.bucket(directory(&world).bits);
            world.put(Key::Bucket(bucket), Row::Bucket(BucketRow { entries }));
            let hash = DirectoryCommand::hash(AddressCode(token.0));
            world.run(Command::Directory(DirectoryCommand::Vouch { hash, expires_at_ms: None, address }));
        }
        let register =
            Box::new(waxwing_wire::client_frame::Register { invitation: token, ..registration("anna", 7) });
        let key = stranger(7).key;
        let answer = world.ask(|origin| Command::Register { origin, key, register });
        assert!(matches!(answer, ResponseBody::Registered(_)), "{answer:?}");
    }
}

#[test]
fn codes_end_and_accounts_have_only_so_many() {
    let mut world = world();
    let alice = world.register("alice", 1).address.account;
    for n in 0..MAX_ADDRESSES {
        let code = vouch(&mut world, n as u8, &format!("a{n}@example.org"));
        let answer = redeem(&mut world, alice, code);
        assert_eq!(answer, ResponseBody::Findable { on: false, addresses: n as u32 + 1 });
    }
    let code = vouch(&mut world, 100, "more@example.org");
    assert_eq!(code_of(&redeem(&mut world, alice, code)), RejectCode::TooMany);
    let late = vouch(&mut world, 101, "late@example.org");
    world.now.0 += 1;
    let bob = world.register("bob", 2).address.account;
    assert_eq!(code_of(&redeem(&mut world, bob, late)), RejectCode::InvitationInvalid);
    assert_eq!(code_of(&redeem(&mut world, bob, AddressCode([77; 16]))), RejectCode::InvitationInvalid);
}

#[test]
fn the_allowance_of_a_day_is_durable() {
    let mut world = world();
    world.now.0 -= world.now.0 % DAY_MS;
    let (alice, bob) = (world.register("alice", 1), world.register("bob", 2));
    let mut rng = world.rng.clone();
    let account = alice.address.account;
    let element = Blinded::new(address("a@example.org"), &mut rng).unwrap().element();
    let ask_for = |world: &mut World, account, count: usize| {
        let blinded = vec![element; count];
        ask(world, |origin| DirectoryCommand::Evaluate { origin, account, blinded })
    };
    let mut left = ADDRESSES_PER_DAY as usize;
    while left > 0 {
        let count = left.min(128);
        assert!(matches!(ask_for(&mut world, account, count), ResponseBody::Evaluated(_)));
        left -= count;
    }
    // Neither another connection nor another process has more.
    world.restart();
    world.now.0 += DAY_MS - 1;
    let answer = ask_for(&mut world, account, 1);
    let ResponseBody::Reject(reject) = &answer else { panic!("{answer:?}") };
    assert_eq!((reject.code, reject.retry_after_ms), (RejectCode::RateLimited, 1));
    assert!(matches!(ask_for(&mut world, bob.address.account, 1), ResponseBody::Evaluated(_)));
    // Buckets have their own.
    for n in 0..BUCKETS_PER_DAY {
        let bucket = n % 16;
        let answer = ask(&mut world, |origin| DirectoryCommand::FetchBucket { origin, account, bucket });
        assert_eq!(answer, ResponseBody::Bucket(Vec::new()));
    }
    let answer = ask(&mut world, |origin| DirectoryCommand::FetchBucket { origin, account, bucket: 0 });
    assert_eq!(code_of(&answer), RejectCode::RateLimited);
    world.now.0 += 1;
    assert!(matches!(ask_for(&mut world, account, 128), ResponseBody::Evaluated(_)), "the next day");
    // What is no element, or no bucket, is refused.
    let blinded = vec![element, [0xff; 32]];
    let answer = ask(&mut world, |origin| DirectoryCommand::Evaluate { origin, account, blinded });
    assert_eq!(code_of(&answer), RejectCode::Malformed);
    let answer = ask(&mut world, |origin| DirectoryCommand::FetchBucket { origin, account, bucket: 16 });
    assert_eq!(code_of(&answer), RejectCode::Malformed);
}

#[test]
fn a_directory_begins_once() {
    let mut world = world();
    let before = directory(&world);
    world.run(Command::Directory(DirectoryCommand::Open));
    assert_eq!(directory(&world), before);
    assert_eq!(format!("{before:?}"), "DirectoryRow { bits: 4, .. }");
    let mut none = World::new();
    let alice = none.register("alice", 1);
    assert_eq!(look_up(&mut none, alice.address.account, &["a@b.de"]), Err(RejectCode::Unavailable));
}

#[derive(Debug, Clone)]
enum Op {
    Vouch(usize, usize),
    Redeem(usize),
    Set(usize, bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..3_usize, 0..4_usize).prop_map(|(account, address)| Op::Vouch(account, address)),
        (0..3_usize).prop_map(Op::Redeem),
        (0..3_usize, any::<bool>()).prop_map(|(account, on)| Op::Set(account, on)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is cut off and begun again: an address leads to whom the operator vouched for last, if that account
    /// wants to be found, and to nobody otherwise.
    #[test]
    fn the_directory_says_what_it_was_told(
        ops in prop::collection::vec((op(), prop::option::weighted(0.4, 0..5_usize), 0..2_usize), 1..20),
    ) {
        let mut world = world();
        let accounts: Vec<AccountId> =
            (0..3).map(|n| world.register(&format!("user{n}"), n + 1).address.account).collect();
        let texts: Vec<String> = (0..4).map(|n| format!("a{n}@example.org")).collect();
        let (mut owner, mut on) = ([None; 4], [false; 3]);
        let mut codes: Vec<Vec<(AddressCode, usize)>> = vec![Vec::new(); 3];
        for (n, (op, commits, conflicts)) in ops.into_iter().enumerate() {
            world.conflicts = conflicts;
            match op {
                Op::Vouch(account, text) => {
                    codes[account].push((vouch(&mut world, n as u8 + 1, &texts[text]), text));
                }
                Op::Redeem(account) => {
                    let Some((code, text)) = codes[account].pop() else { continue };
                    let (account_id, hash) = (accounts[account], DirectoryCommand::hash(code));
                    let origin = Some(Origin { conn: world.conn(), request: 1 });
                    let command = DirectoryCommand::Redeem { origin, account: account_id, hash };
                    world.commits_left = commits;
                    world.run(Command::Directory(command));
                    world.restart();
                    let _ = redeem(&mut world, account_id, code);
                    owner[text] = Some(account);
                }
                Op::Set(account, value) => {
                    let origin = Origin { conn: world.conn(), request: 1 };
                    let account_id = accounts[account];
                    let command = DirectoryCommand::Findable { origin, account: account_id, set: Some(value) };
                    world.commits_left = commits;
                    world.run(Command::Directory(command));
                    world.restart();
                    let _ = findable(&mut world, account_id, Some(value));
                    on[account] = value;
                }
            }
        }
        world.conflicts = 0;
        let key = directory(&world).key().unwrap();
        for (text, owner) in texts.iter().zip(owner) {
            let place = key.place(&address(text)).unwrap();
            let shown: Vec<_> = match world.row(Key::Bucket(place.bucket(4))) {
                Some(Row::Bucket(row)) => row.entries.into_iter().filter_map(|entry| entry.shown).collect(),
                _ => Vec::new(),
            };
            let found = shown.iter().find_map(|entry| place.open(entry));
            let expected = owner.filter(|owner| on[*owner]).map(|owner| accounts[owner]);
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
}

//! Servers and members that lie: nothing is believed that is not signed, and nothing is lost unseen.

use waxwing_e2ee::{padding, sender_key};
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::content::{Body as ContentBody, Content, GroupContext, PlainContent};
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::{Action, Allowed, Change, GroupId, Permissions, PublicChange, SignedChange};
use waxwing_wire::post::Post;
use waxwing_wire::server_frame::{Entry, Envelope, GroupEnvelope, Item, ServerFrame};
use waxwing_wire::{Bytes, EnvelopeKind, MessageId};

use super::world::World;
use crate::db::{Key, Read as _};
use crate::group::record::KeyRow;
use crate::record::Record as _;
use crate::{Command, Event, Input};

fn trio() -> (World, GroupId) {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    for name in ["alice", "bob", "carol"] {
        world.said(name, group, &format!("{name} is here"));
    }
    (world, group)
}

fn is_change(envelope: &Envelope) -> bool {
    envelope.group.as_ref().is_some_and(|of| of.change.is_some())
}

/// What a member's own program would not say: encrypted with its sender key, as it stands in its database.
fn forged(world: &mut World, who: &'static str, group: GroupId, id: MessageId, body: ContentBody) -> Bytes {
    let device = world.device(who);
    let user = world.user(who);
    let slot = Key::SenderKey(group, device);
    let mut row = KeyRow::unpack(&user.db.row(&slot).unwrap().unwrap()).unwrap();
    let mut record = row.record().unwrap().unwrap();
    let state = user.client.group(&user.db, group).unwrap().unwrap().state;
    let context = GroupContext { group, epoch: state.epoch, state: state.hash() };
    let content = Content { sent_at_ms: 1, position: 9, id, group: Some(context), devices: 0, body };
    let padded = padding::pad(&content.encode());
    let ciphertext = sender_key::encrypt(&mut record, &padded, &mut user.rng).unwrap();
    row.record = record.encode().to_vec();
    user.db.apply(&vec![crate::Write::Row(slot, Some(row.pack()))]);
    ciphertext.into()
}

/// A change that the server takes from a member whose program is not honest.
fn force(world: &mut World, who: &'static str, group: GroupId, signed: SignedChange) {
    let known = &world.relay.groups.groups[&group];
    let epoch = known.epoch;
    let change = PublicChange { members_add: true, ..PublicChange::default() };
    let id = signed.id();
    let ciphertext = forged(world, who, group, id, ContentBody::Change(signed));
    let send = GroupSend {
        id,
        group,
        epoch,
        view: [0; 32],
        ciphertext,
        silent: true,
        attempt: 0,
        change: Some(change),
        files: Vec::new(),
    };
    let from = world.device(who);
    world.relay.group_send(from, &send).map_err(|refused| refused.reject).unwrap();
    world.settle();
}

/// Puts an envelope into a mailbox that nobody sent there.
fn plant(
    world: &mut World,
    from: &'static str,
    to: &str,
    group: GroupId,
    epoch: u64,
    id: u64,
    ciphertext: Bytes,
) {
    let envelope = Envelope {
        from: world.device(from),
        id: MessageId(id),
        kind: EnvelopeKind::SenderKey,
        ciphertext,
        accepted_at_ms: 0,
        silent: false,
        group: Some(GroupEnvelope { group, epoch, change: None }),
    };
    let to = world.device(to);
    world.relay.put(to, Item::Envelope(envelope));
    world.relay.push_all();
    world.settle();
}

#[test]
fn a_change_that_the_server_withholds_is_got_from_members() {
    let (mut world, group) = trio();
    let carol = world.device("carol");
    world.tamper(
        move |to, envelope| if to == carol && is_change(&envelope) { vec![] } else { vec![envelope] },
    );
    assert_eq!(world.changed("alice", group, Action::Name("walkers".into())), None);
    assert_eq!(world.group("carol", group).state.epoch, 1);
    world.said("bob", group, "as walkers");
    world.advance(60_000);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    assert_eq!(world.hears("carol", group).last().unwrap(), "as walkers");
    assert_eq!(world.notices("carol", group), ["joined", "changed"]);
}

#[test]
fn who_lacks_a_change_gets_it_before_it_writes() {
    let (mut world, group) = trio();
    let carol = world.device("carol");
    world.tamper(
        move |to, envelope| if to == carol && is_change(&envelope) { vec![] } else { vec![envelope] },
    );
    for name in ["one", "two", "three"] {
        assert_eq!(world.changed("alice", group, Action::Name(name.into())), None);
    }
    world.said("carol", group, "what have I missed?");
    assert_eq!(world.wrote("carol", group).last().unwrap(), "what have I missed? ⌛");
    world.advance(60_000);
    assert_eq!(world.wrote("carol", group).last().unwrap(), "what have I missed? ✓✓");
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    assert!(!world.notices("carol", group).contains(&"forked"));
}

#[test]
fn doubled_and_reordered_envelopes_change_nothing() {
    let (mut world, group) = trio();
    let mut held: Vec<Envelope> = Vec::new();
    let bob = world.device("bob");
    world.tamper(move |to, envelope| {
        if to != bob {
            return vec![envelope.clone(), envelope];
        }
        // Every other one is overtaken by the one after it.
        if held.is_empty() {
            held.push(envelope);
            vec![]
        } else {
            vec![envelope, held.remove(0)]
        }
    });
    for (n, name) in ["one", "two", "three", "four"].into_iter().enumerate() {
        assert_eq!(world.changed("alice", group, Action::Name(name.into())), None);
        world.said(if n % 2 == 0 { "carol" } else { "alice" }, group, name);
        world.advance(20_000);
    }
    world.advance(120_000);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    let mut heard = world.hears("bob", group);
    heard.sort();
    assert_eq!(heard, ["alice is here", "carol is here", "four", "one", "three", "two"]);
    assert_eq!(world.hears("carol", group), ["alice is here", "bob is here", "two", "four"]);
}

#[test]
fn a_message_that_the_server_drops_is_missed() {
    let (mut world, group) = trio();
    let carol = world.device("carol");
    world.tamper(move |to, envelope| if to == carol { vec![] } else { vec![envelope] });
    world.said("bob", group, "dropped");
    world.tamper(|_, envelope| vec![envelope]);
    world.said("bob", group, "next");
    let next = world.messages("carol", group).pop().unwrap();
    assert_eq!((next.position, next.missing_before), (3, 1));
    assert_eq!(world.count("carol", |event| matches!(event, Event::Gap { missing: 1, .. })), 1);
    assert_eq!(world.hears("alice", group), ["bob is here", "carol is here", "dropped", "next"]);
}

#[test]
fn a_member_that_only_the_server_knows_reads_nothing() {
    let (mut world, group) = trio();
    world.join("eve");
    world.register("eve");
    let eve = world.account("eve");
    world.relay.groups.planted.push(eve);
    world.said("bob", group, "among us");
    world.advance(60_000);
    assert_eq!(world.wrote("bob", group).last().unwrap(), "among us ✓✓");
    assert_eq!(world.notices("bob", group).last().unwrap(), &"server");
    for name in ["alice", "carol"] {
        assert_eq!(world.hears(name, group).last().unwrap(), "among us");
    }
    assert!(!world.knows("eve", group));
    assert!(world.hears("eve", group).iter().all(|text| text == "…"));
    assert!(world.group("bob", group).state.member(eve).is_none());
}

#[test]
fn a_device_that_only_the_server_knows_gets_no_key() {
    let (mut world, group) = trio();
    let carol = world.account("carol");
    world.relay.groups.false_digest = Some(carol);
    let sends = world.relay.groups.sends.len();
    world.said("bob", group, "to the devices I know");
    assert_eq!(world.hears("carol", group).last().unwrap(), "to the devices I know");
    assert_eq!(
        world.relay.groups.sends.len() - sends,
        3,
        "once as it was, once asked after, once as it insists"
    );
    assert_eq!(world.wrote("bob", group).last().unwrap(), "to the devices I know ✓✓");
}

#[test]
fn members_who_are_told_different_things_notice_it() {
    let (mut world, group) = trio();
    assert_eq!(world.changed("alice", group, Action::Promote(world.account("carol"))), None);
    let before = world.relay.groups.groups[&group].clone();
    let carol = world.device("carol");
    world.tamper(move |to, envelope| if to == carol { vec![] } else { vec![envelope] });
    assert_eq!(world.changed("alice", group, Action::Name("for bob".into())), None);
    world.relay.groups.groups.insert(group, before);
    world.tamper(|_, _| vec![]);
    assert_eq!(world.changed("carol", group, Action::Name("for carol".into())), None);
    world.tamper(|_, envelope| vec![envelope]);
    assert_eq!(world.group("bob", group).state.epoch, world.group("carol", group).state.epoch);
    world.said("carol", group, "do you see it?");
    for name in ["alice", "bob"] {
        assert_eq!(world.hears(name, group).last().unwrap(), "do you see it?");
        assert_eq!(world.notices(name, group).last().unwrap(), &"forked");
    }
    world.said("bob", group, "I do not");
    assert_eq!(world.notices("carol", group).last().unwrap(), &"forked");
    world.said("carol", group, "nor I");
    let forks = world.notices("bob", group).into_iter().filter(|notice| *notice == "forked").count();
    assert_eq!(forks, 1, "said once");
}

#[test]
fn an_old_change_brought_again_does_nothing() {
    let (mut world, group) = trio();
    let kept = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let (keep, bob) = (kept.clone(), world.device("bob"));
    world.tamper(move |to, envelope| {
        if to == bob && is_change(&envelope) {
            keep.borrow_mut().push(envelope.clone());
        }
        vec![envelope]
    });
    assert_eq!(world.changed("alice", group, Action::Name("old".into())), None);
    assert_eq!(world.changed("alice", group, Action::Name("new".into())), None);
    let state = world.group("bob", group).state;
    let notices = world.notices("bob", group);
    let mut old: Envelope = kept.borrow()[0].clone();
    for epoch in [2, 4] {
        old.group.as_mut().unwrap().epoch = epoch;
        world.relay.put(bob, Item::Envelope(old.clone()));
        world.relay.push_all();
        world.settle();
    }
    assert!(world.group("bob", group).state == state);
    assert_eq!(world.notices("bob", group), notices);
}

#[test]
fn what_the_server_says_of_a_change_does_not_count() {
    let (mut world, group) = trio();
    world.join("eve");
    world.register("eve");
    let (eve, bob, carol) = (world.account("eve"), world.device("bob"), world.device("carol"));
    world.tamper(move |to, mut envelope| {
        let of = envelope.group.as_mut().unwrap();
        if to == bob {
            of.epoch += 3;
        } else if to == carol && of.change.is_some() {
            of.change.as_mut().unwrap().add.push(eve);
        }
        vec![envelope]
    });
    assert_eq!(world.changed("alice", group, Action::Name("walkers".into())), None);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    for name in ["bob", "carol"] {
        assert_eq!(world.notices(name, group).iter().filter(|notice| **notice == "server").count(), 1);
    }
    assert!(world.group("carol", group).state.member(eve).is_none());
}

#[test]
fn a_message_passed_off_as_a_change_is_a_message() {
    let (mut world, group) = trio();
    let bob = world.device("bob");
    world.tamper(move |to, mut envelope| {
        let of = envelope.group.as_mut().unwrap();
        if to == bob {
            of.epoch += 1;
            of.change = Some(PublicChange::default());
        }
        vec![envelope]
    });
    world.said("alice", group, "only words");
    assert_eq!(world.hears("bob", group).last().unwrap(), "only words");
    assert_eq!(world.notices("bob", group).last().unwrap(), &"server");
    assert_eq!(world.group("bob", group).state.epoch, 1);
    world.tamper(|_, envelope| vec![envelope]);
    world.said("bob", group, "so they are");
    assert_eq!(world.hears("alice", group).last().unwrap(), "so they are");
}

#[test]
fn strangers_and_former_members_are_not_heard() {
    let (mut world, group) = trio();
    world.join("eve");
    world.register("eve");
    let mut eves = sender_key::create(group.0, &mut world.user("eve").rng);
    let spam = sender_key::encrypt(&mut eves, b"spam", &mut world.user("eve").rng).unwrap();
    plant(&mut world, "eve", "bob", group, 1, 77, spam.into());
    let before = world.hears("bob", group);
    assert_eq!(before, ["alice is here", "carol is here"]);
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    world.said("bob", group, "carol has gone");
    // In a key of bob's, with the server on her side.
    for epoch in [1, 2, 3] {
        let id = 100 + epoch;
        let words = forged(
            &mut world,
            "bob",
            group,
            MessageId(id),
            ContentBody::Post(Box::new(Post::plain("not carol's"))),
        );
        plant(&mut world, "carol", "alice", group, epoch, id, words);
    }
    world.advance(60_000);
    assert!(!world.hears("alice", group).contains(&"not carol's".to_string()));
}

#[test]
fn the_key_of_a_former_member_opens_nothing() {
    let (mut world, group) = trio();
    let carol = world.account("carol");
    let snapshot = world.users["carol"].db.clone();
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    // Her program forgets nothing.
    world.user("carol").db = snapshot;
    for who in ["alice", "bob"] {
        world.said(who, group, "between us");
        let from = world.device(who);
        let sent = world.relay.groups.sends.iter().rev().find(|(by, _)| *by == from).unwrap().1.clone();
        let row = world.users["carol"].db.row(&Key::SenderKey(group, from)).unwrap().unwrap();
        let mut record = KeyRow::unpack(&row).unwrap().record().unwrap().unwrap();
        assert!(sender_key::decrypt(&mut record, &sent.ciphertext).is_err(), "a key that she never had");
    }
    let words = forged(
        &mut world,
        "carol",
        group,
        MessageId(5),
        ContentBody::Post(Box::new(Post::plain("still here"))),
    );
    plant(&mut world, "carol", "bob", group, 2, 5, words);
    assert_eq!(world.hears("bob", group), ["alice is here", "carol is here", "between us"]);
    let row = world.users["bob"].db.row(&Key::SenderKey(group, world.device("carol"))).unwrap().unwrap();
    assert!(
        KeyRow::unpack(&row).unwrap().record.is_empty(),
        "what she had written is all that is remembered"
    );
}

#[test]
fn a_late_message_of_a_former_member_is_not_lost() {
    let (mut world, group) = trio();
    let late = std::rc::Rc::new(std::cell::RefCell::new(None));
    let (keep, bob) = (late.clone(), world.device("bob"));
    world.tamper(move |to, envelope| {
        if to == bob {
            *keep.borrow_mut() = Some(envelope);
            return vec![];
        }
        vec![envelope]
    });
    world.said("carol", group, "my last words");
    world.tamper(|_, envelope| vec![envelope]);
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    let envelope = late.borrow_mut().take().unwrap();
    world.relay.put(bob, Item::Envelope(envelope));
    world.relay.push_all();
    world.settle();
    world.advance(1_000);
    assert_eq!(world.hears("bob", group).last().unwrap(), "my last words");
}

#[test]
fn nobody_makes_changes_in_somebody_elses_name_or_beyond_the_rules() {
    let (mut world, group) = trio();
    let (bob, alice) = (world.device("bob"), world.device("alice"));
    for (n, by) in [alice, bob].into_iter().enumerate() {
        let state = world.group("alice", group).state;
        let change = Change {
            group,
            epoch: state.epoch + 1,
            previous: Some(state.hash()),
            by,
            at_ms: 1,
            actions: vec![Action::Promote(bob.account)],
        };
        let bytes = change.encode();
        let user = world.user("bob");
        let signature = user.client.keys.identity.sign(&SignedChange::signed_bytes(&bytes), &mut user.rng);
        force(&mut world, "bob", group, SignedChange { change: bytes, signature });
        world.advance(60_000);
        for name in ["alice", "carol"] {
            assert!(!world.group(name, group).state.member(bob.account).unwrap().admin);
            assert_eq!(world.group(name, group).state.epoch, 2 + n as u64);
        }
        // His own program learns of it from the others.
        world.said("bob", group, &n.to_string());
        world.advance(120_000);
        world.assert_agreed(group, &["alice", "bob", "carol"]);
    }
    assert_eq!(world.changed("alice", group, Action::Remove(bob.account)), None);
    world.assert_agreed(group, &["alice", "carol"]);
    assert!(world.group("carol", group).state.member(bob.account).is_none());
}

#[test]
fn a_removed_device_is_not_heard_and_hears_nothing() {
    let mut world = World::friends(&["alice", "bob"]);
    world.link("laptop", "bob", HistoryRange::None);
    let group = world.found("alice", &["bob"]);
    world.said("laptop", group, "from the laptop");
    assert_eq!(world.hears("alice", group), ["from the laptop"]);
    let laptop = world.device("laptop");
    let stolen = world.users["laptop"].db.clone();
    world.command("bob", Command::RemoveDevice { device: laptop.device });
    world.settle();
    world.said("alice", group, "bob alone");
    world.said("bob", group, "yes");
    assert_eq!(world.hears("bob", group), ["bob alone"]);
    world.user("laptop").db = stolen;
    let words = {
        let user = world.user("laptop");
        let slot = Key::SenderKey(group, laptop);
        let row = KeyRow::unpack(&user.db.row(&slot).unwrap().unwrap()).unwrap();
        let mut record = row.record().unwrap().unwrap();
        let state = user.client.group(&user.db, group).unwrap().unwrap().state;
        let context = GroupContext { group, epoch: state.epoch, state: state.hash() };
        let body = ContentBody::Post(Box::new(Post::plain("from a thief")));
        let content =
            Content { sent_at_ms: 1, position: 2, id: MessageId(6), group: Some(context), devices: 0, body };
        sender_key::encrypt(&mut record, &padding::pad(&content.encode()), &mut user.rng).unwrap()
    };
    let envelope = Envelope {
        from: laptop,
        id: MessageId(6),
        kind: EnvelopeKind::SenderKey,
        ciphertext: words.into(),
        accepted_at_ms: 0,
        silent: false,
        group: Some(GroupEnvelope { group, epoch: 1, change: None }),
    };
    let alice = world.device("alice");
    world.relay.put(alice, Item::Envelope(envelope));
    world.relay.push_all();
    world.settle();
    world.advance(60_000);
    assert!(!world.hears("alice", group).contains(&"from a thief".to_string()));
    // What alice wrote after the removal is under a key that the laptop never had.
    let last = world.relay.groups.sends.iter().rev().find(|(from, _)| *from == alice).unwrap().1.clone();
    let row = world.users["laptop"].db.row(&Key::SenderKey(group, alice)).unwrap();
    let mut record = row.and_then(|row| KeyRow::unpack(&row).unwrap().record().unwrap());
    assert!(record.as_mut().is_none_or(|record| sender_key::decrypt(record, &last.ciphertext).is_err()));
}

#[test]
fn an_older_copy_of_a_device_never_uses_its_sender_key_again() {
    let (mut world, group) = trio();
    let copy = world.users["alice"].db.clone();
    world.said("alice", group, "after the copy");
    world.restore("alice", &copy);
    world.online("alice");
    world.advance(60_000);
    // The world compares every key and place in it that leaves a device.
    world.said("alice", group, "from the copy");
    world.advance(60_000);
    assert_eq!(world.count("alice", |event| matches!(event, Event::RestoredCopy)), 1);
    for name in ["bob", "carol"] {
        let heard = world.hears(name, group);
        assert!(heard.contains(&"after the copy".to_string()));
        assert_eq!(heard.last().unwrap(), "from the copy");
    }
    world.said("bob", group, "and back");
    assert_eq!(world.hears("alice", group).last().unwrap(), "and back");
}

#[test]
fn keys_that_arrive_spoilt_are_given_again() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    world.relay.spoils = Some(world.device("bob"));
    world.said("bob", group, "can you read this?");
    assert_eq!(world.hears("alice", group), ["…"]);
    world.relay.spoils = None;
    world.advance(3_700_000);
    assert_eq!(world.hears("alice", group), ["can you read this?"]);
    world.said("bob", group, "and this?");
    assert_eq!(world.hears("alice", group), ["can you read this?", "and this?"]);
}

#[test]
fn who_may_not_write_is_not_heard() {
    let (mut world, group) = trio();
    let closed = Permissions { send: Allowed::Admins, ..Permissions::default() };
    assert_eq!(world.changed("alice", group, Action::Permissions(closed)), None);
    let words = forged(
        &mut world,
        "bob",
        group,
        MessageId(8),
        ContentBody::Post(Box::new(Post::plain("all the same"))),
    );
    plant(&mut world, "bob", "carol", group, 2, 8, words);
    assert_eq!(world.hears("carol", group), ["alice is here", "bob is here"]);
    world.said("alice", group, "only I");
    assert_eq!(world.hears("carol", group), ["alice is here", "bob is here", "only I"]);
}

/// Messages to groups are asked for as such; whoever asks otherwise, for one that still waits, gets nothing.
#[test]
fn a_message_to_a_group_cannot_be_asked_for_as_if_it_were_to_an_account() {
    let (mut world, group) = trio();
    world.offline("alice");
    world.say("alice", group, "not sent yet");
    let (alice, bob) = (world.device("alice"), world.device("bob"));
    let id = world.messages("alice", group).last().unwrap().key.id;
    let envelope = Envelope {
        from: bob,
        id: MessageId(77),
        kind: EnvelopeKind::Plaintext,
        ciphertext: PlainContent::Retry { id, attempt: 1, group: None }.encode().into(),
        accepted_at_ms: 0,
        silent: true,
        group: None,
    };
    world.relay.put(alice, Item::Envelope(envelope.clone()));
    let entries = vec![Entry { seq: 1_000, item: Item::Envelope(envelope) }];
    world.input("alice", Input::Frame(ServerFrame { entries, ..ServerFrame::default() }));
    world.online("alice");
    world.settle();
    assert_eq!(world.hears("bob", group).last().unwrap(), "not sent yet");
}

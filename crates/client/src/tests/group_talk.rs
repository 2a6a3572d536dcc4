//! Ordinary days in groups.

use waxwing_wire::content::Conversation;
use waxwing_wire::devices::HistoryRange;
use waxwing_wire::group::{Action, Allowed, GroupKind, GroupLink, Permissions};

use super::world::World;
use crate::row::{Body, Notice};
use crate::{Command, Delivery, Event, Failure};

#[test]
fn three_people_talk_and_see_their_ticks() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    world.offline("carol");
    world.said("alice", group, "hello");
    assert_eq!(world.hears("bob", group), ["hello"]);
    assert_eq!(world.wrote("alice", group), ["hello ✓"], "carol has it not yet");
    world.online("carol");
    assert_eq!(world.wrote("alice", group), ["hello ✓✓"]);
    world.read_group("bob", group);
    assert_eq!(world.wrote("alice", group), ["hello ✓✓"]);
    let key = world.messages("alice", group).into_iter().find(|message| message.position == 1).unwrap().key;
    let user = &world.users["alice"];
    let receipts = user.client.receipts(&user.db, key).unwrap();
    let receipts: Vec<_> = receipts.into_iter().map(|receipt| (receipt.account, receipt.delivery)).collect();
    let (bob, carol) = (world.account("bob"), world.account("carol"));
    assert_eq!(receipts, [(bob, Delivery::Read), (carol, Delivery::Delivered)]);
    world.read_group("carol", group);
    assert_eq!(world.wrote("alice", group), ["hello ✓✓✓"]);
    world.said("bob", group, "hello yourself");
    world.said("carol", group, "and you");
    assert_eq!(world.hears("alice", group), ["hello yourself", "and you"]);
    assert_eq!(world.hears("carol", group), ["hello", "hello yourself"]);
    for name in ["alice", "bob", "carol"] {
        assert_eq!(world.count(name, |event| matches!(event, Event::Gap { .. })), 0);
        assert!(!world.notices(name, group).iter().any(|notice| matches!(*notice, "forked" | "server")));
    }
    world.assert_at_rest();
}

#[test]
fn all_own_devices_hold_the_group_and_what_was_said() {
    let mut world = World::friends(&["alice", "bob"]);
    world.link("tablet", "alice", HistoryRange::All);
    let group = world.found("alice", &["bob"]);
    world.assert_agreed(group, &["alice", "tablet", "bob"]);
    world.said("alice", group, "from the phone");
    world.said("tablet", group, "from the tablet");
    world.said("bob", group, "to both");
    assert_eq!(world.hears("bob", group), ["from the phone", "from the tablet"]);
    for name in ["alice", "tablet"] {
        assert_eq!(world.wrote(name, group), ["from the phone ✓✓", "from the tablet ✓✓"]);
        assert_eq!(world.hears(name, group), ["to both"]);
    }
    assert_eq!(world.changed("tablet", group, Action::Name("walkers".into())), None);
    world.assert_agreed(group, &["alice", "tablet", "bob"]);
    let keys = |name: &str| {
        world
            .messages(name, group)
            .iter()
            .map(|message| message.key)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(keys("alice"), keys("tablet"), "one history, notices included");
}

#[test]
fn a_new_device_of_a_member_reads_what_comes() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    world.said("alice", group, "before");
    world.link("laptop", "bob", HistoryRange::All);
    world.settle();
    world.assert_agreed(group, &["alice", "bob", "laptop"]);
    world.said("alice", group, "after");
    assert_eq!(world.hears("laptop", group).last().unwrap(), "after");
    world.said("laptop", group, "from the laptop");
    assert_eq!(world.hears("alice", group), ["from the laptop"]);
    assert_eq!(world.count("alice", |event| matches!(event, Event::Gap { .. })), 0);
    assert_eq!(world.count("laptop", |event| matches!(event, Event::Gap { .. })), 0);
}

#[test]
fn who_comes_reads_what_follows_and_who_goes_what_was() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob"]);
    world.said("bob", group, "before carol");
    assert_eq!(world.changed("alice", group, world.add("carol")), None);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    world.said("bob", group, "with carol");
    assert_eq!(world.hears("carol", group), ["with carol"]);
    assert_eq!(world.notices("carol", group), ["joined"]);
    assert_eq!(world.count("carol", |event| matches!(event, Event::Gap { .. })), 0);
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    assert!(!world.group("carol", group).member);
    world.said("bob", group, "without carol");
    assert_eq!(world.hears("alice", group), ["before carol", "with carol", "without carol"]);
    assert_eq!(world.hears("carol", group), ["with carol"]);
    world.say("carol", group, "let me");
    assert!(matches!(
        world.take_events("carol").last(),
        Some(Event::Failed { failure: Failure::NotAllowed, .. })
    ));
    assert_eq!(world.changed("alice", group, world.add("carol")), None, "and back");
    world.said("bob", group, "again with carol");
    assert_eq!(world.hears("carol", group), ["with carol", "again with carol"]);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    world.assert_at_rest();
}

#[test]
fn who_has_gone_says_what_they_have_seen_of_before() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    world.said("bob", group, "before");
    let carol = world.account("carol");
    assert_eq!(world.changed("alice", group, Action::Remove(carol)), None);
    world.read_group("alice", group);
    assert_eq!(world.wrote("bob", group), ["before ✓✓"]);
    world.read_group("carol", group);
    assert_eq!(world.wrote("bob", group), ["before ✓✓✓"]);
    world.assert_at_rest();
}

#[test]
fn what_was_written_without_a_connection_goes_to_the_group_as_it_is_then() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob"]);
    world.offline("bob");
    world.say("bob", group, "one");
    world.say("bob", group, "two");
    assert_eq!(world.changed("alice", group, world.add("carol")), None);
    world.online("bob");
    world.advance(60_000);
    for name in ["alice", "carol"] {
        assert_eq!(world.hears(name, group), ["one", "two"]);
    }
    assert_eq!(world.wrote("bob", group), ["one ✓✓", "two ✓✓"]);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
}

#[test]
fn of_two_changes_at_once_the_second_is_made_anew() {
    let mut world = World::friends(&["alice", "bob", "carol", "dave"]);
    let group = world.found("alice", &["bob"]);
    let bob = world.account("bob");
    assert_eq!(world.changed("alice", group, Action::Promote(bob)), None);
    let first = world.change("alice", group, vec![world.add("carol")]);
    let second = world.change("bob", group, vec![world.add("dave")]);
    world.settle();
    world.advance(60_000);
    assert_eq!(world.answer("alice", first), None);
    assert_eq!(world.answer("bob", second), None);
    world.assert_agreed(group, &["alice", "bob", "carol", "dave"]);
    assert_eq!(world.group("dave", group).state.members.len(), 4);
    world.said("carol", group, "all here?");
    for name in ["alice", "bob", "dave"] {
        assert_eq!(world.hears(name, group), ["all here?"]);
    }
    // Of two that exclude each other one fails.
    let first = world.change("alice", group, vec![Action::Remove(world.account("carol"))]);
    let second = world.change("bob", group, vec![Action::Remove(world.account("carol"))]);
    world.settle();
    world.advance(60_000);
    let answers = [world.answer("alice", first), world.answer("bob", second)];
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1, "{answers:?}");
    world.assert_agreed(group, &["alice", "bob", "carol", "dave"]);
}

#[test]
fn members_leave_silently() {
    let mut world = World::friends(&["alice", "bob", "carol", "dave"]);
    let group = world.found("alice", &["bob", "carol", "dave"]);
    let notices = |world: &World, who: &str| {
        let messages = world.messages(who, group).into_iter();
        messages.filter(|message| matches!(message.body, Body::Notice(Notice::GroupChanged(_)))).count()
    };
    let before: Vec<usize> = ["alice", "bob", "carol"].map(|who| notices(&world, who)).to_vec();
    assert_eq!(world.changed("carol", group, Action::Remove(world.account("carol"))), None);
    assert_eq!(notices(&world, "alice"), before[0] + 1, "an admin");
    assert_eq!(notices(&world, "bob"), before[1]);
    assert_eq!(notices(&world, "carol"), before[2] + 1, "whoever left");
    world.assert_agreed(group, &["alice", "bob", "dave"]);
    // Of two who stay, one becomes the admin, and sees why.
    let seen = notices(&world, "bob") + notices(&world, "dave");
    assert_eq!(world.changed("alice", group, Action::Remove(world.account("alice"))), None);
    assert_eq!(notices(&world, "bob") + notices(&world, "dave"), seen + 1);
    // Who is put out hears of it, and so do all.
    let admin = if world.group("bob", group).state.member(world.account("bob")).unwrap().admin {
        "bob"
    } else {
        "dave"
    };
    let other = if admin == "bob" { "dave" } else { "bob" };
    let heard = notices(&world, other);
    assert_eq!(world.changed(admin, group, Action::Remove(world.account(other))), None);
    assert_eq!(notices(&world, other), heard + 1);
}

#[test]
fn members_leave_and_the_last_admin_names_another() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob", "carol"]);
    assert_eq!(world.changed("alice", group, Action::Remove(world.account("alice"))), None);
    world.assert_agreed(group, &["alice", "bob", "carol"]);
    assert!(!world.group("alice", group).member);
    assert_eq!(world.changed("bob", group, Action::Name("ours".into())), None);
    assert_eq!(world.changed("bob", group, Action::Remove(world.account("carol"))), None, "bob is the admin");
    assert_eq!(world.changed("bob", group, Action::Remove(world.account("bob"))), None);
    assert!(world.group("bob", group).state.members.is_empty());
}

#[test]
fn permissions_say_who_writes_and_who_changes() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob"]);
    let closed =
        Permissions { send: Allowed::Admins, edit: Allowed::Admins, add: Allowed::Admins, approve: false };
    assert_eq!(world.changed("bob", group, Action::Name("by bob".into())), None);
    assert_eq!(world.changed("alice", group, Action::Permissions(closed)), None);
    for action in [Action::Name("again".into()), world.add("carol")] {
        assert_eq!(world.changed("bob", group, action), Some(Failure::NotAllowed));
    }
    let id = world.say("bob", group, "may I?");
    assert_eq!(world.answer("bob", id), Some(Failure::NotAllowed));
    world.said("alice", group, "no");
    assert_eq!(world.hears("bob", group), ["no"]);
    world.assert_agreed(group, &["alice", "bob"]);
}

#[test]
fn in_a_community_admins_announce() {
    let mut world = World::friends(&["alice", "bob"]);
    let members = vec![world.account("bob")];
    let command = Command::CreateGroup { name: "town".into(), kind: GroupKind::Community, members };
    let id = world.command("alice", command);
    world.settle();
    assert_eq!(world.answer("alice", id), None);
    let town = world.users["alice"].client.groups(&world.users["alice"].db).unwrap()[0].state.group;
    let group = world.found("alice", &[]);
    let linked = waxwing_wire::group::LinkedGroup { group, name: "hikers".into(), link: None };
    assert_eq!(world.changed("alice", town, Action::LinkGroup(linked)), None);
    assert_eq!(world.changed("alice", group, Action::Community(Some(town))), None);
    world.assert_agreed(town, &["alice", "bob"]);
    assert_eq!(world.group("bob", town).state.linked.len(), 1);
    world.said("alice", town, "market on Sunday");
    assert_eq!(world.hears("bob", town), ["market on Sunday"]);
    let id = world.say("bob", town, "and on Monday?");
    assert_eq!(world.answer("bob", id), Some(Failure::NotAllowed));
}

fn link_of(world: &mut World, who: &'static str, group: waxwing_wire::group::GroupId) -> GroupLink {
    let id = world.command(who, Command::SetGroupLink { group, enabled: true });
    world.settle();
    assert_eq!(world.answer(who, id), None);
    GroupLink { group, token: world.group(who, group).state.link.unwrap() }
}

#[test]
fn who_holds_the_link_is_let_in_once_by_whichever_device_is_first() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    world.link("tablet", "alice", HistoryRange::None);
    let group = world.found("alice", &["bob"]);
    assert_eq!(world.changed("alice", group, Action::Promote(world.account("bob"))), None);
    let link = link_of(&mut world, "alice", group);
    let id = world.command("carol", Command::JoinGroup { link });
    world.settle();
    world.advance(120_000);
    assert_eq!(world.answer("carol", id), None);
    world.assert_agreed(group, &["alice", "tablet", "bob", "carol"]);
    assert!(world.group("carol", group).member);
    world.said("carol", group, "thanks");
    assert_eq!(world.hears("bob", group), ["thanks"]);
    world.assert_at_rest();
    // A former link leads nowhere.
    let newer = link_of(&mut world, "bob", group);
    assert_ne!(newer, link);
    world.join("dave");
    world.register("dave");
    let id = world.command("dave", Command::JoinGroup { link });
    world.settle();
    assert!(matches!(world.answer("dave", id), Some(Failure::Rejected(_))));
}

#[test]
fn requests_wait_for_an_admin_if_the_group_wants_it_so() {
    let mut world = World::friends(&["alice", "bob", "carol", "dave"]);
    let group = world.found("alice", &["bob"]);
    let approve = Permissions { approve: true, ..Permissions::default() };
    assert_eq!(world.changed("alice", group, Action::Permissions(approve)), None);
    let link = link_of(&mut world, "alice", group);
    for name in ["carol", "dave"] {
        world.command(name, Command::JoinGroup { link });
        world.settle();
    }
    let (carol, dave) = (world.account("carol"), world.account("dave"));
    assert_eq!(world.group("alice", group).requests, [carol, dave]);
    assert_eq!(world.count("alice", |event| matches!(event, Event::JoinRequested { .. })), 2);
    assert!(!world.knows("carol", group));
    let id = world.command("bob", Command::AnswerJoin { group, account: carol, accept: true });
    assert_eq!(world.answer("bob", id), Some(Failure::NotAllowed));
    for (account, accept) in [(carol, true), (dave, false)] {
        let id = world.command("alice", Command::AnswerJoin { group, account, accept });
        world.settle();
        assert_eq!(world.answer("alice", id), None);
    }
    assert!(world.group("alice", group).requests.is_empty());
    assert!(world.knows("carol", group) && !world.knows("dave", group));
    world.assert_agreed(group, &["alice", "bob", "carol"]);
}

#[test]
fn an_admin_shares_the_past_with_a_newcomer() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    let group = world.found("alice", &["bob"]);
    for n in 0..30 {
        world.advance(1_000);
        world.said(if n % 2 == 0 { "alice" } else { "bob" }, group, &n.to_string());
    }
    world.advance(1_000);
    assert_eq!(world.changed("alice", group, world.add("carol")), None);
    let carol = world.account("carol");
    let share = |messages| Command::ShareHistory { group, account: carol, messages };
    let id = world.command("bob", share(25));
    assert_eq!(world.answer("bob", id), Some(Failure::NotAllowed));
    let id = world.command("alice", share(25));
    world.settle();
    assert_eq!(world.answer("alice", id), None);
    assert_eq!(world.hears("carol", group), (5..30).map(|n| n.to_string()).collect::<Vec<_>>());
    let bob = world.device("bob");
    let by_bob = world.messages("carol", group).iter().filter(|message| message.key.from == bob).count();
    assert_eq!(by_bob, 13);
    world.said("bob", group, "welcome");
    assert_eq!(world.hears("carol", group).last().unwrap(), "welcome");
    assert_eq!(world.count("carol", |event| matches!(event, Event::Gap { .. })), 0);
    let with = Conversation::Group(group);
    assert_eq!(world.users["carol"].db.messages().filter(|message| message.with == with).count(), 27);
}

#[test]
fn ticks_that_overtake_their_message_count() {
    let mut world = World::friends(&["alice", "bob", "carol"]);
    world.link("tablet", "alice", HistoryRange::None);
    let group = world.found("alice", &["bob", "carol"]);
    let late = std::rc::Rc::new(std::cell::RefCell::new(None));
    let (keep, tablet) = (late.clone(), world.device("tablet"));
    world.tamper(move |to, envelope| {
        if to == tablet {
            *keep.borrow_mut() = Some(envelope);
            return vec![];
        }
        vec![envelope]
    });
    world.said("alice", group, "hello");
    assert_eq!(world.wrote("alice", group), ["hello ✓✓"]);
    world.read_group("bob", group);
    let envelope = late.borrow_mut().take().unwrap();
    world.relay.put(tablet, waxwing_wire::server_frame::Item::Envelope(envelope));
    world.relay.push_all();
    world.settle();
    assert_eq!(world.wrote("tablet", group), ["hello ✓✓"]);
    world.read_group("carol", group);
    assert_eq!(world.wrote("tablet", group), ["hello ✓✓✓"]);
}

#[test]
fn who_is_leaving_writes_nothing_there() {
    let mut world = World::friends(&["alice", "bob"]);
    let group = world.found("alice", &["bob"]);
    let bob = world.account("bob");
    world.change("bob", group, vec![Action::Remove(bob)]);
    let late = world.command("bob", Command::text(Conversation::Group(group), "too late"));
    world.settle();
    assert_eq!(world.answer("bob", late), Some(Failure::UnknownGroup));
    assert!(world.hears("alice", group).is_empty());
    world.assert_at_rest();
}

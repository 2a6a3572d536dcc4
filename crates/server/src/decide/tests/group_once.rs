//! A message to a group comes into each mailbox once, wherever its fan-out is cut, whoever finishes it, and
//! whatever has left the mailboxes meanwhile.

use std::collections::VecDeque;

use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::PublicChange;

use crate::limits::{FAN_OUT_MS, NOTED_ACCOUNTS};
use crate::world::groups::{GROUP, change_of};
use crate::world::{Device, World};
use crate::{Command, Key};

/// Enough that it is noted on the way how far a message has come.
const MEMBERS: usize = 2 * NOTED_ACCOUNTS + 3;

fn many() -> (World, Vec<Device>) {
    let mut world = World::new();
    let mut devices: Vec<Device> =
        (0..MEMBERS).map(|n| world.register(&format!("member{n}"), n as u8 + 1)).collect();
    for device in &mut devices {
        let conn = world.connect(device, 0);
        world.disconnect(conn);
    }
    let (maker, others) = devices.split_first().unwrap();
    world.make_group(maker, &others.iter().collect::<Vec<_>>());
    (world, devices)
}

fn all_store(world: &mut World, devices: &[Device]) {
    devices.iter().for_each(|device| world.stored(device.address, u64::MAX));
}

/// As many entries as ever were in the mailboxes of all but the sender.
fn came(world: &World, devices: &[Device]) -> Vec<u64> {
    devices.iter().skip(1).map(|device| world.mailbox(device.address).last).collect()
}

/// What is sent by the first, who hears nothing of it: receipts would be entries too.
fn message(world: &World, change: bool) -> GroupSend {
    let change = change.then(|| PublicChange { members_add: true, ..PublicChange::default() });
    GroupSend { silent: true, change, ..world.group_message(7) }
}

/// Who finishes what was cut off.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Finishes {
    Sender,
    NextUser,
    Sweep,
}

fn finish(world: &mut World, devices: &[Device], sent: &GroupSend, who: Finishes) {
    match who {
        Finishes::Sender => drop(world.group_send(&devices[0], sent.clone()).unwrap()),
        // Refused, because the sender is in another epoch; what is there is finished first all the same.
        Finishes::NextUser => {
            let wrong = change_of(0, 99, PublicChange::default());
            world.group_send(&devices[5], wrong).unwrap_err();
        }
        Finishes::Sweep => {
            world.now.0 += FAN_OUT_MS;
            world.sweep();
        }
    }
}

#[test]
fn however_a_fan_out_is_cut_and_whoever_finishes_it() {
    for (change, who) in [
        (false, Finishes::Sender),
        (false, Finishes::Sweep),
        (true, Finishes::Sender),
        (true, Finishes::NextUser),
        (true, Finishes::Sweep),
    ] {
        let (mut began, devices) = many();
        let sent = message(&began, change);
        all_store(&mut began, &devices);
        let before = came(&began, &devices);
        for commits in 1.. {
            let mut world = World::new();
            world.store = began.store.clone();
            world.commits_left = Some(commits);
            let mut answer = world.try_group_send(&devices[0], sent.clone());
            let whole = answer.is_some();
            world.restart();
            all_store(&mut world, &devices);
            if !whole && who == Finishes::Sender {
                // And while it is finished the process dies once more, a little further on.
                world.commits_left = Some(commits / 2 + 1);
                answer = world.try_group_send(&devices[0], sent.clone());
                world.restart();
                all_store(&mut world, &devices);
            }
            if answer.is_none() {
                finish(&mut world, &devices, &sent, who);
            }
            all_store(&mut world, &devices);
            world.check_store();
            let after = came(&world, &devices);
            let times: Vec<u64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
            assert!(times.iter().all(|times| *times == 1), "{change} {who:?} {commits}: {times:?}");
            assert_eq!(world.group().pending, None);
            if whole {
                break;
            }
        }
    }
}

#[test]
fn two_runs_at_a_time_give_it_to_nobody_twice() {
    for steps in 1.. {
        let (mut world, devices) = many();
        let sent = message(&world, true);
        all_store(&mut world, &devices);
        let before = came(&world, &devices);
        let conn = world.conn();
        let from = devices[0].address;
        let mut chain = VecDeque::from([Command::GroupSend { conn, from, send: Box::new(sent.clone()) }]);
        for _ in 0..steps {
            let Some(command) = chain.pop_front() else { break };
            let next = world.run_one(&command).unwrap();
            next.into_iter().rev().for_each(|command| chain.push_front(command));
        }
        let cut = !chain.is_empty();
        // Some store what has come; somebody else uses the group, and so goes on with it; all store.
        all_store(&mut world, &devices);
        finish(&mut world, &devices, &sent, Finishes::NextUser);
        all_store(&mut world, &devices);
        while let Some(command) = chain.pop_front() {
            let next = world.run_one(&command).unwrap();
            next.into_iter().rev().for_each(|command| chain.push_front(command));
        }
        all_store(&mut world, &devices);
        world.check_store();
        let after = came(&world, &devices);
        let times: Vec<u64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
        assert!(times.iter().all(|times| *times == 1), "{steps}: {times:?}");
        assert_eq!(world.blobs(), [0; 0], "nothing is kept");
        assert!(world.row(Key::Group(GROUP)).is_some());
        if !cut {
            break;
        }
    }
}

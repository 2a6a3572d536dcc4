//! A full disk refuses messages with a clear reject, and loses none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{Client, Device, Server, Way, eventually, message, message_id};
use waxwing_wire::RejectCode;

/// `None`: accepted.
fn outcome(client: &mut Client, id: u64) -> Option<RejectCode> {
    let found = client.until(|frame| {
        let accepted = frame.accepted.iter().position(|accepted| accepted.0 == id);
        let refused = frame.refused.iter().position(|refused| refused.id.0 == id);
        match (accepted, refused) {
            (Some(place), _) => {
                frame.accepted.remove(place);
                Some(None)
            }
            (None, Some(place)) => Some(Some(frame.refused.remove(place).reject)),
            (None, None) => None,
        }
    });
    found.unwrap().map(|reject: waxwing_wire::Reject| {
        assert!(reject.retry_after_ms > 0 && !reject.detail.is_empty());
        reject.code
    })
}

#[test]
fn below_the_reserve_messages_are_refused_and_what_waits_is_delivered() {
    let server = Server::start(&[]);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    // So that both have mailboxes.
    drop(bob.connect(server.address, Way::Tcp).unwrap());
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.send(vec![message(bob.address.account, 1, 100)]).unwrap();
    assert_eq!(outcome(&mut a, 1), None);

    // No disk has as much free space as this server wants to keep, but a quarter of it there is.
    let free = free_bytes(&server.data_dir);
    let reserve = (free + free / 2).to_string();
    let flags = ["--reserve-bytes", &reserve];
    let server = server.restart_after_kill(&flags);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.send(vec![message(bob.address.account, 2, 100)]).unwrap();
    assert_eq!(outcome(&mut a, 2), Some(RejectCode::StorageFull));
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(message_id(&b.entry().unwrap()), Some(1));
    // Its device may still empty the mailbox, and the sender hears of it.
    b.store(1).unwrap();
    assert_eq!(support::receipt_ids(&a.entry().unwrap()), [1]);
    let refused = support::run(&["invite", "--data-dir", server.data_dir.to_str().unwrap()]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("disk is full"));
    assert!(server.stat("rejects_storage_full") >= 1);

    let server = server.restart_after_kill(&[]);
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    a.send(vec![message(bob.address.account, 2, 100)]).unwrap();
    assert_eq!(outcome(&mut a, 2), None);
    bob.stored = 1;
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    assert_eq!(message_id(&b.entry().unwrap()), Some(2));
}

fn free_bytes(path: &Path) -> u64 {
    let fs = rustix::fs::statvfs(path).unwrap();
    fs.f_bavail * fs.f_frsize
}

/// A small file system of its own, where the test may have one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "-o", "size=100m", "tmpfs"]).arg(directory.path()).status();
        status.is_ok_and(|status| status.success()).then(|| Self(directory))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=400m"]).arg(self.0.path()).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn without_a_reserve_a_full_disk_ends_the_server_and_nothing_acknowledged_is_lost() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: mounting a small file system takes root");
        return;
    };
    let flags = ["--reserve-bytes", "0", "--send-burst", "1000000"];
    let mut server = Server::start_in(&disk.0.path().join("data"), &flags);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    drop(bob.connect(server.address, Way::Tcp).unwrap());
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut acknowledged = 0;
    let told = loop {
        let next = acknowledged + 1;
        if a.send(vec![message(bob.address.account, next, 48_000)]).is_err() {
            break None;
        }
        let answer =
            a.until(|frame| match (frame.accepted.pop(), frame.refused.pop(), frame.goodbye.take()) {
                (Some(_), _, _) => Some(None),
                (_, Some(refused), _) => Some(Some(refused.reject.code)),
                (_, _, Some(goodbye)) => Some(Some(goodbye.code)),
                _ => None,
            });
        match answer {
            Ok(None) => acknowledged = next,
            Ok(told) => break told,
            Err(_) => break None,
        }
        assert!(acknowledged < 100_000);
    };
    // What the failed write has left behind is not known, so the server does not go on.
    assert_eq!(told, Some(RejectCode::Unavailable), "{}", server.log_text());
    assert_eq!(server.wait().code(), Some(1), "{}", server.log_text());
    disk.grow();
    let server = server.start_again(&flags);
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    for id in 1..=acknowledged {
        let entry = b.entry().unwrap();
        assert_eq!(message_id(&entry), Some(id));
        b.store(entry.seq).unwrap();
    }
}

#[test]
fn a_disk_that_fills_up_and_is_cleared_is_survived_without_a_restart() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: mounting a small file system takes root");
        return;
    };
    let reserve = (32 << 20).to_string();
    let flags = ["--reserve-bytes", &reserve, "--send-burst", "1000000"];
    let mut server = Server::start_in(&disk.0.path().join("data"), &flags);
    let invitation = server.invite();
    let mut alice = Device::register(server.address, &invitation, "alice");
    let mut bob = Device::register(server.address, &invitation, "bob");
    drop(bob.connect(server.address, Way::Tcp).unwrap());
    let mut a = alice.connect(server.address, Way::Tcp).unwrap();
    let mut accepted = Vec::new();
    let mut send = |a: &mut Client, id: u64| {
        a.send(vec![message(bob.address.account, id, 48_000)]).unwrap();
        let refused = outcome(a, id);
        if refused.is_none() {
            accepted.push(id);
        }
        refused
    };
    // It fills up from the messages themselves.
    let full = (1..100_000).find(|id| send(&mut a, *id).is_some()).unwrap();
    assert_eq!(send(&mut a, full), Some(RejectCode::StorageFull));
    assert!(full > 100, "{full}");
    // Somebody makes room: then it takes messages again, by itself.
    disk.grow();
    for id in full..full + 50 {
        assert_eq!(send(&mut a, id), None);
    }
    server.kill();
    let server = server.start_again(&flags);
    let mut b = bob.connect(server.address, Way::Tcp).unwrap();
    for id in accepted {
        let entry = b.entry().unwrap();
        assert_eq!(message_id(&entry), Some(id));
        b.store(entry.seq).unwrap();
    }
    eventually("the mailbox is empty", || server.stat("receipts") > 0);
}

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
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
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
    let grown = Command::new("mount").args(["-o", "remount,size=400m"]).arg(disk.0.path()).status();
    assert!(grown.unwrap().success());
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

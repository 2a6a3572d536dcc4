//! Files: tickets, shares of room, who is waited for, and when they go.

use waxwing_wire::client_frame::{GroupSend, Send};
use waxwing_wire::file::UploadToken;
use waxwing_wire::{FileId, Reject, RejectCode};

use crate::limits::{FILE_LINGER_MS, FILE_MARGIN_MS, FILE_QUOTA_BYTES, RETENTION_MS, TICKET_MS};
use crate::row::FileStage;
use crate::world::{Device, World, message, message_to};
use crate::{Command, FileCommand, Key, QuotaRow};

const HOUR_MS: u64 = 3_600_000;

struct People {
    world: World,
    alice: Device,
    bob: Device,
    tablet: Device,
}

/// Bob has two devices.
fn people() -> People {
    let mut world = World::new();
    let alice = world.register("alice", 1);
    let bob = world.register("bob", 2);
    let tablet = world.add_device(&bob, 3);
    People { world, alice, bob, tablet }
}

impl People {
    fn to_bob(&self, id: u64, files: &[FileId]) -> Send {
        Send { files: files.to_vec(), ..message(self.bob.address.account, &[&self.bob, &self.tablet], id) }
    }

    fn awaiting(&self, file: FileId) -> u64 {
        self.world.file(file).unwrap().awaiting
    }

    /// What the sweep does after so long.
    fn after(&mut self, ms: u64) {
        self.world.now.0 += ms;
        self.world.sweep();
        self.world.check_store();
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Reject>) -> RejectCode {
    result.unwrap_err().code
}

fn open(world: &mut World, file: FileId, token: UploadToken) -> Result<crate::OpenUpload, Reject> {
    world.http(|asker, file, token| FileCommand::Open { asker, file, token }, file, token)
}

fn give_up(world: &mut World, file: FileId, token: UploadToken) -> Result<crate::OpenUpload, Reject> {
    world.http(|asker, file, token| FileCommand::GiveUp { asker, file, token }, file, token)
}

#[test]
fn an_upload_becomes_a_file() {
    let People { mut world, alice, .. } = people();
    let ticket = world.ticket(&alice, 70_000).unwrap();
    assert_eq!(ticket.expires_at_ms, world.now.0 + TICKET_MS);
    assert_eq!(code(world.download(ticket.file)), RejectCode::FileGone, "not all of it is there");
    let upload = open(&mut world, ticket.file, ticket.token).unwrap();
    assert_eq!((upload.bytes, upload.complete), (70_000, false));
    assert!(world.complete_upload(&ticket).unwrap().complete);
    assert!(world.complete_upload(&ticket).unwrap().complete, "saying it again is harmless");
    let download = world.download(ticket.file).unwrap();
    assert_eq!(download.bytes, 70_000);
    assert_eq!(world.quota(alice.address.account), QuotaRow { files: 1, bytes: 70_000 });
    world.check_store();
}

#[test]
fn only_the_ticket_gets_in() {
    let People { mut world, alice, .. } = people();
    let ticket = world.ticket(&alice, 100).unwrap();
    let wrong = UploadToken([0; 32]);
    assert_eq!(code(open(&mut world, ticket.file, wrong)), RejectCode::NotAllowed);
    assert_eq!(code(give_up(&mut world, ticket.file, wrong)), RejectCode::NotAllowed);
    assert_eq!(code(open(&mut world, FileId([1; 16]), ticket.token)), RejectCode::FileGone);
    let row = world.file(ticket.file).unwrap();
    assert_ne!(row.token, ticket.token.0, "the store cannot be used to upload");
}

#[test]
fn sizes_and_shares_have_bounds() {
    let People { mut world, alice, bob, .. } = people();
    assert_eq!(code(world.ticket(&alice, 0)), RejectCode::TooLarge);
    assert_eq!(code(world.ticket(&alice, u64::MAX)), RejectCode::TooLarge);
    let most = waxwing_wire::limits::MAX_FILE_BYTES;
    assert_eq!(code(world.ticket(&alice, most + 1)), RejectCode::TooLarge);
    let mut taken = 0;
    while taken + most <= FILE_QUOTA_BYTES {
        world.ticket(&alice, most).unwrap();
        taken += most;
    }
    assert_eq!(code(world.ticket(&alice, most)), RejectCode::Quota);
    world.ticket(&alice, FILE_QUOTA_BYTES - taken).unwrap();
    assert_eq!(code(world.ticket(&alice, 1)), RejectCode::Quota);
    world.ticket(&bob, most).expect("everybody has a share");
    world.now.0 += TICKET_MS;
    world.sweep();
    assert_eq!(
        world.quota(alice.address.account),
        QuotaRow::default(),
        "tickets that were not used give back"
    );
    world.ticket(&alice, most).unwrap();
    world.check_store();
}

#[test]
fn a_server_without_a_place_for_files_says_so() {
    let mut people = people();
    let file = people.world.upload(&people.alice, 10);
    people.world.settings.files = None;
    assert_eq!(code(people.world.ticket(&people.alice, 10)), RejectCode::NotOffered);
    assert_eq!(code(people.world.download(file)), RejectCode::NotOffered);
    let send = people.to_bob(1, &[file]);
    let refused = people.world.send(&people.alice, send).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::NotOffered);
}

#[test]
fn a_message_waits_for_nothing_and_its_files_for_everybody() {
    let mut people = people();
    let files = [people.world.upload(&people.alice, 10), people.world.upload(&people.alice, 20)];
    people.world.send(&people.alice, people.to_bob(1, &files)).unwrap();
    assert_eq!(files.map(|file| people.awaiting(file)), [2, 2]);
    people.world.send(&people.alice, people.to_bob(1, &files)).unwrap();
    people.world.send(&people.alice, people.to_bob(2, &files)).unwrap();
    assert_eq!(files.map(|file| people.awaiting(file)), [2, 2], "a device is waited for once");
    people.world.fetched(&people.bob, &files);
    people.world.fetched(&people.bob, &files);
    people.world.fetched(&people.alice, &files);
    assert_eq!(files.map(|file| people.awaiting(file)), [1, 1]);
    people.world.fetched(&people.tablet, &files[..1]);
    people.after(FILE_LINGER_MS - 1);
    assert!(people.world.download(files[0]).is_ok(), "others may be told of it");
    people.after(1);
    assert_eq!(code(people.world.download(files[0])), RejectCode::FileGone, "everybody has it");
    assert_eq!(people.world.quota(people.alice.address.account), QuotaRow { files: 1, bytes: 20 });
    assert!(people.world.download(files[1]).is_ok(), "the tablet has not fetched it");
    people.after(RETENTION_MS + FILE_MARGIN_MS);
    assert_eq!(code(people.world.download(files[1])), RejectCode::FileGone);
    let left =
        people.world.store.rows().filter(|(key, _)| {
            matches!(key, Key::File(_) | Key::Awaiting(..) | Key::Owned(..) | Key::Quota(_))
        });
    assert_eq!(left.count(), 1, "the sweep takes what waited for a file that is gone in its next round");
    people.after(0);
    assert!(!people.world.store.rows().any(|(key, _)| matches!(key, Key::File(_) | Key::Awaiting(..))));
}

#[test]
fn a_file_that_is_gone_refuses_the_message() {
    let mut people = people();
    let there = people.world.upload(&people.alice, 10);
    let half = people.world.ticket(&people.alice, 10).unwrap().file;
    for missing in [half, FileId([1; 16])] {
        let send = people.to_bob(1, &[there, missing]);
        let refused = people.world.send(&people.alice, send).unwrap_err();
        assert_eq!(refused.reject.code, RejectCode::FileGone);
        assert_eq!(refused.files_gone, [missing]);
    }
    assert_eq!(people.world.items(people.bob.address), [], "nothing of it was taken");
    people.world.check_store();
}

#[test]
fn what_is_refused_anyway_keeps_no_file() {
    let mut people = people();
    let file = people.world.upload(&people.alice, 10);
    let stale = Send { files: vec![file], ..message_to(&people.bob, 1) };
    let refused = people.world.send(&people.alice, stale).unwrap_err();
    assert_eq!(refused.reject.code, RejectCode::DeviceMismatch);
    assert_eq!(people.awaiting(file), 0);
}

#[test]
fn a_message_to_a_group_keeps_its_files_for_all_members() {
    let mut people = people();
    let carol = people.world.register("carol", 4);
    people.world.make_group(&people.alice, &[&people.bob, &carol]);
    let file = people.world.upload(&people.alice, 10);
    let send = GroupSend { files: vec![file], ..people.world.group_message(7) };
    people.world.group_send(&people.alice, send).unwrap();
    assert_eq!(people.awaiting(file), 3, "bob's two devices and carol's");
    let gone = GroupSend { files: vec![FileId([1; 16])], ..people.world.group_message(8) };
    let refused = people.world.group_send(&people.alice, gone).unwrap_err();
    assert_eq!((refused.reject.code, refused.files_gone), (RejectCode::FileGone, vec![FileId([1; 16])]));
    assert_eq!(people.world.group_items(&carol), [(7, 1)]);
    people.world.check_store();
}

#[test]
fn a_removed_device_is_waited_for_no_more() {
    let mut people = people();
    let file = people.world.upload(&people.alice, 10);
    people.world.send(&people.alice, people.to_bob(1, &[file])).unwrap();
    people.world.fetched(&people.bob, &[file]);
    let (from, device) = (people.bob.address, people.tablet.address.device);
    people.world.ask(|origin| Command::RemoveDevice { origin, from, device });
    people.after(HOUR_MS);
    assert_eq!(people.awaiting(file), 0);
    people.after(FILE_LINGER_MS);
    assert_eq!(people.world.file(file), None);
}

#[test]
fn what_nobody_names_goes() {
    let mut people = people();
    let ticket = people.world.ticket(&people.alice, 10).unwrap();
    let file = people.world.upload(&people.alice, 10);
    people.after(TICKET_MS - 1);
    assert!(people.world.download(file).is_ok());
    people.after(1);
    assert_eq!((people.world.file(file), people.world.file(ticket.file)), (None, None));
    assert_eq!(code(people.world.complete_upload(&ticket)), RejectCode::FileGone);
    assert!(people.world.bytes.there.is_empty());
}

#[test]
fn an_upload_can_be_given_up() {
    let mut people = people();
    let ticket = people.world.ticket(&people.alice, 10).unwrap();
    give_up(&mut people.world, ticket.file, ticket.token).unwrap();
    assert_eq!(code(open(&mut people.world, ticket.file, ticket.token)), RejectCode::FileGone);
    assert_eq!(people.world.quota(people.alice.address.account), QuotaRow::default());
    let ticket = people.world.ticket(&people.alice, 10).unwrap();
    people.world.complete_upload(&ticket).unwrap();
    people.world.send(&people.alice, people.to_bob(1, &[ticket.file])).unwrap();
    let refused = give_up(&mut people.world, ticket.file, ticket.token);
    assert_eq!(code(refused), RejectCode::NotAllowed, "it is others' too by now");
}

#[test]
fn bytes_that_could_not_be_deleted_are_deleted_later() {
    let mut people = people();
    let file = people.world.upload(&people.alice, 10);
    people.world.bytes.kept = true;
    people.after(TICKET_MS);
    assert_eq!(people.world.file(file).unwrap().stage, FileStage::Deleting);
    assert_eq!(
        people.world.quota(people.alice.address.account).files,
        1,
        "it takes its room until it is gone"
    );
    people.world.bytes.kept = false;
    people.after(HOUR_MS);
    assert_eq!((people.world.file(file), people.world.bytes.there.len()), (None, 0));
}

/// A year in which somebody sends files every day, to people who fetch most of them and to one who never does: what is
/// kept is what came in a bounded time.
#[test]
fn room_stays_bounded_over_a_year() {
    const A_DAY: u64 = 20;
    let mut world = World::new();
    let (alice, bob, carol) =
        (world.register("alice", 1), world.register("bob", 2), world.register("carol", 3));
    let day_ms = 24 * HOUR_MS;
    let (mut most, mut sent) = (0, 0);
    for day in 0..365 {
        for number in 0..A_DAY {
            let file = world.upload(&alice, 1_000 + number);
            let to = if number % 4 == 0 { &carol } else { &bob };
            sent += 1;
            let send = Send { files: vec![file], ..message_to(to, sent) };
            world.send(&alice, send).unwrap();
            if number % 4 != 0 && number != 7 {
                world.fetched(&bob, &[file]);
            }
        }
        // An upload that comes to nothing.
        world.ticket(&alice, 50_000).unwrap();
        let last = world.mailbox(bob.address).last;
        world.stored(bob.address, last);
        world.now.0 += day_ms;
        world.sweep();
        let kept = world.quota(alice.address.account);
        assert_eq!(kept.files as usize, world.bytes.there.len(), "day {day}: rows and bytes go together");
        most = most.max(kept.files);
        if day % 30 == 0 {
            world.check_store();
        }
    }
    // Carol's, and the one that Bob forgets: 30 days and one; the rest: a day or two.
    let bound = (A_DAY / 4 + 1) * 33 + A_DAY * 2 + 3;
    assert!(most <= bound, "{most} files at once of {sent} in a year; at most {bound} can be waited for");
    assert!(sent > 20 * most, "it was a year of it: {sent} files, at most {most} at once");
}

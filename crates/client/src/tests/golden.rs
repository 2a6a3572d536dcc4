//! The bytes of every row. A change here breaks databases that people have.

use waxwing_wire::group::{Action, Change};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, GroupId};

use crate::client::Error;
use crate::files::rows::{ContentRow, FetchedRow, FileRow, UnsentRow};
use crate::record::*;
use crate::row::Notice;

pub fn check<R: Record + PartialEq>(row: &R, hex: &str) {
    let bytes = row.pack();
    let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(written, hex, "{}", R::NAME);
    assert!(R::unpack(&bytes).unwrap() == *row, "{} comes back as it was", R::NAME);
    for length in 0..bytes.len() {
        // Total: a value or an error, whatever is cut off.
        let _either = R::unpack(&bytes[..length]);
    }
    let newer: Vec<u8> = std::iter::once(2).chain(bytes.into_iter().skip(1)).collect();
    assert!(R::unpack(&newer).err() == Some(Error::Damaged(R::NAME)), "another version is not guessed at");
    assert!(R::unpack(&[]).is_err());
}

#[test]
fn profile() {
    let keys = KeysRow { identity: vec![1, 2], noise: vec![3], registration_id: 0x3fff };
    let counters = Counters {
        account: vec![4; 16],
        device: 1,
        username: "alice".into(),
        lease: 5,
        counted_lease: 6,
        emitted: 7,
        lease_open: true,
        stored: 8,
        undecryptable: vec![9, 300],
        next_order: 10,
        next_outbox: 11,
        next_prekey: 12,
        signed: 13,
        last_resort: 14,
        signed_made_at_ms: 15,
        signed_unpublished: true,
        replace_prekeys: true,
        renewals: 16,
        peers: 17,
        silent_sent: 18,
        ..Counters::default()
    };
    check(
        &ProfileRow { keys: Some(keys), counters: Some(counters) },
        "010a0a0a02010212010318ff7f12450a100404040404040404040404040404040410011a05616c696365200528063007380140084a0309ac02500a580b600c680d700e780f800101880101900110980111a00112",
    );
}

#[test]
fn others() {
    let peer = PeerRow {
        username: "bob".into(),
        identity: vec![5; 3],
        trust: 2,
        changed_at_ms: 300,
        written: 4,
        ..PeerRow::default()
    };
    check(&peer, "010a03626f621203050505180220ac022804");
    let device = DeviceEntry {
        device: 2,
        active: true,
        registration_id: 1,
        identity: vec![5; 3],
        position: 3,
        waiting: vec![4],
        renewed_at_ms: 5,
        answered_at_ms: 6,
        ..DeviceEntry::default()
    };
    check(
        &DevicesRow { devices: vec![device], ..DevicesRow::default() },
        "010a1408021001180122030505052803380540067a0104",
    );
    check(&SessionRow { renewals: 1, record: vec![2], stale: vec![3] }, "0108011201021a0103");
    check(&PrekeyRow { record: vec![1], retired_at_ms: 2 }, "010a01011002");
}

#[test]
fn messages() {
    let copy = CopyRow { device: 1, registration_id: 2, kind: 1, ciphertext: vec![3], sent: false };
    let outbox = OutboxRow {
        kind: Kind::Retry as u32,
        to: vec![1; 16],
        id: 2,
        attempt: 3,
        sent_at_ms: 4,
        position: 5,
        ids: vec![6],
        asked: 7,
        resend: true,
        tries: 8,
        again: 9,
        copies: vec![copy],
        group: vec![10],
        payload: vec![11],
        only: 12,
        frame: vec![13],
        others: Vec::new(),
        early: Vec::new(),
        ..OutboxRow::default()
    };
    check(
        &outbox,
        "0108041210010101010101010101010101010101011902000000000000002003280430053a080600000000000000400748015008580962090801100218012201036a010a72010b780c8201010d",
    );
    let sent = SentRow {
        kind: Kind::Read as u32,
        to: vec![1; 16],
        id: 2,
        sent_at_ms: 3,
        position: 4,
        ids: vec![5],
        attempt: 6,
        resends: 7,
        group: vec![8],
        payload: vec![9],
        only: 0,
        ..SentRow::default()
    };
    check(
        &sent,
        "0108021210010101010101010101010101010101011902000000000000002003280432080500000000000000380640074a0108520109",
    );
    check(&RetryRow { attempts: 1, due_ms: 300, ..RetryRow::default() }, "01080110ac02");
}

#[test]
fn profiles() {
    check(&PeerProfileRow { profile: vec![1, 2], device: 3 }, "010a0201021003");
    check(&AudienceRow { who: 2, accounts: vec![vec![3; 4]] }, "010802120403030303");
    check(&StatusRow { waiting: 2, taken: 1 }, "0108021001");
    let flagged = Counters { profile_changed: true, ..Counters::default() };
    check(&ProfileRow { keys: None, counters: Some(flagged) }, "011203b00201");
}

#[test]
fn files() {
    let waits = FileRow {
        key: vec![1; 3],
        bytes: 300,
        content: vec![2],
        wanted: true,
        ticket: vec![3],
        token: vec![4],
        url: "/media/03".into(),
        expires_ms: 5,
        segment_bytes: 6,
        added_at_ms: 7,
        file: Vec::new(),
        missing: false,
    };
    check(&waits, "010a0301010110ac021a010228013a01034201044a092f6d656469612f3033500558066007");
    let uploaded = FileRow {
        key: vec![1],
        bytes: 2,
        content: Vec::new(),
        file: vec![3],
        wanted: false,
        missing: true,
        ticket: Vec::new(),
        token: Vec::new(),
        url: String::new(),
        expires_ms: 0,
        segment_bytes: 0,
        added_at_ms: 0,
    };
    check(&uploaded, "010a010110022201033001");
    check(&ContentRow { digest: vec![1, 2] }, "010a020102");
    check(&UnsentRow { message: vec![3, 4] }, "010a020304");
    check(&FetchedRow {}, "01");
    check(
        &OutboxRow { files: vec![1; 2], without_files: true, ..OutboxRow::default() },
        "01aa01020101b00101",
    );
}

#[test]
fn numbers_of_kinds() {
    let named = [Kind::Text, Kind::Retry, Kind::SenderKey, Kind::SharedHistory, Kind::Sync, Kind::Act];
    assert!(named.map(|kind| kind as u32) == [1, 4, 5, 10, 11, 13]);
    assert!((1..=15).all(|number| Kind::read(number).is_ok_and(|kind| kind as u32 == number)));
    assert!(Kind::read(0).is_err() && Kind::read(16).is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let versioned: Vec<u8> = std::iter::once(1).chain(bytes).collect();
        let _either = ProfileRow::unpack(&versioned);
        let _either = DevicesRow::unpack(&versioned);
        let _either = OutboxRow::unpack(&versioned);
        let _either = SentRow::unpack(&versioned);
        let _either = FileRow::unpack(&versioned);
        let _either = ContentRow::unpack(&versioned);
        let _either = UnsentRow::unpack(&versioned);
        let _either = FetchedRow::unpack(&versioned);
    }
}

#[test]
fn notices() {
    let account = AccountId([7; 16]);
    let change = Change {
        group: GroupId([1; 16]),
        epoch: 2,
        previous: None,
        by: DeviceAddress { account, device: DeviceId::PRIMARY },
        at_ms: 3,
        actions: vec![Action::Name("n".into())],
    };
    let id = "07".repeat(16);
    let signed: String = change.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    for (notice, golden) in [
        (Notice::IdentityChanged(account), format!("01{id}")),
        (Notice::GroupChanged(Box::new(change)), format!("02{signed}")),
        (Notice::Joined(account), format!("03{id}")),
        (Notice::GroupForked(account), format!("04{id}")),
        (Notice::ServerDisagrees(account), format!("05{id}")),
        (Notice::Lifetime(account, 604_800), format!("06{id}00093a80")),
    ] {
        let bytes = notice.encode();
        let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, golden);
        assert!(Notice::decode(&bytes) == Some(notice), "it comes back as it was");
        assert!(Notice::decode(&bytes[..bytes.len() - 1]).is_none(), "cut off");
    }
    assert!(Notice::decode(&[]).is_none());
    assert!(Notice::decode(&[&[9][..], &[7; 16]].concat()).is_none(), "a newer version's");
}

#[test]
fn devices_and_lists() {
    let entry = DeviceEntry {
        device: 2,
        verified: true,
        last_seen_ms: 1,
        place: "p".into(),
        linked_at_ms: 3,
        first: 9,
        first_id: 10,
        ..DeviceEntry::default()
    };
    let devices = DevicesRow {
        devices: vec![entry],
        version: 4,
        issued_at_ms: 5,
        expires_at_ms: 6,
        list: vec![7],
        signature: vec![8],
    };
    check(&devices, "010a160802480150015a017060036809710a000000000000001004180520062a0107320108");
    let peer = PeerRow {
        name_asked: true,
        own_positions: vec![OwnPosition { device: 2, position: 9, first: 10, first_id: 11 }],
        ..PeerRow::default()
    };
    check(&peer, "0130013a0f08021009180a210b00000000000000");
    let retry =
        RetryRow { silent: true, held: vec![1], accepted_at_ms: 2, group: vec![3], ..RetryRow::default() };
    check(&retry, "0118012201012802320103");
    let copy = CopyRow { device: 3, registration_id: 4, kind: 0, ciphertext: Vec::new(), sent: true };
    check(&OutboxRow { others: vec![copy], ..OutboxRow::default() }, "018a0106080310042801");
    let early = vec![EarlyAsk { account: vec![1], device: 2, attempt: 3 }];
    check(&OutboxRow { early, ..OutboxRow::default() }, "019201070a010110021803");
    check(&SentRow { only: 5, ..SentRow::default() }, "015805");
}

#[test]
fn state_marks_and_archives() {
    check(&StateRow { value: Some(vec![1]), at: 300, device: 2 }, "010a010110ac021802");
    check(&StateRow { value: None, at: 0, device: 1 }, "011801");
    check(&ListRow { name: "n".into(), members: vec![vec![1], vec![2]] }, "010a016e120101120102");
    check(&MarkRow { delivery: 3, by: vec![4], others: vec![vec![5]] }, "0108031201041a0105");
    let archive = ArchiveRow {
        messages_wanted: true,
        since_ms: 1,
        begun: true,
        phase: 2,
        cursor: vec![3],
        before: 4,
        part: 5,
        sent: 6,
        total: 7,
        under_way: vec![8],
        moved_at_ms: 9,
    };
    check(&archive, "0108011001180120022a01033004380540064807520808000000000000005809");
    let counters = Counters {
        primary: vec![1],
        clock: 2,
        states: 3,
        marks: 4,
        unlist: vec![5],
        list_signed: 6,
        list_issued_ms: 7,
        archive_order: 8,
        archived: 9,
        grant: vec![10],
        grant_reference: vec![11],
        grant_name: "n".into(),
        grant_list: vec![12],
        grant_signature: vec![13],
        skipped: 14,
        ..Counters::default()
    };
    check(
        &ProfileRow { keys: None, counters: Some(counters) },
        "011234aa010101b00102b80103c00104ca010105d00106d80107e00108e80109f201010afa01010b8202016e8a02010c9202010d98020e",
    );
}

//! Rows, keys and entries to try an engine with.

use bytes::Bytes;
use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::limits::{
    KYBER_KEY_BYTES, MAX_GROUP_MEMBERS, MAX_ONE_TIME_KYBER_PREKEYS, MAX_PLAINTEXT_BYTES, PUBLIC_KEY_BYTES,
    SIGNATURE_BYTES,
};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, FileId, GroupId, KyberPrekey, MessageId, OneTimePrekey,
    SignedPrekey, Username,
};

use crate::row::{
    AccountRow, Approval, BlobId, BlobRow, CredentialRow, DeviceRow, FileRow, FileStage, GroupRow,
    InvitationRow, LinkingRow, MailboxRow, MemberRow, OwnedRow, PendingChange, Pool, PoolKind, PoolRow,
    QuotaRow, ReferencesRow, Row, Seen, SeenRow, SignedRow, UsernameRow,
};
use crate::step::{Append, Batch, Trim};
use crate::store::{DedupeKey, Key, Shard};

pub(super) fn account(number: u8) -> AccountId {
    AccountId([number; 16])
}

pub(super) fn address(account_number: u8, device: u8) -> DeviceAddress {
    let device = DeviceId::new(device).expect("samples name devices 1 to 127");
    DeviceAddress { account: account(account_number), device }
}

pub(super) fn mailbox_row(last: u64) -> (Key, Option<Row>) {
    mailbox_row_of(address(1, 1), last)
}

pub(super) fn mailbox_row_of(mailbox: DeviceAddress, last: u64) -> (Key, Option<Row>) {
    (Key::Mailbox(mailbox), Some(Row::Mailbox(MailboxRow { last, ..MailboxRow::default() })))
}

pub(super) fn dedupe(mailbox: DeviceAddress, from: DeviceAddress, id: u64, attempt: u32) -> DedupeKey {
    DedupeKey { mailbox, from, id: MessageId(id), attempt }
}

/// An entry whose bytes tell which it is.
pub(super) fn item(seq: u64, bytes: usize) -> Bytes {
    seq.to_be_bytes().into_iter().cycle().take(bytes).collect()
}

pub(super) fn append(mailbox: DeviceAddress, seq: u64) -> Append {
    Append { mailbox, seq, item: item(seq, 100), dedupe: None }
}

pub(super) fn trim(mailbox: DeviceAddress, from: u64, up_to: u64, dedupe: &[DedupeKey]) -> Trim {
    Trim { mailbox, from, up_to, dedupe: dedupe.to_vec() }
}

pub(super) fn batch(shard: Shard) -> Batch {
    Batch { shard, rows: Vec::new(), appends: Vec::new(), trims: Vec::new() }
}

pub(super) fn mailboxes(account_number: u8) -> Batch {
    batch(Shard::Mailboxes(account(account_number)))
}

pub(super) fn rows(rows: Vec<(Key, Option<Row>)>) -> Batch {
    let shard = rows.first().expect("samples write at least one row").0.shard();
    Batch { rows, ..batch(shard) }
}

pub(super) fn pool_row(kind: PoolKind, count: usize) -> Row {
    let ids = 1..=u32::try_from(count).expect("samples are small");
    let pool = match kind {
        PoolKind::OneTime => {
            Pool::OneTime(ids.map(|id| OneTimePrekey { id, key: [id as u8; PUBLIC_KEY_BYTES] }).collect())
        }
        PoolKind::Kyber => Pool::Kyber(ids.map(kyber).collect()),
    };
    Row::Pool(PoolRow { pool, taken: vec![1, u64::MAX] })
}

fn kyber(id: u32) -> KyberPrekey {
    let key = Bytes::from(vec![id as u8; KYBER_KEY_BYTES]);
    KyberPrekey { id, key, signature: [7; SIGNATURE_BYTES] }
}

pub(super) fn account_row(registration_id: u16) -> Row {
    let device = DeviceRow {
        device: DeviceId::PRIMARY,
        key: DeviceKey([1; 32]),
        identity: [5; PUBLIC_KEY_BYTES],
        registration_id,
        countersignature: None,
        linked_at_ms: 1_700_000_000_000,
    };
    let companion = DeviceRow {
        device: DeviceId::new(2).expect("samples name devices 1 to 127"),
        countersignature: Some([8; SIGNATURE_BYTES]),
        ..device.clone()
    };
    Row::Account(AccountRow {
        username: Username::parse("alice").expect("a good username"),
        created_at_ms: 1_700_000_000_000,
        devices: vec![device, companion],
        list: list(),
        list_version: 2,
        list_expires_ms: 1_800_000_000_000,
        leaving: vec![(DeviceId::PRIMARY, DeviceKey([9; 32]))],
    })
}

/// Engines do not look into it.
fn list() -> SignedDeviceList {
    SignedDeviceList { list: Bytes::from_static(b"a list"), signature: [3; SIGNATURE_BYTES] }
}

pub(super) fn blob(group: u8, id: u64) -> BlobId {
    BlobId { group: GroupId([group; 16]), from: address(1, 2), id: MessageId(id), attempt: 0 }
}

pub(super) fn references_row(blob: BlobId, count: u64) -> (Key, Option<Row>) {
    let row = ReferencesRow {
        count,
        accepted_at_ms: 1_700_000_000_000,
        epoch: 1,
        on_its_way: None,
        files: vec![FileId([1; 16])],
    };
    (Key::References(blob), Some(Row::References(row)))
}

pub(super) fn linking_row(reference: LinkReference) -> (Key, Option<Row>) {
    let approval = Approval { address: address(1, 2), list: list(), sealed: Bytes::from_static(b"sealed") };
    let row = LinkingRow {
        key: DeviceKey([1; 32]),
        offer: Bytes::from_static(b"an offer"),
        expires_at_ms: 1_700_000_600_000,
        approval: Some(approval),
    };
    (Key::Linking(reference), Some(Row::Linking(row)))
}

/// As large as a group can be.
pub(super) fn group_row() -> Row {
    let member = |number: usize| {
        let account = AccountId((number as u128).to_be_bytes());
        MemberRow { account, admin: number == 0, since: 1 + number as u64 }
    };
    let pending =
        PendingChange { blob: blob(1, 7), added: vec![account(3)], removed: vec![account(4), account(5)] };
    Row::Group(GroupRow {
        epoch: 2_000,
        members: (0..MAX_GROUP_MEMBERS).map(member).collect(),
        members_add: true,
        link: Some([6; 32]),
        pending: Some(pending),
        recent: vec![(address(1, 2), MessageId(7))],
    })
}

pub(super) fn file_row(file: FileId) -> (Key, Option<Row>) {
    let row = FileRow {
        owner: account(1),
        bytes: u64::MAX,
        token: [7; 32],
        stage: FileStage::Deleting,
        expires_at_ms: 1_700_000_000_000,
        keep_until_ms: 1_600_000_000_000,
        awaiting: 3,
    };
    (Key::File(file), Some(Row::File(row)))
}

fn of_files() -> Vec<(Key, Row)> {
    let file = FileId([9; 16]);
    let rows = [
        file_row(file),
        (Key::Awaiting(file, address(1, 2)), Some(Row::Awaiting)),
        (Key::Owned(account(1), file), Some(Row::Owned(OwnedRow { bytes: 5 }))),
        (Key::Quota(account(1)), Some(Row::Quota(QuotaRow { files: 1, bytes: 5 }))),
    ];
    rows.into_iter().filter_map(|(key, row)| Some((key, row?))).collect()
}

fn of_devices_and_groups() -> Vec<(Key, Row)> {
    let seen =
        |device, place: &str| Seen { device, last_seen_ms: 1_700_000_000_000, place: place.to_owned() };
    let linking = linking_row(LinkReference([5; 16]));
    let references = references_row(blob(1, 7), 3);
    let signed = SignedPrekey { id: 1, key: [6; PUBLIC_KEY_BYTES], signature: [7; SIGNATURE_BYTES] };
    let mut rows = vec![
        (Key::Signed(address(1, 1)), Row::Signed(SignedRow { signed, last_resort: kyber(9) })),
        (Key::Seen(account(1)), Row::Seen(SeenRow { devices: vec![seen(DeviceId::PRIMARY, "192.0.2.1")] })),
        (Key::Seen(account(2)), Row::Seen(SeenRow::default())),
        (Key::Group(GroupId([1; 16])), group_row()),
        (Key::Group(GroupId([2; 16])), Row::Group(GroupRow::default())),
        // As large as a frame.
        (Key::Blob(blob(1, 7)), Row::Blob(BlobRow { item: item(1, MAX_PLAINTEXT_BYTES) })),
        (Key::Blob(blob(1, 8)), Row::Blob(BlobRow { item: Bytes::new() })),
    ];
    rows.extend([linking, references].into_iter().filter_map(|(key, row)| Some((key, row?))));
    rows
}

/// A row of every kind, the largest pool among them.
pub(super) fn every_kind() -> Vec<(Key, Row)> {
    let username = Username::parse("alice.b-c_d").expect("a good username");
    let full = MailboxRow {
        last: u64::MAX,
        settled: 1,
        acknowledged: 2,
        entries: 3,
        bytes: 4,
        lease: u64::MAX,
        received_in_lease: Some(0),
        skipped: u64::MAX,
    };
    let claimed_by = vec![account(1), account(2)];
    let mut rows = vec![
        (
            Key::Credential(DeviceKey([1; 32])),
            Row::Credential(CredentialRow { address: address(1, 127), active: true }),
        ),
        (
            Key::Invitation([2; 32]),
            Row::Invitation(InvitationRow { uses: Some(2), claimed_by, expires_at_ms: Some(u64::MAX) }),
        ),
        (
            Key::Invitation([3; 32]),
            Row::Invitation(InvitationRow { uses: None, claimed_by: Vec::new(), expires_at_ms: None }),
        ),
        (Key::Username(username), Row::Username(UsernameRow { account: account(1) })),
        (Key::Account(account(1)), account_row(1)),
        (Key::Pool(address(1, 1), PoolKind::OneTime), pool_row(PoolKind::OneTime, 1)),
        (Key::Pool(address(1, 1), PoolKind::Kyber), pool_row(PoolKind::Kyber, MAX_ONE_TIME_KYBER_PREKEYS)),
        (Key::Mailbox(address(1, 1)), Row::Mailbox(full)),
        // All defaults: engines must not mistake a row of no bytes for none.
        (Key::Mailbox(address(1, 2)), Row::Mailbox(MailboxRow::default())),
    ];
    rows.extend(of_devices_and_groups());
    rows.extend(of_files());
    rows
}

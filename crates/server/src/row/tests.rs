use bytes::Bytes;
use proptest::prelude::*;
use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::directory::Place;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, FileId, GroupId, KyberPrekey, MessageId, OneTimePrekey,
    SignedPrekey, Username,
};

use super::{
    AccountRow, Approval, BlobId, BlobRow, BucketEntry, BucketRow, CredentialRow, DeviceRow, DirectoryRow,
    FileRow, FileStage, FindableRow, GroupRow, InvitationRow, LinkingRow, MailboxRow, MemberRow, OnItsWay,
    OwnedRow, PendingChange, Pool, PoolKind, PoolRow, QuotaRow, ReferencesRow, Row, Seen, SeenRow, SignedRow,
    UsernameRow, VoucherRow, sha256,
};
use crate::store::{Key, Version};

fn address() -> DeviceAddress {
    DeviceAddress { account: AccountId([0xaa; 16]), device: DeviceId::new(2).unwrap() }
}

fn kyber() -> KyberPrekey {
    let key = Bytes::from(vec![8; KYBER_KEY_BYTES]);
    KyberPrekey { id: 300, key, signature: [9; SIGNATURE_BYTES] }
}

fn account_row() -> AccountRow {
    let device = DeviceRow {
        device: DeviceId::PRIMARY,
        key: DeviceKey([1; 32]),
        identity: [2; PUBLIC_KEY_BYTES],
        registration_id: 0x3fff,
        countersignature: None,
        linked_at_ms: 1_000,
    };
    let companion = DeviceRow {
        device: DeviceId::new(2).unwrap(),
        countersignature: Some([9; SIGNATURE_BYTES]),
        ..device.clone()
    };
    AccountRow {
        username: Username::parse("alice").unwrap(),
        created_at_ms: 1_000,
        devices: vec![device, companion],
        list: list(),
        list_version: 3,
        list_expires_ms: 2_000,
        leaving: vec![(DeviceId::new(3).unwrap(), DeviceKey([4; 32]))],
    }
}

fn list() -> SignedDeviceList {
    SignedDeviceList { list: Bytes::from_static(b"list"), signature: [6; SIGNATURE_BYTES] }
}

fn blob() -> BlobId {
    BlobId { group: GroupId([0xbb; 16]), from: address(), id: MessageId(0x0102), attempt: 3 }
}

fn group_row() -> GroupRow {
    let member = |number, admin| MemberRow { account: AccountId([number; 16]), admin, since: number.into() };
    GroupRow {
        epoch: 5,
        members: vec![member(1, true), member(2, false)],
        members_add: true,
        link: Some([7; 32]),
        pending: Some(PendingChange {
            blob: blob(),
            added: vec![AccountId([2; 16])],
            removed: vec![AccountId([3; 16]), AccountId([4; 16])],
        }),
        recent: vec![(address(), MessageId(0x0102))],
    }
}

fn linking_row() -> LinkingRow {
    let approval = Approval { address: address(), list: list(), sealed: Bytes::from_static(b"sealed") };
    LinkingRow {
        key: DeviceKey([1; 32]),
        offer: Bytes::from_static(b"offer"),
        expires_at_ms: 300,
        approval: Some(approval),
    }
}

/// Rows with the beginning of their bytes, their length, and their version, which is a hash of all of them.
fn golden() -> Vec<(Key, Row, &'static str, usize, u64)> {
    let address = address();
    vec![
        (
            Key::Credential(DeviceKey([0; 32])),
            Row::Credential(CredentialRow { address, active: true }),
            "0a10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa10021801",
            22,
            0xee5d_8801_8bc1_2782,
        ),
        (
            Key::Invitation([0; 32]),
            Row::Invitation(InvitationRow {
                uses: Some(2),
                claimed_by: vec![address.account],
                expires_at_ms: Some(300),
            }),
            "08021210aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa18ac02",
            23,
            0x73fe_c377_4b9b_abe5,
        ),
        (
            Key::Invitation([1; 32]),
            Row::Invitation(InvitationRow { uses: None, claimed_by: vec![], expires_at_ms: None }),
            "",
            0,
            0xe3b0_c442_98fc_1c14,
        ),
        (
            Key::Username(Username::parse("alice").unwrap()),
            Row::Username(UsernameRow { account: address.account }),
            "0a10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            18,
            0x4082_d0f3_82a2_97c2,
        ),
        (
            Key::Account(address.account),
            Row::Account(account_row()),
            "0a05616c69636510e8071a",
            352,
            0x7f56_2cf5_e372_50bc,
        ),
        (
            Key::Pool(address, PoolKind::OneTime),
            Row::Pool(PoolRow {
                pool: Pool::OneTime(vec![OneTimePrekey { id: 1, key: [6; PUBLIC_KEY_BYTES] }]),
                taken: vec![1],
            }),
            "0a2508011221060606",
            49,
            0x67d5_11e0_b68d_ab46,
        ),
        (
            Key::Pool(address, PoolKind::Kyber),
            Row::Pool(PoolRow { pool: Pool::Kyber(vec![kyber()]), taken: vec![] }),
            "0ae90c08ac0212a10c0808",
            1644,
            0x21f1_a9d0_efa7_ff64,
        ),
        (
            Key::Mailbox(address),
            Row::Mailbox(MailboxRow {
                last: 1,
                settled: 2,
                acknowledged: 3,
                entries: 4,
                bytes: 5,
                lease: 6,
                received_in_lease: Some(0),
                skipped: 7,
            }),
            "08011002180320042805300638004007",
            16,
            0x5e99_d184_e308_d5ae,
        ),
        (
            Key::Signed(address),
            Row::Signed(SignedRow {
                signed: SignedPrekey { id: 3, key: [4; PUBLIC_KEY_BYTES], signature: [5; SIGNATURE_BYTES] },
                last_resort: kyber(),
            }),
            "0a6708031221040404",
            1749,
            0x23a0_ba0f_495c_250c,
        ),
        (
            Key::Seen(address.account),
            Row::Seen(SeenRow {
                devices: vec![Seen {
                    device: DeviceId::new(2).unwrap(),
                    last_seen_ms: 300,
                    place: "::1".to_owned(),
                }],
            }),
            "0a0a080210ac021a033a3a31",
            12,
            0x8dae_da3b_cd8f_85db,
        ),
        (
            Key::Linking(LinkReference([0; 16])),
            Row::Linking(linking_row()),
            "0a2001",
            147,
            0xd7bd_c6d7_466f_f9cb,
        ),
        (
            Key::Linking(LinkReference([1; 16])),
            Row::Linking(LinkingRow { approval: None, ..linking_row() }),
            "0a2001",
            44,
            0x682c_a5bc_fe1a_7c56,
        ),
        (Key::Group(blob().group), Row::Group(group_row()), "08051216", 216, 0xaab4_302f_4416_9ec5),
        (
            Key::Blob(blob()),
            Row::Blob(BlobRow { item: Bytes::from_static(b"item") }),
            "6974656d",
            4,
            0x4a33_eacd_5fa6_5f2b,
        ),
        (
            Key::References(blob()),
            Row::References(ReferencesRow {
                count: 1,
                accepted_at_ms: 300,
                epoch: 5,
                on_its_way: Some(OnItsWay::default()),
                files: vec![],
            }),
            "080110ac021805",
            7,
            0xf870_a271_0f5d_6401,
        ),
        (
            Key::References(blob()),
            Row::References(ReferencesRow {
                count: 1,
                accepted_at_ms: 300,
                epoch: 5,
                on_its_way: None,
                files: vec![],
            }),
            "080110ac0218052001",
            9,
            0x0966_9af2_c63d_43e1,
        ),
        (
            Key::References(blob()),
            Row::References(ReferencesRow {
                count: 1,
                accepted_at_ms: 300,
                epoch: 5,
                on_its_way: Some(OnItsWay { from: Some(AccountId([8; 16])), had: vec![blob().from] }),
                files: vec![],
            }),
            "080110ac021805",
            44,
            0xdade_94c2_a705_08ff,
        ),
        (Key::Mailbox(address), Row::Mailbox(MailboxRow::default()), "", 0, 0xe3b0_c442_98fc_1c14),
        (
            Key::Directory,
            Row::Directory(DirectoryRow { seed: [1; 32], bits: 4 }),
            "0a20",
            36,
            0x6c0e_2d51_bb7a_0270,
        ),
        (
            Key::Bucket(3),
            Row::Bucket(BucketRow {
                entries: vec![
                    BucketEntry { tag: [1; 16], account: address.account, shown: None },
                    BucketEntry { tag: [2; 16], account: address.account, shown: Some([3; 60]) },
                ],
            }),
            "0a24",
            138,
            0xfabc_3404_4e97_f7aa,
        ),
        (
            Key::Voucher([1; 32]),
            Row::Voucher(VoucherRow {
                place: Place::from_bytes(&[5; 52]),
                expires_at_ms: Some(300),
                claimed_by: Some(address.account),
                done: true,
            }),
            "0a34",
            77,
            0x9ce8_b6e4_e5b3_28d9,
        ),
        (
            Key::Findable(address.account),
            Row::Findable(FindableRow {
                on: true,
                places: vec![Place::from_bytes(&[5; 52])],
                day: 20_000,
                addresses: 128,
                buckets: 16,
            }),
            "0801",
            65,
            0x8f8b_8e84_6633_d876,
        ),
        (
            Key::References(BlobId { attempt: 4, ..blob() }),
            Row::References(ReferencesRow {
                count: 1,
                accepted_at_ms: 300,
                epoch: 5,
                on_its_way: Some(OnItsWay::default()),
                files: vec![FileId([6; 16])],
            }),
            "080110ac021805",
            25,
            0x9762_d19a_6c63_a80d,
        ),
        (
            Key::File(FileId([6; 16])),
            Row::File(FileRow {
                owner: address.account,
                bytes: 300,
                token: [4; 32],
                stage: FileStage::Complete,
                expires_at_ms: 400,
                keep_until_ms: 300,
                awaiting: 2,
            }),
            "0a10",
            65,
            0xee13_8045_112b_581f,
        ),
        (Key::Awaiting(FileId([6; 16]), address), Row::Awaiting, "", 0, 0xe3b0_c442_98fc_1c14),
        (
            Key::Owned(address.account, FileId([6; 16])),
            Row::Owned(OwnedRow { bytes: 300 }),
            "08ac02",
            3,
            0xe02a_3480_9980_805f,
        ),
        (
            Key::Quota(address.account),
            Row::Quota(QuotaRow { files: 1, bytes: 300 }),
            "080110ac02",
            5,
            0xd736_e209_cfc2_e04f,
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// These bytes are in stores out there: a change here is a migration.
#[test]
fn the_bytes_stay() {
    let found: Vec<String> = golden()
        .into_iter()
        .map(|(_, row, ..)| format!("{} {:#018x}", row.encode().len(), row.version().0))
        .collect();
    let pinned: Vec<String> =
        golden().into_iter().map(|(_, _, _, length, version)| format!("{length} {version:#018x}")).collect();
    assert_eq!(found, pinned);
    for (key, row, begins, ..) in golden() {
        assert!(hex(&row.encode()).starts_with(begins), "{key:?}");
    }
}

#[test]
fn rows_come_back() {
    for (key, row, ..) in golden() {
        assert_eq!(Row::decode(&key, row.encode()), Ok(row), "{key:?}");
    }
}

#[test]
fn a_version_is_never_absent() {
    assert_ne!(Version::of(b""), Version::ABSENT);
    let start = sha256(b"abc");
    assert_eq!(Version::of(b"abc").0.to_be_bytes(), start[..8]);
}

#[test]
fn damage_is_noticed() {
    let row = Row::Account(account_row());
    let bytes = row.encode();
    let key = Key::Account(address().account);
    for end in [1, 5, 20, bytes.len() - 1] {
        assert!(Row::decode(&key, bytes.slice(..end)).is_err(), "cut at {end}");
    }
    let bytes = Row::Group(group_row()).encode();
    assert!(Row::decode(&Key::Group(blob().group), bytes.slice(..bytes.len() - 1)).is_err());
    let mut unsorted = group_row();
    unsorted.members.reverse();
    let bytes = Row::Group(unsorted).encode();
    assert!(Row::decode(&Key::Group(blob().group), bytes.clone()).is_err(), "members have an order");
    // A row of another kind.
    assert!(Row::decode(&Key::Credential(DeviceKey([0; 32])), bytes).is_err());
    let none = Bytes::from_static(b"\x08\x01");
    assert!(Row::decode(&Key::Username(Username::parse("alice").unwrap()), none).is_err());
}

proptest! {
    #[test]
    fn any_bytes_give_a_row_or_an_error(
        which in 0..golden().len(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let (key, row, ..) = golden().swap_remove(which);
        let _ = Row::decode(&key, noise.into());
        let mut bytes = row.encode().to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Row::decode(&key, bytes.into());
        }
    }
}

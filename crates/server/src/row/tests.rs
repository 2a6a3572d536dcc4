use bytes::Bytes;
use proptest::prelude::*;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{
    AccountId, DeviceAddress, DeviceId, DeviceKey, KyberPrekey, OneTimePrekey, SignedPrekey, Username,
};

use super::{
    AccountRow, CredentialRow, DeviceRow, InvitationRow, MailboxRow, Pool, PoolKind, PoolRow, Row,
    UsernameRow, sha256,
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
        signed: SignedPrekey { id: 3, key: [4; PUBLIC_KEY_BYTES], signature: [5; SIGNATURE_BYTES] },
        last_resort: kyber(),
    };
    AccountRow { username: Username::parse("alice").unwrap(), created_at_ms: 1_000, devices: vec![device] }
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
            1836,
            0x40d5_f117_2794_7d1e,
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
                accepted_in_lease: Some(0),
            }),
            "0801100218032004280530063800",
            14,
            0xeb2a_df31_20f1_f392,
        ),
        (Key::Mailbox(address), Row::Mailbox(MailboxRow::default()), "", 0, 0xe3b0_c442_98fc_1c14),
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
    // A row of another kind.
    assert!(Row::decode(&Key::Credential(DeviceKey([0; 32])), bytes).is_err());
    let none = Bytes::from_static(b"\x08\x01");
    assert!(Row::decode(&Key::Username(Username::parse("alice").unwrap()), none).is_err());
}

proptest! {
    #[test]
    fn any_bytes_give_a_row_or_an_error(
        which in 0..9_usize,
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

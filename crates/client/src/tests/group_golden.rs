//! The bytes of the rows of groups.

use super::golden::check;
use crate::group::record::*;

#[test]
fn groups() {
    let waiting = WaitingChange {
        epoch: 1,
        change: vec![2],
        signature: vec![3],
        live: true,
        vouched: true,
        public: vec![4],
    };
    let mut group = GroupRow {
        state: vec![5],
        waiting: vec![waiting],
        joined_at_ms: 6,
        shared: 7,
        forked: vec![vec![8]],
        first: 9,
        doubted: 0,
    };
    check(&group, "010a0105120f08011201021a010320012801320104180620072a01083009");
    group.doubted = 10;
    check(&group, "010a0105120f08011201021a010320012801320104180620072a01083009380a");
    let before = StandingRow { account: vec![1; 16], standing: 2 };
    let log = LogRow {
        change: vec![3],
        signature: vec![4],
        before: vec![before],
        everybody_sent: true,
        skipped: true,
        made: vec![5],
    };
    check(&log, "010a01031201041a140a1001010101010101010101010101010101100220012801320105");
    check(&JoinRow { at_ms: 300 }, "0108ac02");
}

#[test]
fn keys_and_receipts() {
    let mut key = KeyRow {
        record: vec![1],
        generation: 2,
        registration_id: 3,
        renewals: 4,
        view: vec![5],
        position: 6,
        counted: true,
        waiting: vec![7],
        light: Vec::new(),
        owed_after: None,
    };
    check(&key, "010a01011002180320042a0105300640014a0107");
    key.light = vec![8];
    check(&key, "010a01011002180320042a0105300640014a0107520108");
    key.owed_after = Some(0);
    check(&key, "010a01011002180320042a0105300640014a01075201085800");
    let tally =
        TallyRow { group: vec![1], epoch: 2, members: 3, delivered: 4, read: 5, state: vec![6], early: true };
    check(&tally, "010a010110021803200428053201063801");
    check(&ReceiptRow { delivery: 2, at_ms: 300, ..ReceiptRow::default() }, "01080210ac02");
    let seen = ReceiptRow { delivery: 3, at_ms: 300, delivered_at_ms: 4, read_at_ms: 300, envelope: 0 };
    check(&seen, "01080310ac02180420ac02");
    check(&ReceiptRow { envelope: 6, ..seen }, "01080310ac02180420ac02290600000000000000");
}

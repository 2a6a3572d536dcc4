use waxwing_wire::{AccountId, DeviceId};

use super::*;

fn address(number: u8) -> DeviceAddress {
    DeviceAddress { account: AccountId([number; 16]), device: DeviceId::PRIMARY }
}

fn said(up_to: u64, undecryptable: &[u64]) -> Unsettled {
    Unsettled { up_to, undecryptable: undecryptable.to_vec() }
}

#[test]
fn what_a_device_says_twice_is_settled_once_and_with_all_that_it_could_not_read() {
    let now = Instant::now();
    let mut all = AllUnsettled::new(now);
    all.remember(address(1), said(5, &[2, 4]));
    all.remember(address(1), said(3, &[2, 3]));
    all.remember(address(2), said(9, &[]));
    let [Command::Stored { mailbox, up_to, undecryptable }, _] = &all.due(now)[..] else { panic!("two") };
    assert_eq!((*mailbox, *up_to, &undecryptable[..]), (address(1), 5, &[2, 4, 3][..]));
    assert!(all.due(now + SETTLE_AGAIN).is_empty(), "they are not settled a third time by themselves");
}

#[test]
fn attempts_are_paused_and_lists_are_bounded() {
    let now = Instant::now();
    let mut all = AllUnsettled::new(now);
    all.remember(address(1), said(1, &[]));
    assert_eq!(all.due(now).len(), 1);
    all.remember(address(1), said(1_000, &(1..=1_000).collect::<Vec<_>>()));
    assert!(all.due(now + SETTLE_AGAIN / 2).is_empty());
    assert_eq!(all.due(now + SETTLE_AGAIN).len(), 1);
    all.remember(address(1), said(1_000, &(1..=1_000).collect::<Vec<_>>()));
    assert_eq!(
        all.take(address(1)).map(|waits| waits.undecryptable.len()),
        Some(MAX_UNDECRYPTABLE_PER_STORED)
    );
    assert_eq!(all.take(address(1)), None);
}

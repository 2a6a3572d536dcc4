//! What a device sends to an account stays in its order when something of it is refused.
//!
//! A device has many messages under way, and what it said before an answer came is judged after the message that the
//! answer is about: the account's devices may have changed back, there may be room again. So whatever comes behind a
//! message that can be sent again is refused with it, until the device sends again what it was refused. Answers come
//! in their order: who sends one message again knows of every refusal before that one's, and perhaps of none after.

use std::collections::BTreeMap;

use waxwing_wire::client_frame::Send;
use waxwing_wire::limits::MAX_SENDS_IN_FLIGHT;
use waxwing_wire::server_frame::{DeviceMismatch, Refused};
use waxwing_wire::{AccountId, MessageId, Reject, RejectCode};

/// What one connection was refused and has not sent again.
#[derive(Debug, Default)]
pub(super) struct Order(BTreeMap<AccountId, Refusal>);

#[derive(Debug)]
struct Refusal {
    reject: Reject,
    mismatch: DeviceMismatch,
    /// In the order in which they were refused.
    ids: Vec<MessageId>,
}

impl Order {
    /// What a message is refused with because one before it was, unless its sender knows of that by now.
    pub(super) fn overtakes(&mut self, send: &Send) -> Option<Refused> {
        let refusal = self.0.get_mut(&send.to)?;
        if let Some(place) = refusal.ids.iter().position(|id| *id == send.id) {
            refusal.ids.drain(..=place);
            if refusal.ids.is_empty() {
                self.0.remove(&send.to);
            }
            return None;
        }
        refusal.ids.push(send.id);
        let (reject, mismatch) = (refusal.reject.clone(), refusal.mismatch.clone());
        self.bound();
        Some(Refused { id: send.id, reject, mismatch, group: None, files_gone: Vec::new() })
    }

    /// A message to an account was refused.
    pub(super) fn refused(&mut self, to: AccountId, refused: &Refused) {
        if !comes_again(&refused.reject) {
            return;
        }
        let first = || Refusal {
            reject: refused.reject.clone(),
            mismatch: refused.mismatch.clone(),
            ids: Vec::new(),
        };
        let ids = &mut self.0.entry(to).or_insert_with(first).ids;
        if !ids.contains(&refused.id) {
            ids.push(refused.id);
        }
        self.bound();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// No device has more under way: who does, or drops much of what it was refused, orders it itself.
    fn bound(&mut self) {
        if self.0.values().map(|refusal| refusal.ids.len()).sum::<usize>() > MAX_SENDS_IN_FLIGHT {
            self.0.clear();
        }
    }
}

/// Its sender will send it once more.
fn comes_again(reject: &Reject) -> bool {
    let codes = [
        RejectCode::DeviceMismatch,
        RejectCode::MailboxFull,
        RejectCode::StorageFull,
        RejectCode::RateLimited,
        RejectCode::Unavailable,
    ];
    reject.retry_after_ms > 0 || codes.contains(&reject.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: AccountId = AccountId([2; 16]);
    const CAROL: AccountId = AccountId([3; 16]);

    fn send(id: u64, to: AccountId) -> Send {
        Send {
            id: MessageId(id),
            to,
            copies: Vec::new(),
            silent: false,
            attempt: 0,
            others: Vec::new(),
            files: Vec::new(),
        }
    }

    fn refusal(id: u64, code: RejectCode) -> Refused {
        let (reject, mismatch) = (Reject::new(code, "later"), DeviceMismatch::default());
        Refused { id: MessageId(id), reject, mismatch, group: None, files_gone: Vec::new() }
    }

    #[test]
    fn what_comes_behind_a_refused_message_waits_for_it() {
        let mut order = Order::default();
        order.refused(BOB, &refusal(1, RejectCode::DeviceMismatch));
        assert_eq!(order.overtakes(&send(2, BOB)), Some(refusal(2, RejectCode::DeviceMismatch)));
        assert_eq!(order.overtakes(&send(9, CAROL)), None);
        assert_eq!(order.overtakes(&send(3, BOB)).unwrap().id, MessageId(3));
        // The sender knows: from here on it is in order by itself, also without the first.
        assert_eq!(order.overtakes(&send(2, BOB)), None);
        assert_eq!(order.overtakes(&send(3, BOB)), None);
    }

    #[test]
    fn what_was_said_before_a_refusal_was_heard_waits_too() {
        let mut order = Order::default();
        order.refused(BOB, &refusal(1, RejectCode::DeviceMismatch));
        assert!(order.overtakes(&send(2, BOB)).is_some());
        // The sender has heard of the first refusal and not yet of the second.
        assert_eq!(order.overtakes(&send(1, BOB)), None);
        assert!(order.overtakes(&send(3, BOB)).is_some());
        assert_eq!(order.overtakes(&send(2, BOB)), None);
        assert_eq!(order.overtakes(&send(3, BOB)), None);
        assert_eq!(order.overtakes(&send(4, BOB)), None);
        assert!(order.is_empty());
    }

    #[test]
    fn what_is_refused_for_good_holds_nothing_up() {
        let mut order = Order::default();
        order.refused(BOB, &refusal(1, RejectCode::UnknownAccount));
        assert_eq!(order.overtakes(&send(2, BOB)), None);
    }

    #[test]
    fn no_more_is_remembered_than_can_be_under_way() {
        let mut order = Order::default();
        for account in 0..1_000_u64 {
            let mut to = [0; 16];
            to[..8].copy_from_slice(&account.to_be_bytes());
            order.refused(AccountId(to), &refusal(account, RejectCode::RateLimited));
            for id in 0..account % 5 {
                order.overtakes(&send(1_000 + id, AccountId(to)));
            }
            assert!(order.0.values().map(|refusal| refusal.ids.len()).sum::<usize>() <= MAX_SENDS_IN_FLIGHT);
        }
    }
}

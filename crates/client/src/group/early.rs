//! Sender keys that arrive before the word that their senders are members.
//!
//! Whoever is brought in gets keys from all members and the group from one of them: nothing orders these. In
//! memory only, since a key that is lost is asked for with the first message that needs it.

use std::collections::VecDeque;

use waxwing_wire::DeviceAddress;
use waxwing_wire::content::SenderKey;
use waxwing_wire::group::{GroupId, GroupState};
use zeroize::Zeroizing;

use crate::client::{Client, Error};
use crate::limits::{MAX_EARLY_KEYS, MAX_EARLY_KEYS_PER_DEVICE};
use crate::turn::Turn;

struct EarlyKey {
    group: GroupId,
    from: DeviceAddress,
    distribution: Zeroizing<Vec<u8>>,
    light: Option<Zeroizing<[u8; 32]>>,
    position: u64,
}

/// Oldest first.
#[derive(Default)]
pub(crate) struct EarlyKeys(VecDeque<EarlyKey>);

impl EarlyKeys {
    /// Of one device the newest stay; no device drives out the keys of others.
    pub(crate) fn keep(&mut self, group: GroupId, from: DeviceAddress, key: &SenderKey, position: u64) {
        let of_device = |early: &&EarlyKey| early.from == from;
        if self.0.iter().filter(of_device).count() >= MAX_EARLY_KEYS_PER_DEVICE
            && let Some(oldest) = self.0.iter().position(|early| early.from == from)
        {
            self.0.remove(oldest);
        }
        if self.0.len() < MAX_EARLY_KEYS {
            let distribution = Zeroizing::new(key.distribution.to_vec());
            let light = key.light.map(Zeroizing::new);
            self.0.push_back(EarlyKey { group, from, distribution, light, position });
        }
    }

    /// Whether there is one of a device.
    pub(crate) fn has(&self, group: GroupId, from: DeviceAddress) -> bool {
        self.0.iter().any(|early| early.group == group && early.from == from)
    }

    /// Those of members of a group, oldest first.
    fn take(&mut self, state: &GroupState) -> Vec<EarlyKey> {
        let fits =
            |early: &EarlyKey| early.group == state.group && state.member(early.from.account).is_some();
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition::<Vec<_>, _>(fits);
        self.0 = left.into();
        taken
    }
}

impl Client {
    /// A group is known now, or has other members: takes in the keys that came before.
    pub(crate) fn take_early_keys(&mut self, turn: &mut Turn<'_>, state: &GroupState) -> Result<(), Error> {
        for early in self.groups.early.take(state) {
            let light = early.light.as_deref();
            self.key_arrived(turn, early.group, early.from, (&early.distribution, light), early.position)?;
        }
        Ok(())
    }
}

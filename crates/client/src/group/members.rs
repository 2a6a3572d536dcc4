//! The devices of a group's members, as this device knows them and as the server says.

use std::collections::BTreeMap;

use waxwing_e2ee::PublicKey;
use waxwing_wire::group::{GroupState, GroupView, member_digest, view_digest};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId};

use super::change::Known;
use crate::client::{Client, Error};
use crate::devices::load_devices;
use crate::limits::LIST_GRACE_MS;
use crate::row::{MessageKey, Notice};
use crate::turn::Turn;

/// What the server has said of a group at its present epoch, where this device knows otherwise.
#[derive(Default)]
pub(crate) struct Told {
    members: BTreeMap<AccountId, ToldMember>,
    /// Members whom the server does not have.
    absent: Vec<AccountId>,
}

struct ToldMember {
    digest: [u8; 8],
    /// Asking for the member's devices did not explain it. Whoever the server has in mind has no key to read
    /// with, so that its word can be repeated to it.
    believed: bool,
}

/// A device and its registration id.
pub(crate) type Installed = (DeviceId, u16);

impl Client {
    /// Devices of an account that messages are encrypted for, and the version of its list.
    pub(crate) fn member_devices(
        &self,
        turn: &Turn<'_>,
        account: AccountId,
    ) -> Result<(u64, Vec<Installed>), Error> {
        let row = load_devices(&turn.store, account)?;
        let active = row.active(turn.now);
        let active =
            active.map(|(device, entry)| (device, u16::try_from(entry.registration_id).unwrap_or(0)));
        Ok((row.version, active.collect()))
    }

    /// Whether a device belongs to its account, for judging what it signed.
    pub(crate) fn device_known(&self, turn: &Turn<'_>, device: DeviceAddress) -> Result<Known, Error> {
        if self.address() == Some(device) {
            return Ok(Known::Listed(Box::new(self.keys.identity.public())));
        }
        let row = load_devices(&turn.store, device.account)?;
        let entry = row.get(device.device).filter(|entry| entry.verified);
        let identity = entry.and_then(|entry| PublicKey::deserialize(&entry.identity).ok());
        let Some(list) = row.list() else {
            // A primary that has proven its key by a session is known before any list.
            let primary = identity.filter(|_| device.device == DeviceId::PRIMARY);
            return Ok(primary.map_or(Known::Unknown, |key| Known::Listed(Box::new(key))));
        };
        let listed = list.find(device.device);
        Ok(match (listed, identity) {
            (Some(listed), Some(key)) if listed.identity == key.serialize() => Known::Listed(Box::new(key)),
            (Some(_), _) => Known::Unknown,
            // A newer list may have it; numbers are not given twice.
            (None, _) if device.device.number() >= list.next => Known::Unknown,
            (None, _) => Known::Unlisted,
        })
    }

    /// Whether a device may speak for its account now: companions only while the list is valid.
    pub(crate) fn may_speak(&self, turn: &Turn<'_>, device: DeviceAddress) -> Result<bool, Error> {
        let row = load_devices(&turn.store, device.account)?;
        let current = turn.now.0 < row.expires_at_ms.saturating_add(LIST_GRACE_MS);
        let valid = current || device.device == DeviceId::PRIMARY;
        Ok(valid && matches!(self.device_known(turn, device)?, Known::Listed(_)))
    }

    /// Names the devices of these members as this device knows them.
    pub(crate) fn known_view(&self, turn: &Turn<'_>, members: &[AccountId]) -> Result<[u8; 32], Error> {
        let mut digests = Vec::with_capacity(members.len());
        for account in members {
            digests.push((*account, self.known_digest(turn, *account)?));
        }
        Ok(view_digest(digests))
    }

    /// What the server is told of the sender's view: what this device knows, and what the server insists on.
    pub(crate) fn told_view(&self, turn: &Turn<'_>, state: &GroupState) -> Result<[u8; 32], Error> {
        let nothing = Told::default();
        let told = self.groups.views.get(&state.group).unwrap_or(&nothing);
        let mut digests = BTreeMap::new();
        for member in state.members.iter().filter(|member| !told.absent.contains(&member.account)) {
            digests.insert(member.account, self.known_digest(turn, member.account)?);
        }
        for (account, told) in told.members.iter().filter(|(_, told)| told.believed) {
            digests.insert(*account, told.digest);
        }
        Ok(view_digest(digests))
    }

    fn known_digest(&self, turn: &Turn<'_>, account: AccountId) -> Result<[u8; 8], Error> {
        let (version, devices) = self.member_devices(turn, account)?;
        Ok(member_digest(version, devices))
    }

    /// The server's view of a group at the epoch that this device is at, which differs from what it was told.
    /// Whoever differs is asked after; and where that did not help, the server gets its own word back.
    pub(crate) fn learn_view(
        &mut self,
        turn: &mut Turn<'_>,
        state: &GroupState,
        view: &GroupView,
        about: MessageId,
    ) -> Result<(), Error> {
        let mut told = self.groups.views.remove(&state.group).unwrap_or_default();
        let mut strangers = Vec::new();
        for member in &view.members {
            let known = self.known_digest(turn, member.account)?;
            if state.member(member.account).is_none() {
                let new = ToldMember { digest: member.digest, believed: true };
                if told.members.insert(member.account, new).is_none() {
                    strangers.push(member.account);
                }
            } else if known == member.digest {
                told.members.remove(&member.account);
            } else {
                let insists =
                    told.members.get(&member.account).is_some_and(|one| one.digest == member.digest);
                let new = ToldMember { digest: member.digest, believed: insists };
                told.members.insert(member.account, new);
                if !insists {
                    self.refetch.insert(member.account);
                }
            }
        }
        let there = |account| view.members.binary_search_by_key(&account, |member| member.account).is_ok();
        told.members.retain(|account, _| there(*account));
        let absent: Vec<AccountId> =
            state.members.iter().map(|member| member.account).filter(|account| !there(*account)).collect();
        strangers.extend(absent.iter().filter(|account| !told.absent.contains(account)));
        told.absent = absent;
        self.groups.views.insert(state.group, told);
        let Some(from) = self.address() else { return Ok(()) };
        if let Some(first) = strangers.first() {
            // What it is about may be tried several times: one notice.
            let key = MessageKey { from, id: about };
            self.group_notice(
                turn,
                state.group,
                key,
                Notice::ServerDisagrees(*first),
                super::change::VIEW,
                0,
            )?;
        }
        Ok(())
    }
}

//! Which devices an account has: only those that its primary has signed for, each of which says so itself, and
//! of which the server says that they are there. The server may take away and cannot add.

use std::collections::BTreeSet;

use waxwing_e2ee::PublicKey;
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::content::Conversation;
use waxwing_wire::devices::{DeviceList, ListedDevice, SignedDeviceList, countersigned_bytes};
use waxwing_wire::limits::{MAX_DEVICES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::server_frame::{Bundle, DeviceState};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, Reject, RejectCode};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::Event;
use crate::connection::Asked;
use crate::db::Key;
use crate::limits::{LIST_GRACE_MS, MAX_CLAIMS, MAX_DEVICES_KEPT};
use crate::overlay::Overlay;
use crate::record::{DeviceEntry, DevicesRow, PeerRow};
use crate::row::{Body, Delivery, Direction, Message, MessageKey, Notice};
use crate::turn::Turn;

pub(crate) type Identity = [u8; PUBLIC_KEY_BYTES];

/// What the server says of an account's devices.
pub(crate) struct Claim<'a> {
    pub list: &'a SignedDeviceList,
    pub present: Vec<Present>,
    /// These devices were asked for; whichever is not among `present` is not there. Empty: all.
    pub asked: &'a [DeviceId],
}

/// A device that the server says is there.
pub(crate) struct Present {
    pub device: DeviceId,
    pub registration_id: u16,
    pub countersignature: Option<[u8; SIGNATURE_BYTES]>,
}

impl From<&DeviceState> for Present {
    fn from(state: &DeviceState) -> Self {
        Self {
            device: state.device,
            registration_id: state.registration_id,
            countersignature: state.countersignature,
        }
    }
}

impl From<&Bundle> for Present {
    fn from(bundle: &Bundle) -> Self {
        Self {
            device: bundle.device,
            registration_id: bundle.registration_id,
            countersignature: bundle.countersignature,
        }
    }
}

/// What becomes of a device that a prekey message has proven the key of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It belongs to its account.
    Known,
    /// No list that this device knows names it.
    Unproven,
}

impl DeviceEntry {
    pub(crate) fn id(&self) -> Option<DeviceId> {
        u8::try_from(self.device).ok().and_then(DeviceId::new)
    }

    /// The number belongs to the device with this identity: of another one, nothing counts any more.
    fn become_one_with(&mut self, identity: &Identity) {
        if self.identity == identity {
            return;
        }
        // Another device under a known number begins at 1; of one that nobody knew yet, more was before.
        let first = u64::from(!self.identity.is_empty());
        *self = Self { device: self.device, identity: identity.to_vec(), first, ..Self::default() };
    }
}

impl DevicesRow {
    pub(crate) fn find(&mut self, device: DeviceId) -> Option<&mut DeviceEntry> {
        self.devices.iter_mut().find(|entry| entry.device == u32::from(device.number()))
    }

    pub(crate) fn get(&self, device: DeviceId) -> Option<&DeviceEntry> {
        self.devices.iter().find(|entry| entry.device == u32::from(device.number()))
    }

    /// Those that messages are encrypted for, ascending. Once the list has expired that is the primary.
    pub(crate) fn active(&self, now: Time) -> impl Iterator<Item = (DeviceId, &DeviceEntry)> {
        let current = now.0 < self.expires_at_ms.saturating_add(LIST_GRACE_MS);
        let listed = self.devices.iter().filter(|entry| entry.active);
        listed
            .filter_map(|entry| Some((entry.id()?, entry)))
            .filter(move |(device, _)| current || *device == DeviceId::PRIMARY)
    }

    /// The newest list that was verified.
    pub(crate) fn list(&self) -> Option<DeviceList> {
        DeviceList::decode(&self.list).ok()
    }

    /// The same with its signature.
    pub(crate) fn signed_list(&self) -> Option<SignedDeviceList> {
        let signature = self.signature.as_slice().try_into().ok()?;
        Some(SignedDeviceList { list: self.list.clone().into(), signature })
    }

    /// The device's entry, made if there is room for it.
    fn entry(&mut self, device: DeviceId) -> Option<&mut DeviceEntry> {
        let number = u32::from(device.number());
        if !self.devices.iter().any(|entry| entry.device == number) {
            if self.devices.len() >= MAX_DEVICES_KEPT {
                let former = self.devices.iter().position(|entry| !entry.active)?;
                self.devices.remove(former);
            }
            self.devices.push(DeviceEntry { device: number, ..DeviceEntry::default() });
            self.devices.sort_by_key(|entry| entry.device);
        }
        self.find(device)
    }

    /// The account has another key: nothing that its former primary signed counts any more.
    fn forget_list(&mut self) {
        self.version = 0;
        self.list.clear();
        self.signature.clear();
        for entry in &mut self.devices {
            entry.active = false;
            entry.verified = false;
        }
    }

    /// What a verified list says, and who of it is there.
    fn take(&mut self, list: &DeviceList, signed: &SignedDeviceList, claim: &Claim<'_>) {
        self.version = list.version;
        self.issued_at_ms = list.issued_at_ms;
        self.expires_at_ms = list.expires_at_ms;
        self.list = signed.list.to_vec();
        self.signature = signed.signature.to_vec();
        for entry in &mut self.devices {
            let listed = entry.id().and_then(|device| list.find(device));
            entry.active &= listed.is_some_and(|listed| listed.identity.as_slice() == entry.identity);
        }
        let Some(primary) = list.find(DeviceId::PRIMARY) else { return };
        for listed in &list.devices {
            let present = claim.present.iter().find(|present| present.device == listed.device);
            let asked = claim.asked.is_empty() || claim.asked.contains(&listed.device);
            self.place(listed, &primary.identity, present, asked);
        }
    }

    /// One device of a verified list. `asked`: if it is not present, it is not there.
    fn place(&mut self, listed: &ListedDevice, primary: &Identity, present: Option<&Present>, asked: bool) {
        let Some(entry) = self.entry(listed.device) else { return };
        entry.become_one_with(&listed.identity);
        entry.registration_id = listed.registration_id.into();
        if let Some(present) = present
            && !entry.verified
        {
            entry.verified = listed.device == DeviceId::PRIMARY
                || present.countersignature.is_some_and(|signature| belongs(listed, primary, &signature));
        }
        match present {
            // Another installation than the list says: nothing is encrypted for it.
            Some(present) => {
                entry.active = entry.verified && present.registration_id == listed.registration_id;
            }
            None if asked => entry.active = false,
            None => {}
        }
    }
}

/// Whether a companion has said that it belongs to that primary.
fn belongs(companion: &ListedDevice, primary: &Identity, signature: &[u8; SIGNATURE_BYTES]) -> bool {
    let Ok(key) = PublicKey::deserialize(&companion.identity) else { return false };
    key.verify(&countersigned_bytes(primary, companion.device), signature)
}

/// The list inside, if its primary has signed it.
pub(crate) fn verify(signed: &SignedDeviceList) -> Option<(DeviceList, Identity)> {
    let list = signed.decode_list().ok()?;
    let primary = list.find(DeviceId::PRIMARY)?.identity;
    let key = PublicKey::deserialize(&primary).ok()?;
    let genuine = key.verify(&SignedDeviceList::signed_bytes(&signed.list), &signed.signature);
    (genuine && list.devices.len() <= MAX_DEVICES).then_some((list, primary))
}

pub(crate) fn load_devices(store: &Overlay<'_>, account: AccountId) -> Result<DevicesRow, Error> {
    Ok(store.load(&Key::Devices(account))?.unwrap_or_default())
}

impl Client {
    pub(crate) fn is_own(&self, account: AccountId) -> bool {
        self.address().is_some_and(|own| own.account == account)
    }

    /// Version of the own account's list.
    pub(crate) fn own_version(&self, turn: &Turn<'_>) -> Result<u64, Error> {
        match self.address() {
            Some(own) => Ok(load_devices(&turn.store, own.account)?.version),
            None => Ok(0),
        }
    }

    /// The server's word on an account's devices. Whether it was worth something.
    pub(crate) fn learn_list(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        claim: &Claim<'_>,
    ) -> Result<bool, Error> {
        let Some((list, primary)) = verify(claim.list) else { return Ok(false) };
        let mut devices = load_devices(&turn.store, account)?;
        let before: Vec<DeviceId> = devices.active(turn.now).map(|(device, _)| device).collect();
        let own = self.is_own(account);
        if own {
            if self.primary_identity() != Some(primary) {
                return Ok(false);
            }
        } else if !self.trust_primary(turn, account, primary, &mut devices)? {
            return Ok(false);
        }
        if list.version < devices.version {
            return Ok(false);
        }
        let version_before = devices.version;
        // Of two lists of one version, the first stays; who is there is the server's word either way.
        match devices.signed_list().filter(|_| list.version == devices.version) {
            Some(known) => {
                let Some(list) = devices.list() else { return Ok(false) };
                devices.take(&list, &known, claim);
            }
            None => devices.take(&list, claim.list, claim),
        }
        let after: BTreeSet<DeviceId> = devices.active(turn.now).map(|(device, _)| device).collect();
        let gone: Vec<DeviceId> = before.iter().filter(|device| !after.contains(device)).copied().collect();
        turn.store.save(Key::Devices(account), &devices);
        if !gone.is_empty() || after.len() != before.len() || version_before != list.version {
            self.devices_changed(turn, account)?;
            if own {
                self.own_devices_changed(turn)?;
                self.pass_on_state(turn, &gone)?;
            }
        }
        self.release_held(turn, account)?;
        if !own {
            // Members of groups are known by their lists before they have written.
            self.want_username(turn, account)?;
        }
        Ok(true)
    }

    /// The key that signs an account's lists. An account that has another one than before is shown to the user.
    /// Whether the account is remembered at all.
    fn trust_primary(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        primary: Identity,
        devices: &mut DevicesRow,
    ) -> Result<bool, Error> {
        let Some(mut peer) = self.peer_row(turn, account)? else { return Ok(false) };
        if peer.identity() == Some(primary) {
            return Ok(true);
        }
        if !peer.identity.is_empty() {
            self.identity_changed(turn, account, &mut peer)?;
            devices.forget_list();
        }
        peer.identity = primary.to_vec();
        turn.store.save(Key::Peer(account), &peer);
        Ok(true)
    }

    fn identity_changed(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        peer: &mut PeerRow,
    ) -> Result<(), Error> {
        peer.trust = 2;
        peer.changed_at_ms = turn.now.0;
        turn.event(Event::IdentityChanged(account));
        self.notice(turn, Conversation::Account(account), Notice::IdentityChanged(account))
    }

    /// Something happened in a conversation: puts it into the history.
    pub(crate) fn notice(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        notice: Notice,
    ) -> Result<(), Error> {
        let Some(from) = self.address() else { return Ok(()) };
        let message = Message {
            key: MessageKey { from, id: self.fresh_id(turn)? },
            with,
            order: self.next_order(),
            direction: Direction::Incoming,
            sent_at_ms: turn.now.0,
            stored_at_ms: turn.now.0,
            body: Body::Notice(notice),
            delivery: Delivery::Read,
            position: 0,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        };
        turn.show(message, false);
        Ok(())
    }

    /// A device has proven its identity key by a prekey message. A primary's is the account's: the first one
    /// is believed, another one is a change. A companion's must be in the account's list.
    pub(crate) fn learn_sender(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        registration_id: u16,
        identity: Identity,
    ) -> Result<Standing, Error> {
        let mut devices = load_devices(&turn.store, from.account)?;
        let proven = |entry: &DeviceEntry| entry.verified && entry.identity == identity;
        if devices.get(from.device).is_some_and(proven) {
            return Ok(Standing::Known);
        }
        if from.device != DeviceId::PRIMARY || self.is_own(from.account) {
            return Ok(Standing::Unproven);
        }
        if !self.trust_primary(turn, from.account, identity, &mut devices)? {
            return Ok(Standing::Unproven);
        }
        let replaced = devices.get(from.device).is_some_and(|entry| entry.identity != identity);
        if let Some(entry) = devices.entry(from.device) {
            entry.become_one_with(&identity);
            entry.registration_id = registration_id.into();
            entry.verified = true;
            entry.active = true;
        }
        turn.store.save(Key::Devices(from.account), &devices);
        if replaced {
            self.devices_changed(turn, from.account)?;
        }
        Ok(Standing::Known)
    }

    /// Whether a session with that key speaks for a device of the account.
    pub(crate) fn is_proven(
        &self,
        turn: &Turn<'_>,
        from: DeviceAddress,
        identity: Identity,
    ) -> Result<bool, Error> {
        let devices = load_devices(&turn.store, from.account)?;
        Ok(devices.get(from.device).is_some_and(|entry| entry.verified && entry.identity == identity))
    }

    /// Messages are not encrypted for these devices of an account any more: the server says they are gone.
    pub(crate) fn drop_devices(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        gone: &[DeviceId],
    ) -> Result<DevicesRow, Error> {
        let mut devices = load_devices(&turn.store, account)?;
        let mut dropped = Vec::new();
        for device in gone {
            if let Some(entry) = devices.find(*device).filter(|entry| entry.active) {
                entry.active = false;
                dropped.push(*device);
            }
        }
        if !dropped.is_empty() {
            turn.store.save(Key::Devices(account), &devices);
            self.devices_changed(turn, account)?;
            if self.is_own(account) {
                self.pass_on_state(turn, &dropped)?;
            }
        }
        Ok(devices)
    }

    /// A device of the account wrote that it knows this version of its account's list.
    pub(crate) fn list_claimed(
        &mut self,
        turn: &Turn<'_>,
        account: AccountId,
        version: u64,
    ) -> Result<(), Error> {
        let asked = self.claims.get(&account).copied().unwrap_or(0);
        if version <= asked || version <= load_devices(&turn.store, account)?.version {
            return Ok(());
        }
        if self.claims.len() >= MAX_CLAIMS {
            self.claims.clear();
        }
        // Whoever lies about it is asked after once.
        self.claims.insert(account, version);
        self.refetch.insert(account);
        Ok(())
    }

    /// Asks for the devices of accounts that are in doubt, unless that is under way.
    pub(crate) fn pump_refetch(&mut self, turn: &mut Turn<'_>) {
        for account in self.refetch.clone() {
            let is_same = |asked: &Asked| matches!(asked, Asked::Devices(other) if *other == account);
            let held = self.holds.contains_key(&Conversation::Account(account));
            if held || self.link.online().is_none_or(|up| up.has_asked(is_same)) {
                continue;
            }
            let what = RequestBody::FetchDevices(account);
            if self.link.ask(turn, what, Asked::Devices(account)).is_err() {
                return;
            }
            if self.is_own(account) {
                self.own_asked = self.counters.next_outbox;
            }
        }
    }

    /// The answer to that.
    pub(crate) fn devices_found(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        list: &SignedDeviceList,
        states: &[DeviceState],
    ) -> Result<(), Error> {
        self.refetch.remove(&account);
        let present = states.iter().take(MAX_DEVICES_KEPT).map(Present::from).collect();
        let good = self.learn_list(turn, account, &Claim { list, present, asked: &[] })?;
        if self.is_own(account) {
            self.own_known = self.own_asked;
            self.own_states(turn, states)?;
        }
        if good { Ok(()) } else { self.strike(turn, account) }
    }

    pub(crate) fn no_devices(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        reject: &Reject,
    ) -> Result<(), Error> {
        if reject.code == RejectCode::UnknownAccount {
            self.refetch.remove(&account);
        }
        self.no_bundles(turn, account, reject)
    }
}

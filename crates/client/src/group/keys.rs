//! Sender keys: one of this device's own for each group, which every other device of the members must have
//! before it can read, and those of the others.
//!
//! The own key is given over sessions, one silent message to each account, before the first group message
//! that needs it leaves. Which devices have it stands in their rows, with their registration id and the key's
//! generation. It is drawn anew when a device that had it is none of the group's any more, and when the
//! database turned out to be an older copy of itself: a chain that another life of this device may have gone
//! on with is never used again.

use std::collections::BTreeSet;

use waxwing_e2ee::sender_key::{self, SenderKeyRecord};
use waxwing_wire::content::{Body as ContentBody, Conversation, SenderKey};
use waxwing_wire::group::{GroupId, GroupState};
use waxwing_wire::light::LightKey;
use waxwing_wire::{AccountId, Bytes, DeviceAddress, DeviceId, MessageId};

use super::record::KeyRow;
use crate::client::{Client, Error};
use crate::db::{Key, Table};
use crate::limits::MAX_KEY_ROWS;
use crate::record::{Kind, OutboxRow, Record as _, SentRow};
use crate::sealing::payload;
use crate::turn::Turn;

/// Installations of devices that have, or shall have, the own key.
type Holders = BTreeSet<(AccountId, DeviceId, u16)>;

fn damaged(_: waxwing_e2ee::Error) -> Error {
    Error::Damaged(KeyRow::NAME)
}

impl KeyRow {
    pub(crate) fn record(&self) -> Result<Option<SenderKeyRecord>, Error> {
        if self.record.is_empty() {
            Ok(None)
        } else {
            SenderKeyRecord::decode(&self.record).map(Some).map_err(damaged)
        }
    }

    /// Under which the device's light events in the group are sealed.
    pub(crate) fn light_key(&self) -> Option<LightKey> {
        self.light.as_slice().try_into().ok()
    }
}

pub(crate) fn load_key(turn: &Turn<'_>, group: GroupId, device: DeviceAddress) -> Result<KeyRow, Error> {
    Ok(turn.store.load(&Key::SenderKey(group, device))?.unwrap_or_default())
}

impl Client {
    /// The own key of a group, once all devices of these members have it. Until then they are given it.
    /// `before`: the position of the last own message that nobody shall miss who gets the key now.
    pub(crate) fn own_key(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        members: &[AccountId],
        before: u64,
    ) -> Result<Option<(KeyRow, SenderKeyRecord)>, Error> {
        let Some(own) = self.address() else { return Ok(None) };
        if self.waits_for_anybody(group, members) {
            return Ok(None);
        }
        let mut row = load_key(turn, group, own)?;
        let view = self.known_view(turn, members)?;
        let fresh = row.renewals == self.counters.renewals;
        let record = row.record()?.filter(|record| fresh && record.is_own());
        if let Some(record) = &record
            && row.view == view
        {
            return Ok(Some((row.clone(), record.clone())));
        }
        let wanted = self.holders_wanted(turn, own, members)?;
        let given_before = given(turn, group, own, row.generation)?;
        let record = match record {
            Some(record) if given_before.is_subset(&wanted) => record,
            _ => {
                row.generation = row.generation.saturating_add(1);
                row.renewals = self.counters.renewals;
                let mut light = [0; 32];
                turn.rng.fill_bytes(&mut light);
                row.light = light.to_vec();
                sender_key::create(group.0, turn.rng)
            }
        };
        row.record = record.encode().to_vec();
        row.view.clear();
        turn.store.save(Key::SenderKey(group, own), &row);
        let given = given(turn, group, own, row.generation)?;
        let lacking: BTreeSet<AccountId> = wanted.difference(&given).map(|(account, ..)| *account).collect();
        let lacking = lacking.into_iter().chain(self.unknown_members(turn, own, members)?);
        let mut waits = false;
        for account in lacking.collect::<BTreeSet<_>>() {
            if self.groups.unreachable.contains(&(group, account)) {
                continue;
            }
            let on_its_way = self.give_key(turn, group, &row, &record, account, before)?;
            waits |= !on_its_way || !self.holds.contains_key(&Conversation::Account(account));
        }
        if waits {
            return Ok(None);
        }
        if self.groups.giving.get(&group).is_none_or(BTreeSet::is_empty) {
            row.view = view.to_vec();
            turn.store.save(Key::SenderKey(group, own), &row);
        }
        Ok(Some((row, record)))
    }

    /// Somebody is being given the key, or asked after, who can be reached.
    fn waits_for_anybody(&self, group: GroupId, members: &[AccountId]) -> bool {
        let reachable = |account: &AccountId| !self.holds.contains_key(&Conversation::Account(*account));
        let giving = self.groups.giving.get(&group);
        giving.is_some_and(|giving| giving.iter().any(reachable))
            || members.iter().any(|account| self.refetch.contains(account) && reachable(account))
    }

    fn holders_wanted(
        &self,
        turn: &Turn<'_>,
        own: DeviceAddress,
        members: &[AccountId],
    ) -> Result<Holders, Error> {
        let mut wanted = Holders::new();
        for account in members {
            for (device, registration_id) in self.member_devices(turn, *account)?.1 {
                if (DeviceAddress { account: *account, device }) != own {
                    wanted.insert((*account, device, registration_id));
                }
            }
        }
        Ok(wanted)
    }

    /// Members of whom no device is known at all.
    fn unknown_members(
        &self,
        turn: &Turn<'_>,
        own: DeviceAddress,
        members: &[AccountId],
    ) -> Result<Vec<AccountId>, Error> {
        let mut unknown = Vec::new();
        for account in members.iter().filter(|account| **account != own.account) {
            if self.member_devices(turn, *account)?.1.is_empty() {
                unknown.push(*account);
            }
        }
        Ok(unknown)
    }

    /// Puts the own key on its way to an account, unless it is already. `false`: there is no room for it.
    fn give_key(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        row: &KeyRow,
        record: &SenderKeyRecord,
        account: AccountId,
        before: u64,
    ) -> Result<bool, Error> {
        if self.groups.giving.get(&group).is_some_and(|giving| giving.contains(&account)) {
            return Ok(true);
        }
        let distribution = sender_key::distribution_message(record).map_err(damaged)?;
        let before = self.owed_after(turn, group, account)?.map_or(before, |owed| owed.min(before));
        let id = self.fresh_id(turn)?;
        let out = OutboxRow {
            kind: Kind::SenderKey as u32,
            to: account.0.to_vec(),
            group: group.0.to_vec(),
            id: id.0,
            sent_at_ms: turn.now.0,
            position: before,
            ids: vec![row.generation],
            payload: payload(ContentBody::SenderKey(SenderKey {
                distribution: Bytes::from(distribution),
                light: row.light_key(),
            })),
            ..OutboxRow::default()
        };
        if !self.enqueue(turn, &out)? {
            return Ok(false);
        }
        self.groups.giving.entry(group).or_default().insert(account);
        Ok(true)
    }

    /// The position after which all devices of an account are owed what was written: whoever lost every key until
    /// now is to be told what went with them. None if one of them is new: it would take for lost what was never meant
    /// for it.
    fn owed_after(&self, turn: &Turn<'_>, group: GroupId, account: AccountId) -> Result<Option<u64>, Error> {
        let mut least = None;
        for (device, registration_id) in self.member_devices(turn, account)?.1 {
            let device = DeviceAddress { account, device };
            if Some(device) == self.address() {
                continue;
            }
            let row = load_key(turn, group, device)?;
            let same = row.registration_id == u32::from(registration_id);
            let Some(owed) = row.owed_after.filter(|_| same) else { return Ok(None) };
            least = Some(least.map_or(owed, |least: u64| least.min(owed)));
        }
        Ok(least)
    }

    /// A device says that it cannot read a message: gives it the own key again, if there is one. It is to miss
    /// what comes after that message, and begins to count there if it has not begun.
    pub(crate) fn give_key_again(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        device: DeviceAddress,
        unread: MessageId,
    ) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        let mut theirs = load_key(turn, group, device)?;
        theirs.generation = 0;
        turn.store.save(Key::SenderKey(group, device), &theirs);
        let mut row = load_key(turn, group, own)?;
        let fresh = row.renewals == self.counters.renewals;
        let Some(record) = row.record()?.filter(|record| fresh && record.is_own()) else { return Ok(()) };
        row.view.clear();
        turn.store.save(Key::SenderKey(group, own), &row);
        let sent = turn.store.load::<SentRow>(&Key::Sent(unread))?;
        let counts =
            |sent: &SentRow| sent.kind == Kind::Text as u32 && sent.group == group.0 && sent.position > 0;
        let unread = sent.filter(counts).map_or(u64::MAX, |sent| sent.position - 1);
        let before = self.position_before(turn, group, &row)?.min(unread);
        self.give_key(turn, group, &row, &record, device.account, before)?;
        Ok(())
    }

    /// The position of the last message of this device that is not in the outbox any more.
    pub(crate) fn position_before(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
        own: &KeyRow,
    ) -> Result<u64, Error> {
        let Some(order) = self.outbox.to_group(group, Kind::Text).next() else { return Ok(own.position) };
        Ok(self.outbox_row(turn, order)?.position.saturating_sub(1))
    }

    /// The server has taken the own key for an account, or refused it for good.
    pub(crate) fn key_given(
        &mut self,
        turn: &mut Turn<'_>,
        out: &OutboxRow,
        accepted: bool,
    ) -> Result<(), Error> {
        let (Some(group), account) = (out.group()?, out.account()?) else { return Ok(()) };
        if let Some(giving) = self.groups.giving.get_mut(&group) {
            giving.remove(&account);
        }
        if !accepted {
            self.groups.unreachable.insert((group, account));
            return Ok(());
        }
        for copy in &out.copies {
            let Some(device) = u8::try_from(copy.device).ok().and_then(DeviceId::new) else { continue };
            let device = DeviceAddress { account, device };
            let mut row = load_key(turn, group, device)?;
            row.generation = out.ids.first().copied().unwrap_or(0);
            if row.owed_after.is_none() || row.registration_id != copy.registration_id {
                row.owed_after = Some(out.position);
            }
            row.registration_id = copy.registration_id;
            turn.store.save(Key::SenderKey(group, device), &row);
        }
        Ok(())
    }

    /// Takes in the key of another device.
    pub(crate) fn key_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        from: DeviceAddress,
        (distribution, light): (&[u8], Option<&LightKey>),
        position: u64,
    ) -> Result<(), Error> {
        let mut row = load_key(turn, group, from)?;
        let Ok(record) = sender_key::process(row.record()?, distribution) else { return Ok(()) };
        if record.distribution_id() != group.0 || record.is_own() {
            return Ok(());
        }
        row.record = record.encode().to_vec();
        row.light = light.map_or_else(Vec::new, |light| light.to_vec());
        if !row.counted {
            row.counted = true;
            row.position = position;
        }
        turn.store.save(Key::SenderKey(group, from), &row);
        self.groups.news.accounts.insert(from.account);
        Ok(())
    }

    /// Who is a member changed: forgets the keys of those who are none any more.
    pub(crate) fn forget_keys(&mut self, turn: &mut Turn<'_>, after: &GroupState) -> Result<(), Error> {
        let group = after.group;
        let Some(own) = self.address() else { return Ok(()) };
        let member = after.member(own.account).is_some();
        for (device, _) in key_rows(turn, group)? {
            if device == own && !member {
                // The count of what was written here goes on if the account is brought in again.
                let mut row = load_key(turn, group, own)?;
                row.record.clear();
                row.view.clear();
                turn.store.save(Key::SenderKey(group, own), &row);
            } else if device != own && !member {
                turn.store.delete(Key::SenderKey(group, device));
            } else if device != own && after.member(device.account).is_none() {
                // Where it stopped is remembered, if it is brought in again: it goes on from there.
                let mut row = load_key(turn, group, device)?;
                row.record.clear();
                row.light.clear();
                (row.generation, row.registration_id, row.owed_after) = (0, 0, None);
                turn.store.save(Key::SenderKey(group, device), &row);
            }
        }
        // Those who went may still have the own key: another one is drawn before anything is encrypted.
        let mut row = load_key(turn, group, own)?;
        if !row.record.is_empty() {
            row.record.clear();
            row.view.clear();
            turn.store.save(Key::SenderKey(group, own), &row);
        }
        self.groups.unreachable.retain(|(of, _)| *of != group);
        Ok(())
    }
}

/// Who has a generation of the own key.
fn given(turn: &Turn<'_>, group: GroupId, own: DeviceAddress, generation: u64) -> Result<Holders, Error> {
    let holds = |(device, row): (DeviceAddress, KeyRow)| {
        let registration_id = u16::try_from(row.registration_id).ok()?;
        let given = device != own && generation > 0 && row.generation == generation;
        given.then_some((device.account, device.device, registration_id))
    };
    Ok(key_rows(turn, group)?.into_iter().filter_map(holds).collect())
}

/// The key rows of a group, this device's own among them.
fn key_rows(turn: &Turn<'_>, group: GroupId) -> Result<Vec<(DeviceAddress, KeyRow)>, Error> {
    let to = [&group.0[..], &[0xff; 18]].concat();
    let rows = turn.store.rows(Table::SenderKey, &group.0, &to, MAX_KEY_ROWS)?;
    let parse = |(key, value): (Vec<u8>, Vec<u8>)| {
        let address = key.get(16..).and_then(|rest| {
            let (account, device) = rest.split_first_chunk::<16>()?;
            Some(DeviceAddress { account: AccountId(*account), device: DeviceId::new(*device.first()?)? })
        });
        Ok((address.ok_or(Error::Damaged(KeyRow::NAME))?, KeyRow::unpack(&value)?))
    };
    rows.into_iter().map(parse).collect()
}

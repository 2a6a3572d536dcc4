//! Other accounts: who they are, by which key, on which devices.

use std::collections::BTreeSet;

use waxwing_e2ee::{PublicKey, safety_number};
use waxwing_wire::limits::{MAX_DEVICES, PUBLIC_KEY_BYTES};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, Reject, RejectCode, Username};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::connection::Asked;
use crate::db::{Key, RawRow, Read, Table};
use crate::limits::{MAX_DEVICES_KEPT, MAX_LOOKUPS, MAX_PEERS};
use crate::overlay::Overlay;
use crate::record::{DeviceEntry, DevicesRow, PeerRow};
use crate::row::{Peer, Trust};
use crate::turn::Turn;

type Identity = [u8; PUBLIC_KEY_BYTES];

/// A look-up that waits for the connection.
pub(crate) struct Lookup {
    pub command: CommandId,
    pub username: Username,
}

impl PeerRow {
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity.as_slice().try_into().ok()
    }

    pub(crate) fn to_peer(&self, account: AccountId) -> Peer {
        let trust = match self.trust {
            1 => Trust::Verified,
            2 => Trust::Changed { at_ms: self.changed_at_ms },
            _ => Trust::FirstUse,
        };
        Peer { account, username: Username::parse(&self.username).ok(), identity: self.identity(), trust }
    }
}

impl DevicesRow {
    pub(crate) fn find(&mut self, device: DeviceId) -> Option<&mut DeviceEntry> {
        self.devices.iter_mut().find(|entry| entry.device == u32::from(device.number()))
    }

    /// Those that messages are encrypted for.
    pub(crate) fn active(&self) -> impl Iterator<Item = (DeviceId, &DeviceEntry)> {
        self.devices.iter().filter(|entry| entry.active).filter_map(|entry| {
            let number = u8::try_from(entry.device).ok()?;
            Some((DeviceId::new(number)?, entry))
        })
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
        }
        self.find(device)
    }
}

pub(crate) fn load_devices(store: &Overlay<'_>, account: AccountId) -> Result<DevicesRow, Error> {
    Ok(store.load(&Key::Devices(account))?.unwrap_or_default())
}

impl Client {
    /// The account's row, made if there is room for it.
    pub(crate) fn peer_row(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
    ) -> Result<Option<PeerRow>, Error> {
        if let Some(row) = turn.store.load(&Key::Peer(account))? {
            return Ok(Some(row));
        }
        if self.counters.peers >= MAX_PEERS {
            return Ok(None);
        }
        self.counters.peers += 1;
        let row = PeerRow::default();
        turn.store.save(Key::Peer(account), &row);
        Ok(Some(row))
    }

    /// A device has proven, or the server has named, its identity key and registration id. Messages are
    /// encrypted for it from now on. `others_known`: other devices of the account were known before.
    pub(crate) fn learn_device(
        &mut self,
        turn: &mut Turn<'_>,
        address: DeviceAddress,
        registration_id: u16,
        identity: Identity,
        others_known: bool,
    ) -> Result<(), Error> {
        let Some(mut peer) = self.peer_row(turn, address.account)? else { return Ok(()) };
        let mut devices = load_devices(&turn.store, address.account)?;
        let active = devices.active().count();
        let Some(entry) = devices.entry(address.device) else { return Ok(()) };
        let primary = address.device == DeviceId::PRIMARY;
        let known = if primary && !peer.identity.is_empty() { &peer.identity } else { &entry.identity };
        // A device that joins an account is as remarkable as a key that changes while device lists are not
        // signed: whoever adds one unseen can read along.
        let changed = if known.is_empty() { others_known } else { *known != identity };
        if !entry.active && active >= MAX_DEVICES {
            return Ok(());
        }
        entry.active = true;
        entry.registration_id = registration_id.into();
        entry.identity = identity.to_vec();
        if primary {
            peer.identity = identity.to_vec();
        }
        if changed {
            peer.trust = 2;
            peer.changed_at_ms = turn.now.0;
            turn.event(Event::IdentityChanged(address.account));
        }
        turn.store.save(Key::Devices(address.account), &devices);
        turn.store.save(Key::Peer(address.account), &peer);
        Ok(())
    }

    /// Messages are encrypted for these devices of an account and for no others.
    pub(crate) fn keep_devices(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        keep: &dyn Fn(DeviceId) -> bool,
    ) -> Result<DevicesRow, Error> {
        let mut devices = load_devices(&turn.store, account)?;
        let gone: BTreeSet<_> =
            devices.active().map(|(device, _)| device).filter(|device| !keep(*device)).collect();
        for device in &gone {
            if let Some(entry) = devices.find(*device) {
                entry.active = false;
            }
        }
        if !gone.is_empty() {
            turn.store.save(Key::Devices(account), &devices);
        }
        Ok(devices)
    }

    pub(crate) fn add_contact(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        username: Username,
    ) -> Result<(), Error> {
        if self.address().is_none() {
            turn.failed(command, Failure::NotRegistered);
        } else if let Some(peer) = find_by_username(&turn.store, &username)? {
            turn.event(Event::Done { command, message: None, peer: Some(peer) });
        } else if !self.link.is_wanted() {
            turn.failed(command, Failure::NotConnected);
        } else if self.lookups.len() >= MAX_LOOKUPS {
            turn.failed(command, Failure::Busy);
        } else {
            self.lookups.push_back(Lookup { command, username });
        }
        Ok(())
    }

    /// Puts waiting look-ups on the wire.
    pub(crate) fn pump_lookups(&mut self, turn: &mut Turn<'_>) {
        while let Some(lookup) = self.lookups.pop_front() {
            let what = waxwing_wire::client_frame::RequestBody::FindAccount(lookup.username.as_str().into());
            if let Err(asked) = self.link.ask(turn, what, Asked::Find(lookup)) {
                if let Asked::Find(lookup) = asked {
                    self.lookups.push_front(lookup);
                }
                return;
            }
        }
    }

    pub(crate) fn found(
        &mut self,
        turn: &mut Turn<'_>,
        lookup: &Lookup,
        found: Result<(AccountId, Identity), Reject>,
    ) -> Result<(), Error> {
        let command = lookup.command;
        let usable = |(_, identity): &(AccountId, Identity)| PublicKey::deserialize(identity).is_ok();
        let senseless = || Reject::new(RejectCode::Unspecified, "the server named something that is no key");
        let found = found.and_then(|found| if usable(&found) { Ok(found) } else { Err(senseless()) });
        let (account, identity) = match found {
            Ok(found) => found,
            Err(reject) => {
                turn.failed(command, Failure::Rejected(reject));
                return Ok(());
            }
        };
        if self.address().is_some_and(|own| own.account == account) {
            turn.failed(command, Failure::UnknownContact);
            return Ok(());
        }
        let Some(mut row) = self.peer_row(turn, account)? else {
            turn.failed(command, Failure::TooManyContacts { limit: MAX_PEERS });
            return Ok(());
        };
        row.username = lookup.username.as_str().into();
        match row.identity() {
            None => row.identity = identity.to_vec(),
            // Only a claim of the server's until a session shows it: look at the bundles before anything is
            // sent.
            Some(known) if known != identity => {
                self.refetch.insert(account);
            }
            Some(_) => {}
        }
        turn.store.save(Key::Peer(account), &row);
        turn.event(Event::Done { command, message: None, peer: Some(row.to_peer(account)) });
        Ok(())
    }

    pub(crate) fn set_verified(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        account: AccountId,
        verified: bool,
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<PeerRow>(&Key::Peer(account))? else {
            turn.failed(command, Failure::UnknownContact);
            return Ok(());
        };
        row.trust = verified.into();
        turn.store.save(Key::Peer(account), &row);
        turn.event(Event::Done { command, message: None, peer: Some(row.to_peer(account)) });
        Ok(())
    }

    pub(crate) fn list_peers(db: &dyn Read) -> Result<Vec<Peer>, Error> {
        all_peers(&Overlay::new(db))
    }

    pub(crate) fn find_peer(db: &dyn Read, account: AccountId) -> Result<Option<Peer>, Error> {
        let row: Option<PeerRow> = Overlay::new(db).load(&Key::Peer(account))?;
        Ok(row.map(|row| row.to_peer(account)))
    }

    pub(crate) fn compare(&self, db: &dyn Read, account: AccountId) -> Result<Option<String>, Error> {
        let theirs = Self::find_peer(db, account)?.and_then(|peer| peer.identity);
        let (Some(own), Some(theirs)) = (self.address(), theirs) else { return Ok(None) };
        let theirs = PublicKey::deserialize(&theirs).map_err(|_| Error::Damaged("peer"))?;
        let ours = self.keys.identity.public();
        Ok(Some(safety_number::numeric(&own.account.0, &ours, &account.0, &theirs)))
    }
}

fn all_peers(store: &Overlay<'_>) -> Result<Vec<Peer>, Error> {
    use crate::record::Record as _;
    let rows = store.rows(Table::Peer, &[], &[0xff; 17], MAX_PEERS as usize)?;
    let peer = |(key, value): RawRow| {
        let account = AccountId(key.as_slice().try_into().map_err(|_| Error::Damaged("peer"))?);
        Ok(PeerRow::unpack(&value)?.to_peer(account))
    };
    rows.into_iter().map(peer).collect()
}

fn find_by_username(store: &Overlay<'_>, username: &Username) -> Result<Option<Peer>, Error> {
    Ok(all_peers(store)?.into_iter().find(|peer| peer.username.as_ref() == Some(username)))
}

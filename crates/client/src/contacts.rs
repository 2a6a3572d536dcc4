//! Other accounts: who they are, by which key, on which devices.

use waxwing_e2ee::{PublicKey, safety_number};
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, Reject, RejectCode, Username};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::connection::Asked;
use crate::db::{Key, RawRow, Read, Table};
use crate::devices::Identity;
use crate::limits::{MAX_LOOKUPS, MAX_NAME_ASKS, MAX_PEERS};
use crate::overlay::Overlay;
use crate::record::PeerRow;
use crate::row::{Peer, Trust};
use crate::turn::Turn;

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

    pub(crate) fn add_contact(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        username: Username,
    ) -> Result<(), Error> {
        if self.address().is_none() {
            turn.failed(command, Failure::NotRegistered);
        } else if let Some(peer) = find_by_username(&turn.store, &username)? {
            self.keep_contact(turn, peer.account)?;
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
            let what = RequestBody::FindAccount(lookup.username.as_str().into());
            if let Err(asked) = self.link.ask(turn, what, Asked::Find(lookup)) {
                if let Asked::Find(lookup) = asked {
                    self.lookups.push_front(lookup);
                }
                return;
            }
        }
        while let Some(account) = self.name_asks.pop_first() {
            let asked = self.link.ask(turn, RequestBody::FindUsername(account), Asked::Username(account));
            if asked.is_err() {
                self.name_asks.insert(account);
                return;
            }
        }
    }

    /// Somebody whose alias is not known wrote, or was written to on another device: the server is asked for
    /// it, once.
    pub(crate) fn want_username(&mut self, turn: &Turn<'_>, account: AccountId) -> Result<(), Error> {
        let row: Option<PeerRow> = turn.store.load(&Key::Peer(account))?;
        let unknown = row.is_some_and(|row| row.username.is_empty() && !row.name_asked);
        if unknown && self.name_asks.len() < MAX_NAME_ASKS {
            self.name_asks.insert(account);
        }
        Ok(())
    }

    pub(crate) fn username_found(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        let Some(mut row) = turn.store.load::<PeerRow>(&Key::Peer(account))? else { return Ok(()) };
        row.name_asked = true;
        if let ResponseBody::Username(name) = answer
            && let Ok(username) = Username::parse(&name)
            && row.username.is_empty()
        {
            row.username = username.as_str().into();
            turn.state_changed = true;
        }
        turn.store.save(Key::Peer(account), &row);
        Ok(())
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
        self.keep_contact(turn, account)?;
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
        let key = |bytes: &[u8]| PublicKey::deserialize(bytes).map_err(|_| Error::Damaged("peer"));
        let theirs = key(&theirs)?;
        // The accounts' keys, which are their primaries'.
        let Some(ours) = self.primary_identity() else { return Ok(None) };
        let ours = key(&ours)?;
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

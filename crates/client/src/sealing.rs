//! From a row of the outbox to a ciphertext for each device, and the sessions that takes.

use waxwing_e2ee::{self as e2ee, Ciphertext, Local, PreKeyBundle, PublicKey, Session, padding};
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::content::{Body as ContentBody, Content, Conversation, PlainContent};
use waxwing_wire::limits::MAX_DEVICES;
use waxwing_wire::server_frame::Bundle;
use waxwing_wire::{AccountId, DeviceAddress, EnvelopeKind, MessageId, Reject, RejectCode};

use crate::client::{Client, Error, Keys};
use crate::connection::Asked;
use crate::contacts::load_devices;
use crate::db::Key;
use crate::outbox::hold_ms;
use crate::record::{CopyRow, DeviceEntry, Kind, OutboxRow, Record as _, SessionRow};
use crate::row::{Body, MessageKey};
use crate::turn::Turn;

/// What became of a row.
pub(crate) enum Seal {
    /// It has its ciphertexts.
    Done,
    /// Some device has no usable session.
    NeedsBundles,
    /// Something else must be done first; it is looked at again in the next step.
    Waits,
    /// There is nothing to send any more.
    Pointless,
}

impl Keys {
    pub(crate) fn local(&self, own: Option<DeviceAddress>, remote: DeviceAddress) -> Local<'_> {
        Local {
            identity: &self.identity,
            registration_id: self.registration_id.into(),
            address: own.map(address),
            remote_address: Some(address(remote)),
        }
    }
}

fn address(device: DeviceAddress) -> e2ee::Address {
    e2ee::Address { account: device.account.0, device: device.device.number() }
}

fn damaged(_: e2ee::Error) -> Error {
    Error::Damaged(SessionRow::NAME)
}

impl SessionRow {
    pub(crate) fn session(&self) -> Result<Option<Session>, Error> {
        if self.record.is_empty() {
            Ok(None)
        } else {
            Session::decode(&self.record).map(Some).map_err(damaged)
        }
    }

    pub(crate) fn stale_session(&self) -> Result<Option<Session>, Error> {
        if self.stale.is_empty() { Ok(None) } else { Session::decode(&self.stale).map(Some).map_err(damaged) }
    }
}

impl Client {
    /// The sessions with a device. What is left from before a renewal of everything may only read.
    pub(crate) fn load_session(&self, turn: &Turn<'_>, device: DeviceAddress) -> Result<SessionRow, Error> {
        let renewals = self.counters.renewals;
        let Some(mut row) = turn.store.load::<SessionRow>(&Key::Session(device))? else {
            return Ok(SessionRow { renewals, record: Vec::new(), stale: Vec::new() });
        };
        if row.renewals != renewals {
            row.renewals = renewals;
            if !row.record.is_empty() {
                row.stale = std::mem::take(&mut row.record);
            }
        }
        Ok(row)
    }

    pub(crate) fn save_session(
        &self,
        turn: &mut Turn<'_>,
        device: DeviceAddress,
        mut row: SessionRow,
        session: &Session,
    ) {
        row.record = session.encode().to_vec();
        turn.store.save(Key::Session(device), &row);
    }

    /// Gives a row its ciphertexts, for every device of the account or for none.
    pub(crate) fn seal(&mut self, turn: &mut Turn<'_>, row: &mut OutboxRow) -> Result<Seal, Error> {
        let account = row.account()?;
        let devices = load_devices(&turn.store, account)?;
        if self.refetch.contains(&account) || devices.active().next().is_none() {
            return Ok(Seal::NeedsBundles);
        }
        if row.kind == Kind::Retry as u32 {
            let Some(id) = row.ids.first() else { return Ok(Seal::Pointless) };
            let plain = PlainContent::Retry { id: MessageId(*id), attempt: row.asked, group: None }.encode();
            let copy = |(device, entry): (_, &DeviceEntry)| {
                CopyRow::new(device, entry.registration_id, EnvelopeKind::Plaintext, &plain)
            };
            row.copies = devices.active().map(copy).collect();
            return Ok(Seal::Done);
        }
        let Some(content) = self.content(turn, row)? else { return Ok(Seal::Pointless) };
        let mut ready = Vec::new();
        for (device, entry) in devices.active() {
            let to = DeviceAddress { account, device };
            let sessions = self.load_session(turn, to)?;
            match sessions.session()? {
                Some(session) if is_usable(&session, entry, turn) => {
                    ready.push((to, entry, sessions, session))
                }
                _ => return Ok(Seal::NeedsBundles),
            }
        }
        let padded = padding::pad(&content.encode());
        let mut copies = Vec::new();
        for (to, entry, sessions, mut session) in ready {
            let local = self.keys.local(self.address(), to);
            // Sessions that were usable above fail only when a chain is at its very end.
            let Ok(sealed) = e2ee::encrypt(&mut session, &local, &padded, turn.now.0, turn.rng) else {
                self.retire_session(turn, to)?;
                return Ok(Seal::NeedsBundles);
            };
            let kind = match sealed {
                Ciphertext::PreKey(_) => EnvelopeKind::Prekey,
                Ciphertext::Whisper(_) => EnvelopeKind::Whisper,
            };
            self.save_session(turn, to, sessions, &session);
            copies.push(CopyRow::new(to.device, entry.registration_id, kind, sealed.as_bytes()));
        }
        row.copies = copies;
        Ok(Seal::Done)
    }

    pub(crate) fn content(&self, turn: &Turn<'_>, row: &OutboxRow) -> Result<Option<Content>, Error> {
        let body = match Kind::read(row.kind)? {
            Kind::Text => {
                let Some(from) = self.address() else { return Ok(None) };
                let message = turn.store.message(&MessageKey { from, id: MessageId(row.id) })?;
                match message.map(|message| message.body) {
                    Some(Body::Text(text)) => ContentBody::Text(text),
                    _ => return Ok(None),
                }
            }
            Kind::Read => ContentBody::Read(row.ids.iter().map(|id| MessageId(*id)).collect()),
            Kind::Renew => ContentBody::Renew,
            Kind::Retry => return Ok(None),
            Kind::SenderKey
            | Kind::Change
            | Kind::Welcome
            | Kind::Join
            | Kind::CatchUp
            | Kind::SharedHistory
            | Kind::Sync
            | Kind::Archive => match read_payload(&row.payload) {
                Some(body) => body,
                None => return Err(Error::Damaged(OutboxRow::NAME)),
            },
        };
        let group = match row.group()? {
            Some(group) => self.group_context(turn, group)?,
            None => None,
        };
        Ok(Some(Content {
            sent_at_ms: row.sent_at_ms,
            position: row.position,
            id: MessageId(row.id),
            group,
            devices: 0,
            body,
        }))
    }

    /// The session with a device is used for reading only; another one is made before the next message.
    pub(crate) fn retire_session(&self, turn: &mut Turn<'_>, device: DeviceAddress) -> Result<(), Error> {
        let row = self.load_session(turn, device)?;
        if let Some(mut session) = row.session()? {
            session.archive_current();
            self.save_session(turn, device, row, &session);
        }
        Ok(())
    }

    /// Asks for bundles of an account unless that is under way.
    pub(crate) fn want_bundles(&mut self, turn: &mut Turn<'_>, account: AccountId) {
        let is_same = |asked: &Asked| matches!(asked, Asked::Bundles(other) if *other == account);
        if self.link.online().is_some_and(|up| !up.has_asked(is_same)) {
            // When too many are under way already, the next pump comes back to it.
            let _full =
                self.link.ask(turn, RequestBody::FetchBundles(account, Vec::new()), Asked::Bundles(account));
        }
    }

    /// Bundles came: learns the devices and makes the sessions that are missing.
    pub(crate) fn bundles(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        bundles: &[Bundle],
    ) -> Result<(), Error> {
        self.refetch.remove(&account);
        let known = load_devices(&turn.store, account)?.active().next().is_some();
        let mut good = 0;
        for bundle in bundles.iter().take(MAX_DEVICES) {
            let device = DeviceAddress { account, device: bundle.device };
            let Some(parsed) = parse(bundle) else { continue };
            // Whoever cannot sign with the identity does not get to change it.
            if parsed.verify().is_ok() {
                self.learn_device(turn, device, bundle.registration_id, bundle.identity, known)?;
                good += usize::from(self.begin_session(turn, device, &parsed)?);
            }
        }
        self.keep_devices(turn, account, &|device| bundles.iter().any(|bundle| bundle.device == device))?;
        if good == 0 || good < bundles.len() { self.strike(turn, account) } else { Ok(()) }
    }

    /// Makes a session unless there is a usable one. Whether there is one now.
    fn begin_session(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceAddress,
        bundle: &PreKeyBundle,
    ) -> Result<bool, Error> {
        let mut sessions = self.load_session(turn, device)?;
        let existing = sessions.session()?.filter(|session| session.remote_identity() == bundle.identity);
        if existing.is_none() && !sessions.record.is_empty() {
            // Sessions of a former identity read nothing any more.
            sessions.stale.clear();
        }
        let usable = |session: &Session| {
            session.has_usable_sender_chain(turn.now.0)
                && session.remote_registration_id() == Some(bundle.registration_id)
        };
        if existing.as_ref().is_some_and(usable) {
            return Ok(true);
        }
        let local = self.keys.local(self.address(), device);
        let Ok(session) = e2ee::initiate(existing, &local, bundle, turn.now.0, turn.rng) else {
            return Ok(false);
        };
        self.save_session(turn, device, sessions, &session);
        Ok(true)
    }

    pub(crate) fn no_bundles(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        reject: &Reject,
    ) -> Result<(), Error> {
        if reject.code == RejectCode::UnknownAccount {
            return self.fail_account(turn, account);
        }
        self.hold(turn, Conversation::Account(account), hold_ms(reject));
        Ok(())
    }
}

/// What [`OutboxRow::payload`] holds of a body: content that says nothing else.
pub(crate) fn payload(body: ContentBody) -> Vec<u8> {
    Content { sent_at_ms: 0, position: 0, id: MessageId(0), group: None, devices: 0, body }.encode()
}

/// Reads [`payload`].
pub(crate) fn read_payload(bytes: &[u8]) -> Option<ContentBody> {
    Content::decode(bytes).ok().map(|content| content.body)
}

fn is_usable(session: &Session, entry: &DeviceEntry, turn: &Turn<'_>) -> bool {
    session.has_usable_sender_chain(turn.now.0)
        && session.remote_registration_id() == Some(entry.registration_id)
        && session.remote_identity().serialize().as_slice() == entry.identity
}

fn parse(bundle: &Bundle) -> Option<PreKeyBundle> {
    let key = |bytes: &[u8]| PublicKey::deserialize(bytes).ok();
    let one_time = match &bundle.one_time {
        Some(prekey) => Some((prekey.id, key(&prekey.key)?)),
        None => None,
    };
    Some(PreKeyBundle {
        registration_id: bundle.registration_id.into(),
        device_id: bundle.device.number().into(),
        identity: key(&bundle.identity)?,
        signed_prekey: (bundle.signed.id, key(&bundle.signed.key)?, bundle.signed.signature),
        kyber_prekey: (bundle.kyber.id, bundle.kyber.key.to_vec(), bundle.kyber.signature),
        one_time,
    })
}

//! From a row of the outbox to a ciphertext for each device, and the sessions that takes.

use waxwing_e2ee::{self as e2ee, Ciphertext, Local, PreKeyBundle, PublicKey, Session, padding};
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::content::{
    ArchivedMessage, Body as ContentBody, Content, Conversation, PlainContent, Sync,
};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::post::Post;
use waxwing_wire::server_frame::Bundle;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, MessageId, Reject, RejectCode};

use crate::client::{Client, Error, Keys};
use crate::connection::{Asked, Link};
use crate::db::Key;
use crate::devices::{Claim, Present, load_devices};
use crate::files::Lack;
use crate::limits::MAX_DEVICES_KEPT;
use crate::outbox::hold_ms;
use crate::record::{CopyRow, DeviceEntry, Kind, OutboxRow, Record as _, SessionRow};
use crate::row::{Body, MessageKey};
use crate::sync::archived;
use crate::turn::Turn;

/// What became of a row.
pub(crate) enum Seal {
    /// It has its ciphertexts.
    Done,
    /// The account's devices are in doubt.
    NeedsDevices,
    /// These devices have no usable session; none named: nothing is known of the account.
    NeedsBundles(Vec<DeviceId>),
    /// Something else must be done first; it is looked at again in the next step.
    Waits,
    /// There is nothing to send any more.
    Pointless,
    /// It lacks something that will never come.
    Fails,
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

    /// Gives a row its ciphertexts, for every device that it goes to or for none.
    pub(crate) fn seal(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        row: &mut OutboxRow,
    ) -> Result<Seal, Error> {
        let account = row.account()?;
        let devices = load_devices(&turn.store, account)?;
        if self.refetch.contains(&account) {
            return Ok(Seal::NeedsDevices);
        }
        if devices.version == 0 {
            // Nothing at all is known: bundles come with the list.
            let unknown = devices.devices.is_empty();
            return Ok(if unknown { Seal::NeedsBundles(Vec::new()) } else { Seal::NeedsDevices });
        }
        let own = self.address();
        let reached = |device: DeviceId| own != Some(DeviceAddress { account, device });
        let all: Vec<_> = devices.active(turn.now).filter(|(device, _)| reached(*device)).collect();
        let meant = |device: &DeviceId| row.only == 0 || row.only == u32::from(device.number());
        let (to, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(device, _)| meant(device));
        if to.is_empty() {
            let asks = if self.is_own(account) {
                // Who was approved may be there unheard of. The server knows, if it is asked after the
                // row was made: nothing older is for who comes later.
                row.only == 0 && order >= self.own_known && self.awaits_device(turn)?
            } else {
                row.only == 0
            };
            return Ok(if asks { Seal::NeedsDevices } else { Seal::Pointless });
        }
        let both = to.iter().chain(&others);
        let now = both.map(|(device, entry)| (device.number().into(), entry.registration_id)).collect();
        if let Link::Up(up) = &self.link
            && self.outbox.is_under_way_otherwise(account, order, &now, up)
        {
            return Ok(Seal::Waits);
        }
        let plain = |(device, entry): &(DeviceId, &DeviceEntry), bytes: &[u8]| {
            CopyRow::new(*device, entry.registration_id, EnvelopeKind::Plaintext, bytes)
        };
        row.others = others.iter().map(|other| plain(other, &[])).collect();
        if row.kind == Kind::Retry as u32 {
            let Some(id) = row.ids.first() else { return Ok(Seal::Pointless) };
            let group = row.group()?.map(|group| (group, row.position));
            let retry = PlainContent::Retry { id: MessageId(*id), attempt: row.asked, group }.encode();
            row.copies = to.iter().map(|device| plain(device, &retry)).collect();
            return Ok(Seal::Done);
        }
        match self.complete_row(turn, row)? {
            Lack::Nothing => {}
            Lack::Uploads => return Ok(Seal::Waits),
            Lack::Forever => return Ok(Seal::Fails),
        }
        let Some(content) = self.content(turn, row)? else { return Ok(Seal::Pointless) };
        row.set_files(&content.body);
        self.encrypt(turn, row, account, &to, &padding::pad(&content.encode()))
    }

    /// For all of these devices or for none.
    fn encrypt(
        &self,
        turn: &mut Turn<'_>,
        row: &mut OutboxRow,
        account: AccountId,
        devices: &[(DeviceId, &DeviceEntry)],
        padded: &[u8],
    ) -> Result<Seal, Error> {
        let mut ready = Vec::new();
        let mut missing = Vec::new();
        for (device, entry) in devices {
            let to = DeviceAddress { account, device: *device };
            let sessions = self.load_session(turn, to)?;
            match sessions.session()? {
                Some(session) if is_usable(&session, entry, turn) => {
                    ready.push((to, *entry, sessions, session));
                }
                _ => missing.push(*device),
            }
        }
        if !missing.is_empty() {
            return Ok(Seal::NeedsBundles(missing));
        }
        let mut copies = Vec::new();
        for (to, entry, sessions, mut session) in ready {
            let local = self.keys.local(self.address(), to);
            // Sessions that were usable above fail only when a chain is at its very end.
            let Ok(sealed) = e2ee::encrypt(&mut session, &local, padded, turn.now.0, turn.rng) else {
                self.retire_session(turn, to)?;
                return Ok(Seal::NeedsBundles(vec![to.device]));
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
                let Some(message) = message else { return Ok(None) };
                match message.body {
                    Body::Post(post) => ContentBody::Post(post),
                    // Its place is taken all the same, so that nothing seems to be missing, and for as long.
                    Body::Deleted | Body::Opened => {
                        let lifetime_s = crate::act::lifetime_of(&message);
                        ContentBody::Post(Box::new(Post { lifetime_s, ..Post::default() }))
                    }
                    _ => return Ok(None),
                }
            }
            Kind::Status => match self.status_to(turn, row)? {
                Some(status) => ContentBody::Status(status),
                None => return Ok(None),
            },
            Kind::Read => ContentBody::Read(row.ids.iter().map(|id| MessageId(*id)).collect()),
            Kind::Renew => ContentBody::Renew,
            Kind::Retry => return Ok(None),
            Kind::Profile => {
                let decided = row.ids.first().copied().unwrap_or(0);
                let Some(own) = self.address() else { return Ok(None) };
                match crate::profile::to_tell(&turn.store, row.account()?, own.device, decided)? {
                    Some(profile) => ContentBody::Profile(Box::new(profile)),
                    None => return Ok(None),
                }
            }
            Kind::Sync if row.payload.is_empty() => {
                let (Some(from), Some(id)) = (self.address(), row.ids.first()) else { return Ok(None) };
                match turn.store.message(&MessageKey { from, id: MessageId(*id) })? {
                    Some(message) => {
                        // What was done about it before another device was there comes with it.
                        let acts = crate::act::archived_acts(&turn.store, &message)?;
                        let shown_to = self.shown_to(turn, &message)?;
                        let sent = ArchivedMessage { acts, shown_to, ..archived(&message) };
                        ContentBody::Sync(Sync::Sent(Box::new(sent)))
                    }
                    None => return Ok(None),
                }
            }
            Kind::Sync
            | Kind::SenderKey
            | Kind::Change
            | Kind::Welcome
            | Kind::Join
            | Kind::CatchUp
            | Kind::SharedHistory
            | Kind::Archive
            | Kind::Act => match read_payload(&row.payload) {
                Some(body) => body,
                None => return Err(Error::Damaged(OutboxRow::NAME)),
            },
        };
        let group = match row.group()? {
            Some(group) => self.context_of(turn, row, group)?,
            None => None,
        };
        Ok(Some(Content {
            sent_at_ms: row.sent_at_ms,
            position: row.position,
            id: MessageId(row.id),
            group,
            devices: self.own_version(turn)?,
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

    /// Asks for bundles of devices of an account (none: all of them) unless that is under way.
    pub(crate) fn want_bundles(&mut self, turn: &mut Turn<'_>, account: AccountId, devices: Vec<DeviceId>) {
        let is_same = |asked: &Asked| matches!(asked, Asked::Bundles(other, _) if *other == account);
        if self.link.online().is_some_and(|up| !up.has_asked(is_same)) {
            // When too many are under way already, the next pump comes back to it.
            let what = RequestBody::FetchBundles(account, devices.clone());
            let _full = self.link.ask(turn, what, Asked::Bundles(account, devices));
        }
    }

    /// Bundles came, with the account's list: makes the sessions that are missing.
    pub(crate) fn bundles(
        &mut self,
        turn: &mut Turn<'_>,
        account: AccountId,
        asked: &[DeviceId],
        list: &SignedDeviceList,
        bundles: &[Bundle],
    ) -> Result<(), Error> {
        let present = bundles.iter().take(MAX_DEVICES_KEPT).map(Present::from).collect();
        if !self.learn_list(turn, account, &Claim { list, present, asked })? {
            return self.strike(turn, account);
        }
        let devices = load_devices(&turn.store, account)?;
        let mut bad = 0;
        for bundle in bundles.iter().take(MAX_DEVICES_KEPT) {
            let device = DeviceAddress { account, device: bundle.device };
            let Some(entry) = devices.get(bundle.device).filter(|entry| entry.active) else { continue };
            let fits = entry.identity == bundle.identity
                && entry.registration_id == u32::from(bundle.registration_id);
            let good = match parse(bundle).filter(|parsed| fits && parsed.verify().is_ok()) {
                Some(parsed) => self.begin_session(turn, device, &parsed)?,
                None => false,
            };
            bad += usize::from(!good);
        }
        let anybody = devices.active(turn.now).next().is_some();
        if bad > 0 || !anybody || bundles.is_empty() { self.strike(turn, account) } else { Ok(()) }
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

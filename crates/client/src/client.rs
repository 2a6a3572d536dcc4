use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;
use waxwing_e2ee::IdentityKeyPair;
use waxwing_wire::content::Conversation;
use waxwing_wire::file::FileRequest;
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::limits::PUBLIC_KEY_BYTES;
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId, PrekeyUpload, Username};

use crate::Time;
use crate::command::{Command, CommandId, ConnectionState, Effect};
use crate::connection::Link;
use crate::contacts::Lookup;
use crate::db::{Batch, DbError, Key, Read};
use crate::files::Files;
use crate::group::Groups;
use crate::light::Lights;
use crate::limits::{HOLD_MAX_MS, KYBER_PREKEYS, ONE_TIME_PREKEYS};
use crate::linking::Offer;
use crate::memory::MemoryDb;
use crate::outbox::Outbox;
use crate::overlay::Overlay;
use crate::own::{Wanted, Wish};
use crate::prekeys::Maker;
use crate::record::{Counters, KeysRow, ProfileRow, Record as _};
use crate::register::Registration;
use crate::retry::Ask;
use crate::row::{MessageKey, Peer};
use crate::turn::Turn;

/// What a client reacts to.
#[derive(Clone)]
pub enum Input {
    /// The user wants something.
    Command(CommandId, Command),
    /// A connection is up: the handshake with the right server is done.
    Connected,
    /// The server said something.
    Frame(ServerFrame),
    /// The connection is gone, or could not be made.
    Disconnected,
    /// The time of the last [`Step::wake`] has come (or any other: more ticks do no harm).
    Tick,
}

/// What an input leads to.
#[must_use]
#[derive(Default)]
pub struct Step {
    /// To be committed first, in one transaction.
    pub batch: Batch,
    /// To be carried out after the commit, in order.
    pub effects: Vec<Effect>,
    /// Call with [`Input::Tick`] then; replaces the wake of the step before.
    pub wake: Option<Time>,
}

/// The shell's or the device's fault; never the server's or a peer's, whose faults are handled inside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A row of the database is not what this build wrote.
    #[error("database: the {0} row is damaged")]
    Damaged(&'static str),
}

/// One device.
///
/// Holds what the database holds in short form, and what lives only as long as the process or the
/// connection. After a failed commit it has gone ahead of the database and must be dropped.
pub struct Client {
    pub(crate) keys: Keys,
    pub(crate) counters: Counters,
    /// As of the last step; what differs is written.
    saved: Counters,
    /// As in `counters`.
    pub(crate) username: Option<Username>,
    /// The server has welcomed this process: its memory, not the server's, is the proof of what was sent.
    pub(crate) trusted: bool,
    /// Keep a connection.
    pub(crate) wanted: bool,
    pub(crate) link: Link,
    /// Attempts since the last welcome.
    pub(crate) failures: u32,
    pub(crate) registration: Option<Registration>,
    pub(crate) lookups: VecDeque<Lookup>,
    pub(crate) outbox: Outbox,
    pub(crate) files: Files,
    pub(crate) groups: Groups,
    pub(crate) lights: Lights,
    /// Accounts whose devices must be asked for before anything is encrypted for them.
    pub(crate) refetch: BTreeSet<AccountId>,
    /// Outbox rows below this order were there when the server was asked for the own account's devices.
    pub(crate) own_asked: u64,
    /// The same of the last time that it has answered.
    pub(crate) own_known: u64,
    /// The newest version of an account's device list that a device of it spoke of and that was asked for.
    pub(crate) claims: BTreeMap<AccountId, u64>,
    /// A new device offers itself.
    pub(crate) offer: Option<Offer>,
    /// Commands that wait for the connection.
    pub(crate) wishes: VecDeque<Wish>,
    /// Version of the own account's device list that the server has, as it said last.
    pub(crate) server_list: u64,
    /// No device list is published until then.
    pub(crate) list_after: Option<Time>,
    /// Accounts whose alias is to be asked for.
    pub(crate) name_asks: BTreeSet<AccountId>,
    /// Accounts and groups that get nothing until then.
    pub(crate) holds: BTreeMap<Conversation, Time>,
    /// Nobody gets anything until then.
    pub(crate) hold_all: Option<Time>,
    /// No prekeys are published until then.
    pub(crate) publish_after: Option<Time>,
    pub(crate) asks: BTreeMap<MessageKey, Ask>,
    /// Places of the silent messages that can be sent again.
    pub(crate) silent: BTreeMap<MessageId, u16>,
    /// When the next message disappears.
    pub(crate) next_expiry: Option<u64>,
    /// What is different about the user is not told before.
    pub(crate) profile_after: Option<Time>,
    /// Registers of those who were told before this one have been looked at.
    pub(crate) profile_cursor: Option<Vec<u8>>,
    /// When the server last delivered something, or welcomed this device; `None` without a connection.
    pub(crate) heard_at: Option<Time>,
}

/// What a device is.
pub(crate) struct Keys {
    pub identity: IdentityKeyPair,
    pub noise: StaticKey,
    pub registration_id: u16,
}

impl Client {
    /// Starts from the database.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn open(db: &dyn Read, _now: Time) -> Result<Self, Error> {
        const DAMAGED: Error = Error::Damaged(ProfileRow::NAME);
        let row = db.row(&Key::Profile)?.ok_or(DAMAGED)?;
        let mut row = ProfileRow::unpack(&row)?;
        let keys = Keys::read(&row.keys.take().ok_or(DAMAGED)?).ok_or(DAMAGED)?;
        let counters = row.counters.take().ok_or(DAMAGED)?;
        if !counters.account.is_empty() && read_address(&counters).is_none() {
            return Err(DAMAGED);
        }
        let mut groups = Groups::default();
        let mut refetch = BTreeSet::new();
        let outbox = Outbox::open(db, |row| {
            refetch.extend(crate::retry::unheard_of(db, row)?);
            groups.see(row)
        })?;
        Ok(Self {
            keys,
            username: Username::parse(&counters.username).ok(),
            saved: counters.clone(),
            counters,
            trusted: false,
            wanted: false,
            link: Link::Offline,
            failures: 0,
            registration: None,
            lookups: VecDeque::new(),
            outbox,
            files: Files::open(db)?,
            groups,
            lights: Lights::default(),
            refetch,
            own_asked: 0,
            own_known: 0,
            claims: BTreeMap::new(),
            offer: None,
            wishes: VecDeque::new(),
            server_list: 0,
            list_after: None,
            name_asks: BTreeSet::new(),
            holds: BTreeMap::new(),
            hold_all: None,
            publish_after: None,
            asks: BTreeMap::new(),
            silent: crate::retry::open_silent(db)?,
            next_expiry: crate::act::first_expiry(&Overlay::new(db))?,
            profile_after: None,
            profile_cursor: None,
            heard_at: None,
        })
    }

    /// Makes the keys of a new device, to be committed before anything else. The Noise key is needed for
    /// the first connection.
    pub fn create(now: Time, rng: &mut dyn CryptoRng) -> Batch {
        let keys = Keys::generate(rng);
        let mut counters = Counters { next_order: 1, next_prekey: 1, ..Counters::default() };
        let nothing = MemoryDb::default();
        let mut store = Overlay::new(&nothing);
        let identity = &keys.identity;
        let mut maker = Maker { identity, counters: &mut counters, store: &mut store, now, rng };
        maker.rotate().expect("an empty database is not damaged");
        maker.one_time(&mut PrekeyUpload::default(), ONE_TIME_PREKEYS, KYBER_PREKEYS);
        // Registering publishes them.
        counters.signed_unpublished = false;
        store.save(Key::Profile, &keys.to_row(counters));
        store.into_batch()
    }

    /// The device's Noise static key, for the shell's connections.
    #[must_use]
    pub fn noise_key(&self) -> StaticKey {
        self.keys.noise.clone()
    }

    /// The device's address, once it has an account.
    #[must_use]
    pub fn address(&self) -> Option<DeviceAddress> {
        read_address(&self.counters)
    }

    /// The alias that the account was registered with.
    #[must_use]
    pub fn username(&self) -> Option<&Username> {
        self.username.as_ref()
    }

    /// The device's public identity key: 0x05 and the X25519 key.
    #[must_use]
    pub fn identity(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.keys.identity.public().serialize()
    }

    /// Whether the server can be reached now.
    #[must_use]
    pub fn connection(&self) -> ConnectionState {
        self.link.state()
    }

    /// How many messages, receipts and requests wait for the server.
    #[must_use]
    pub fn outbox_len(&self) -> u64 {
        self.outbox.len()
    }

    /// Every other account that is known, by id.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn peers(&self, db: &dyn Read) -> Result<Vec<Peer>, Error> {
        Self::list_peers(db)
    }

    /// One other account.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn peer(&self, db: &dyn Read, account: AccountId) -> Result<Option<Peer>, Error> {
        Self::find_peer(db, account)
    }

    /// What to compare with a contact: 60 digits, the same on both sides. `None` while the contact's identity
    /// or the own account is unknown.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn safety_number(&self, db: &dyn Read, account: AccountId) -> Result<Option<String>, Error> {
        self.compare(db, account)
    }

    /// Reacts.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged. The step is lost; open a new client.
    pub fn handle(
        &mut self,
        now: Time,
        rng: &mut dyn CryptoRng,
        input: Input,
        db: &dyn Read,
    ) -> Result<Step, Error> {
        let mut turn = Turn::new(now, rng, db);
        self.mend_clock(now);
        self.mend_asks(now);
        self.heard_at = self.heard_at.map(|at| at.min(now));
        self.end_holds(now);
        self.publish_after = self.publish_after.filter(|at| *at > now && *at <= now.plus(HOLD_MAX_MS));
        self.list_after = self.list_after.filter(|at| *at > now && *at <= now.plus(HOLD_MAX_MS));
        match input {
            Input::Command(id, command) => self.command(&mut turn, id, command)?,
            Input::Connected => self.connected(&mut turn)?,
            Input::Frame(frame) => self.frame(&mut turn, frame)?,
            Input::Disconnected => self.disconnected(&mut turn),
            Input::Tick => {}
        }
        self.watch(&mut turn);
        self.expire_offer(&mut turn);
        self.expire_messages(&mut turn)?;
        self.pump_profiles(&mut turn)?;
        self.flush_state(&mut turn)?;
        self.ask_again(&mut turn)?;
        self.pump_groups(&mut turn)?;
        self.pump_files(&mut turn)?;
        self.pump(&mut turn)?;
        if !turn.state.is_empty() {
            self.flush_state(&mut turn)?;
            self.pump(&mut turn)?;
        }
        self.pump_light(&mut turn)?;
        Ok(self.finish(turn))
    }

    fn command(&mut self, turn: &mut Turn<'_>, id: CommandId, command: Command) -> Result<(), Error> {
        match command {
            Command::Register { invitation, username } => {
                self.register(turn, Registration { command: id, invitation, username, list: None });
            }
            Command::AddContact { username } => self.add_contact(turn, id, username)?,
            Command::Send { to, post } => self.send_post(turn, id, to, *post)?,
            Command::Forward { message, to } => self.forward(turn, id, message, &to)?,
            Command::Act { with, target, deed } => self.act(turn, id, with, target, deed)?,
            Command::MarkRead { with, up_to } => self.mark_read(turn, id, with, up_to)?,
            Command::SetVerified { account, verified } => self.set_verified(turn, id, account, verified)?,
            Command::GoOnline => {
                self.go_online(turn);
                turn.done(id);
            }
            Command::GoOffline => {
                self.go_offline(turn);
                turn.done(id);
            }
            command @ (Command::CreateGroup { .. }
            | Command::ChangeGroup { .. }
            | Command::SetGroupLink { .. }
            | Command::JoinGroup { .. }
            | Command::AnswerJoin { .. }
            | Command::ShareHistory { .. }) => self.group_command(turn, id, command)?,
            Command::OfferLink { name } => self.offer_link(turn, id, name),
            Command::CancelLink => self.cancel_link(turn, id),
            Command::ApproveLink { code, history } => self.approve_link(turn, id, code, history)?,
            Command::RefreshDevices => self.wish(turn, id, Wanted::Devices),
            Command::LookUpContacts { entries } => self.look_up_contacts(turn, id, entries),
            Command::Findable { set } => self.wish(turn, id, Wanted::Findable(set)),
            Command::RedeemAddress { code } => self.wish(turn, id, Wanted::Redeem(code)),
            Command::RenameDevice { device, name } => self.rename_device(turn, id, device, &name)?,
            Command::RemoveDevice { device } => self.remove_device(turn, id, device)?,
            Command::SetActivity(activity) => self.set_activity(turn, id, activity),
            Command::WatchPresence(accounts) => self.watch_presence(turn, id, accounts),
            Command::Compose { with, what } => self.compose_light(turn, id, with, what)?,
            command => self.state_command(turn, id, command)?,
        }
        Ok(())
    }

    fn state_command(&mut self, turn: &mut Turn<'_>, id: CommandId, command: Command) -> Result<(), Error> {
        match command {
            Command::SetChat { conversation, change } => self.set_chat(turn, id, conversation, change),
            Command::SetContactName { account, name } => self.set_contact_name(turn, id, account, &name),
            Command::SetBlocked { account, blocked } => self.set_blocked(turn, id, account, blocked),
            Command::SetStarred { message, starred } => self.set_starred(turn, id, message, starred),
            Command::DeleteMessages { messages } => self.delete_messages(turn, id, &messages),
            Command::SetProfile { change } => self.set_profile(turn, id, change),
            Command::Accept { account } => self.accept(turn, id, account),
            Command::AcceptGroup { group } => self.accept_group(turn, id, group),
            Command::SetPrivacy { setting, audience } => self.set_privacy(turn, id, setting, &audience),
            Command::RemoveContact { account } => self.remove_contact(turn, id, account),
            Command::SetSetting { key, value } => self.set_setting(turn, id, key, value),
            Command::SetList { list } => self.set_list(turn, id, &list),
            Command::DeleteList { list } => self.delete_list(turn, id, list),
            Command::SendToList { list, post } => self.send_to_list(turn, id, list, *post),
            Command::Show { post } => self.show_status(turn, id, *post),
            command => self.file_command(turn, id, command),
        }
    }

    fn file_command(&mut self, turn: &mut Turn<'_>, id: CommandId, command: Command) -> Result<(), Error> {
        match command {
            Command::AddFile { file } => return self.add_file(turn, id, &file),
            Command::FindFile { file, first } => {
                self.wish(turn, id, Wanted::File(FileRequest::Download { file, first }, None));
                return Ok(());
            }
            Command::FindSegments { digest, first } => return self.find_segments(turn, id, digest, first),
            Command::FinishUpload { digest } => return self.finish_upload(turn, id, digest),
            Command::Uploaded { digest } => self.uploaded(turn, digest)?,
            Command::UploadFailed { digest, why } => self.upload_failed(turn, digest, why)?,
            Command::Fetched { file } => self.fetched(turn, file),
            // Every other one was carried out before.
            _ => return Ok(()),
        }
        turn.done(id);
        Ok(())
    }

    fn finish(&mut self, mut turn: Turn<'_>) -> Step {
        if self.counters != self.saved {
            self.saved = self.counters.clone();
            turn.store.save(Key::Profile, &self.keys.to_row(self.saved.clone()));
        }
        let frames = std::mem::take(&mut turn.out).into_frames();
        turn.effects.extend(frames.into_iter().map(Effect::Send));
        let wake = self.wake(turn.now);
        Step { batch: turn.store.into_batch(), effects: turn.effects, wake }
    }

    fn wake(&mut self, now: Time) -> Option<Time> {
        let mut wake = self.watch_at().into_iter().chain(self.offer_ends_at()).min();
        if self.link.online().is_some() {
            let planned = [
                self.ask_at(),
                self.ask_for_changes_at(),
                self.doubts_at(),
                self.holds_end_at(),
                self.publish_after,
                self.rotate_at(now),
                self.list_at(now),
                self.expire_at(),
                self.profiles_at(now),
                self.light_at(now),
                self.files_at(),
            ];
            wake = wake.into_iter().chain(planned.into_iter().flatten()).min();
        }
        // What is overdue but could not be done yet must not make the shell spin.
        wake.map(|at| at.max(now.plus(1)))
    }
}

impl Keys {
    fn read(row: &KeysRow) -> Option<Self> {
        Some(Self {
            identity: IdentityKeyPair::deserialize(&row.identity).ok()?,
            noise: StaticKey::from_bytes(row.noise.as_slice().try_into().ok()?),
            registration_id: u16::try_from(row.registration_id).ok()?,
        })
    }

    fn to_row(&self, counters: Counters) -> ProfileRow {
        let keys = KeysRow {
            identity: self.identity.serialize().to_vec(),
            noise: self.noise.to_bytes().to_vec(),
            registration_id: self.registration_id.into(),
        };
        ProfileRow { keys: Some(keys), counters: Some(counters) }
    }
}

fn read_address(counters: &Counters) -> Option<DeviceAddress> {
    let account = AccountId(counters.account.as_slice().try_into().ok()?);
    let device = DeviceId::new(u8::try_from(counters.device).ok()?)?;
    Some(DeviceAddress { account, device })
}

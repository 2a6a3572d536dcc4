//! What the user sets, the same on all devices of the account: registers of which the last writer wins.
//!
//! A register holds a value, the time of a hybrid logical clock and the device that wrote it. Of two values the
//! one with the larger (time, device, value) stays, so that devices that have seen the same set of writes agree
//! in whatever order these came.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::content::{Body as ContentBody, Conversation, StateEntry, Sync};
use waxwing_wire::limits::{MAX_STATE_ENTRIES, MAX_STATE_KEY_BYTES, MAX_STATE_VALUE_BYTES};
use waxwing_wire::{AccountId, Bytes, DeviceId, GroupId};

use crate::client::{Client, Error};
use crate::command::{ChatChange, CommandId, Event, Failure};
use crate::db::{Key, Read, Table};
use crate::limits::{
    CLEARED_PAGE, MAX_CONTACT_NAME_BYTES, MAX_DELETED_PER_COMMAND, MAX_DRAFT_BYTES, MAX_LIST_MEMBERS,
    MAX_LIST_NAME_BYTES, MAX_LISTS, MAX_PEERS, MAX_SETTING_KEY_BYTES, MAX_STARRED_LISTED, MAX_STATES,
    STATE_PAGE, STATE_ROOM,
};
use crate::overlay::Overlay;
use crate::record::{ListRow, Record as _, StateRow};
use crate::row::{Body, BroadcastList, ChatState, MessageKey, Setting};
use crate::turn::Turn;

/// Names a register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StateKey {
    Archived(Conversation),
    Pinned(Conversation),
    Muted(Conversation),
    Cleared(Conversation),
    Draft(Conversation),
    ContactName(AccountId),
    Blocked(AccountId),
    Starred(MessageKey),
    Deleted(MessageKey),
    List([u8; 16]),
    Setting(String),
    DeviceName(DeviceId),
    /// The user has added the account.
    Contact(AccountId),
    /// What the account was told of the user; see `profile`.
    Given(AccountId),
    Privacy(Setting),
    Own(Own),
    /// Somebody who may not has brought the account into the group: who.
    GroupAsked(GroupId),
    /// The user has said yes to being in the group: asked to join it, or wrote there.
    GroupAccepted(GroupId),
}

/// What the user tells of themself. The keys come last, and the light key as the last of them: a device that has it
/// has everything that the account's primary has told it in the order of the keys of registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Own {
    Name = 1,
    About = 2,
    Picture = 3,
    OnlineKey = 4,
    LastSeenKey = 5,
    LightKey = 6,
}

/// In keys of rows: 0 and an account, 1 and a group, or 2 and an account for its statuses.
pub(crate) fn conversation_bytes(of: &Conversation) -> Vec<u8> {
    match of {
        Conversation::Account(account) => [&[0][..], &account.0].concat(),
        Conversation::Group(group) => [&[1][..], &group.0].concat(),
        Conversation::Status(account) => [&[2][..], &account.0].concat(),
    }
}

const CONTACT_NAME: u8 = 5;
const CONTACT: u8 = 13;
const STARRED: u8 = 7;
const DELETED: u8 = 8;
const LIST: u8 = 9;
const SETTING: u8 = 10;
pub(crate) const GIVEN: u8 = 14;

impl StateKey {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let conversation = |kind: u8, of: &Conversation| [vec![kind], conversation_bytes(of)].concat();
        let message = |kind: u8, key: &MessageKey| [vec![kind], key.bytes()].concat();
        match self {
            Self::Archived(of) => conversation(1, of),
            Self::Pinned(of) => conversation(2, of),
            Self::Muted(of) => conversation(3, of),
            Self::Cleared(of) => conversation(4, of),
            Self::ContactName(account) => [&[CONTACT_NAME][..], &account.0].concat(),
            Self::Blocked(account) => [&[6][..], &account.0].concat(),
            Self::Starred(key) => message(STARRED, key),
            Self::Deleted(key) => message(DELETED, key),
            Self::List(id) => [&[LIST][..], id].concat(),
            Self::Setting(key) => [&[SETTING][..], key.as_bytes()].concat(),
            Self::DeviceName(device) => vec![11, device.number()],
            Self::Draft(of) => conversation(12, of),
            Self::Contact(account) => [&[CONTACT][..], &account.0].concat(),
            Self::Given(account) => [&[GIVEN][..], &account.0].concat(),
            Self::Privacy(setting) => vec![15, setting.number()],
            Self::Own(own) => vec![16, *own as u8],
            Self::GroupAsked(group) => [&[17][..], &group.0].concat(),
            Self::GroupAccepted(group) => [&[18][..], &group.0].concat(),
        }
    }

    /// Reads [`Self::bytes`]; `None` for what a newer version writes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let account = || rest.try_into().ok().map(AccountId);
        let conversation = || match rest.split_first()? {
            (0, rest) => Some(Conversation::Account(AccountId(rest.try_into().ok()?))),
            (1, rest) => Some(Conversation::Group(GroupId(rest.try_into().ok()?))),
            (2, rest) => Some(Conversation::Status(AccountId(rest.try_into().ok()?))),
            _ => None,
        };
        let message = || MessageKey::parse(rest);
        let group = || rest.try_into().ok().map(GroupId);
        Some(match *kind {
            1 => Self::Archived(conversation()?),
            2 => Self::Pinned(conversation()?),
            3 => Self::Muted(conversation()?),
            4 => Self::Cleared(conversation()?),
            CONTACT_NAME => Self::ContactName(account()?),
            6 => Self::Blocked(account()?),
            STARRED => Self::Starred(message()?),
            DELETED => Self::Deleted(message()?),
            LIST => Self::List(rest.try_into().ok()?),
            SETTING => Self::Setting(String::from_utf8(rest.to_vec()).ok()?),
            11 => Self::DeviceName(rest.first().filter(|_| rest.len() == 1).and_then(|n| DeviceId::new(*n))?),
            12 => Self::Draft(conversation()?),
            CONTACT => Self::Contact(account()?),
            GIVEN => Self::Given(account()?),
            15 => Self::Privacy(
                rest.first().filter(|_| rest.len() == 1).and_then(|n| Setting::from_number(*n))?,
            ),
            17 => Self::GroupAsked(group()?),
            18 => Self::GroupAccepted(group()?),
            16 => Self::Own(rest.first().filter(|_| rest.len() == 1).and_then(|n| Own::from_number(*n))?),
            _ => return None,
        })
    }
}

impl Own {
    fn from_number(number: u8) -> Option<Self> {
        use Own::{About, LastSeenKey, LightKey, Name, OnlineKey, Picture};
        [Name, About, Picture, OnlineKey, LastSeenKey, LightKey].into_iter().find(|own| *own as u8 == number)
    }
}

impl StateRow {
    /// What decides which of two values stays.
    fn rank(&self) -> (u64, u32, Option<&[u8]>) {
        (self.at, self.device, self.value.as_deref())
    }

    pub(crate) fn to_entry(&self, key: &[u8]) -> Option<StateEntry> {
        Some(StateEntry {
            key: Bytes::copy_from_slice(key),
            value: self.value.as_deref().map(Bytes::copy_from_slice),
            at: self.at,
            device: u8::try_from(self.device).ok().and_then(DeviceId::new)?,
        })
    }
}

impl From<&StateEntry> for StateRow {
    fn from(entry: &StateEntry) -> Self {
        Self {
            value: entry.value.as_ref().map(|value| value.to_vec()),
            at: entry.at,
            device: entry.device.number().into(),
        }
    }
}

// ---------------------------------------------------------------- reading

pub(crate) fn value(store: &Overlay<'_>, key: &StateKey) -> Result<Option<Vec<u8>>, Error> {
    let row: Option<StateRow> = store.load(&Key::State(key.bytes()))?;
    Ok(row.and_then(|row| row.value.clone()))
}

fn is_set(store: &Overlay<'_>, key: &StateKey) -> Result<bool, Error> {
    Ok(value(store, key)?.is_some())
}

fn number(store: &Overlay<'_>, key: &StateKey) -> Result<u64, Error> {
    Ok(value(store, key)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

pub(crate) fn text(store: &Overlay<'_>, key: &StateKey) -> Result<Option<String>, Error> {
    Ok(value(store, key)?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

pub(crate) fn is_blocked(store: &Overlay<'_>, account: AccountId) -> Result<bool, Error> {
    is_set(store, &StateKey::Blocked(account))
}

/// Whether a message is gone that the user has deleted before it came here.
pub(crate) fn is_deleted(
    store: &Overlay<'_>,
    key: &MessageKey,
    with: Conversation,
    sent_at_ms: u64,
) -> Result<bool, Error> {
    Ok(sent_at_ms <= number(store, &StateKey::Cleared(with))? || is_deleted_by_name(store, key)?)
}

/// Whether the user has deleted this very message. When one that cannot be read was written only the server says.
pub(crate) fn is_deleted_by_name(store: &Overlay<'_>, key: &MessageKey) -> Result<bool, Error> {
    is_set(store, &StateKey::Deleted(*key))
}

fn list_of(id: [u8; 16], value: &[u8]) -> Option<BroadcastList> {
    let row = ListRow::unpack(value).ok()?;
    let account = |bytes: &Vec<u8>| bytes.as_slice().try_into().ok().map(AccountId);
    Some(BroadcastList {
        id,
        name: row.name.clone(),
        members: row.members.iter().filter_map(account).collect(),
    })
}

pub(crate) fn list(store: &Overlay<'_>, id: [u8; 16]) -> Result<Option<BroadcastList>, Error> {
    Ok(value(store, &StateKey::List(id))?.and_then(|value| list_of(id, &value)))
}

/// Whom the user has among the contacts, ascending.
pub(crate) fn contacts(store: &Overlay<'_>) -> Result<BTreeSet<AccountId>, Error> {
    let mut found = BTreeSet::new();
    for kind in [CONTACT_NAME, CONTACT] {
        for (key, _) in all_of(store, kind, MAX_PEERS as usize)? {
            if let StateKey::Contact(account) | StateKey::ContactName(account) = key {
                found.insert(account);
            }
        }
    }
    Ok(found)
}

/// Registers of one kind that have a value, with what follows the kind in their keys.
fn all_of(store: &Overlay<'_>, kind: u8, max: usize) -> Result<Vec<(StateKey, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    let mut from = vec![kind];
    while found.len() < max {
        let rows = store.rows(Table::State, &from, &[kind + 1], MAX_STATE_ENTRIES)?;
        let Some((last, _)) = rows.last() else { break };
        from = [last.as_slice(), &[0]].concat();
        let full = rows.len() == MAX_STATE_ENTRIES;
        for (key, row) in rows {
            let value = StateRow::unpack(&row)?.value.clone();
            if let (Some(key), Some(value)) = (StateKey::parse(&key), value) {
                found.push((key, value));
            }
        }
        if !full {
            break;
        }
    }
    found.truncate(max);
    Ok(found)
}

impl Client {
    /// What the user has set for a conversation.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn chat_state(&self, db: &dyn Read, with: Conversation) -> Result<ChatState, Error> {
        let store = Overlay::new(db);
        Ok(ChatState {
            archived: is_set(&store, &StateKey::Archived(with))?,
            pinned: is_set(&store, &StateKey::Pinned(with))?,
            muted_until_ms: number(&store, &StateKey::Muted(with))?,
            cleared_ms: number(&store, &StateKey::Cleared(with))?,
        })
    }

    /// The name that the user has given to a contact.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn contact_name(&self, db: &dyn Read, account: AccountId) -> Result<Option<String>, Error> {
        text(&Overlay::new(db), &StateKey::ContactName(account))
    }

    /// Whether nothing is taken from an account.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn is_blocked(&self, db: &dyn Read, account: AccountId) -> Result<bool, Error> {
        is_blocked(&Overlay::new(db), account)
    }

    /// Whether the user has marked a message.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn is_starred(&self, db: &dyn Read, message: &MessageKey) -> Result<bool, Error> {
        is_set(&Overlay::new(db), &StateKey::Starred(*message))
    }

    /// What the user has begun to write in a conversation, on whichever device; empty: nothing.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn draft(&self, db: &dyn Read, with: Conversation) -> Result<String, Error> {
        Ok(text(&Overlay::new(db), &StateKey::Draft(with))?.unwrap_or_default())
    }

    /// The messages that the user has marked, at most [`MAX_STARRED_LISTED`], by name. Some may not be here
    /// any more, or not yet.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn starred(&self, db: &dyn Read) -> Result<Vec<MessageKey>, Error> {
        let found = all_of(&Overlay::new(db), STARRED, MAX_STARRED_LISTED)?;
        let key = |(key, _)| if let StateKey::Starred(message) = key { Some(message) } else { None };
        Ok(found.into_iter().filter_map(key).collect())
    }

    /// The broadcast lists, by id.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn lists(&self, db: &dyn Read) -> Result<Vec<BroadcastList>, Error> {
        let found = all_of(&Overlay::new(db), LIST, MAX_LISTS)?;
        let list = |(key, value): (_, Vec<u8>)| match key {
            StateKey::List(id) => list_of(id, &value),
            _ => None,
        };
        Ok(found.into_iter().filter_map(list).collect())
    }

    /// A setting of the program.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn setting(&self, db: &dyn Read, key: &str) -> Result<Option<String>, Error> {
        text(&Overlay::new(db), &StateKey::Setting(key.into()))
    }

    /// All settings of the program, by key, at most [`MAX_STATE_ENTRIES`].
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn settings(&self, db: &dyn Read) -> Result<Vec<(String, String)>, Error> {
        let found = all_of(&Overlay::new(db), SETTING, MAX_STATE_ENTRIES)?;
        let setting = |(key, value)| match key {
            StateKey::Setting(key) => Some((key, String::from_utf8(value).ok()?)),
            _ => None,
        };
        Ok(found.into_iter().filter_map(setting).collect())
    }

    // ------------------------------------------------------------ writing

    /// Writes a register here, and tells the other devices of it at the end of the step. Whether there was
    /// room for it.
    pub(crate) fn set_state(
        &mut self,
        turn: &mut Turn<'_>,
        key: &StateKey,
        value: Option<Vec<u8>>,
    ) -> Result<bool, Error> {
        let Some(own) = self.address() else { return Ok(false) };
        let at = turn.now.0.max(self.counters.clock.saturating_add(1));
        let entry =
            StateEntry { key: key.bytes().into(), value: value.map(Bytes::from), at, device: own.device };
        let taken = self.merge(turn, &entry, MAX_STATES - STATE_ROOM)?;
        if taken {
            turn.state.push(entry);
        }
        Ok(taken)
    }

    /// Writes registers for a command, and answers it.
    pub(crate) fn set_by(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        changes: &[(StateKey, Option<Vec<u8>>)],
    ) -> Result<(), Error> {
        if self.address().is_none() {
            turn.failed(command, Failure::NotRegistered);
            return Ok(());
        }
        for (key, value) in changes {
            if !self.set_state(turn, key, value.clone())? {
                turn.failed(command, Failure::OutboxFull);
                return Ok(());
            }
        }
        turn.done(command);
        Ok(())
    }

    /// Takes registers that another device of the account has written.
    pub(crate) fn state_arrived(&mut self, turn: &mut Turn<'_>, entries: &[StateEntry]) -> Result<(), Error> {
        for entry in entries {
            self.merge(turn, entry, MAX_STATES)?;
        }
        Ok(())
    }

    /// Keeps the larger of two values. Whether the register is as the entry says, or newer.
    fn merge(&mut self, turn: &mut Turn<'_>, entry: &StateEntry, most: u32) -> Result<bool, Error> {
        if entry.key.len() > MAX_STATE_KEY_BYTES
            || entry.value.as_ref().is_some_and(|value| value.len() > MAX_STATE_VALUE_BYTES)
        {
            return Ok(false);
        }
        self.counters.clock = self.counters.clock.max(entry.at);
        let key = Key::State(entry.key.to_vec());
        // A newer program may have registers that this one does not know; it keeps them.
        let known = StateKey::parse(&entry.key);
        let row = StateRow::from(entry);
        let before: Option<StateRow> = turn.store.load(&key)?;
        if let (Some(StateKey::Given(_)), Some(before)) = (&known, &before)
            && before.rank() != row.rank()
        {
            let stays = before.rank() > row.rank();
            let (stays, goes) = if stays { (before, &row) } else { (&row, before) };
            self.told_by_two(turn, stays, goes)?;
        }
        match &before {
            Some(before) if before.rank() >= row.rank() => return Ok(true),
            Some(_) => {}
            None if self.counters.states >= most => return Ok(false),
            None => self.counters.states += 1,
        }
        let here = self.address().is_some_and(|own| own.device == entry.device);
        let request = match &known {
            Some(key) if !here && row.value.is_some() => self.request_answered_by(turn, key)?,
            _ => None,
        };
        turn.store.save(key, &row);
        if let Some(with) = request {
            self.tell_seen_before(turn, with)?;
        }
        let same = before.as_ref().is_some_and(|before| before.value == row.value);
        if !same {
            turn.state_changed = true;
            if let Some(key) = &known {
                self.effect(turn, key, row.value.as_deref(), here)?;
            }
        }
        Ok(true)
    }

    /// The request to which the user says yes with this register, if it is one until now. Which of it was seen here
    /// meanwhile the device that has said so may not have heard.
    fn request_answered_by(&self, turn: &Turn<'_>, key: &StateKey) -> Result<Option<Conversation>, Error> {
        Ok(match key {
            StateKey::Given(account) | StateKey::Contact(account) => {
                let with = Conversation::Account(*account);
                self.is_request(turn, with)?.then_some(with)
            }
            StateKey::GroupAccepted(group) => {
                let asked = crate::privacy::group_asked_by(&turn.store, *group)?;
                asked.map(|_| Conversation::Group(*group))
            }
            _ => None,
        })
    }

    /// What follows from another value of a register. `here`: this device has written it.
    fn effect(
        &mut self,
        turn: &mut Turn<'_>,
        key: &StateKey,
        value: Option<&[u8]>,
        here: bool,
    ) -> Result<(), Error> {
        match key {
            StateKey::Deleted(message) if value.is_some() => self.delete_here(turn, &[*message])?,
            StateKey::Cleared(with) => {
                let until = value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
                self.clear_here(turn, *with, until)?;
            }
            StateKey::DeviceName(_) => self.device_renamed(turn)?,
            StateKey::Contact(account) | StateKey::ContactName(account) | StateKey::Blocked(account)
                if here =>
            {
                self.standing_changed(turn, *account)?;
            }
            // Who sees what the user shows is asked when something is shown.
            StateKey::Privacy(Setting::Status) => {}
            StateKey::Contact(_)
            | StateKey::ContactName(_)
            | StateKey::Blocked(_)
            | StateKey::Privacy(_)
            | StateKey::Own(_) => self.profile_changed(turn.now, here),
            _ => {}
        }
        Ok(())
    }

    fn delete_here(&mut self, turn: &mut Turn<'_>, keys: &[MessageKey]) -> Result<(), Error> {
        let mut gone = Vec::new();
        for key in keys {
            if let Some(message) = turn.store.message(key)? {
                self.forget_message(turn, &message)?;
                gone.push(*key);
            }
            self.forget_retry(turn, *key);
        }
        if !gone.is_empty() {
            turn.event(Event::Deleted(gone));
        }
        Ok(())
    }

    /// Deletes the messages of a conversation that were sent until then.
    pub(crate) fn clear_here(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        until_ms: u64,
    ) -> Result<(), Error> {
        let mut before = u64::MAX;
        let mut gone = Vec::new();
        loop {
            let page = turn.store.history(with, before, CLEARED_PAGE)?;
            let Some(last) = page.last() else { break };
            before = last.order;
            let full = page.len() == CLEARED_PAGE;
            // When a placeholder's message was sent is known when it comes, and then it is judged.
            let judged = page.iter().filter(|message| message.body != Body::Waiting);
            gone.extend(judged.filter(|message| message.sent_at_ms <= until_ms).map(|message| message.key));
            if !full {
                break;
            }
        }
        for chunk in gone.chunks(MAX_DELETED_PER_COMMAND) {
            self.delete_here(turn, chunk)?;
        }
        Ok(())
    }

    /// Tells the other devices of the account what was set in this step.
    pub(crate) fn flush_state(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let entries = std::mem::take(&mut turn.state);
        let mut part = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            let size = entry.key.len() + entry.value.as_ref().map_or(0, Bytes::len) + 32;
            if !part.is_empty()
                && (part.len() >= MAX_STATE_ENTRIES || bytes + size > crate::limits::PART_BYTES)
            {
                self.tell_own(turn, &ContentBody::Sync(Sync::State(std::mem::take(&mut part))))?;
                bytes = 0;
            }
            bytes += size;
            part.push(entry);
        }
        if !part.is_empty() {
            self.tell_own(turn, &ContentBody::Sync(Sync::State(part)))?;
        }
        if std::mem::take(&mut turn.state_changed) {
            turn.event(Event::StateChanged);
        }
        Ok(())
    }

    /// Devices of the account are gone. What they wrote last may not have come to every other one, and they
    /// answer nobody any more who could not read it: whoever has it tells it on.
    pub(crate) fn pass_on_state(&mut self, turn: &mut Turn<'_>, gone: &[DeviceId]) -> Result<(), Error> {
        if gone.is_empty() || !self.has_others(turn)? {
            return Ok(());
        }
        let mut latest: BTreeMap<(u64, Vec<u8>), StateEntry> = BTreeMap::new();
        let mut from = Vec::new();
        loop {
            let page = turn.store.rows(Table::State, &from, &[0xff; MAX_STATE_KEY_BYTES + 1], STATE_PAGE)?;
            let Some((last, _)) = page.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            for (key, row) in page {
                let entry = StateRow::unpack(&row)?.to_entry(&key).filter(|one| gone.contains(&one.device));
                if let Some(entry) = entry {
                    latest.insert((entry.at, key), entry);
                }
                if latest.len() > MAX_STATE_ENTRIES {
                    latest.pop_first();
                }
            }
        }
        turn.state.extend(latest.into_values());
        Ok(())
    }

    // ------------------------------------------------------------ commands

    pub(crate) fn set_chat(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        with: Conversation,
        change: ChatChange,
    ) -> Result<(), Error> {
        let flag = |set: bool| set.then(|| vec![1]);
        let number = |number: u64| (number > 0).then(|| number.to_be_bytes().to_vec());
        if let ChatChange::Draft(text) = &change
            && text.len() > MAX_DRAFT_BYTES
        {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_DRAFT_BYTES });
            return Ok(());
        }
        if let (Conversation::Status(_), false) = (with, matches!(change, ChatChange::MutedUntil(_))) {
            turn.failed(command, Failure::NotAllowed);
            return Ok(());
        }
        let change = match change {
            ChatChange::Draft(text) => (StateKey::Draft(with), (!text.is_empty()).then(|| text.into_bytes())),
            ChatChange::Archived(set) => (StateKey::Archived(with), flag(set)),
            ChatChange::Pinned(set) => (StateKey::Pinned(with), flag(set)),
            ChatChange::MutedUntil(until) => (StateKey::Muted(with), number(until)),
            ChatChange::Cleared => {
                // What is here was sent by then, whatever the clock of its sender says.
                let newest = turn.store.history(with, u64::MAX, CLEARED_PAGE)?;
                let newest = newest.iter().map(|message| message.sent_at_ms).max().unwrap_or(0);
                let latest = turn.now.0.saturating_add(crate::limits::LIST_GRACE_MS);
                (StateKey::Cleared(with), number(newest.min(latest).max(turn.now.0)))
            }
        };
        self.set_by(turn, command, &[change])
    }

    pub(crate) fn set_contact_name(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        account: AccountId,
        name: &str,
    ) -> Result<(), Error> {
        if name.len() > MAX_CONTACT_NAME_BYTES {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_CONTACT_NAME_BYTES });
            return Ok(());
        }
        let value = (!name.is_empty()).then(|| name.as_bytes().to_vec());
        self.set_by(turn, command, &[(StateKey::ContactName(account), value)])
    }

    pub(crate) fn set_blocked(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        account: AccountId,
        blocked: bool,
    ) -> Result<(), Error> {
        if self.is_own(account) {
            turn.failed(command, Failure::UnknownContact);
            return Ok(());
        }
        self.set_by(turn, command, &[(StateKey::Blocked(account), blocked.then(|| vec![1]))])
    }

    pub(crate) fn set_starred(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        message: MessageKey,
        starred: bool,
    ) -> Result<(), Error> {
        let found = turn.store.message(&message)?;
        let failure = match found.map(|found| found.with) {
            None => Some(Failure::UnknownMessage),
            Some(Conversation::Status(_)) => Some(Failure::NotAllowed),
            Some(Conversation::Account(_) | Conversation::Group(_)) => None,
        };
        if let Some(failure) = failure {
            turn.failed(command, failure);
            return Ok(());
        }
        self.set_by(turn, command, &[(StateKey::Starred(message), starred.then(|| vec![1]))])
    }

    pub(crate) fn delete_messages(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        messages: &[MessageKey],
    ) -> Result<(), Error> {
        for key in messages {
            if turn.store.message(key)?.is_none() {
                turn.failed(command, Failure::UnknownMessage);
                return Ok(());
            }
        }
        if messages.len() > MAX_DELETED_PER_COMMAND {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_DELETED_PER_COMMAND });
            return Ok(());
        }
        let changes: Vec<_> =
            messages.iter().map(|message| (StateKey::Deleted(*message), Some(vec![1]))).collect();
        self.set_by(turn, command, &changes)
    }

    pub(crate) fn set_setting(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        key: String,
        value: Option<String>,
    ) -> Result<(), Error> {
        if key.len() > MAX_SETTING_KEY_BYTES {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_SETTING_KEY_BYTES });
            return Ok(());
        }
        if value.as_ref().is_some_and(|value| value.len() > MAX_STATE_VALUE_BYTES) {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_STATE_VALUE_BYTES });
            return Ok(());
        }
        self.set_by(turn, command, &[(StateKey::Setting(key), value.map(String::into_bytes))])
    }

    pub(crate) fn set_list(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        list: &BroadcastList,
    ) -> Result<(), Error> {
        let failure = if list.name.len() > MAX_LIST_NAME_BYTES {
            Some(Failure::TooLong { limit_bytes: MAX_LIST_NAME_BYTES })
        } else if list.members.len() > MAX_LIST_MEMBERS {
            Some(Failure::GroupFull { limit: MAX_LIST_MEMBERS })
        } else if list.members.is_empty() {
            Some(Failure::Empty)
        } else {
            None
        };
        if let Some(failure) = failure {
            turn.failed(command, failure);
            return Ok(());
        }
        for member in &list.members {
            if turn.store.load::<crate::record::PeerRow>(&Key::Peer(*member))?.is_none() {
                turn.failed(command, Failure::UnknownContact);
                return Ok(());
            }
        }
        let row = ListRow {
            name: list.name.clone(),
            members: list.members.iter().map(|member| member.0.to_vec()).collect(),
        };
        self.set_by(turn, command, &[(StateKey::List(list.id), Some(row.pack()))])
    }

    pub(crate) fn delete_list(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        id: [u8; 16],
    ) -> Result<(), Error> {
        if list(&turn.store, id)?.is_none() {
            turn.failed(command, Failure::UnknownList);
            return Ok(());
        }
        self.set_by(turn, command, &[(StateKey::List(id), None)])
    }
}

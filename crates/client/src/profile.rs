//! What the user tells others of themself, and what others tell: names, pictures, and the keys under which light
//! events travel.
//!
//! All of it is in registers, so that the devices of an account tell the same. For each account that was told, a
//! register says what: whoever knows what it may know is told nothing.

use waxwing_wire::content::Conversation;
use waxwing_wire::limits::{MAX_ABOUT_BYTES, MAX_PROFILE_NAME_BYTES, MAX_PROFILE_PICTURE_BYTES};
use waxwing_wire::profile::{LightKey, PresenceKeys, Profile};
use waxwing_wire::{AccountId, Bytes, DeviceId};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, Failure, ProfileChange};
use crate::db::{Key, Read, Table};
use crate::limits::{MAX_PEERS, MAX_PROFILES_WAITING, PROFILE_MEND_MS, PROFILES_PER_STEP};
use crate::overlay::Overlay;
use crate::privacy::{Rights, load_privacy, rights_of};
use crate::record::{Kind, OutboxRow, PeerProfileRow, PeerRow, Record as _, StateRow};
use crate::row::{OwnProfile, PeerProfile, Privacy};
use crate::state::{self, GIVEN, Own, StateKey};
use crate::turn::Turn;

/// Keys of an account for light events: the own ones, or those that another account has given. Without `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LightKeys {
    /// It types under this.
    pub light: Option<LightKey>,
    /// It tells under this that it is there.
    pub online: Option<LightKey>,
    /// It tells under this when it was there.
    pub last_seen: Option<LightKey>,
}

/// Those of the own account; none where the primary has not drawn them yet.
pub(crate) fn own_keys(store: &Overlay<'_>) -> Result<LightKeys, Error> {
    let key = |own| -> Result<Option<LightKey>, Error> {
        Ok(state::value(store, &StateKey::Own(own))?.and_then(|bytes| bytes.try_into().ok()))
    };
    Ok(LightKeys {
        light: key(Own::LightKey)?,
        online: key(Own::OnlineKey)?,
        last_seen: key(Own::LastSeenKey)?,
    })
}

/// Those that another account has given; `None`: it has told nothing of itself.
pub(crate) fn keys_of(store: &Overlay<'_>, account: AccountId) -> Result<Option<LightKeys>, Error> {
    let keys = |profile: Profile| LightKeys {
        light: profile.light_key,
        online: profile.presence.map(|keys| keys.online),
        last_seen: profile.presence.and_then(|keys| keys.last_seen),
    };
    Ok(told(store, account)?.map(keys))
}

/// What another account has told of itself.
pub(crate) fn told(store: &Overlay<'_>, account: AccountId) -> Result<Option<Profile>, Error> {
    Ok(told_by(store, account)?.map(|(profile, _)| profile))
}

/// The same, and the number of the device that said so.
fn told_by(store: &Overlay<'_>, account: AccountId) -> Result<Option<(Profile, u32)>, Error> {
    let Some(row) = store.load::<PeerProfileRow>(&Key::PeerProfile(account))? else { return Ok(None) };
    let profile = Profile::decode(&row.profile).map_err(|_| Error::Damaged(PeerProfileRow::NAME))?;
    Ok(Some((profile, row.device)))
}

/// Whether the user has written to an account, has said yes to what it wrote, or has it among the contacts.
pub(crate) fn is_accepted(store: &Overlay<'_>, account: AccountId) -> Result<bool, Error> {
    if state::value(store, &StateKey::Given(account))?.is_some()
        || crate::privacy::is_contact(store, account)?
    {
        return Ok(true);
    }
    let row: Option<PeerRow> = store.load(&Key::Peer(account))?;
    Ok(row.is_some_and(|row| row.written > 0 || !row.own_positions.is_empty()))
}

/// What an account was told, as its register holds it: which keys it got, and the digest of the profile; without
/// the digest it may not have come.
struct Given {
    rights: Rights,
    digest: Option<[u8; 16]>,
    at: u64,
    /// Which device of the own account decided on it.
    device: u32,
}

impl Given {
    fn read(row: &StateRow) -> Option<Self> {
        let value = row.value.as_deref()?;
        let (flags, digest) = value.split_first().unwrap_or((&0, &[]));
        Some(Self {
            rights: Rights::from_flags(*flags),
            digest: digest.try_into().ok(),
            at: row.at,
            device: row.device,
        })
    }

    fn value(&self) -> Vec<u8> {
        [&[self.rights.flags()][..], self.digest.as_ref().map_or(&[], |digest| &digest[..])].concat()
    }
}

fn given(store: &Overlay<'_>, account: AccountId) -> Result<Option<Given>, Error> {
    let row: Option<StateRow> = store.load(&Key::State(StateKey::Given(account).bytes()))?;
    Ok(row.as_ref().and_then(Given::read))
}

/// What an account may know of the user now, and which keys are in it. `None`: the primary of the own account has
/// not said yet who the user is.
fn compose(store: &Overlay<'_>, reader: AccountId) -> Result<Option<(Profile, Rights)>, Error> {
    let keys = own_keys(store)?;
    let (Some(light), Some(online), Some(last_seen)) = (keys.light, keys.online, keys.last_seen) else {
        return Ok(None);
    };
    let rights = rights_of(store, &load_privacy(store)?, reader)?;
    if !rights.light {
        return Ok(None);
    }
    let text = |own| Ok::<_, Error>(state::text(store, &StateKey::Own(own))?.unwrap_or_default());
    let profile = Profile {
        at: 0,
        name: text(Own::Name)?,
        about: if rights.about { text(Own::About)? } else { String::new() },
        picture: match state::value(store, &StateKey::Own(Own::Picture))? {
            Some(picture) if rights.picture => Bytes::from(picture),
            _ => Bytes::new(),
        },
        light_key: Some(light),
        presence: rights
            .online
            .then_some(PresenceKeys { online, last_seen: rights.last_seen.then_some(last_seen) }),
        no_groups: !rights.groups,
    };
    Ok(Some((profile, rights)))
}

/// What a row of the outbox says to an account that this device decided on at this time. `None`: something else is to be
/// said by now, by another row or by another device.
pub(crate) fn to_tell(
    store: &Overlay<'_>,
    reader: AccountId,
    own: DeviceId,
    at: u64,
) -> Result<Option<Profile>, Error> {
    let decided = given(store, reader)?.filter(|given| (given.at, given.device) == (at, own.number().into()));
    let (Some(given), Some((profile, _))) = (decided, compose(store, reader)?) else { return Ok(None) };
    Ok((given.digest == Some(profile.digest())).then_some(Profile { at, ..profile }))
}

impl Client {
    // ------------------------------------------------------------ telling

    /// The account's keys, drawn if there are none. A linked device waits for its primary's.
    pub(crate) fn draw_keys(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if !self.is_primary() {
            return Ok(());
        }
        let keys = own_keys(&turn.store)?;
        let missing =
            [(Own::OnlineKey, keys.online), (Own::LastSeenKey, keys.last_seen), (Own::LightKey, keys.light)];
        for (own, _) in missing.into_iter().filter(|(_, key)| key.is_none()) {
            self.draw_key(turn, own)?;
        }
        Ok(())
    }

    fn draw_key(&mut self, turn: &mut Turn<'_>, own: Own) -> Result<(), Error> {
        let mut key = vec![0; 32];
        turn.rng.fill_bytes(&mut key);
        self.set_state(turn, &StateKey::Own(own), Some(key))?;
        Ok(())
    }

    /// Tells an account who the user is, unless it knows what it may know.
    pub(crate) fn tell_profile(&mut self, turn: &mut Turn<'_>, to: AccountId) -> Result<(), Error> {
        if self.is_own(to) {
            return Ok(());
        }
        self.draw_keys(turn)?;
        let before = given(&turn.store, to)?;
        let Some((profile, rights)) = compose(&turn.store, to)? else { return Ok(()) };
        let digest = Some(profile.digest());
        if before.as_ref().is_some_and(|before| before.digest == digest) || self.outbox.is_full() {
            return Ok(());
        }
        let key = StateKey::Given(to);
        if !self.set_state(turn, &key, Some(Given { rights, digest, at: 0, device: 0 }.value()))? {
            return Ok(());
        }
        let ids = vec![self.register_at(turn, &key)?];
        let waiting = self.outbox.profile_to(to);
        let up = self.link.up();
        let under_way = |id| up.as_ref().is_some_and(|up| up.flight.contains_key(&id));
        if let Some((order, _)) = waiting.filter(|(_, id)| !under_way(*id)) {
            let row = OutboxRow { ids, ..self.outbox_row(turn, order)? };
            turn.store.save(Key::Outbox(order), &row);
            return Ok(());
        }
        let row = OutboxRow {
            kind: Kind::Profile as u32,
            to: to.0.to_vec(),
            id: self.fresh_id(turn)?.0,
            sent_at_ms: turn.now.0,
            ids,
            ..OutboxRow::default()
        };
        self.enqueue(turn, &row)?;
        Ok(())
    }

    /// What an account was told may not have come to it: it is told again with what is written to it next.
    pub(crate) fn doubt_told(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        if let Some(given) = given(&turn.store, account)?.filter(|given| given.digest.is_some()) {
            let value = Given { digest: None, ..given }.value();
            self.set_state(turn, &StateKey::Given(account), Some(value))?;
        }
        Ok(())
    }

    /// A row of the outbox that was to tell who the user is has not done so, and will not: what it was to say does
    /// not hold now, though it may hold again.
    pub(crate) fn left_untold(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        let to = row.account()?;
        let decided = (row.ids.first().copied(), self.address().map(|own| u32::from(own.device.number())));
        if given(&turn.store, to)?.is_some_and(|given| (Some(given.at), Some(given.device)) == decided) {
            self.doubt_told(turn, to)?;
        }
        Ok(())
    }

    /// The user says yes to what an account has written.
    pub(crate) fn accept(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        account: AccountId,
    ) -> Result<(), Error> {
        if turn.store.load::<PeerRow>(&Key::Peer(account))?.is_none() {
            turn.failed(command, Failure::UnknownContact);
            return Ok(());
        }
        let known = is_accepted(&turn.store, account)?;
        if given(&turn.store, account)?.is_none() {
            self.set_state(turn, &StateKey::Given(account), Some(Vec::new()))?;
        }
        self.tell_profile(turn, account)?;
        if !known {
            self.tell_seen_before(turn, Conversation::Account(account))?;
        }
        turn.done(command);
        Ok(())
    }

    /// The profile is another, or who may know what of it. Told at once by the device where that was set, and
    /// later, in case something remains to be told, by the others.
    pub(crate) fn profile_changed(&mut self, now: Time, here: bool) {
        let waits = self.profile_after.is_some() || !self.counters.profile_changed;
        self.profile_after = (!here && waits).then_some(self.mends_at(now));
        self.counters.profile_changed = true;
        self.profile_cursor = None;
        self.sight_changed(now);
    }

    /// An account is a contact now or is none, or is blocked or is not: it may know more or less than before.
    pub(crate) fn standing_changed(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        let Some(given) = given(&turn.store, account)? else {
            // Whoever has written and is added now is accepted by that.
            let with = Conversation::Account(account);
            let accepted = crate::privacy::is_contact(&turn.store, account)?
                && !turn.store.history(with, u64::MAX, 1)?.is_empty();
            if accepted {
                self.tell_profile(turn, account)?;
                self.tell_seen_before(turn, with)?;
            }
            return Ok(());
        };
        self.sight_changed(turn.now);
        let privacy = load_privacy(&turn.store)?;
        self.replace_lost(turn, &privacy, account, &given)?;
        self.tell_profile(turn, account)
    }

    /// Draws every key anew that an account has and may not have any more.
    fn replace_lost(
        &mut self,
        turn: &mut Turn<'_>,
        privacy: &Privacy,
        account: AccountId,
        given: &Given,
    ) -> Result<(), Error> {
        let rights = rights_of(&turn.store, privacy, account)?;
        for own in given.rights.lost(rights) {
            // Not if it was drawn since, because of somebody else.
            if given.at > self.register_at(turn, &StateKey::Own(own))? {
                self.draw_key(turn, own)?;
            }
        }
        Ok(())
    }

    /// Of what two own devices have each told an account, one register stays. Which keys the account got by the other
    /// nobody knows any more: they are drawn anew.
    pub(crate) fn told_by_two(
        &mut self,
        turn: &mut Turn<'_>,
        stays: &StateRow,
        goes: &StateRow,
    ) -> Result<(), Error> {
        let Some(goes) = Given::read(goes) else { return Ok(()) };
        let stays = Given::read(stays).map_or(Rights::from_flags(0), |given| given.rights);
        for own in goes.rights.lost(stays) {
            if goes.at > self.register_at(turn, &StateKey::Own(own))? {
                self.draw_key(turn, own)?;
            }
        }
        Ok(())
    }

    fn register_at(&self, turn: &Turn<'_>, key: &StateKey) -> Result<u64, Error> {
        Ok(turn.store.load::<StateRow>(&Key::State(key.bytes()))?.map_or(0, |row| row.at))
    }

    /// Draws every key anew that somebody has and may not have any more.
    fn replace_lost_keys(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let privacy = load_privacy(&turn.store)?;
        for (key, value) in turn.store.rows(Table::State, &[GIVEN], &[GIVEN + 1], MAX_PEERS as usize)? {
            let (Some(StateKey::Given(account)), Some(given)) =
                (StateKey::parse(&key), Given::read(&StateRow::unpack(&value)?))
            else {
                continue;
            };
            self.replace_lost(turn, &privacy, account, &given)?;
        }
        Ok(())
    }

    /// Tells those who were told before what is different now, some at a time.
    pub(crate) fn pump_profiles(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        // A clock that went back puts nothing off for longer.
        let latest = self.mends_at(turn.now);
        let waits = self.profile_after.is_some_and(|at| at > turn.now && at <= latest);
        if !self.counters.profile_changed || waits || self.link.online().is_none() {
            return Ok(());
        }
        let from = match self.profile_cursor.take() {
            Some(from) => from,
            None => {
                self.replace_lost_keys(turn)?;
                vec![GIVEN]
            }
        };
        self.profile_after = None;
        if self.outbox.profiles() >= MAX_PROFILES_WAITING {
            self.profile_cursor = Some(from);
            return Ok(());
        }
        let rows = turn.store.rows(Table::State, &from, &[GIVEN + 1], PROFILES_PER_STEP)?;
        for (key, _) in &rows {
            if let Some(StateKey::Given(account)) = StateKey::parse(key)
                && given(&turn.store, account)?.is_some()
            {
                self.tell_profile(turn, account)?;
            }
        }
        match rows.last() {
            Some((key, _)) if rows.len() == PROFILES_PER_STEP => {
                self.profile_cursor = Some([key.as_slice(), &[0]].concat());
            }
            _ => self.counters.profile_changed = false,
        }
        Ok(())
    }

    /// When this device looks after what another own device was told just now.
    fn mends_at(&self, now: Time) -> Time {
        let device = self.address().map_or(1, |own| own.device.number());
        now.plus(PROFILE_MEND_MS * u64::from(device))
    }

    /// When [`Self::pump_profiles`] has something to do.
    pub(crate) fn profiles_at(&self, now: Time) -> Option<Time> {
        let goes_on = self.profile_cursor.is_some() && self.outbox.profiles() < MAX_PROFILES_WAITING;
        self.profile_after.or(goes_on.then(|| now.plus(1))).filter(|_| self.counters.profile_changed)
    }

    /// Somebody may have to be told what is different about the user.
    #[must_use]
    pub fn tells_profile(&self) -> bool {
        self.counters.profile_changed
    }

    /// The same, and it is this device's to do as soon as it can.
    #[must_use]
    pub fn tells_profile_now(&self) -> bool {
        self.counters.profile_changed && self.profile_after.is_none()
    }

    // ------------------------------------------------------------ hearing

    /// Another account says who it is. Of what two of its devices say, the same stays as in their registers.
    /// `device`: its number; 0 where that is not known.
    pub(crate) fn profile_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        from: AccountId,
        device: u8,
        profile: &Profile,
    ) -> Result<(), Error> {
        let before = told_by(&turn.store, from)?;
        let newer = |(before, by): &(Profile, u32)| (before.at, *by) >= (profile.at, device.into());
        if before.as_ref().is_some_and(newer) || self.peer_row(turn, from)?.is_none() {
            return Ok(());
        }
        turn.store.save(
            Key::PeerProfile(from),
            &PeerProfileRow { profile: profile.encode(), device: device.into() },
        );
        self.sight_changed(turn.now);
        let shown = |profile: &Profile| {
            (profile.name.clone(), profile.about.clone(), profile.picture.clone(), profile.no_groups)
        };
        turn.state_changed |= before.as_ref().map(|(before, _)| shown(before)) != Some(shown(profile));
        Ok(())
    }

    /// What an account has told of itself.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn profile(&self, db: &dyn Read, account: AccountId) -> Result<Option<PeerProfile>, Error> {
        let view = |profile: Profile| PeerProfile {
            name: profile.name,
            about: profile.about,
            picture: profile.picture.to_vec(),
            no_groups: profile.no_groups,
            presence: profile.presence.is_some(),
        };
        Ok(told(&Overlay::new(db), account)?.map(view))
    }

    /// What the user tells of themself.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn own_profile(&self, db: &dyn Read) -> Result<OwnProfile, Error> {
        let store = Overlay::new(db);
        let text = |own| Ok::<_, Error>(state::text(&store, &StateKey::Own(own))?.unwrap_or_default());
        Ok(OwnProfile {
            name: text(Own::Name)?,
            about: text(Own::About)?,
            picture: state::value(&store, &StateKey::Own(Own::Picture))?.unwrap_or_default(),
        })
    }

    /// Whether the user has accepted an account: what others write is a request.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn is_accepted(&self, db: &dyn Read, account: AccountId) -> Result<bool, Error> {
        Ok(self.is_own(account) || is_accepted(&Overlay::new(db), account)?)
    }

    // ------------------------------------------------------------ commands

    pub(crate) fn set_profile(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        change: ProfileChange,
    ) -> Result<(), Error> {
        let (own, bytes, limit_bytes) = match change {
            ProfileChange::Name(name) => (Own::Name, name.into_bytes(), MAX_PROFILE_NAME_BYTES),
            ProfileChange::About(about) => (Own::About, about.into_bytes(), MAX_ABOUT_BYTES),
            ProfileChange::Picture(picture) => (Own::Picture, picture, MAX_PROFILE_PICTURE_BYTES),
        };
        if bytes.len() > limit_bytes {
            turn.failed(command, Failure::TooLong { limit_bytes });
            return Ok(());
        }
        self.set_by(turn, command, &[(StateKey::Own(own), (!bytes.is_empty()).then_some(bytes))])
    }
}

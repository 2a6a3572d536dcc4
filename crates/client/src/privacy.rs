//! Who may know what of the user.

use waxwing_wire::content::Conversation;
use waxwing_wire::{AccountId, GroupId};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::db::{Key, Read};
use crate::group::record::GroupRow;
use crate::limits::MAX_AUDIENCE;
use crate::overlay::Overlay;
use crate::record::{AudienceRow, Record as _};
use crate::row::{Audience, Privacy, Setting};
use crate::state::{self, Own, StateKey};
use crate::turn::Turn;

/// What one account may know. The first three go with keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rights {
    /// That the user types; of everybody who is not blocked.
    pub light: bool,
    pub online: bool,
    pub last_seen: bool,
    pub about: bool,
    pub picture: bool,
    /// It may bring the user into groups.
    pub groups: bool,
}

impl Rights {
    /// Which keys go with them, as a register holds it.
    pub(crate) fn flags(self) -> u8 {
        u8::from(self.light) | u8::from(self.online) << 1 | u8::from(self.last_seen) << 2
    }

    /// Reads [`Self::flags`]; the rest is not known.
    pub(crate) fn from_flags(flags: u8) -> Self {
        let flag = |bit: u8| flags & 1 << bit != 0;
        Self { light: flag(0), online: flag(1), last_seen: flag(2), ..Self::default() }
    }

    /// The keys that these rights came with and the other ones do not.
    pub(crate) fn lost(self, now: Self) -> impl Iterator<Item = Own> {
        let keys = [
            (Own::OnlineKey, self.online, now.online),
            (Own::LastSeenKey, self.last_seen, now.last_seen),
            (Own::LightKey, self.light, now.light),
        ];
        keys.into_iter().filter(|(_, had, has)| *had && !*has).map(|(own, ..)| own)
    }
}

impl Setting {
    /// As registers hold it; a number is never reused.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Picture => 1,
            Self::About => 2,
            Self::LastSeen => 3,
            Self::Online => 4,
            Self::Groups => 5,
            Self::Receipts => 6,
            Self::Status => 7,
        }
    }

    const ALL: [Self; 7] = [
        Self::Picture,
        Self::About,
        Self::LastSeen,
        Self::Online,
        Self::Groups,
        Self::Receipts,
        Self::Status,
    ];

    /// As it is until it is set.
    fn default_audience(self) -> Audience {
        if self == Self::Status { Audience::Contacts } else { Audience::Everyone }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.number() == number)
    }

    /// Whether it can be set so.
    fn allows(self, audience: &Audience) -> bool {
        match self {
            Self::Online => matches!(audience, Audience::Everyone | Audience::LikeLastSeen),
            Self::Receipts => matches!(audience, Audience::Everyone | Audience::Nobody),
            Self::Picture | Self::About | Self::LastSeen | Self::Groups => {
                !matches!(audience, Audience::LikeLastSeen | Audience::Only(_))
            }
            Self::Status => {
                matches!(audience, Audience::Contacts | Audience::ContactsExcept(_) | Audience::Only(_))
            }
        }
    }
}

impl Audience {
    fn pack(&self) -> Vec<u8> {
        let (who, accounts): (u32, &[AccountId]) = match self {
            Self::Everyone => (0, &[]),
            Self::Contacts => (1, &[]),
            Self::ContactsExcept(accounts) => (2, accounts),
            Self::Nobody => (3, &[]),
            Self::LikeLastSeen => (4, &[]),
            Self::Only(accounts) => (5, accounts),
        };
        AudienceRow { who, accounts: accounts.iter().map(|account| account.0.to_vec()).collect() }.pack()
    }

    /// What a newer version wrote is for nobody.
    fn unpack(bytes: &[u8]) -> Self {
        let Ok(row) = AudienceRow::unpack(bytes) else { return Self::Nobody };
        let account = |bytes: &Vec<u8>| bytes.as_slice().try_into().ok().map(AccountId);
        match row.who {
            0 => Self::Everyone,
            1 => Self::Contacts,
            2 => Self::ContactsExcept(row.accounts.iter().filter_map(account).collect()),
            4 => Self::LikeLastSeen,
            5 => Self::Only(row.accounts.iter().filter_map(account).collect()),
            _ => Self::Nobody,
        }
    }

    fn has(&self, account: AccountId, contact: bool) -> bool {
        match self {
            Self::Everyone => true,
            Self::Contacts => contact,
            Self::ContactsExcept(accounts) => contact && !accounts.contains(&account),
            Self::Only(accounts) => accounts.contains(&account),
            Self::Nobody | Self::LikeLastSeen => false,
        }
    }
}

pub(crate) fn load_privacy(store: &Overlay<'_>) -> Result<Privacy, Error> {
    let load = |setting: Setting| -> Result<Audience, Error> {
        let value = state::value(store, &StateKey::Privacy(setting))?;
        Ok(value.map_or(setting.default_audience(), |bytes| Audience::unpack(&bytes)))
    };
    Ok(Privacy {
        picture: load(Setting::Picture)?,
        about: load(Setting::About)?,
        last_seen: load(Setting::LastSeen)?,
        online: load(Setting::Online)?,
        groups: load(Setting::Groups)?,
        receipts: load(Setting::Receipts)? == Audience::Everyone,
        status: load(Setting::Status)?,
    })
}

/// Whether the user has an account among the contacts: added it, or gave it a name.
pub(crate) fn is_contact(store: &Overlay<'_>, account: AccountId) -> Result<bool, Error> {
    Ok(state::value(store, &StateKey::Contact(account))?.is_some()
        || state::value(store, &StateKey::ContactName(account))?.is_some())
}

/// Who has brought the account into a group against its setting, until the user has said yes to that.
pub(crate) fn group_asked_by(store: &Overlay<'_>, group: GroupId) -> Result<Option<AccountId>, Error> {
    let asked = state::value(store, &StateKey::GroupAsked(group))?;
    if asked.is_none() || state::value(store, &StateKey::GroupAccepted(group))?.is_some() {
        return Ok(None);
    }
    Ok(asked.and_then(|bytes| bytes.try_into().ok()).map(AccountId))
}

/// Of an account that the user has accepted.
pub(crate) fn rights_of(store: &Overlay<'_>, privacy: &Privacy, account: AccountId) -> Result<Rights, Error> {
    if state::is_blocked(store, account)? {
        return Ok(Rights::default());
    }
    let contact = is_contact(store, account)?;
    let last_seen = privacy.last_seen.has(account, contact);
    Ok(Rights {
        light: true,
        online: last_seen || privacy.online == Audience::Everyone,
        last_seen,
        about: privacy.about.has(account, contact),
        picture: privacy.picture.has(account, contact),
        groups: privacy.groups.has(account, contact),
    })
}

impl Client {
    /// Who may know what of the user.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn privacy(&self, db: &dyn Read) -> Result<Privacy, Error> {
        load_privacy(&Overlay::new(db))
    }

    /// Whether the user has an account among the contacts.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn is_contact(&self, db: &dyn Read, account: AccountId) -> Result<bool, Error> {
        is_contact(&Overlay::new(db), account)
    }

    /// The account is in a group now, brought by somebody; who may not has asked by that.
    pub(crate) fn brought_into(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        by: AccountId,
    ) -> Result<(), Error> {
        if !rights_of(&turn.store, &load_privacy(&turn.store)?, by)?.groups {
            self.set_state(turn, &StateKey::GroupAsked(group), Some(by.0.to_vec()))?;
        }
        Ok(())
    }

    /// Whoever writes in a group into which they were brought wants to be there.
    pub(crate) fn wants_group_if_asked(&mut self, turn: &mut Turn<'_>, group: GroupId) -> Result<(), Error> {
        match group_asked_by(&turn.store, group)? {
            Some(_) => self.wants_group(turn, group),
            None => Ok(()),
        }
    }

    /// The user wants to be in a group.
    pub(crate) fn wants_group(&mut self, turn: &mut Turn<'_>, group: GroupId) -> Result<(), Error> {
        let key = StateKey::GroupAccepted(group);
        if state::value(&turn.store, &key)?.is_none() {
            self.set_state(turn, &key, Some(vec![1]))?;
            if state::value(&turn.store, &StateKey::GroupAsked(group))?.is_some() {
                self.tell_seen_before(turn, Conversation::Group(group))?;
            }
        }
        Ok(())
    }

    /// The user says yes to being in a group into which somebody has brought them who may not.
    pub(crate) fn accept_group(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        group: GroupId,
    ) -> Result<(), Error> {
        if turn.store.load::<GroupRow>(&Key::Group(group))?.is_none() {
            turn.failed(command, Failure::UnknownGroup);
            return Ok(());
        }
        self.wants_group(turn, group)?;
        turn.event(Event::Group(group));
        turn.done(command);
        Ok(())
    }

    pub(crate) fn set_privacy(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        setting: Setting,
        audience: &Audience,
    ) -> Result<(), Error> {
        if !setting.allows(audience) {
            turn.failed(command, Failure::Malformed);
            return Ok(());
        }
        if let Audience::ContactsExcept(accounts) | Audience::Only(accounts) = audience
            && accounts.len() > MAX_AUDIENCE
        {
            turn.failed(command, Failure::GroupFull { limit: MAX_AUDIENCE });
            return Ok(());
        }
        let value = (*audience != setting.default_audience()).then(|| audience.pack());
        self.set_by(turn, command, &[(StateKey::Privacy(setting), value)])
    }

    /// The user does not know an account any more. What was written stays.
    pub(crate) fn remove_contact(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        account: AccountId,
    ) -> Result<(), Error> {
        if !is_contact(&turn.store, account)? {
            turn.failed(command, Failure::UnknownContact);
            return Ok(());
        }
        self.set_by(
            turn,
            command,
            &[(StateKey::ContactName(account), None), (StateKey::Contact(account), None)],
        )
    }

    /// The user knows an account.
    pub(crate) fn keep_contact(&mut self, turn: &mut Turn<'_>, account: AccountId) -> Result<(), Error> {
        if state::value(&turn.store, &StateKey::Contact(account))?.is_none() {
            self.set_state(turn, &StateKey::Contact(account), Some(vec![1]))?;
        }
        Ok(())
    }
}

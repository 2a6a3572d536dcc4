//! What people do about messages and conversations: reactions, edits, deletions for everyone, votes, pins.
//!
//! Each is a register of its conversation: of two acts about the same, the one with the larger (time, account,
//! device, bytes) stays, and whether an act counts is decided by nothing but itself and the message it is
//! about. So all devices of all members come to the same, in whatever order acts and messages reach them: an
//! act that comes before its message waits for it.
//!
//! A device applies to a message what changes the message itself (edits, deletions, what was to be seen once)
//! when both are there; the rest stays in the registers, where front ends find it.

use waxwing_wire::content::{Body as ContentBody, Conversation, Sync};
use waxwing_wire::limits::MAX_ACTS_PER_ARCHIVED;
use waxwing_wire::post::{Act, ActBy, Card, Deed};
use waxwing_wire::{AccountId, Bytes, DeviceAddress, DeviceId, RejectCode};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, ConnectionState, Event, Failure};
use crate::db::{Key, Read, Table};
use crate::group::load_state;
use crate::limits::{
    CAUGHT_UP_MS, DELETE_WITHIN_MS, EDIT_WITHIN_MS, EXPIRED_AWAY_MS, MAX_ACTS_EARLY, MAX_EXPIRED_PER_STEP,
    MAX_REACTORS, MAX_STATUS_ACTS_ARCHIVED, STATUS_LIFE_S,
};
use crate::overlay::Overlay;
use crate::posting::check_post;
use crate::record::{ActRow, EarlyActRow, ExpiryRow, Kind, OutboxRow, Record as _};
use crate::row::{Body, Delivery, Direction, Message, MessageKey, Notice};
use crate::sealing::payload;
use crate::state::conversation_bytes;
use crate::turn::Turn;

/// What an act is about; of two with the same one stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Register {
    Reaction(AccountId),
    Text,
    Deletion,
    Pin,
    Keep,
    Vote(AccountId),
    Answer(AccountId),
    Live,
    Opened(AccountId),
    Lifetime,
}

impl Register {
    pub(crate) fn of(deed: &Deed, by: AccountId) -> Option<Self> {
        Some(match deed {
            Deed::React(_) => Self::Reaction(by),
            Deed::Edit(_) => Self::Text,
            Deed::Delete => Self::Deletion,
            Deed::Pin(_) => Self::Pin,
            Deed::Keep(_) => Self::Keep,
            Deed::Vote(_) => Self::Vote(by),
            Deed::Answer(_) => Self::Answer(by),
            Deed::Live(_) => Self::Live,
            Deed::Opened => Self::Opened(by),
            Deed::Lifetime(_) => Self::Lifetime,
            Deed::Unknown => return None,
        })
    }

    fn bytes(self) -> Vec<u8> {
        let of = |kind: u8, account: AccountId| [&[kind][..], &account.0].concat();
        match self {
            Self::Reaction(account) => of(1, account),
            Self::Text => vec![2],
            Self::Deletion => vec![3],
            Self::Pin => vec![4],
            Self::Keep => vec![5],
            Self::Vote(account) => of(6, account),
            Self::Answer(account) => of(7, account),
            Self::Live => vec![8],
            Self::Opened(account) => of(9, account),
            Self::Lifetime => vec![10],
        }
    }
}

/// Where the acts about a message stand, or those about the conversation.
pub(crate) fn place(with: Conversation, target: Option<MessageKey>) -> Vec<u8> {
    let target = target.map_or_else(|| vec![0], |target| [&[1][..], &target.bytes()].concat());
    [conversation_bytes(&with), target].concat()
}

pub(crate) fn slot(with: Conversation, target: Option<MessageKey>, register: Register) -> Key {
    Key::Act([place(with, target), register.bytes()].concat())
}

/// Rows of everything that was done about a message.
pub(crate) fn rows_about(
    store: &Overlay<'_>,
    with: Conversation,
    target: Option<MessageKey>,
    most: usize,
) -> Result<Vec<(Key, ActRow)>, Error> {
    let from = place(with, target);
    let to = [&from[..], &[0xff]].concat();
    let rows = store.rows(Table::Act, &from, &to, most)?;
    rows.into_iter().map(|(key, value)| Ok((Key::Act(key), ActRow::unpack(&value)?))).collect()
}

impl ActRow {
    pub(crate) fn new(by: DeviceAddress, act: &Act) -> Self {
        Self {
            at: act.at,
            account: by.account.0.to_vec(),
            device: by.device.number().into(),
            act: act.encode(),
        }
    }

    pub(crate) fn rank(&self) -> (u64, &[u8], u32, &[u8]) {
        (self.at, &self.account, self.device, &self.act)
    }

    pub(crate) fn read(&self) -> Result<ActBy, Error> {
        const DAMAGED: Error = Error::Damaged(ActRow::NAME);
        let account = AccountId(self.account.as_slice().try_into().map_err(|_| DAMAGED)?);
        let device = u8::try_from(self.device).ok().and_then(DeviceId::new).ok_or(DAMAGED)?;
        Ok(ActBy { by: DeviceAddress { account, device }, act: Act::decode(&self.act).map_err(|_| DAMAGED)? })
    }
}

/// The act in a register.
fn act_in(store: &Overlay<'_>, register: &Key) -> Result<Option<ActBy>, Error> {
    store.load::<ActRow>(register)?.map(|row| row.read()).transpose()
}

/// Whether an act counts, as far as it says itself. `admin`: whoever did it was an admin of the group.
pub(crate) fn counts(act: &Act, by: AccountId, admin: bool) -> bool {
    let Some((from, _)) = act.target else { return matches!(act.deed, Deed::Lifetime(_)) };
    let own = from.account == by;
    let within = |ms: u64| act.at.saturating_sub(act.sent_at_ms) <= ms;
    match &act.deed {
        Deed::Edit(_) => own && within(EDIT_WITHIN_MS),
        Deed::Delete => admin || (own && within(DELETE_WITHIN_MS)),
        Deed::Live(_) => own,
        Deed::React(_) | Deed::Pin(_) | Deed::Keep(_) | Deed::Vote(_) | Deed::Answer(_) | Deed::Opened => {
            true
        }
        Deed::Lifetime(_) | Deed::Unknown => false,
    }
}

impl Client {
    // ------------------------------------------------------------ taking

    /// Takes an act of somebody's, or of the user's. `latest`: no honest clock is further. Whether it counts.
    pub(crate) fn take_act(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        doer: ActBy,
        admin: bool,
        latest: u64,
    ) -> Result<bool, Error> {
        let ActBy { by, act } = doer;
        let Some(register) = Register::of(&act.deed, by.account) else { return Ok(false) };
        if !counts(&act, by.account, admin) || act.at > latest {
            return Ok(false);
        }
        self.counters.clock = self.counters.clock.max(act.at);
        let target = act.target.map(|(from, id)| MessageKey { from, id });
        if let Some(target) = target
            && crate::state::is_deleted(&turn.store, &target, with, act.sent_at_ms)?
        {
            return Ok(true);
        }
        let key = slot(with, target, register);
        let row = ActRow::new(by, &act);
        let before: Option<ActRow> = turn.store.load(&key)?;
        if before.as_ref().is_some_and(|before| before.rank() >= row.rank()) {
            self.stands_behind(turn, with, target, (&key, &row))?;
            return Ok(true);
        }
        if before.is_none() && target.is_some() && !self.has_room(turn, with, target)? {
            return Ok(false);
        }
        turn.store.save(key.clone(), &row);
        let Some(target) = target else {
            turn.event(Event::StateChanged);
            self.lifetime_changed(turn, with, by.account, before.as_ref(), &act.deed)?;
            return Ok(true);
        };
        match turn.store.message(&target)? {
            // Nothing is left of a message that was deleted, whatever comes later; nor of what one that was to be
            // seen once says.
            Some(message)
                if (message.body == Body::Deleted
                    && register != Register::Deletion
                    && !self.deletion_waits(turn, with, target)?)
                    || (message.body == Body::Opened && register == Register::Text) =>
            {
                turn.store.delete(key);
            }
            Some(message) if message.with == with => {
                self.act_on(turn, message, register, ActBy { by, act })?;
            }
            // About a message of another conversation: it stays where nobody looks.
            Some(_) => turn.store.delete(key),
            None if before.is_none() => self.keep_early(turn, &key)?,
            None => {}
        }
        Ok(true)
    }

    /// One message bears so many acts.
    fn has_room(
        &self,
        turn: &Turn<'_>,
        with: Conversation,
        target: Option<MessageKey>,
    ) -> Result<bool, Error> {
        Ok(rows_about(&turn.store, with, target, MAX_REACTORS)?.len() < MAX_REACTORS)
    }

    /// A message that is here has another act.
    fn act_on(
        &mut self,
        turn: &mut Turn<'_>,
        mut message: Message,
        register: Register,
        doer: ActBy,
    ) -> Result<(), Error> {
        let key = message.key;
        match register {
            Register::Text | Register::Deletion | Register::Opened(_)
                if self.apply_acts(turn, &mut message)? =>
            {
                turn.store.write_message(message);
            }
            Register::Keep => self.plan_expiry(turn, &message),
            _ => {}
        }
        turn.event(Event::Changed { message: key, doer: Box::new(doer) });
        Ok(())
    }

    /// A message came after what was done about it, and has just been shown: says who has done what. What has
    /// made another message of it is in the message already.
    pub(crate) fn tell_early_acts(
        &self,
        turn: &mut Turn<'_>,
        with: Conversation,
        key: MessageKey,
    ) -> Result<(), Error> {
        if self.counters.acts_early == 0 {
            return Ok(());
        }
        for (_, row) in rows_about(&turn.store, with, Some(key), MAX_REACTORS)? {
            let doer = row.read()?;
            if !matches!(doer.act.deed, Deed::Edit(_) | Deed::Delete | Deed::Opened) {
                turn.event(Event::Changed { message: key, doer: Box::new(doer) });
            }
        }
        Ok(())
    }

    /// Somebody has said how long what is written in a conversation stays: the history says so.
    fn lifetime_changed(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        by: AccountId,
        before: Option<&ActRow>,
        deed: &Deed,
    ) -> Result<(), Error> {
        let Deed::Lifetime(seconds) = deed else { return Ok(()) };
        let before = before.map(ActRow::read).transpose()?.map_or(Deed::Lifetime(0), |doer| doer.act.deed);
        if before == *deed {
            return Ok(());
        }
        self.notice(turn, with, Notice::Lifetime(by, *seconds))
    }

    /// Remembers that an act waits for its message. When too many wait, the one that has waited longest goes.
    fn keep_early(&mut self, turn: &mut Turn<'_>, key: &Key) -> Result<(), Error> {
        let place = u16::try_from(self.counters.acts_early % u64::from(MAX_ACTS_EARLY)).unwrap_or(0);
        self.counters.acts_early = self.counters.acts_early.wrapping_add(1);
        if let Some(former) = turn.store.load::<EarlyActRow>(&Key::EarlyAct(place))? {
            let target = act_in(&turn.store, &Key::Act(former.key.clone()))?.and_then(|doer| doer.act.target);
            let here = match target {
                Some((from, id)) => turn.store.message(&MessageKey { from, id })?.is_some(),
                None => true,
            };
            if !here {
                turn.store.delete(Key::Act(former.key));
            }
        }
        turn.store.save(Key::EarlyAct(place), &EarlyActRow { key: key.bytes() });
        Ok(())
    }

    /// What was done about a message changes it. Whether it is another now.
    pub(crate) fn apply_acts(&mut self, turn: &mut Turn<'_>, message: &mut Message) -> Result<bool, Error> {
        let (with, key) = (message.with, message.key);
        let sent_at_ms = message.sent_at_ms;
        let meant = |doer: &ActBy| doer.act.sent_at_ms == sent_at_ms;
        // Whether it was deleted or seen first, all devices come to the same.
        let readable = matches!(message.body, Body::Post(_) | Body::Opened);
        if let Some(doer) = act_in(&turn.store, &slot(with, Some(key), Register::Deletion))? {
            // What is still asked for comes, and takes its place among the others; of what is lost, nobody knows
            // when it was sent.
            if message.body == Body::Lost || (readable && meant(&doer)) {
                self.let_go(turn, message);
                // What says so disappears when the message would have: it may be gone by then on another device.
                message.body = Body::Deleted;
                message.edited_at_ms = 0;
                self.forget_retry(turn, key);
                self.forget_acts(turn, with, key, Some(Register::Deletion))?;
                return Ok(true);
            }
        }
        let Body::Post(post) = &mut message.body else { return Ok(false) };
        let own = self.own_account();
        let opened = slot(with, Some(key), Register::Opened(own));
        let edited = slot(with, Some(key), Register::Text);
        if post.once && key.from.account != own && turn.store.load::<ActRow>(&opened)?.is_some() {
            self.let_go(turn, message);
            message.body = Body::Opened;
            message.edited_at_ms = 0;
            turn.store.delete(edited);
            return Ok(true);
        }
        let Some(row) = turn.store.load::<ActRow>(&edited)? else { return Ok(false) };
        let mut doer = row.read()?;
        if !meant(&doer) {
            turn.store.delete(edited);
            return Ok(false);
        }
        let Deed::Edit(edit) = &mut doer.act.deed else { return Ok(false) };
        if message.edited_at_ms == doer.act.at && edit.text.is_empty() {
            return Ok(false);
        }
        let edit = std::mem::take(edit);
        (post.text, post.spans) = (edit.text, edit.spans);
        // The files stay, and beside them there is no preview.
        post.preview = edit.preview.filter(|_| post.attachments.is_empty());
        message.edited_at_ms = doer.act.at;
        // The text is in the message now; here remains when it was said. Its rank must stay what it is.
        let rest = ActRow { act: doer.act.encode(), ..row };
        turn.store.save(edited, &rest);
        Ok(true)
    }

    /// Forgets what was done about a message.
    pub(crate) fn forget_acts(
        &self,
        turn: &mut Turn<'_>,
        with: Conversation,
        target: MessageKey,
        except: Option<Register>,
    ) -> Result<(), Error> {
        let except = except.map(|register| slot(with, Some(target), register));
        for (key, _) in rows_about(&turn.store, with, Some(target), MAX_REACTORS)? {
            if Some(&key) != except.as_ref() {
                turn.store.delete(key);
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------ disappearing

    /// A message is about to be part of the history: what was done about it holds, and it may be over
    /// already. Whether it is to be shown. What is over is kept unshown until everything has been heard that was
    /// said before: somebody may have kept it.
    pub(crate) fn settle(&mut self, turn: &mut Turn<'_>, message: &mut Message) -> Result<bool, Error> {
        let lifetime_s = match (&message.body, message.with) {
            // It leaves nothing behind it, not even that it was deleted.
            (_, Conversation::Status(_)) => STATUS_LIFE_S,
            (Body::Post(post), _) => post.lifetime_s,
            _ => 0,
        };
        if lifetime_s > 0 {
            let sent = message.sent_at_ms.min(message.stored_at_ms);
            message.expires_at_ms = sent.saturating_add(u64::from(lifetime_s) * 1_000);
        }
        if message.body == Body::Deleted {
            // It was, before this device had heard of it.
            self.forget_acts(turn, message.with, message.key, Some(Register::Deletion))?;
        }
        self.apply_acts(turn, message)?;
        let over = message.expires_at_ms > 0 && message.expires_at_ms <= turn.now.0;
        let hidden = over && !is_kept(&turn.store, message)?;
        if hidden && message.expires_at_ms.saturating_add(EXPIRED_AWAY_MS) <= turn.now.0 {
            return Ok(false);
        }
        self.plan_expiry(turn, message);
        if hidden {
            turn.store.write_message(message.clone());
        }
        Ok(!hidden)
    }

    pub(crate) fn plan_expiry(&mut self, turn: &mut Turn<'_>, message: &Message) {
        if message.expires_at_ms > 0 {
            turn.store.save(Key::Expiry(message.expires_at_ms, message.key), &ExpiryRow::default());
            let next = self.next_expiry.unwrap_or(u64::MAX).min(message.expires_at_ms);
            self.next_expiry = Some(next);
        }
    }

    /// Deletes what has disappeared. Not before this device has heard of everything that was said until then:
    /// somebody may have kept it.
    pub(crate) fn expire_messages(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let now = turn.now.0;
        if self.next_expiry.is_none_or(|next| next > now) {
            return Ok(());
        }
        let away = now.saturating_sub(EXPIRED_AWAY_MS);
        let until = match self.caught_up() {
            _ if self.is_put_out() => now,
            Some((heard, at)) if at <= turn.now => heard.0.min(now).max(away),
            _ => away,
        };
        let to = until.saturating_add(1).to_be_bytes();
        let mut gone = Vec::new();
        for (bytes, _) in turn.store.rows(Table::Expiry, &[], &to, MAX_EXPIRED_PER_STEP)? {
            let Some((at, key)) = read_expiry(&bytes) else { return Err(Error::Damaged(ExpiryRow::NAME)) };
            turn.store.delete(Key::Expiry(at, key));
            let Some(message) = turn.store.message(&key)?.filter(|message| message.expires_at_ms == at)
            else {
                continue;
            };
            if !is_kept(&turn.store, &message)? {
                self.forget_message(turn, &message)?;
                gone.push(key);
            }
        }
        if !gone.is_empty() {
            turn.event(Event::Deleted(gone));
        }
        self.next_expiry = first_expiry(&turn.store)?;
        Ok(())
    }

    /// A message is gone from this device.
    pub(crate) fn forget_message(&mut self, turn: &mut Turn<'_>, message: &Message) -> Result<(), Error> {
        if message.direction == Direction::Outgoing {
            self.forget_receipts(turn, message.key.id)?;
        }
        if message.expires_at_ms > 0 {
            turn.store.delete(Key::Expiry(message.expires_at_ms, message.key));
        }
        self.forget_acts(turn, message.with, message.key, None)?;
        self.forget_retry(turn, message.key);
        self.let_go(turn, message);
        turn.store.delete_message(message.key);
        Ok(())
    }

    /// When [`Self::expire_messages`] has something to do.
    pub(crate) fn expire_at(&self) -> Option<Time> {
        let next = Time(self.next_expiry?);
        if self.is_put_out() {
            return Some(next);
        }
        let (heard, at) = self.caught_up()?;
        // Until the server has been heard once more: keep-alives see to that.
        (heard >= next).then_some(next.max(at))
    }

    /// The server has said that this device is none of the account's any more: it hears of nothing that was kept.
    fn is_put_out(&self) -> bool {
        self.connection() == ConnectionState::Refused(RejectCode::NotRegistered) && self.address().is_some()
    }

    /// When the server was heard last, and from when on nothing is expected any more that was said before that.
    /// A connection that nothing has come over since is no sign: the device may have slept.
    fn caught_up(&self) -> Option<(Time, Time)> {
        let online = self.connection() == ConnectionState::Online;
        let heard = self.link.heard().filter(|_| online)?;
        Some((heard, heard.max(self.heard_at?).plus(CAUGHT_UP_MS)))
    }

    // ------------------------------------------------------------ doing

    /// The user does something about a message or a conversation.
    pub(crate) fn act(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        with: Conversation,
        target: Option<MessageKey>,
        deed: Deed,
    ) -> Result<(), Error> {
        match self.check_act(turn, with, target, &deed)? {
            Ok(sent_at_ms) => {
                if self.carry_out(turn, with, target, sent_at_ms, deed)? {
                    turn.done(command);
                } else {
                    turn.failed(command, Failure::TooLate);
                }
            }
            Err(failure) => turn.failed(command, failure),
        }
        Ok(())
    }

    /// When the message was sent that an act is about, or why the user cannot do it.
    fn check_act(
        &self,
        turn: &Turn<'_>,
        with: Conversation,
        target: Option<MessageKey>,
        deed: &Deed,
    ) -> Result<Result<u64, Failure>, Error> {
        let failure = self.check_conversation(turn, with, needs_voice(deed))?.or(self.room_for(1));
        if let Some(failure) = failure {
            return Ok(Err(failure));
        }
        let Some(target) = target else {
            return Ok(if matches!(deed, Deed::Lifetime(_)) { Ok(0) } else { Err(Failure::UnknownMessage) });
        };
        let Some(message) = turn.store.message(&target)?.filter(|message| message.with == with) else {
            return Ok(Err(Failure::UnknownMessage));
        };
        let Body::Post(post) = &message.body else { return Ok(Err(Failure::UnknownMessage)) };
        let fits = match deed {
            Deed::Vote(options) => match post.card.as_deref() {
                Some(Card::Poll { options: offered, several }) => {
                    options.iter().all(|option| usize::from(*option) < offered.len())
                        && (*several || options.len() <= 1)
                }
                _ => false,
            },
            Deed::Answer(_) => matches!(post.card.as_deref(), Some(Card::Event { .. })),
            Deed::Live(_) => matches!(post.card.as_deref(), Some(Card::Place(place)) if place.live_s > 0),
            Deed::Edit(edit) => {
                if edit.text.trim().is_empty() {
                    return Ok(Err(Failure::Empty));
                }
                if !edit.attachments.is_empty() {
                    return Ok(Err(Failure::Malformed));
                }
                if let Some(failure) = check_post(edit) {
                    return Ok(Err(failure));
                }
                true
            }
            Deed::Opened => post.once && message.direction == Direction::Incoming,
            Deed::Lifetime(_) | Deed::Unknown => false,
            Deed::React(_) | Deed::Delete | Deed::Pin(_) | Deed::Keep(_) => true,
        };
        if message.delivery == Delivery::Failed {
            return Ok(Err(Failure::UnknownMessage));
        }
        let fits = match with {
            Conversation::Status(author) => {
                if let Some(failure) = self.room_for(self.shown_to(turn, &message)?.len() as u64) {
                    return Ok(Err(failure));
                }
                self.fits_status(deed, author)
            }
            Conversation::Account(_) | Conversation::Group(_) => fits,
        };
        Ok(if fits { Ok(message.sent_at_ms) } else { Err(Failure::NotAllowed) })
    }

    /// Does it here and tells whom it concerns. `false`: it is too late for that, or not this user's.
    pub(crate) fn carry_out(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        target: Option<MessageKey>,
        sent_at_ms: u64,
        deed: Deed,
    ) -> Result<bool, Error> {
        let Some(own) = self.address() else { return Ok(false) };
        let at = turn.now.0.max(self.counters.clock.saturating_add(1));
        let act = Act { target: target.map(|target| (target.from, target.id)), sent_at_ms, at, deed };
        if let Conversation::Group(group) = with {
            self.wants_group_if_asked(turn, group)?;
        }
        let admin = match with {
            Conversation::Group(group) => load_state(turn, group)?
                .is_some_and(|state| state.member(own.account).is_some_and(|member| member.admin)),
            Conversation::Account(_) | Conversation::Status(_) => false,
        };
        let undo = match with {
            Conversation::Group(_) => self.before_act(turn, with, &act)?,
            Conversation::Account(_) | Conversation::Status(_) => None,
        };
        if !self.take_act(turn, with, ActBy { by: own, act: act.clone() }, admin, u64::MAX)? {
            return Ok(false);
        }
        if let Conversation::Account(_) | Conversation::Status(_) = with {
            self.tell_own(turn, &ContentBody::Sync(Sync::Act(with, Box::new(act.clone()))))?;
        }
        match with {
            Conversation::Account(account) if account == own.account => return Ok(true),
            Conversation::Status(author) => return self.tell_status_act(turn, author, act).map(|()| true),
            Conversation::Account(_) | Conversation::Group(_) => {}
        }
        let row = OutboxRow {
            kind: Kind::Act as u32,
            id: self.fresh_id(turn)?.0,
            sent_at_ms: turn.now.0,
            payload: payload(ContentBody::Act(Box::new(act))),
            undo,
            ..OutboxRow::toward(with)
        };
        self.enqueue(turn, &row)?;
        if let Conversation::Account(account) = with {
            let request = self.is_request(turn, with)?;
            self.tell_profile(turn, account)?;
            if request {
                self.tell_seen_before(turn, with)?;
            }
        }
        Ok(true)
    }

    // ------------------------------------------------------------ reading

    /// What was done about a message and holds: reactions, votes, answers, pins. An edit is in the message
    /// already and says here only when it was made.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn acts(&self, db: &dyn Read, message: &Message) -> Result<Vec<ActBy>, Error> {
        let rows = rows_about(&Overlay::new(db), message.with, Some(message.key), MAX_REACTORS)?;
        rows.into_iter().map(|(_, row)| row.read()).collect()
    }

    /// Whether somebody has kept a message that would have disappeared.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn is_kept(&self, db: &dyn Read, message: &Message) -> Result<bool, Error> {
        is_kept(&Overlay::new(db), message)
    }

    /// Seconds after which what is written in a conversation disappears; 0: it stays.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn lifetime(&self, db: &dyn Read, with: Conversation) -> Result<u32, Error> {
        lifetime(&Overlay::new(db), with)
    }

    /// Takes them in, with the message.
    pub(crate) fn acts_archived(
        &mut self,
        turn: &mut Turn<'_>,
        message: &mut Message,
        acts: &[Bytes],
    ) -> Result<(), Error> {
        for bytes in acts {
            let Ok(doer) = ActBy::decode(bytes) else { continue };
            let Some(register) = Register::of(&doer.act.deed, doer.by.account) else { continue };
            let (key, row) =
                (slot(message.with, Some(message.key), register), ActRow::new(doer.by, &doer.act));
            let newer = |before: &ActRow| before.rank() >= row.rank();
            if turn.store.load::<ActRow>(&key)?.as_ref().is_some_and(newer) {
                continue;
            }
            if register == Register::Text {
                message.edited_at_ms = doer.act.at;
            }
            turn.store.save(key, &row);
        }
        Ok(())
    }
}

/// Whether it takes the right to write in the group.
pub(crate) fn needs_voice(deed: &Deed) -> bool {
    matches!(deed, Deed::Edit(_) | Deed::Pin(_) | Deed::Keep(_) | Deed::Live(_) | Deed::Lifetime(_))
}

/// See [`Client::lifetime`].
pub(crate) fn lifetime(store: &Overlay<'_>, with: Conversation) -> Result<u32, Error> {
    Ok(match act_in(store, &slot(with, None, Register::Lifetime))?.map(|doer| doer.act.deed) {
        Some(Deed::Lifetime(seconds)) => seconds,
        _ => 0,
    })
}

/// What was done about a message, for another device of the account.
pub(crate) fn archived_acts(store: &Overlay<'_>, message: &Message) -> Result<Vec<Bytes>, Error> {
    let most = match message.with {
        Conversation::Status(_) => MAX_STATUS_ACTS_ARCHIVED,
        Conversation::Account(_) | Conversation::Group(_) => MAX_ACTS_PER_ARCHIVED,
    };
    let rows = rows_about(store, message.with, Some(message.key), most)?;
    rows.into_iter().map(|(_, row)| Ok(Bytes::from(row.read()?.encode()))).collect()
}

fn is_kept(store: &Overlay<'_>, message: &Message) -> Result<bool, Error> {
    let kept = act_in(store, &slot(message.with, Some(message.key), Register::Keep))?;
    Ok(kept.is_some_and(|doer| doer.act.deed == Deed::Keep(true)))
}

/// Seconds for which a message stays; 0: for good.
pub(crate) fn lifetime_of(message: &Message) -> u32 {
    let ms = message.expires_at_ms.saturating_sub(message.sent_at_ms.min(message.stored_at_ms));
    u32::try_from(ms / 1_000).unwrap_or(u32::MAX)
}

/// When a message disappears, and which.
fn read_expiry(bytes: &[u8]) -> Option<(u64, MessageKey)> {
    let (at, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*at), MessageKey::parse(rest)?))
}

/// The first message that disappears.
pub(crate) fn first_expiry(store: &Overlay<'_>) -> Result<Option<u64>, Error> {
    let rows = store.rows(Table::Expiry, &[], &[0xff; 34], 1)?;
    Ok(rows.first().and_then(|(bytes, _)| read_expiry(bytes)).map(|(at, _)| at))
}

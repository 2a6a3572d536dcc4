//! What the user did in a group and the server does not take for anybody is taken back where it was done: the own
//! devices hear of it as all members do, from the server, and would not agree otherwise.
//!
//! A row of the outbox remembers what was before its act. The oldest one about something knows what holds without the
//! user's word; those after it know the one before them.

use waxwing_wire::GroupId;
use waxwing_wire::content::{Body as ContentBody, Conversation, Sync};
use waxwing_wire::post::{Act, ActBy, Answer, Deed, Post};

use crate::act::{Register, place, rows_about, slot};
use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::Key;
use crate::limits::MAX_REACTORS;
use crate::record::{ActRow, Kind, OutboxRow, Record as _, UndoRow, UndoneAct};
use crate::row::{Body, Message, MessageKey, Notice};
use crate::sealing::{payload, read_payload};
use crate::turn::Turn;

impl ActRow {
    /// Whether it is the same act: an edit loses its text when it is in the message.
    fn is(&self, other: &Self) -> bool {
        (self.at, &self.account, self.device) == (other.at, &other.account, other.device)
    }
}

impl UndoRow {
    fn former(&self) -> Result<Option<ActRow>, Error> {
        if self.former.is_empty() { Ok(None) } else { ActRow::unpack(&self.former).map(Some) }
    }

    fn post(&self) -> Option<Box<Post>> {
        match read_payload(&self.body)? {
            ContentBody::Post(post) => Some(post),
            _ => None,
        }
    }
}

impl OutboxRow {
    /// It leaves once more, and nothing was heard of it the first time. Whether that is to be remembered.
    pub(crate) fn may_be_taken(&mut self) -> bool {
        let undo = self.undo.as_mut().filter(|undo| !undo.unsure);
        undo.map(|undo| undo.unsure = true).is_some()
    }

    /// The act that it brings to a group for the first time, and the register of it.
    fn own_act(&self) -> Option<(Act, Register)> {
        if self.kind != Kind::Act as u32 || self.resend {
            return None;
        }
        let Some(ContentBody::Act(act)) = read_payload(&self.payload) else { return None };
        let by = waxwing_wire::AccountId([0; 16]);
        Register::of(&act.deed, by).map(|register| (*act, register))
    }
}

fn target_of(act: &Act) -> Option<MessageKey> {
    act.target.map(|(from, id)| MessageKey { from, id })
}

/// The same with nothing said.
fn withdrawn(deed: &Deed) -> Deed {
    match deed {
        Deed::React(_) => Deed::React(String::new()),
        Deed::Vote(_) => Deed::Vote(Vec::new()),
        Deed::Answer(_) => Deed::Answer(Answer::None),
        Deed::Pin(_) => Deed::Pin(0),
        Deed::Keep(_) => Deed::Keep(false),
        _ => Deed::Unknown,
    }
}

impl Client {
    /// What holds before the user does something.
    pub(crate) fn before_act(
        &self,
        turn: &Turn<'_>,
        with: Conversation,
        act: &Act,
    ) -> Result<Option<UndoRow>, Error> {
        let target = target_of(act);
        let Some(register) = Register::of(&act.deed, self.own_account()) else { return Ok(None) };
        let former: Option<ActRow> = turn.store.load(&slot(with, target, register))?;
        let mut undo =
            UndoRow { former: former.map(|row| row.pack()).unwrap_or_default(), ..UndoRow::default() };
        if !matches!(register, Register::Text | Register::Deletion) {
            return Ok(Some(undo));
        }
        let Some(target) = target else { return Ok(None) };
        if let Some(Message { body: Body::Post(post), edited_at_ms, .. }) = turn.store.message(&target)? {
            (undo.body, undo.edited_at_ms) = (payload(ContentBody::Post(post)), edited_at_ms);
        }
        if register == Register::Deletion {
            let acts = rows_about(&turn.store, with, Some(target), MAX_REACTORS)?;
            undo.acts =
                acts.into_iter().map(|(key, row)| UndoneAct { key: key.bytes(), act: row.pack() }).collect();
        }
        Ok(Some(undo))
    }

    /// Own acts that wait for the server, about the same thing in a group: oldest first.
    fn waiting_acts(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
        about: &[u8],
    ) -> Result<Vec<(u64, OutboxRow, Key)>, Error> {
        let mut waiting = Vec::new();
        let with = Conversation::Group(group);
        for order in self.outbox.to_group(group, Kind::Act) {
            let row = self.outbox_row(turn, order)?;
            let Some((act, _)) = row.own_act() else { continue };
            let Some(register) = Register::of(&act.deed, self.own_account()) else { continue };
            let target = target_of(&act);
            if place(with, target) == about {
                waiting.push((order, row, slot(with, target, register)));
            }
        }
        Ok(waiting)
    }

    /// Somebody's act stands behind one of the user's: it holds if that is taken back.
    pub(crate) fn stands_behind(
        &mut self,
        turn: &mut Turn<'_>,
        with: Conversation,
        target: Option<MessageKey>,
        (key, behind): (&Key, &ActRow),
    ) -> Result<(), Error> {
        let Conversation::Group(group) = with else { return Ok(()) };
        let waiting = self.waiting_acts(turn, group, &place(with, target))?;
        let Some((order, mut row, _)) = waiting.into_iter().find(|(.., slot)| slot == key) else {
            return Ok(());
        };
        if let Some(undo) = &mut row.undo
            && undo.former()?.is_none_or(|former| former.rank() < behind.rank())
        {
            undo.former = behind.pack();
            turn.store.save(Key::Outbox(order), &row);
        }
        Ok(())
    }

    /// Whether the user has deleted a message of a group for everyone, and the server has not taken that yet.
    pub(crate) fn deletion_waits(
        &self,
        turn: &Turn<'_>,
        with: Conversation,
        target: MessageKey,
    ) -> Result<bool, Error> {
        let Conversation::Group(group) = with else { return Ok(false) };
        let deletion = slot(with, Some(target), Register::Deletion);
        let waiting = self.waiting_acts(turn, group, &place(with, Some(target)))?;
        Ok(waiting.iter().any(|(.., slot)| *slot == deletion))
    }

    /// The server has taken an act for everybody.
    pub(crate) fn act_taken(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        let (Some((act, Register::Deletion)), Some(group)) = (row.own_act(), row.group()?) else {
            return Ok(());
        };
        match target_of(&act) {
            Some(target) => {
                self.forget_acts(turn, Conversation::Group(group), target, Some(Register::Deletion))
            }
            None => Ok(()),
        }
    }

    /// The server takes an act for nobody. Its row is out of the outbox, or goes out of it now.
    pub(crate) fn take_back(&mut self, turn: &mut Turn<'_>, row: &OutboxRow) -> Result<(), Error> {
        let (Some((act, _)), Some(undo), Some(group)) = (row.own_act(), &row.undo, row.group()?) else {
            return Ok(());
        };
        let (Some(register), Some(own)) = (Register::of(&act.deed, self.own_account()), self.address())
        else {
            return Ok(());
        };
        let (with, target) = (Conversation::Group(group), target_of(&act));
        if act.deed == Deed::Opened {
            // What was seen was seen, on all own devices.
            return self.tell_own(turn, &ContentBody::Sync(Sync::Act(with, Box::new(act))));
        }
        let (key, ours) = (slot(with, target, register), ActRow::new(own, &act));
        if self.hand_on(turn, row, undo, (group, &place(with, target)), (&key, &ours))? {
            return Ok(());
        }
        if turn.store.load::<ActRow>(&key)?.is_none_or(|row| !row.is(&ours)) {
            return Ok(());
        }
        let former = undo.former()?;
        match &former {
            Some(former) => turn.store.save(key, former),
            None => turn.store.delete(key),
        }
        let withdrawn = ActBy { by: own, act: Act { deed: withdrawn(&act.deed), ..act } };
        let holds = former.as_ref().map(ActRow::read).transpose()?.unwrap_or(withdrawn);
        let Some(target) = target else {
            turn.event(Event::StateChanged);
            let seconds = if let Deed::Lifetime(seconds) = holds.act.deed { seconds } else { 0 };
            return self.notice(turn, with, Notice::Lifetime(holds.by.account, seconds));
        };
        if let Some(message) = turn.store.message(&target)?.filter(|message| message.with == with) {
            self.restore(turn, message, register, undo)?;
            turn.event(Event::Changed { message: target, doer: Box::new(holds) });
        }
        Ok(())
    }

    /// What the user did later, and what waits as well, goes on from what was before. Whether one of it holds now.
    fn hand_on(
        &mut self,
        turn: &mut Turn<'_>,
        row: &OutboxRow,
        undo: &UndoRow,
        (group, about): (GroupId, &[u8]),
        (key, ours): (&Key, &ActRow),
    ) -> Result<bool, Error> {
        let name = key.bytes();
        let mut holds = false;
        for (order, mut later, slot) in self.waiting_acts(turn, group, about)? {
            let Some(theirs) = later.undo.as_mut().filter(|_| later.id != row.id) else { continue };
            if slot == *key && theirs.former()?.is_some_and(|former| former.is(ours)) {
                *theirs = UndoRow { unsure: theirs.unsure, ..undo.clone() };
                holds = true;
            } else if let Some(at) = theirs.acts.iter().position(|act| act.key == name)
                && ActRow::unpack(&theirs.acts.get(at).map(|act| act.act.clone()).unwrap_or_default())?
                    .is(ours)
            {
                theirs.acts.remove(at);
                if !undo.former.is_empty() {
                    theirs.acts.push(UndoneAct { key: name.clone(), act: undo.former.clone() });
                }
                if !undo.body.is_empty() {
                    (theirs.body, theirs.edited_at_ms) = (undo.body.clone(), undo.edited_at_ms);
                }
            } else {
                continue;
            }
            turn.store.save(Key::Outbox(order), &later);
        }
        Ok(holds)
    }

    /// A message is again what it was, and what was done about it meanwhile holds.
    fn restore(
        &mut self,
        turn: &mut Turn<'_>,
        mut message: Message,
        register: Register,
        undo: &UndoRow,
    ) -> Result<(), Error> {
        match (register, undo.post()) {
            (Register::Text, Some(former)) => {
                let Body::Post(post) = &mut message.body else { return Ok(()) };
                (post.text, post.spans, post.preview) = (former.text, former.spans, former.preview);
            }
            (Register::Deletion, Some(former)) if message.body == Body::Deleted => {
                message.body = Body::Post(former);
                for act in &undo.acts {
                    let key = Key::Act(act.key.clone());
                    if turn.store.load::<ActRow>(&key)?.is_none() {
                        turn.store.save(key, &ActRow::unpack(&act.act)?);
                    }
                }
            }
            (Register::Keep, _) => {
                self.plan_expiry(turn, &message);
                return Ok(());
            }
            _ => return Ok(()),
        }
        message.edited_at_ms = undo.edited_at_ms;
        self.apply_acts(turn, &mut message)?;
        turn.store.write_message(message);
        Ok(())
    }
}

//! What somebody shows some people for a day.
//!
//! An own status is one message of the history, in the conversation of the own account's statuses, and goes to each of
//! its audience in an envelope of their own, silently. To whom stands beside it, one row for each, where it also stands
//! who has seen it; the other own devices hear all of that with it. What viewers do about it goes to its author alone,
//! what its author does to all viewers: so nobody learns who else is shown it.

use std::collections::BTreeSet;

use waxwing_wire::attachment::{Attachment, AttachmentKind};
use waxwing_wire::content::{ArchivedMessage, Body as ContentBody, Conversation, Status};
use waxwing_wire::limits::MAX_STATUS_AUDIENCE;
use waxwing_wire::post::{Act, ActBy, Deed, Post};
use waxwing_wire::{AccountId, DeviceAddress, MessageId};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::db::{Key, Read};
use crate::group::receipts::{is_further, read_delivery, receipt_rows};
use crate::group::record::ReceiptRow;
use crate::limits::{MAX_STATUS_TEXT_BYTES, MAX_STATUSES_KEPT, STATUS_LIFE_S};
use crate::overlay::Overlay;
use crate::posting::check_post;
use crate::privacy::{is_contact, load_privacy};
use crate::record::{Kind, OutboxRow, PeerRow, StatusRow};
use crate::row::{Audience, Body, Delivery, Direction, MemberReceipt, Message, MessageKey};
use crate::sealing::payload;
use crate::turn::Turn;

/// To whom a message was shown, if it is an own status.
pub(crate) fn shown_to(store: &Overlay<'_>, message: &Message) -> Result<Vec<AccountId>, Error> {
    match message.with {
        Conversation::Status(author) if author == message.key.from.account => {
            let rows = receipt_rows(store, message.key.id, author)?;
            Ok(rows.into_iter().map(|(account, _)| account).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Who has seen an own status, and who could; see [`Client::receipts`].
pub(crate) fn receipts(
    store: &Overlay<'_>,
    id: MessageId,
    own: AccountId,
) -> Result<Vec<MemberReceipt>, Error> {
    let receipt = |(account, row): (AccountId, ReceiptRow)| row.receipt(account, read_delivery(row.delivery));
    Ok(receipt_rows(store, id, own)?.into_iter().map(receipt).collect())
}

impl Client {
    // ------------------------------------------------------------ showing

    /// Shows something to the audience: to all of it or, if something is wrong, to nobody.
    pub(crate) fn show_status(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        mut post: Post,
    ) -> Result<(), Error> {
        let Some(from) = self.address() else {
            turn.failed(command, Failure::NotRegistered);
            return Ok(());
        };
        let audience = status_audience(&turn.store, from.account)?;
        let with = Conversation::Status(from.account);
        let failure =
            if post.card.is_some() || post.once || post.quote.is_some() || !can_be_shown(&post.attachments) {
                Some(Failure::Malformed)
            } else if post.text.len() > MAX_STATUS_TEXT_BYTES {
                Some(Failure::TooLong { limit_bytes: MAX_STATUS_TEXT_BYTES })
            } else if audience.is_empty() {
                Some(Failure::NoAudience)
            } else if audience.len() > MAX_STATUS_AUDIENCE {
                Some(Failure::AudienceTooLarge { limit: MAX_STATUS_AUDIENCE })
            } else if turn.store.history(with, u64::MAX, MAX_STATUSES_KEPT)?.len() >= MAX_STATUSES_KEPT {
                Some(Failure::TooManyStatuses { limit: MAX_STATUSES_KEPT })
            } else {
                check_post(&post).or(self.room_for(audience.len() as u64))
            };
        let failure = match failure {
            None => self.attach(turn, &mut post)?,
            failure => failure,
        };
        if let Some(failure) = failure {
            turn.failed(command, failure);
            return Ok(());
        }
        let key = MessageKey { from, id: self.fresh_id(turn)? };
        for account in &audience {
            turn.store
                .save(Key::Receipt(key.id, *account), &ReceiptRow { delivery: 1, ..ReceiptRow::default() });
        }
        let waiting = u32::try_from(audience.len()).unwrap_or(u32::MAX);
        turn.store.save(Key::Receipt(key.id, from.account), &StatusRow { waiting, taken: 0 });
        let lacks = post.attachments.iter().any(|attachment| attachment.file.is_none());
        let order = self.counters.next_order;
        self.wrote(turn, key, with, 0, readable(post))?;
        if lacks {
            self.wait_for_files(turn, order, key);
        } else {
            self.bring_status(turn, key, turn.now.0)?;
        }
        turn.event(Event::Done { command, message: Some(key), peer: None });
        Ok(())
    }

    /// Has everybody brought it to whom it is shown: a row of the outbox for each.
    pub(crate) fn bring_status(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        sent_at_ms: u64,
    ) -> Result<(), Error> {
        for (account, receipt) in receipt_rows(&turn.store, key.id, key.from.account)? {
            let row = OutboxRow {
                kind: Kind::Status as u32,
                to: account.0.to_vec(),
                id: self.fresh_id(turn)?.0,
                sent_at_ms,
                ids: vec![key.id.0],
                ..OutboxRow::default()
            };
            self.enqueue(turn, &row)?;
            turn.store.save(Key::Receipt(key.id, account), &ReceiptRow { envelope: row.id, ..receipt });
        }
        Ok(())
    }

    /// What a row of the outbox brings to one of the audience; `None`: there is nothing to be shown any more, or
    /// nothing to them.
    pub(crate) fn status_to(&self, turn: &Turn<'_>, row: &OutboxRow) -> Result<Option<Box<Status>>, Error> {
        let (Some(from), Some(id)) = (self.address(), row.ids.first()) else { return Ok(None) };
        let id = MessageId(*id);
        if crate::state::is_blocked(&turn.store, row.account()?)? {
            return Ok(None);
        }
        Ok(match turn.store.message(&MessageKey { from, id })?.map(|message| message.body) {
            Some(Body::Post(post)) => Some(Box::new(Status { id, post })),
            _ => None,
        })
    }

    /// A row of the outbox has brought a status to somebody, or will not. With the last one the status is there, and
    /// the other own devices hear of it.
    pub(crate) fn status_brought(
        &mut self,
        turn: &mut Turn<'_>,
        row: &OutboxRow,
        taken: bool,
    ) -> Result<(), Error> {
        if row.kind != Kind::Status as u32 || row.resend {
            return Ok(());
        }
        let (Some(from), Some(id)) = (self.address(), row.ids.first()) else { return Ok(()) };
        let id = MessageId(*id);
        let slot = Key::Receipt(id, from.account);
        let Some(mut tally) = turn.store.load::<StatusRow>(&slot)? else { return Ok(()) };
        tally.waiting = tally.waiting.saturating_sub(1);
        tally.taken = tally.taken.saturating_add(u32::from(taken));
        turn.store.save(slot, &tally);
        let place = Key::Receipt(id, row.account()?);
        if let Some(receipt) = turn.store.load::<ReceiptRow>(&place)?.filter(|_| !taken) {
            turn.store.save(place, &receipt.further(Delivery::Failed, turn.now.0));
        }
        let Some(mut message) = turn.store.message(&MessageKey { from, id })? else { return Ok(()) };
        if tally.waiting > 0 || message.delivery != Delivery::Pending {
            return Ok(());
        }
        message.delivery = if tally.taken > 0 { Delivery::Sent } else { Delivery::Failed };
        let (key, with, delivery) = (message.key, message.with, message.delivery);
        turn.event(Event::Delivery { message: key, with, delivery });
        turn.store.write_message(message);
        self.tell_sent(turn, id)
    }

    /// One of the audience has seen an own status.
    pub(crate) fn status_raised(
        &self,
        turn: &mut Turn<'_>,
        message: &Message,
        by: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        let place = Key::Receipt(message.key.id, by);
        if by == self.own_account() || delivery != Delivery::Read {
            return Ok(());
        }
        let Some(row) = turn.store.load::<ReceiptRow>(&place)? else { return Ok(()) };
        if is_further(read_delivery(row.delivery), delivery) {
            turn.store.save(place, &row.further(delivery, turn.now.0));
            turn.event(Event::Delivery {
                message: message.key,
                with: message.with,
                delivery: message.delivery,
            });
        }
        Ok(())
    }

    /// See [`shown_to`].
    pub(crate) fn shown_to(&self, turn: &Turn<'_>, message: &Message) -> Result<Vec<AccountId>, Error> {
        if self.is_own(message.key.from.account) { shown_to(&turn.store, message) } else { Ok(Vec::new()) }
    }

    /// Another own device has told to whom it has shown a status.
    pub(crate) fn keep_shown_to(
        &self,
        turn: &mut Turn<'_>,
        message: &Message,
        shown_to: &[AccountId],
    ) -> Result<(), Error> {
        let own = self.own_account();
        if message.with != Conversation::Status(own) || message.key.from.account != own {
            return Ok(());
        }
        let seen = self.group_marks(turn, message.key)?;
        for account in shown_to.iter().take(MAX_STATUS_AUDIENCE).filter(|account| **account != own) {
            let seen = seen.iter().any(|(by, delivery)| by == account && *delivery == Delivery::Read);
            let row = ReceiptRow { delivery: 1, ..ReceiptRow::default() };
            let row = if seen { row.further(Delivery::Read, turn.now.0) } else { row };
            turn.store.save(Key::Receipt(message.key.id, *account), &row);
        }
        Ok(())
    }

    /// Another own device has shown something.
    pub(crate) fn shown_elsewhere(
        &mut self,
        turn: &mut Turn<'_>,
        archived: ArchivedMessage,
    ) -> Result<(), Error> {
        let (key, with) = (MessageKey { from: archived.name.0, id: archived.name.1 }, archived.conversation);
        if with != Conversation::Status(self.own_account())
            || turn.store.message(&key)?.is_some()
            || crate::state::is_deleted(&turn.store, &key, with, archived.sent_at_ms)?
        {
            return Ok(());
        }
        let (acts, shown_to) = (archived.acts.clone(), archived.shown_to.clone());
        let mut message = self.message_of(archived, 0);
        message.order = self.next_order();
        message.stored_at_ms = turn.now.0;
        self.keep_shown_to(turn, &message, &shown_to)?;
        self.apply_mark(turn, &mut message)?;
        self.acts_archived(turn, &mut message, &acts)?;
        self.now_shown(turn, message)
    }

    fn now_shown(&mut self, turn: &mut Turn<'_>, mut message: Message) -> Result<(), Error> {
        let (with, key) = (message.with, message.key);
        if !self.settle(turn, &mut message)? {
            return self.forget_message(turn, &message);
        }
        // What somebody shows who is no contact waits unseen, in case they become one.
        if self.shows_statuses(&turn.store, key.from.account)? {
            turn.show(message, false);
            self.tell_early_acts(turn, with, key)
        } else {
            turn.store.write_message(message);
            Ok(())
        }
    }

    // ------------------------------------------------------------ being shown

    /// Somebody shows something. Whoever the user does not know makes no rows; of the others everything is kept, so
    /// that all own devices agree, and front ends show what [`Client::shows_statuses_of`] says.
    pub(crate) fn status_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        sent_at_ms: u64,
        status: Status,
    ) -> Result<(), Error> {
        let (key, with) = (MessageKey { from, id: status.id }, Conversation::Status(from.account));
        let known = turn.store.load::<PeerRow>(&Key::Peer(from.account))?.is_some()
            || is_contact(&turn.store, from.account)?;
        if turn.store.message(&key)?.is_some() {
            return Ok(());
        }
        if !known
            || crate::state::is_deleted(&turn.store, &key, with, sent_at_ms)?
            || turn.store.history(with, u64::MAX, MAX_STATUSES_KEPT)?.len() >= MAX_STATUSES_KEPT
        {
            self.let_files_go(turn, &status.post);
            return Ok(());
        }
        let mut message = Message {
            key,
            with,
            order: self.next_order(),
            direction: Direction::Incoming,
            sent_at_ms,
            stored_at_ms: turn.now.0,
            body: Body::Post(Box::new(readable(*status.post))),
            delivery: Delivery::Delivered,
            position: 0,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        };
        self.apply_mark(turn, &mut message)?;
        self.now_shown(turn, message)
    }

    /// Somebody does something about a status: its author to what is shown here, or a viewer to an own one.
    pub(crate) fn status_act_arrived(
        &mut self,
        turn: &mut Turn<'_>,
        doer: ActBy,
        latest: u64,
    ) -> Result<(), Error> {
        let (Some((from, id)), by) = (doer.act.target, doer.by.account) else { return Ok(()) };
        let own = self.is_own(from.account);
        let fits = match doer.act.deed {
            Deed::Delete => from.account == by,
            Deed::React(_) => own,
            _ => false,
        };
        let here = turn.store.message(&MessageKey { from, id })?.is_some();
        let shown = || turn.store.load::<ReceiptRow>(&Key::Receipt(id, by)).map(|row| row.is_some());
        if fits && (!own || !here || shown()?) {
            self.take_act(turn, Conversation::Status(from.account), doer, false, latest)?;
        }
        Ok(())
    }

    /// Whether the user can do that about a status of this author's.
    pub(crate) fn fits_status(&self, deed: &Deed, author: AccountId) -> bool {
        match deed {
            Deed::Delete => self.is_own(author),
            Deed::React(_) => !self.is_own(author),
            _ => false,
        }
    }

    /// The user has done something about a status: whom that concerns is told.
    pub(crate) fn tell_status_act(
        &mut self,
        turn: &mut Turn<'_>,
        author: AccountId,
        act: Act,
    ) -> Result<(), Error> {
        let to = match act.target.map(|(from, id)| MessageKey { from, id }) {
            Some(key) if self.is_own(author) => match turn.store.message(&key)? {
                Some(message) => self.shown_to(turn, &message)?,
                None => Vec::new(),
            },
            _ => vec![author],
        };
        let payload = payload(ContentBody::StatusAct(Box::new(act)));
        for account in to {
            if crate::state::is_blocked(&turn.store, account)? {
                continue;
            }
            let row = OutboxRow {
                kind: Kind::Act as u32,
                to: account.0.to_vec(),
                id: self.fresh_id(turn)?.0,
                sent_at_ms: turn.now.0,
                payload: payload.clone(),
                ..OutboxRow::default()
            };
            self.enqueue(turn, &row)?;
        }
        Ok(())
    }

    /// Whether what an account shows is to be seen: it is the own one, or a contact that is not blocked.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn shows_statuses_of(&self, db: &dyn Read, author: AccountId) -> Result<bool, Error> {
        self.shows_statuses(&Overlay::new(db), author)
    }

    fn shows_statuses(&self, store: &Overlay<'_>, author: AccountId) -> Result<bool, Error> {
        let shows = is_contact(store, author)? && !crate::state::is_blocked(store, author)?;
        Ok(shows || self.is_own(author))
    }
}

/// Who is shown what the user shows now, ascending.
fn status_audience(store: &Overlay<'_>, own: AccountId) -> Result<BTreeSet<AccountId>, Error> {
    let mut found = match load_privacy(store)?.status {
        Audience::Only(accounts) => accounts.into_iter().collect(),
        Audience::ContactsExcept(accounts) => {
            let mut contacts = crate::state::contacts(store)?;
            contacts.retain(|account| !accounts.contains(account));
            contacts
        }
        Audience::Contacts => crate::state::contacts(store)?,
        Audience::Everyone | Audience::Nobody | Audience::LikeLastSeen => BTreeSet::new(),
    };
    for account in found.clone() {
        if account == own || crate::state::is_blocked(store, account)? {
            found.remove(&account);
        }
    }
    Ok(found)
}

/// Whether what comes with a status can be shown: one file at most, to look at or to listen to.
fn can_be_shown(files: &[Attachment]) -> bool {
    use AttachmentKind::{Gif, Photo, Video, Voice};
    match files {
        [] => true,
        [file] => matches!(file.kind, Photo | Video | Gif | Voice),
        _ => false,
    }
}

/// Nothing else is shown than a file, a text and what its link leads to, for a day.
fn readable(mut post: Post) -> Post {
    if !can_be_shown(&post.attachments) {
        post.attachments.clear();
    }
    Post { lifetime_s: STATUS_LIFE_S, quote: None, card: None, once: false, ..post }
}

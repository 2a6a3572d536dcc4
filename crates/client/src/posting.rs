//! What the user writes: to an account, to a group, to oneself, to the people of a list.

use waxwing_wire::DeviceAddress;
use waxwing_wire::attachment;
use waxwing_wire::content::Conversation;
use waxwing_wire::limits::{
    MAX_ATTACHMENTS_BYTES, MAX_CARD_BYTES, MAX_LABEL_BYTES, MAX_MENTIONS, MAX_PREVIEW_IMAGE_BYTES,
    MAX_QUOTE_BYTES, MAX_SPANS, MAX_TEXT_BYTES, MAX_URL_BYTES, POLL_OPTIONS,
};
use waxwing_wire::post::{Card, Deed, Post, Span, Style};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::db::Key;
use crate::group::{load_key, load_state, may_send};
use crate::limits::{FORWARDED_OFTEN, MAX_FORWARDED_TO, MAX_OUTBOX};
use crate::record::{Kind, OutboxRow, PeerRow};
use crate::row::{Body, Delivery, Direction, Message, MessageKey};
use crate::turn::Turn;

/// Name of the setting that says after how many seconds what is written in new conversations disappears.
pub(crate) const LIFETIME_SETTING: &str = "lifetime";

/// Stands in a quote for each character that its message shows only when it is asked for.
const HIDDEN: char = '▒';

impl Client {
    pub(crate) fn send_post(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        to: Conversation,
        mut post: Post,
    ) -> Result<(), Error> {
        let failure = self.room_for(1).or(check_post(&post)).or(self.check_conversation(turn, to, true)?);
        let failure = match failure {
            None => self.attach(turn, &mut post)?,
            failure => failure,
        };
        if let Some(failure) = failure {
            turn.failed(command, failure);
            return Ok(());
        }
        let message = self.write_post(turn, to, post)?;
        turn.event(Event::Done { command, message, peer: None });
        Ok(())
    }

    /// Writes to everybody on a list, each alone: to all of them or, if something is wrong, to nobody.
    pub(crate) fn send_to_list(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        list: [u8; 16],
        mut post: Post,
    ) -> Result<(), Error> {
        let Some(list) = crate::state::list(&turn.store, list)? else {
            turn.failed(command, Failure::UnknownList);
            return Ok(());
        };
        let mut failure = self.room_for(list.members.len() as u64).or(check_post(&post));
        for member in &list.members {
            failure = failure.or(self.check_conversation(turn, Conversation::Account(*member), true)?);
        }
        if failure.is_none() {
            failure = self.attach(turn, &mut post)?;
        }
        if let Some(failure) = failure {
            turn.failed(command, failure);
            return Ok(());
        }
        for member in list.members {
            self.write_post(turn, Conversation::Account(member), post.clone())?;
        }
        turn.done(command);
        Ok(())
    }

    /// Passes a message on to other conversations: to all of them or, if something is wrong, to none.
    pub(crate) fn forward(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        message: MessageKey,
        to: &[Conversation],
    ) -> Result<(), Error> {
        let found = turn.store.message(&message)?;
        let shown_by = found.as_ref().and_then(|found| match found.with {
            Conversation::Status(author) => Some(author),
            _ => None,
        });
        let Some(Body::Post(post)) = found.map(|found| found.body) else {
            turn.failed(command, Failure::UnknownMessage);
            return Ok(());
        };
        let most = if post.forwards >= FORWARDED_OFTEN { 1 } else { MAX_FORWARDED_TO };
        let mut failure = self.room_for(to.len() as u64);
        if to.is_empty() {
            failure = Some(Failure::Empty);
        } else if to.len() > most {
            failure = Some(Failure::TooManyForwards { limit: most });
        } else if post.once || shown_by.is_some_and(|author| !self.is_own(author)) {
            // What others show for a day is for whom they chose.
            failure = Some(Failure::NotAllowed);
        }
        for conversation in to {
            failure = failure.or(self.check_conversation(turn, *conversation, true)?);
        }
        if let Some(failure) = failure {
            turn.failed(command, failure);
            return Ok(());
        }
        // Whom it quoted and whom it named concerns the former conversation alone, and a poll is another one
        // there.
        let mut forwarded = Post { quote: None, lifetime_s: 0, ..*post };
        forwarded.spans.retain(|span| !matches!(span.style, Style::Mention(_)));
        forwarded.forwards = forwarded.forwards.saturating_add(1);
        if let Some(Card::Place(place)) = forwarded.card.as_deref_mut() {
            place.live_s = 0;
        }
        for conversation in to {
            self.write_post(turn, *conversation, forwarded.clone())?;
        }
        turn.done(command);
        Ok(())
    }

    pub(crate) fn room_for(&self, messages: u64) -> Option<Failure> {
        (self.outbox.len().saturating_add(messages) > MAX_OUTBOX).then_some(Failure::OutboxFull)
    }

    /// Why nothing can be said in a conversation, if so. `voice`: it takes the right to write in a group.
    pub(crate) fn check_conversation(
        &self,
        turn: &Turn<'_>,
        with: Conversation,
        voice: bool,
    ) -> Result<Option<Failure>, Error> {
        let Some(own) = self.address() else { return Ok(Some(Failure::NotRegistered)) };
        Ok(match with {
            Conversation::Account(account) if account == own.account => None,
            Conversation::Account(account) => {
                let known = turn.store.load::<PeerRow>(&Key::Peer(account))?.is_some();
                (!known).then_some(Failure::UnknownContact)
            }
            // What is shown goes another way; others can be reacted to.
            Conversation::Status(_) if voice => Some(Failure::NotAllowed),
            Conversation::Status(author) => {
                let blocked = crate::state::is_blocked(&turn.store, author)?;
                blocked.then_some(Failure::NotAllowed)
            }
            Conversation::Group(group) => match load_state(turn, group)? {
                None => Some(Failure::UnknownGroup),
                // It would come after that, and be refused.
                Some(_) if self.is_leaving(turn, group)? => Some(Failure::UnknownGroup),
                Some(state) => {
                    let may =
                        may_send(&state, own.account) || (!voice && state.member(own.account).is_some());
                    (!may).then_some(Failure::NotAllowed)
                }
            },
        })
    }

    /// A message in the history and a row in the outbox.
    fn write_post(
        &mut self,
        turn: &mut Turn<'_>,
        to: Conversation,
        mut post: Post,
    ) -> Result<Option<MessageKey>, Error> {
        let Some(from) = self.address() else { return Ok(None) };
        if post.lifetime_s == 0 {
            post.lifetime_s = self.lifetime_for(turn, to)?;
        }
        self.fill_quote(turn, to, &mut post)?;
        if let Conversation::Group(group) = to {
            self.wants_group_if_asked(turn, group)?;
        }
        let key = MessageKey { from, id: self.fresh_id(turn)? };
        if post.attachments.iter().any(|attachment| attachment.file.is_none()) {
            let order = self.counters.next_order;
            self.wrote(turn, key, to, 0, post)?;
            self.wait_for_files(turn, order, key);
            return Ok(Some(key));
        }
        let request = self.is_request(turn, to)?;
        let position = self.depart(turn, key, to, turn.now.0)?;
        self.wrote(turn, key, to, position, post)?;
        self.departed(turn, key, to, request)?;
        Ok(Some(key))
    }

    /// A message that waited for its files leaves.
    pub(crate) fn dispatch(&mut self, turn: &mut Turn<'_>, mut message: Message) -> Result<(), Error> {
        let (key, to, sent_at_ms) = (message.key, message.with, message.sent_at_ms);
        if let Conversation::Status(_) = to {
            turn.store.write_message(message);
            return self.bring_status(turn, key, sent_at_ms);
        }
        let request = self.is_request(turn, to)?;
        message.position = self.depart(turn, key, to, sent_at_ms)?;
        turn.store.write_message(message);
        self.departed(turn, key, to, request)
    }

    /// A message takes its place among what is sent in a conversation, which is what this says. Nothing is sent to
    /// oneself.
    fn depart(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        to: Conversation,
        sent_at_ms: u64,
    ) -> Result<u64, Error> {
        if to == Conversation::Account(key.from.account) {
            return Ok(0);
        }
        let position = self.next_position(turn, key.from, to)?;
        let (kind, id) = (Kind::Text as u32, key.id.0);
        let row = OutboxRow { kind, id, sent_at_ms, position, ..OutboxRow::toward(to) };
        self.enqueue(turn, &row)?;
        Ok(position)
    }

    /// What goes along with a message that has left. `request`: it says yes to whoever asked there.
    fn departed(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        to: Conversation,
        request: bool,
    ) -> Result<(), Error> {
        match to {
            Conversation::Account(account) if account == key.from.account => return self.noted(turn, key),
            Conversation::Account(account) => self.tell_profile(turn, account)?,
            Conversation::Group(_) | Conversation::Status(_) => {}
        }
        if request { self.tell_seen_before(turn, to) } else { Ok(()) }
    }

    /// What is said of the lifetime of messages there. A new conversation with somebody begins as the user
    /// has set it for all of them.
    fn lifetime_for(&mut self, turn: &mut Turn<'_>, to: Conversation) -> Result<u32, Error> {
        let said = crate::act::lifetime(&turn.store, to)?;
        let begins = matches!(to, Conversation::Account(account) if !self.is_own(account))
            && turn.store.history(to, u64::MAX, 1)?.is_empty();
        if said > 0 || !begins {
            return Ok(said);
        }
        let key = crate::state::StateKey::Setting(LIFETIME_SETTING.into());
        let wanted = crate::state::text(&turn.store, &key)?.and_then(|text| text.parse().ok()).unwrap_or(0);
        if wanted > 0 {
            self.carry_out(turn, to, None, 0, Deed::Lifetime(wanted))?;
        }
        Ok(wanted)
    }

    /// What the quoted message says is what this device has of it.
    fn fill_quote(&self, turn: &Turn<'_>, to: Conversation, post: &mut Post) -> Result<(), Error> {
        let Some(quote) = &mut post.quote else { return Ok(()) };
        let key = MessageKey { from: quote.message.0, id: quote.message.1 };
        // Whoever answers what somebody shows writes to them.
        let is_here = |message: &Message| match (message.with, to) {
            (Conversation::Status(author), Conversation::Account(account)) => author == account,
            (with, to) => with == to,
        };
        match turn.store.message(&key)?.filter(is_here).map(|message| message.body) {
            // Whoever looks at what was to be seen once does not quote it.
            Some(Body::Post(quoted)) if !quoted.once => {
                let text = with_spoilers_hidden(&quoted);
                let mut end = text.len().min(MAX_QUOTE_BYTES);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                quote.text = text.get(..end).unwrap_or_default().into();
                quote.attachments = quoted.attachments.iter().map(|file| file.kind).collect();
            }
            _ => {
                quote.text.clear();
                quote.attachments.clear();
            }
        }
        Ok(())
    }

    /// The place of what is written next in a conversation, which is taken by it.
    fn next_position(
        &self,
        turn: &mut Turn<'_>,
        from: DeviceAddress,
        to: Conversation,
    ) -> Result<u64, Error> {
        Ok(match to {
            Conversation::Account(account) => {
                let mut peer: PeerRow = turn.store.load(&Key::Peer(account))?.unwrap_or_default();
                peer.written = peer.written.saturating_add(1);
                turn.store.save(Key::Peer(account), &peer);
                peer.written
            }
            Conversation::Group(group) => {
                let mut written = load_key(turn, group, from)?;
                written.position = written.position.saturating_add(1);
                turn.store.save(Key::SenderKey(group, from), &written);
                written.position
            }
            Conversation::Status(_) => 0,
        })
    }

    /// Kept on the own devices; no server takes it from anybody to anybody else.
    fn noted(&mut self, turn: &mut Turn<'_>, key: MessageKey) -> Result<(), Error> {
        if let Some(mut message) = turn.store.message(&key)? {
            message.delivery = Delivery::Read;
            turn.event(Event::Delivery { message: key, with: message.with, delivery: Delivery::Read });
            turn.store.write_message(message);
        }
        self.tell_sent(turn, key.id)
    }

    /// What the user wrote goes into the history.
    pub(crate) fn wrote(
        &mut self,
        turn: &mut Turn<'_>,
        key: MessageKey,
        with: Conversation,
        position: u64,
        post: Post,
    ) -> Result<(), Error> {
        let mut message = Message {
            key,
            with,
            order: self.next_order(),
            direction: Direction::Outgoing,
            sent_at_ms: turn.now.0,
            stored_at_ms: turn.now.0,
            body: Body::Post(Box::new(post)),
            delivery: Delivery::Pending,
            position,
            missing_before: 0,
            edited_at_ms: 0,
            expires_at_ms: 0,
        };
        self.settle(turn, &mut message)?;
        turn.show(message, false);
        Ok(())
    }
}

/// Why a message cannot be sent as it is, if so.
pub(crate) fn check_post(post: &Post) -> Option<Failure> {
    let too_long =
        |bytes: usize, limit_bytes: usize| (bytes > limit_bytes).then_some(Failure::TooLong { limit_bytes });
    let titled = matches!(post.card.as_deref(), None | Some(Card::Poll { .. } | Card::Event { .. }));
    if titled && post.text.trim().is_empty() && post.attachments.is_empty() {
        return Some(Failure::Empty);
    }
    if !attachment::fit(&post.attachments) {
        return Some(Failure::TooLong { limit_bytes: MAX_ATTACHMENTS_BYTES });
    }
    if !post.attachments.is_empty() && (post.card.is_some() || post.preview.is_some()) {
        return Some(Failure::Malformed);
    }
    let mentions = post.spans.iter().filter(|span| matches!(span.style, Style::Mention(_))).count();
    if post.spans.len() > MAX_SPANS || mentions > MAX_MENTIONS {
        return Some(Failure::TooLong { limit_bytes: MAX_TEXT_BYTES });
    }
    let preview = post.preview.as_ref().and_then(|preview| {
        too_long(preview.url.len(), MAX_URL_BYTES)
            .or(too_long(preview.title.len().max(preview.description.len()), MAX_LABEL_BYTES))
            .or(too_long(preview.image.len(), MAX_PREVIEW_IMAGE_BYTES))
    });
    let card = match post.card.as_deref() {
        None => None,
        Some(Card::Contact { name, details, .. }) if !name.is_empty() => {
            too_long(name.len(), MAX_LABEL_BYTES).or(too_long(details.len(), MAX_CARD_BYTES))
        }
        Some(Card::Place(place)) if place.is_valid() => too_long(place.name.len(), MAX_LABEL_BYTES),
        Some(Card::Poll { options, .. })
            if POLL_OPTIONS.contains(&options.len()) && options.iter().all(|option| !option.is_empty()) =>
        {
            options.iter().find_map(|option| too_long(option.len(), MAX_LABEL_BYTES))
        }
        Some(Card::Event { place, .. }) => too_long(place.len(), MAX_LABEL_BYTES),
        Some(_) => Some(Failure::Malformed),
    };
    too_long(post.text.len(), MAX_TEXT_BYTES).or(preview).or(card)
}

/// What a post says, as it is seen before anybody asks for more: a quote has no styles that could hide something.
fn with_spoilers_hidden(post: &Post) -> String {
    let hidden = |at: usize| {
        let within = |span: &Span| {
            let start = span.start as usize;
            (start..start.saturating_add(span.bytes as usize)).contains(&at)
        };
        post.spans.iter().any(|span| span.style == Style::Spoiler && within(span))
    };
    let shown = |(at, c): (usize, char)| if hidden(at) && !c.is_whitespace() { HIDDEN } else { c };
    post.text.char_indices().map(shown).collect()
}

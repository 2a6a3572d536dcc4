//! One call of [`crate::Client::handle`]: what it may use and what it leads to.

use rand_core::CryptoRng;
use waxwing_wire::client_frame::{ClientFrame, GroupSend, Hello, Request, RequestBody, Send, Stored};
use waxwing_wire::content::StateEntry;
use waxwing_wire::light::{Announcement, Light, Watch};
use waxwing_wire::limits::{
    MAX_GROUP_SENDS_PER_FRAME, MAX_PLAINTEXT_BYTES, MAX_REQUESTS_PER_FRAME, MAX_SENDS_PER_FRAME,
};

use crate::Time;
use crate::command::{CommandId, Effect, Event, Failure};
use crate::db::Read;
use crate::overlay::Overlay;
use crate::row::Message;

/// Kept free in each frame for tags and lengths.
const SLACK_BYTES: usize = 64;

pub(crate) struct Turn<'a> {
    pub now: Time,
    pub rng: &'a mut dyn CryptoRng,
    pub store: Overlay<'a>,
    pub effects: Vec<Effect>,
    pub out: Outgoing,
    /// Registers that were set here in this step.
    pub state: Vec<StateEntry>,
    /// Some register has another value now.
    pub state_changed: bool,
}

/// What is to be said to the server at the end of the step, together.
#[derive(Default)]
pub(crate) struct Outgoing {
    pub hello: Option<Hello>,
    pub stored: Option<Stored>,
    /// In order.
    pub sends: Vec<Outbound>,
    pub requests: Vec<Request>,
    pub ping: Option<u32>,
    pub lights: Vec<Light>,
    pub announcement: Option<Box<Announcement>>,
    pub watch: Option<Watch>,
}

/// A message of the outbox on its way.
pub(crate) enum Outbound {
    Account(Send),
    Group(GroupSend),
}

impl<'a> Turn<'a> {
    pub(crate) fn new(now: Time, rng: &'a mut dyn CryptoRng, db: &'a dyn Read) -> Self {
        Self {
            now,
            rng,
            store: Overlay::new(db),
            effects: Vec::new(),
            out: Outgoing::default(),
            state: Vec::new(),
            state_changed: false,
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }

    /// Writes a message into the history and tells the front end. `filled`: a placeholder stood for it.
    pub(crate) fn show(&mut self, message: Message, filled: bool) {
        let event = if filled { Event::MessageFilled } else { Event::Message };
        self.event(event(message.clone()));
        self.store.write_message(message);
    }

    pub(crate) fn done(&mut self, command: CommandId) {
        self.event(Event::Done { command, message: None, peer: None });
    }

    pub(crate) fn failed(&mut self, command: CommandId, failure: Failure) {
        self.event(Event::Failed { command, failure });
    }

    /// Ends the connection; what was to be said on it is not.
    pub(crate) fn disconnect(&mut self) {
        self.out = Outgoing::default();
        self.effects.push(Effect::Disconnect);
    }
}

impl Outgoing {
    /// As few frames as hold it all, in order.
    pub(crate) fn into_frames(self) -> Vec<ClientFrame> {
        let mut frames = Vec::new();
        let mut frame = Filling::default();
        // New prekeys must be there before anybody is asked to use them.
        let publishes = self.requests.iter().any(|request| is_large(&request.what));
        frame.frame = ClientFrame {
            hello: self.hello,
            stored: self.stored,
            ping: self.ping,
            lights: self.lights,
            announcement: self.announcement,
            watch: self.watch,
            ..Default::default()
        };
        frame.bytes = frame.frame.encode().len();
        for request in self.requests {
            let alone = ClientFrame { requests: vec![request], ..Default::default() };
            let bytes = alone.encode().len();
            if frame.frame.requests.len() >= MAX_REQUESTS_PER_FRAME || !frame.has_room(bytes) {
                frames.push(frame.take());
            }
            frame.bytes += bytes;
            frame.frame.requests.extend(alone.requests);
        }
        if publishes {
            frames.push(frame.take());
        }
        for send in self.sends {
            let (bytes, full) = match &send {
                // The server takes those to groups last: order is kept by a frame of its own.
                Outbound::Account(send) => (
                    send.encoded_bytes(),
                    frame.frame.sends.len() >= MAX_SENDS_PER_FRAME || !frame.frame.group_sends.is_empty(),
                ),
                Outbound::Group(send) => {
                    (send.encoded_bytes(), frame.frame.group_sends.len() >= MAX_GROUP_SENDS_PER_FRAME)
                }
            };
            if full || !frame.has_room(bytes) {
                frames.push(frame.take());
            }
            frame.bytes += bytes;
            match send {
                Outbound::Account(send) => frame.frame.sends.push(send),
                Outbound::Group(send) => frame.frame.group_sends.push(send),
            }
        }
        frames.push(frame.take());
        frames.retain(|frame| !frame.is_empty());
        frames
    }
}

#[derive(Default)]
struct Filling {
    frame: ClientFrame,
    bytes: usize,
}

impl Filling {
    fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= MAX_PLAINTEXT_BYTES - SLACK_BYTES
    }

    fn take(&mut self) -> ClientFrame {
        self.bytes = 0;
        std::mem::take(&mut self.frame)
    }
}

fn is_large(what: &RequestBody) -> bool {
    matches!(what, RequestBody::PublishPrekeys(_) | RequestBody::Register(_))
}

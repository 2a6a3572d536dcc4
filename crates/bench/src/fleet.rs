//! Many Waxwing devices in one thread. They speak the real protocol and hold made-up ciphertexts.

mod account;
mod linking;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_wire::client_frame::{ClientFrame, Copy, GroupSend, Hello, Request, RequestBody, Send};
use waxwing_wire::frame::cut;
use waxwing_wire::handshake::{Initiator, StaticKey};
use waxwing_wire::invitation::Invitation;
use waxwing_wire::server_frame::{ResponseBody, ServerFrame};
use waxwing_wire::transport::Transport;
use waxwing_wire::{AccountId, Bytes, DeviceAddress, EnvelopeKind, MessageId, WIRE_VERSION};

use crate::limits::{CONNECTING_AT_ONCE, STALL};
use crate::net::{Happened, Sockets};
use account::Account;
pub use account::REGISTRATION_ID;

/// What happened at a device.
pub enum Event {
    /// The handshake is over.
    Joined,
    /// The server said something.
    Frame(Box<ServerFrame>),
}

enum State {
    Away,
    Connecting,
    Greeting(Initiator),
    Joined(Transport),
}

struct Device {
    key: StaticKey,
    address: Option<DeviceAddress>,
    /// Of a primary: its account.
    account: Option<Account>,
    lease: u64,
    stored: u64,
    state: State,
    input: Vec<u8>,
    pending: ClientFrame,
    dirty: bool,
}

/// Devices on one server: those that were registered, each the primary of an account of its own, and then those
/// that were linked to them.
pub struct Fleet {
    /// Their sockets.
    pub sockets: Sockets,
    /// For everything that is random.
    pub rng: ChaCha20Rng,
    address: SocketAddr,
    invitation: Invitation,
    devices: Vec<Device>,
    tag: u32,
    dirty: Vec<usize>,
    news: Vec<(usize, Happened)>,
}

/// The generator of a run, seeded by the system.
pub fn entropy() -> anyhow::Result<ChaCha20Rng> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("entropy: {error}"))?;
    Ok(ChaCha20Rng::from_seed(seed))
}

impl Fleet {
    /// Makes `count` devices and registers their accounts, then disconnects them.
    pub fn register(address: SocketAddr, invitation: Invitation, count: usize) -> anyhow::Result<Self> {
        let mut rng = entropy()?;
        let devices = (0..count).map(|_| Device::new(&mut rng)).collect();
        let sockets = Sockets::new()?;
        // Several fleets can meet on one server.
        let tag = rng.next_u32();
        let mut fleet =
            Self { sockets, rng, address, invitation, devices, tag, dirty: Vec::new(), news: Vec::new() };
        fleet.one_by_one((0..count).collect(), |fleet, device, event| match event {
            Event::Joined => {
                let account = Account::new(&mut fleet.rng)?;
                let name = fleet.username(device);
                let register = account.registration(&fleet.invitation, name);
                fleet.device(device)?.account = Some(account);
                let request = Request { id: 1, what: RequestBody::Register(Box::new(register)) };
                fleet.say(device)?.requests.push(request);
                Ok(false)
            }
            Event::Frame(frame) => match frame.responses.into_iter().next().map(|response| response.what) {
                Some(ResponseBody::Registered(address)) => {
                    fleet.device(device)?.address = Some(address);
                    fleet.disconnect(device)?;
                    Ok(true)
                }
                other => bail!("registering device {device}: {other:?}"),
            },
        })?;
        Ok(fleet)
    }

    /// What a device's account is called.
    pub fn username(&self, device: usize) -> String {
        format!("bench{}n{device}", self.tag)
    }

    /// The server was started again and may listen elsewhere.
    pub fn moved_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Connects devices and waits for their welcome.
    pub fn attach(&mut self, devices: impl IntoIterator<Item = usize>) -> anyhow::Result<()> {
        self.one_by_one(devices.into_iter().collect(), |fleet, device, event| match event {
            Event::Joined => fleet.hello(device).map(|()| false),
            Event::Frame(frame) => match frame.goodbye {
                None => Ok(frame.welcome.is_some()),
                Some(reject) => bail!("device {device} is not welcome: {reject}"),
            },
        })
    }

    /// Begins to connect a device; [`Event::Joined`] follows.
    pub fn connect(&mut self, device: usize) -> anyhow::Result<()> {
        self.sockets.connect(device, self.address)?;
        let device = self.device(device)?;
        device.state = State::Connecting;
        device.input.clear();
        device.pending = ClientFrame::default();
        Ok(())
    }

    /// Closes a device's connection.
    pub fn disconnect(&mut self, device: usize) -> anyhow::Result<()> {
        self.sockets.disconnect(device);
        self.device(device)?.state = State::Away;
        Ok(())
    }

    /// Says Hello with the next round.
    pub fn hello(&mut self, device: usize) -> anyhow::Result<()> {
        let state = self.device(device)?;
        state.lease += 1;
        let hello = Hello { version: WIRE_VERSION, lease: state.lease, stored: state.stored };
        self.say(device)?.hello = Some(hello);
        Ok(())
    }

    /// The device has stored its mailbox up to here; said with the next round, as one acknowledgement for
    /// everything that came in this one.
    pub fn stored(&mut self, device: usize, up_to: u64) -> anyhow::Result<()> {
        self.device(device)?.stored = up_to;
        self.say(device)?.stored.get_or_insert_default().up_to = up_to;
        Ok(())
    }

    /// A message to another account of the fleet, by the number of its primary; said with the next round.
    pub fn send(&mut self, from: usize, to: usize, ciphertext: Bytes) -> anyhow::Result<MessageId> {
        let id = MessageId(self.rng.next_u64());
        let list = self.device(to)?.account.as_ref().context("a registered recipient")?.list.clone();
        let copies = list.devices.iter().map(|device| Copy {
            device: device.device,
            registration_id: REGISTRATION_ID,
            kind: EnvelopeKind::Whisper,
            ciphertext: ciphertext.clone(),
        });
        let copies = copies.collect();
        let to = self.account(to)?;
        self.say(from)?.sends.push(Send {
            id,
            to,
            copies,
            silent: false,
            attempt: 0,
            others: Vec::new(),
            files: Vec::new(),
        });
        Ok(id)
    }

    /// A message to a group, said with the next round.
    pub fn group_send(&mut self, from: usize, send: GroupSend) -> anyhow::Result<()> {
        self.say(from)?.group_sends.push(send);
        Ok(())
    }

    /// A member of a group, by the number of its primary, as the server is told of it.
    pub fn view_of(&mut self, primary: usize) -> anyhow::Result<(AccountId, [u8; 8])> {
        let account = self.account(primary)?;
        let digest = self.device(primary)?.account.as_ref().context("a primary")?.digest();
        Ok((account, digest))
    }

    /// The account of a device.
    pub fn account(&mut self, device: usize) -> anyhow::Result<AccountId> {
        Ok(self.device(device)?.address.context("a registered device")?.account)
    }

    /// What the device will say with the next round.
    pub fn say(&mut self, device: usize) -> anyhow::Result<&mut ClientFrame> {
        let state = self.devices.get_mut(device).context("a device of the fleet")?;
        if !state.dirty {
            state.dirty = true;
            self.dirty.push(device);
        }
        Ok(&mut state.pending)
    }

    /// Sends what the devices have to say and waits for news, at most so long.
    ///
    /// # Errors
    /// Also when a connection ends that nobody here has ended.
    pub fn round(&mut self, wait: Duration) -> anyhow::Result<Vec<(usize, Event)>> {
        for device in std::mem::take(&mut self.dirty) {
            self.flush(device)?;
        }
        let mut news = std::mem::take(&mut self.news);
        self.sockets.round(wait, &mut news)?;
        let mut events = Vec::with_capacity(news.len());
        for (device, happened) in news.drain(..) {
            match happened {
                Happened::Connected => self.greet(device)?,
                Happened::Bytes(bytes) => self.take_in(device, &bytes, &mut events)?,
                Happened::Closed(why) => bail!("device {device} lost its connection: {why}"),
            }
        }
        self.news = news;
        Ok(events)
    }

    /// Connects devices, some at a time, and hands their events to `handle` until it says for each that it
    /// is done.
    fn one_by_one(
        &mut self,
        devices: VecDeque<usize>,
        mut handle: impl FnMut(&mut Self, usize, Event) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let (mut waiting, mut under_way) = (devices, 0);
        let mut last_news = Instant::now();
        while !waiting.is_empty() || under_way > 0 {
            while under_way < CONNECTING_AT_ONCE {
                let Some(device) = waiting.pop_front() else { break };
                self.connect(device)?;
                under_way += 1;
            }
            for (device, event) in self.round(Duration::from_millis(100))? {
                last_news = Instant::now();
                under_way -= usize::from(handle(self, device, event)?);
            }
            if last_news.elapsed() > STALL {
                bail!("{under_way} devices wait for the server, {} more after them", waiting.len());
            }
        }
        Ok(())
    }

    fn device(&mut self, device: usize) -> anyhow::Result<&mut Device> {
        self.devices.get_mut(device).context("a device of the fleet")
    }

    fn greet(&mut self, device: usize) -> anyhow::Result<()> {
        let state = self.devices.get_mut(device).context("a device of the fleet")?;
        let (initiator, bytes) = Initiator::start(&state.key, Some(self.invitation.server), &mut self.rng)?;
        state.state = State::Greeting(initiator);
        self.sockets.send(device, |out| out.extend_from_slice(&bytes));
        Ok(())
    }

    fn take_in(
        &mut self,
        device: usize,
        bytes: &[u8],
        events: &mut Vec<(usize, Event)>,
    ) -> anyhow::Result<()> {
        let state = self.devices.get_mut(device).context("a device of the fleet")?;
        state.input.extend_from_slice(bytes);
        let mut input = std::mem::take(&mut state.input);
        let mut rest = input.as_mut_slice();
        while let Some(cut) = cut(rest)? {
            let (frame, after) = rest.split_at_mut(cut.prefix_bytes + cut.frame_bytes);
            let frame = frame.get_mut(cut.prefix_bytes..).unwrap_or_default();
            rest = after;
            match std::mem::replace(&mut state.state, State::Away) {
                State::Greeting(initiator) => {
                    let (finished, _) = initiator.finish(frame)?;
                    state.state = State::Joined(finished.transport);
                    events.push((device, Event::Joined));
                }
                State::Joined(mut transport) => {
                    let plaintext = transport.open(frame)?;
                    let frame = ServerFrame::decode(Bytes::copy_from_slice(plaintext))?;
                    state.state = State::Joined(transport);
                    events.push((device, Event::Frame(Box::new(frame))));
                }
                State::Away | State::Connecting => bail!("device {device}: bytes before the handshake"),
            }
        }
        state.input = rest.to_vec();
        Ok(())
    }

    fn flush(&mut self, device: usize) -> anyhow::Result<()> {
        let state = self.devices.get_mut(device).context("a device of the fleet")?;
        state.dirty = false;
        let frame = std::mem::take(&mut state.pending);
        if let State::Joined(transport) = &mut state.state
            && !frame.is_empty()
        {
            let mut sealed = Ok(());
            self.sockets.send(device, |out| sealed = transport.seal(&frame.encode(), out));
            sealed?;
        }
        Ok(())
    }
}

impl Device {
    fn new(rng: &mut ChaCha20Rng) -> Self {
        Self {
            key: StaticKey::generate(rng),
            address: None,
            account: None,
            lease: 0,
            stored: 0,
            state: State::Away,
            input: Vec::new(),
            pending: ClientFrame::default(),
            dirty: false,
        }
    }
}

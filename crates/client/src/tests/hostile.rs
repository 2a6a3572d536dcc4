//! A server that lies, and strangers who lie through an honest one.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_wire::content::PlainContent;
use waxwing_wire::devices::{HistoryRange, LinkCode, SignedDeviceList};
use waxwing_wire::server_frame::{
    Bundle, DeviceMismatch, DeviceState, Entry, Envelope, Item, Receipt, Refused, Response, ResponseBody,
    ServerFrame, Welcome,
};
use waxwing_wire::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeKind, KyberPrekey, MessageId, OneTimePrekey,
    PrekeysLeft, Reject, RejectCode, SignedPrekey,
};

use super::world::World;
use crate::limits::{MAX_RESENDS, MAX_RETRIES_PLANNED};
use crate::{Client, Command, Effect, Event, Input, Table, Time};

fn pair() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world.befriend("carol", "alice");
    world.send("alice", "bob", "a0");
    world.send("bob", "alice", "b0");
    world.send("carol", "alice", "c0");
    world
}

fn address(world: &World, name: &str) -> DeviceAddress {
    world.users[name].client.address().unwrap()
}

fn own_ids(world: &World) -> Vec<MessageId> {
    let outgoing = |message: &&crate::Message| message.direction == crate::Direction::Outgoing;
    world.users["alice"].db.messages().filter(outgoing).map(|message| message.key.id).collect()
}

/// Each ciphertext stands for the message that its sender made it for, whatever the server writes on it.
#[test]
fn a_server_that_passes_one_message_off_as_another_is_noticed() {
    let mut world = pair();
    world.offline("bob");
    world.send("alice", "bob", "yes");
    world.send("alice", "bob", "no");
    let bob = address(&world, "bob");
    let mailbox = &mut world.relay.devices.get_mut(&bob).unwrap().mailbox;
    let mut envelopes = mailbox.values_mut().filter_map(|item| match item {
        Item::Envelope(envelope) => Some(&mut envelope.id),
        Item::Receipt(_) => None,
    });
    let (first, second) = (envelopes.next().unwrap(), envelopes.next().unwrap());
    std::mem::swap(first, second);
    let asked = world.relay.sends.len();
    world.online("bob");
    world.settle();
    // Both were refused, asked for, and came again under their own names.
    assert!(world.relay.sends.len() > asked);
    let mut arrived = world.arrived("bob", "alice");
    arrived.sort();
    assert_eq!(arrived, ["a0", "no", "yes"]);
    let mine = |world: &World, with: (&str, &str)| -> Vec<(MessageId, String)> {
        let history = world.history(with.0, with.1);
        let mut list: Vec<_> =
            history.into_iter().map(|m| (m.key.id, super::world::words(&m.body))).collect();
        list.sort();
        list
    };
    assert_eq!(mine(&world, ("alice", "bob")), mine(&world, ("bob", "alice")));
}

#[test]
fn receipts_of_strangers_change_nothing() {
    let mut world = pair();
    world.offline("bob");
    world.send("alice", "bob", "unread");
    let (alice, carol) = (address(&world, "alice"), address(&world, "carol"));
    for expired in [false, true] {
        let receipt =
            Receipt { by: carol, sent_by: DeviceId::PRIMARY, ids: own_ids(&world), at_ms: 0, expired };
        world.relay.put(alice, Item::Receipt(receipt));
    }
    world.settle();
    assert_eq!(world.written("alice", "bob"), ["a0 ✓✓", "unread ✓"]);
    // Nor may a stranger have read them: carol says so of every message of alice's.
    for (order, id) in own_ids(&world).into_iter().enumerate() {
        let mut message = world.history("carol", "alice").pop().unwrap();
        message.key = crate::MessageKey { from: alice, id };
        message.order = 1_000 + order as u64;
        message.direction = crate::Direction::Incoming;
        message.delivery = crate::Delivery::Delivered;
        world.user("carol").db.apply(&vec![crate::Write::Message(Box::new(message))]);
    }
    let with = crate::Conversation::Account(alice.account);
    world.command("carol", Command::MarkRead { with, up_to: u64::MAX });
    assert_eq!(world.users["carol"].client.outbox_len(), 1);
    world.settle();
    assert_eq!(world.written("alice", "bob"), ["a0 ✓✓", "unread ✓"]);
}

#[test]
fn answers_to_nothing_and_envelopes_from_oneself_change_nothing() {
    let mut world = pair();
    let alice = address(&world, "alice");
    let before = (world.written("alice", "bob"), world.users["alice"].db.messages().count());
    world.take_events("alice");
    let refused = own_ids(&world).into_iter().map(|id| Refused {
        id,
        reject: Reject::new(RejectCode::UnknownAccount, "gone"),
        mismatch: DeviceMismatch::default(),
        group: None,
        files_gone: Vec::new(),
    });
    let own = Envelope {
        from: alice,
        id: MessageId(1),
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::from_static(b"from myself"),
        accepted_at_ms: 0,
        silent: false,
        group: None,
    };
    let frame = ServerFrame {
        accepted: own_ids(&world),
        refused: refused.collect(),
        responses: vec![
            Response { id: 99, what: ResponseBody::Registered(address(&world, "bob")) },
            Response { id: 1, what: ResponseBody::GroupFound(Vec::new()) },
        ],
        entries: vec![Entry { seq: 1_000, item: Item::Envelope(own) }],
        ..ServerFrame::default()
    };
    world.input("alice", Input::Frame(frame));
    assert_eq!((world.written("alice", "bob"), world.users["alice"].db.messages().count()), before);
    assert!(world.users["alice"].events.is_empty());
    assert_eq!(world.users["alice"].client.address(), Some(alice));
}

#[test]
fn an_envelope_under_another_name_or_from_another_sender_shows_nothing_twice() {
    let mut world = pair();
    world.offline("alice");
    world.send("bob", "alice", "only once");
    let (alice, carol) = (address(&world, "alice"), address(&world, "carol"));
    let item = world.relay.devices[&alice].mailbox.values().last().unwrap().clone();
    let Item::Envelope(envelope) = item else { panic!("bob's message") };
    world.relay.put(alice, Item::Envelope(envelope.clone()));
    world.relay.put(alice, Item::Envelope(Envelope { id: MessageId(7), ..envelope.clone() }));
    world.relay.put(alice, Item::Envelope(Envelope { from: carol, ..envelope }));
    world.online("alice");
    world.advance(60_000);
    let shown =
        |text: &str| world.users["alice"].db.messages().filter(|m| m.body.text() == Some(text)).count();
    assert_eq!(shown("only once"), 1);
    assert_eq!(world.arrived("alice", "carol"), ["c0", "…"], "what is not carol's does not surface as hers");
}

#[test]
fn endless_requests_to_send_again_are_bounded() {
    let mut world = pair();
    let (alice, bob) = (address(&world, "alice"), address(&world, "bob"));
    let (sends, fetches) = (world.relay.sends.len(), world.relay.fetches);
    let ids = own_ids(&world);
    for round in 0..200_u32 {
        for id in &ids {
            let plain = PlainContent::Retry { id: *id, attempt: round % 7, group: None };
            let envelope = Envelope {
                from: bob,
                id: MessageId(1_000_000 + u64::from(round)),
                kind: EnvelopeKind::Plaintext,
                ciphertext: Bytes::from(plain.encode()),
                accepted_at_ms: 0,
                silent: true,
                group: None,
            };
            world.relay.put(alice, Item::Envelope(envelope));
        }
        world.settle();
    }
    let resent = world.relay.sends.len() - sends;
    // Each resend begins a session that bob answers once.
    assert!(resent <= (ids.len() * MAX_RESENDS as usize) + 2, "{resent} sends");
    assert_eq!(world.relay.fetches - fetches, 1, "one renewal in so short a time");
    assert_eq!(world.arrived("bob", "alice"), ["a0"]);
    world.assert_at_rest();
}

#[test]
fn a_welcome_for_somebody_else_is_refused() {
    let mut world = pair();
    world.offline("alice");
    world.relay.mute = true;
    world.command("alice", Command::GoOnline);
    world.next("alice");
    let welcome = Welcome {
        address: address(&world, "bob"),
        server_time_ms: 0,
        previous_lease: 0,
        acknowledged: 0,
        received_in_lease: None,
        prekeys_left: PrekeysLeft::default(),
        list_version: 0,
        devices: 1,
        skipped: 0,
    };
    world.input("alice", Input::Frame(ServerFrame { welcome: Some(welcome), ..ServerFrame::default() }));
    assert!(matches!(world.state("alice"), crate::ConnectionState::Refused(_)));
}

#[test]
fn a_welcome_with_the_largest_lease_makes_no_endless_loop() {
    let mut world = pair();
    let alice = address(&world, "alice");
    world.cut("alice");
    world.reopen("alice");
    world.relay.devices.get_mut(&alice).unwrap().lease = u64::MAX;
    world.online("alice");
    assert_eq!(world.count("alice", |event| matches!(event, Event::RestoredCopy)), 1);
    world.send("alice", "bob", "still here");
    assert_eq!(world.arrived("bob", "alice"), ["a0", "still here"]);
}

#[test]
fn a_registration_id_that_no_frame_can_carry_is_not_believed() {
    let mut world = World::with(&["alice"]);
    world.join("bob");
    // The relay is told a sound one.
    world.user("bob").client.keys.registration_id = 5;
    world.register("bob");
    world.user("bob").client.keys.registration_id = 0x7fff;
    world.befriend("bob", "alice");
    world.send("bob", "alice", "poison");
    world.befriend("alice", "bob");
    world.send("alice", "bob", "still well-formed");
    assert_eq!(world.arrived("alice", "bob"), ["…"]);
    assert_eq!(world.arrived("bob", "alice"), ["still well-formed"]);
}

#[test]
fn a_key_that_is_none_is_not_kept() {
    let mut world = World::with(&["alice", "bob"]);
    let bob = address(&world, "bob");
    world.relay.devices.get_mut(&bob).unwrap().identity = [0xee; 33];
    world.befriend("alice", "bob");
    assert_eq!(world.count("alice", |event| matches!(event, Event::Failed { .. })), 1);
    let user = &world.users["alice"];
    assert!(user.client.peers(&user.db).unwrap().is_empty());
    assert!(user.client.safety_number(&user.db, bob.account).unwrap().is_none());
}

/// Numbers and names out of a small world, so that lies meet what is there.
struct Liar {
    rng: ChaCha20Rng,
    accounts: Vec<AccountId>,
    ids: Vec<MessageId>,
    lists: Vec<SignedDeviceList>,
}

impl Liar {
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(4),
            1 => self.below(400),
            2 => u64::MAX - self.below(2),
            _ => self.rng.next_u64(),
        }
    }

    fn account(&mut self) -> AccountId {
        let at = self.below(self.accounts.len() as u64 + 1) as usize;
        self.accounts.get(at).copied().unwrap_or(AccountId([self.below(250) as u8; 16]))
    }

    fn device(&mut self) -> DeviceId {
        DeviceId::new(if self.flip() { 1 } else { 1 + self.below(127) as u8 }).unwrap()
    }

    fn address(&mut self) -> DeviceAddress {
        DeviceAddress { account: self.account(), device: self.device() }
    }

    fn id(&mut self) -> MessageId {
        let at = self.below(self.ids.len() as u64 + 2) as usize;
        self.ids.get(at).copied().unwrap_or(MessageId(self.below(20)))
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn reject(&mut self) -> Reject {
        const CODES: [RejectCode; 9] = [
            RejectCode::Unspecified,
            RejectCode::Malformed,
            RejectCode::TooLarge,
            RejectCode::RateLimited,
            RejectCode::UnknownAccount,
            RejectCode::DeviceMismatch,
            RejectCode::MailboxFull,
            RejectCode::Unavailable,
            RejectCode::ShuttingDown,
        ];
        let code = CODES[self.below(CODES.len() as u64) as usize];
        Reject::later(code, "lie", self.number())
    }

    fn devices(&mut self) -> Vec<DeviceId> {
        (0..self.below(4)).map(|_| self.device()).collect()
    }

    fn envelope(&mut self) -> Envelope {
        let kind = match self.below(4) {
            0 => EnvelopeKind::Whisper,
            1 => EnvelopeKind::Prekey,
            2 => EnvelopeKind::Plaintext,
            _ => EnvelopeKind::SenderKey,
        };
        let ciphertext = if kind == EnvelopeKind::Plaintext && self.flip() {
            let (id, attempt) = (self.id(), self.below(9) as u32);
            PlainContent::Retry { id, attempt, group: None }.encode()
        } else {
            let length = self.below(80) as usize;
            let mut bytes = self.bytes(length);
            if let Some(first) = bytes.first_mut() {
                *first = 0x44;
            }
            bytes
        };
        Envelope {
            from: self.address(),
            id: self.id(),
            kind,
            ciphertext: Bytes::from(ciphertext),
            accepted_at_ms: self.number(),
            silent: self.flip(),
            group: None,
        }
    }

    fn item(&mut self) -> Item {
        if self.flip() {
            return Item::Envelope(self.envelope());
        }
        let by = self.address();
        let ids = (0..self.below(6)).map(|_| self.id()).collect();
        Item::Receipt(Receipt { by, sent_by: self.device(), ids, at_ms: self.number(), expired: self.flip() })
    }

    fn bundle(&mut self) -> Bundle {
        let (key, signature) = (self.bytes(33), self.bytes(64));
        let mut key: [u8; 33] = key.try_into().unwrap();
        key[0] = 5;
        let signature: [u8; 64] = signature.try_into().unwrap();
        Bundle {
            device: self.device(),
            registration_id: self.below(1 << 14) as u16,
            identity: key,
            signed: SignedPrekey { id: 1, key, signature },
            kyber: KyberPrekey { id: 2, key: Bytes::from(self.bytes(1_569)), signature },
            one_time: self.flip().then_some(OneTimePrekey { id: 3, key }),
            countersignature: self.flip().then_some(signature),
        }
    }

    /// A genuine list of some account, an altered one, or nonsense.
    fn list(&mut self) -> SignedDeviceList {
        let at = self.below(self.lists.len() as u64 + 1) as usize;
        let mut list = self
            .lists
            .get(at)
            .cloned()
            .unwrap_or(SignedDeviceList { list: Bytes::from(self.bytes(40)), signature: [7; 64] });
        if self.below(4) == 0 {
            list.signature[9] ^= 1;
        }
        list
    }

    fn device_state(&mut self) -> DeviceState {
        let signature: [u8; 64] = self.bytes(64).try_into().unwrap();
        DeviceState {
            device: self.device(),
            registration_id: self.below(1 << 14) as u16,
            countersignature: self.flip().then_some(signature),
            last_seen_ms: self.number(),
            place: "somewhere".into(),
            linked_at_ms: self.number(),
        }
    }

    fn command(&mut self) -> Command {
        let with = crate::Conversation::Account(self.account());
        match self.below(7) {
            0 => Command::RefreshDevices,
            1 => Command::RemoveDevice { device: self.device() },
            2 => Command::ApproveLink {
                code: LinkCode { secret: [self.below(2) as u8; 15], identity: None },
                history: HistoryRange::All,
            },
            3 => Command::SetChat { conversation: with, change: crate::ChatChange::Cleared },
            4 => Command::SetBlocked { account: self.account(), blocked: self.flip() },
            5 => Command::MarkRead { with, up_to: u64::MAX },
            _ => Command::text(with, "truth"),
        }
    }

    fn response(&mut self) -> Response {
        let what = match self.below(11) {
            0 => ResponseBody::Reject(self.reject()),
            1 => ResponseBody::Registered(self.address()),
            2 => ResponseBody::Found { account: self.account(), identity: [5; 33] },
            3 => ResponseBody::Bundles {
                list: self.list(),
                bundles: (0..self.below(3)).map(|_| self.bundle()).collect(),
            },
            4 | 5 => ResponseBody::Devices {
                list: self.list(),
                devices: (0..self.below(4)).map(|_| self.device_state()).collect(),
            },
            6 => ResponseBody::Done,
            7 => ResponseBody::Username("mallory".into()),
            8 => ResponseBody::LinkOffered(Bytes::from(self.bytes(60))),
            9 => ResponseBody::Linked { list: self.list(), sealed: Bytes::from(self.bytes(60)) },
            _ => {
                let (one_time, one_time_kyber) = (self.below(300) as u32, self.below(60) as u32);
                ResponseBody::Published(PrekeysLeft { one_time, one_time_kyber })
            }
        };
        Response { id: self.below(12) as u32, what }
    }

    fn frame(&mut self) -> ServerFrame {
        let mut seq = self.below(30);
        let mut entries = Vec::new();
        for _ in 0..self.below(5) {
            seq += 1 + self.below(3);
            entries.push(Entry { seq, item: self.item() });
        }
        let refused = (0..self.below(3)).map(|_| Refused {
            id: self.id(),
            reject: self.reject(),
            mismatch: DeviceMismatch {
                missing: self.devices(),
                extra: self.devices(),
                stale: self.devices(),
            },
            group: None,
            files_gone: Vec::new(),
        });
        let refused = refused.collect();
        let welcome = (self.below(6) == 0).then(|| Welcome {
            address: DeviceAddress { account: self.accounts[0], device: DeviceId::PRIMARY },
            server_time_ms: self.number(),
            previous_lease: self.below(50),
            acknowledged: self.below(50),
            received_in_lease: self.flip().then(|| self.below(9)),
            prekeys_left: PrekeysLeft {
                one_time: self.below(100) as u32,
                one_time_kyber: self.below(20) as u32,
            },
            list_version: self.below(3),
            devices: self.below(5) as u32,
            skipped: self.below(3),
        });
        ServerFrame {
            welcome,
            entries,
            accepted: (0..self.below(4)).map(|_| self.id()).collect(),
            refused,
            responses: (0..self.below(3)).map(|_| self.response()).collect(),
            pong: self.flip().then_some(1),
            goodbye: (self.below(20) == 0).then(|| self.reject()),
            ..ServerFrame::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_lie_breaks_a_client_or_makes_it_grow_without_bound(seed in any::<u64>()) {
        let mut world = pair();
        world.link("alice2", "alice", HistoryRange::All);
        let mut liar = Liar {
            rng: ChaCha20Rng::seed_from_u64(seed),
            accounts: ["alice", "bob", "carol"].map(|name| world.account(name)).to_vec(),
            ids: Vec::new(),
            lists: world.relay.lists.values().cloned().collect(),
        };
        let mut now = world.now;
        let user = world.users.get_mut("alice").unwrap();
        let mut frames = 0;
        for round in 0..400_u64 {
            liar.ids = user.db.messages().map(|message| message.key.id).take(30).collect();
            now = now.wrapping_add_signed(liar.below(200_000) as i64 - 20_000);
            let command = crate::CommandId(round);
            let input = match liar.below(10) {
                0 => Input::Tick,
                1 => Input::Connected,
                2 if liar.flip() => Input::Disconnected,
                3 => Input::Command(command, Command::GoOnline),
                4 => Input::Command(command, liar.command()),
                _ => Input::Frame(liar.frame()),
            };
            let step = user.client.handle(Time(now), &mut user.rng, input, &user.db).unwrap();
            user.db.apply(&step.batch);
            for effect in &step.effects {
                if let Effect::Send(frame) = effect {
                    frames += 1;
                    liar.ids.extend(frame.sends.iter().map(|send| send.id));
                    let bytes = Bytes::from(frame.encode());
                    waxwing_wire::client_frame::ClientFrame::decode(bytes).expect("sound whatever came");
                }
            }
            if liar.below(40) == 0 {
                user.client = Client::open(&user.db, Time(now)).expect("what was written can be read");
            }
        }
        prop_assert!(frames < 4_000, "{frames} frames");
        prop_assert!(user.client.outbox_len() < 2_000);
        prop_assert!(user.db.count(Table::Retry) <= MAX_RETRIES_PLANNED);
        prop_assert!(user.db.count(Table::Prekey) < 2_600, "{} prekeys", user.db.count(Table::Prekey));
    }
}

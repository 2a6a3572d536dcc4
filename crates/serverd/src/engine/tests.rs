//! The engine without a network: jobs in, results out, and a disk whose room the test decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use mio::{Poll, Token, Waker};
use tempfile::TempDir;
use waxwing_server::ConnId;
use waxwing_wire::client_frame::{
    ClientFrame, Copy, GroupSend, Hello, Register, Request, RequestBody, Send, Stored,
};
use waxwing_wire::devices::{DeviceList, ListedDevice, SignedDeviceList};
use waxwing_wire::group::{PublicChange, member_digest, view_digest};
use waxwing_wire::server_frame::{Item, ResponseBody};
use waxwing_wire::{
    AccountId, Bytes, DeviceId, DeviceKey, EnvelopeKind, GroupId, KyberPrekey, MessageId, PrekeyUpload,
    SignedPrekey, WIRE_VERSION,
};

use super::*;
use crate::message::{Peer, conn_id};
use crate::store::{Options, Space};

const PATIENCE: Duration = Duration::from_secs(20);
const AMPLE: u64 = u64::MAX / 2;
const REGISTRATION_ID: u16 = 5;

struct Rig {
    inbox: Arc<Queue<Job>>,
    port: Arc<IoPort>,
    free: Arc<AtomicU64>,
    stats: Arc<Stats>,
    engine: Option<JoinHandle<Result<(), Failed>>>,
    outcomes: Vec<Outcome>,
    token: InvitationToken,
    _poll: Poll,
    _directory: TempDir,
}

/// A device that is connected.
#[derive(Clone, Copy)]
struct Guy {
    conn: ConnId,
    account: AccountId,
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let free = Arc::new(AtomicU64::new(AMPLE));
        let probe = free.clone();
        let space = Space::probed(1_000_000, Box::new(move || probe.load(Ordering::Relaxed)));
        let store = Embedded::open(directory.path(), Options { space: Some(space), ..Options::default() });
        let poll = Poll::new().unwrap();
        let port = IoPort::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let inbox = Arc::new(Queue::new(1_000, 1_000_000));
        let stats = Arc::new(Stats::default());
        let engine = Engine::new(
            store.unwrap(),
            Settings::default(),
            Duration::from_secs(3_600),
            inbox.clone(),
            vec![port.clone()],
            stats.clone(),
        );
        let (answer, token) = std::sync::mpsc::sync_channel(1);
        inbox.put(&mut vec![Job::Invite { uses: None, expires_at_ms: None, address: None, answer }], 0);
        let engine = Some(std::thread::spawn(move || engine.run()));
        let token = token.recv().unwrap().unwrap();
        let (_poll, _directory) = (poll, directory);
        Self { inbox, port, free, stats, engine, outcomes: Vec::new(), token, _poll, _directory }
    }

    fn says(&self, conn: ConnId, key: Option<DeviceKey>, frame: ClientFrame) {
        let peer = key.map(|key| Peer { key, ip: [127, 0, 0, 1].into() });
        self.inbox.put(&mut vec![Job::Frame { conn, peer, frame: Box::new(frame) }], 0);
    }

    fn join(&mut self, number: usize) -> Guy {
        let conn = conn_id(0, number, 1);
        let key = DeviceKey([number as u8 + 1; 32]);
        let what = RequestBody::Register(Box::new(registration(self.token, number)));
        self.says(
            conn,
            Some(key),
            ClientFrame { requests: vec![Request { id: 1, what }], ..Default::default() },
        );
        let account = self.until(|outcome| match outcome {
            Outcome::Piece(to, Piece::Response(response)) if *to == conn => match response.what {
                ResponseBody::Registered(address) => Some(address.account),
                _ => panic!("{response:?}"),
            },
            _ => None,
        });
        let guy = Guy { conn, account };
        self.hello(guy, key, 1);
        guy
    }

    fn hello(&mut self, guy: Guy, key: DeviceKey, lease: u64) {
        let hello = Some(Hello { version: WIRE_VERSION, lease, stored: 0 });
        self.says(guy.conn, Some(key), ClientFrame { hello, ..ClientFrame::default() });
        self.until(|outcome| match outcome {
            Outcome::Piece(to, Piece::Welcome(_)) if *to == guy.conn => Some(()),
            _ => None,
        });
    }

    /// The first result that `pick` takes, of those that have come and those that still come; the others stay.
    fn until<T>(&mut self, mut pick: impl FnMut(&Outcome) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.outcomes.iter().enumerate().find_map(|(at, outcome)| Some((at, pick(outcome)?)));
            if let Some((at, found)) = found {
                self.outcomes.remove(at);
                return found;
            }
            let mut more = Vec::new();
            self.port.queue.take(&mut more);
            self.outcomes.append(&mut more);
            assert!(Instant::now() < deadline, "never came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sequence numbers and items of the next entries for a device.
    fn entries(&mut self, guy: Guy) -> Vec<(u64, Item)> {
        self.until(|outcome| match outcome {
            Outcome::Entries(to, entries) if *to == guy.conn => {
                let read = |(seq, item): &(u64, Bytes)| (*seq, Item::decode(item.clone()).unwrap());
                Some(entries.iter().map(read).collect())
            }
            _ => None,
        })
    }

    fn receipt(&mut self, guy: Guy) -> Vec<u64> {
        match &self.entries(guy)[..] {
            [(_, Item::Receipt(receipt))] => receipt.ids.iter().map(|id| id.0).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// `None`: accepted.
    fn answer(&mut self, guy: Guy, id: u64) -> Option<RejectCode> {
        self.until(|outcome| match outcome {
            Outcome::Piece(to, Piece::Accepted(accepted)) if *to == guy.conn && accepted.0 == id => {
                Some(None)
            }
            Outcome::Piece(to, Piece::Refused(refused)) if *to == guy.conn && refused.id.0 == id => {
                Some(Some(refused.reject.code))
            }
            _ => None,
        })
    }

    fn stored(&self, guy: Guy, up_to: u64, undecryptable: &[u64]) {
        let stored = Some(Stored { up_to, undecryptable: undecryptable.to_vec() });
        self.says(guy.conn, None, ClientFrame { stored, ..ClientFrame::default() });
    }

    fn set_free(&self, bytes: u64) {
        self.free.store(bytes, Ordering::Relaxed);
    }

    /// Waits until the engine has done all that it was told.
    fn settle(&mut self, witness: Guy) {
        let what = RequestBody::FindUsername(witness.account);
        let request = Request { id: 99, what };
        self.says(witness.conn, None, ClientFrame { requests: vec![request], ..ClientFrame::default() });
        self.until(|outcome| match outcome {
            Outcome::Piece(to, Piece::Response(response)) => {
                (*to == witness.conn && response.id == 99).then_some(())
            }
            _ => None,
        });
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.inbox.put(&mut vec![Job::IoStopped], 0);
        let ended = self.engine.take().unwrap().join();
        assert!(std::thread::panicking() || ended.unwrap().is_ok(), "the engine ends in good order");
    }
}

fn list() -> DeviceList {
    let primary =
        ListedDevice { device: DeviceId::PRIMARY, registration_id: REGISTRATION_ID, identity: [5; 33] };
    DeviceList { version: 1, issued_at_ms: 1, expires_at_ms: u64::MAX, devices: vec![primary], next: 2 }
}

fn registration(invitation: InvitationToken, number: usize) -> Register {
    let signed = Some(SignedPrekey { id: 1, key: [5; 33], signature: [1; 64] });
    let last_resort = Some(KyberPrekey { id: 1, key: vec![8; 1_569].into(), signature: [1; 64] });
    Register {
        invitation,
        username: format!("guy-{number}"),
        identity: [5; 33],
        registration_id: REGISTRATION_ID,
        prekeys: PrekeyUpload { signed, last_resort, ..PrekeyUpload::default() },
        list: SignedDeviceList { list: list().encode(), signature: [1; 64] },
    }
}

fn message(to: AccountId, id: u64) -> ClientFrame {
    let copy = Copy {
        device: DeviceId::PRIMARY,
        registration_id: REGISTRATION_ID,
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::from_static(b"unreadable"),
    };
    let send = Send {
        id: MessageId(id),
        to,
        copies: vec![copy],
        silent: false,
        attempt: 0,
        others: Vec::new(),
        files: Vec::new(),
    };
    ClientFrame { sends: vec![send], ..ClientFrame::default() }
}

fn to_group(members: &[Guy], id: u64, epoch: u64) -> GroupSend {
    let mut accounts: Vec<_> = members.iter().map(|guy| guy.account).collect();
    accounts.sort_unstable();
    let digest = member_digest(1, [(DeviceId::PRIMARY, REGISTRATION_ID)]);
    GroupSend {
        id: MessageId(id),
        group: GroupId([3; 16]),
        epoch,
        view: view_digest(accounts.into_iter().map(|account| (account, digest))),
        ciphertext: Bytes::from_static(b"unreadable too"),
        silent: false,
        attempt: 0,
        change: None,
        files: Vec::new(),
    }
}

fn group_frame(send: GroupSend) -> ClientFrame {
    ClientFrame { group_sends: vec![send], ..ClientFrame::default() }
}

#[test]
fn what_was_stored_while_the_disk_was_full_is_settled_when_there_is_room() {
    let mut rig = Rig::new();
    let (alice, bob) = (rig.join(0), rig.join(1));
    for id in 1..=3 {
        rig.says(alice.conn, None, message(bob.account, id));
        assert_eq!(rig.answer(alice, id), None);
        assert_eq!(rig.entries(bob).len(), 1);
    }
    // Not even an acknowledgement can be written now, and the device does not say it again.
    rig.set_free(0);
    rig.stored(bob, 2, &[1]);
    rig.settle(bob);
    rig.stored(bob, 3, &[]);
    rig.settle(bob);
    assert!(rig.stats.receipts.now() > 0, "it was begun, and not committed");
    let mut more = Vec::new();
    rig.port.queue.take(&mut more);
    rig.outcomes.append(&mut more);
    assert!(!rig.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Entries(..))), "no receipt yet");

    // The connection may go meanwhile: nobody will repeat it then.
    rig.inbox.put(&mut vec![Job::Closed(bob.conn)], 0);
    rig.set_free(AMPLE);
    assert_eq!(rig.receipt(alice), [2, 3], "what could not be read earns no receipt");
    // The mailbox is empty: whoever comes back gets nothing again.
    let again = Guy { conn: conn_id(0, 9, 2), ..bob };
    rig.hello(again, DeviceKey([2; 32]), 2);
    rig.says(alice.conn, None, message(bob.account, 4));
    assert_eq!(rig.entries(again).iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_fan_out_that_the_full_disk_has_cut_is_gone_on_with_when_it_is_repeated() {
    // More than two parts of a chain.
    const MEMBERS: usize = 150;
    let mut rig = Rig::new();
    let members: Vec<Guy> = (0..MEMBERS).map(|number| rig.join(number)).collect();
    let sender = members[0];
    let add = members.iter().map(|guy| guy.account).collect();
    let change = PublicChange { add, promote: vec![sender.account], ..PublicChange::default() };
    rig.says(sender.conn, None, group_frame(GroupSend { change: Some(change), ..to_group(&members, 1, 0) }));
    assert_eq!(rig.answer(sender, 1), None);

    // Room ends while the message is on its way: after the first part or the second, or not at all.
    let mut cut = 0;
    for id in 2..30 {
        rig.says(sender.conn, None, group_frame(to_group(&members, id, 1)));
        std::thread::sleep(Duration::from_micros(100 * id));
        rig.set_free(300_000);
        let answer = rig.answer(sender, id);
        rig.set_free(AMPLE);
        if let Some(code) = answer {
            assert_eq!(code, RejectCode::StorageFull);
            cut += 1;
            rig.says(sender.conn, None, group_frame(to_group(&members, id, 1)));
            assert_eq!(rig.answer(sender, id), None);
        }
    }
    assert!(cut > 0, "no fan-out was cut");
    // Everybody has each message once, and in order.
    for guy in &members[1..] {
        let mut ids = Vec::new();
        while ids.len() < 28 {
            ids.extend(rig.entries(*guy).into_iter().map(|(_, item)| match item {
                Item::Envelope(envelope) => envelope.id.0,
                Item::Receipt(receipt) => panic!("{receipt:?}"),
            }));
        }
        assert_eq!(ids, (2..30).collect::<Vec<_>>());
    }
}

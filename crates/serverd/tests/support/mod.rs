//! The real program and a small client, for the tests of this directory.
#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

pub mod files;
mod group;
mod linking;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};
use waxwing_wire::client_frame::{
    ClientFrame, Copy, GroupSend, Hello, Register, Request, RequestBody, Send, Stored,
};
use waxwing_wire::devices::{DeviceList, ListedDevice, SignedDeviceList};
use waxwing_wire::handshake::{Initiator, StaticKey};
use waxwing_wire::invitation::Invitation;
use waxwing_wire::server_frame::{Entry, Item, Refused, ResponseBody, ServerFrame};
use waxwing_wire::transport::Transport;
use waxwing_wire::{
    AccountId, Bytes, DeviceAddress, DeviceId, DeviceKey, EnvelopeKind, KyberPrekey, MessageId,
    OneTimePrekey, PrekeyUpload, SignedPrekey, WIRE_VERSION, frame,
};

pub use group::Members;
pub use linking::{complete_link, offer_link};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running `waxwingd`; killed when dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    pub data_dir: PathBuf,
    pub log: PathBuf,
    owned: Option<TempDir>,
}

impl Server {
    /// On a new data directory.
    pub fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self::start_in(&directory.path().join("data"), flags);
        server.owned = Some(directory);
        server
    }

    /// On this data directory.
    pub fn start_in(data_dir: &Path, flags: &[&str]) -> Self {
        Self::try_start_in(data_dir, flags).unwrap_or_else(|output| panic!("did not start: {output:?}"))
    }

    pub fn try_start_in(data_dir: &Path, flags: &[&str]) -> Result<Self, Output> {
        let log = data_dir.with_extension("log");
        let stderr = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut command = waxwingd();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        match line.strip_prefix("listening on ") {
            Some(address) => {
                let address = address.trim().parse().unwrap();
                Ok(Self { child, address, data_dir: data_dir.to_owned(), log, owned: None })
            }
            None => {
                let mut output = child.wait_with_output().unwrap();
                output.stderr = std::fs::read(&log).unwrap();
                Err(output)
            }
        }
    }

    /// Ends it by `kill -9` and starts it again on the same data.
    pub fn restart_after_kill(mut self, flags: &[&str]) -> Self {
        self.kill();
        self.start_again(flags)
    }

    /// Starts it again on the same data.
    pub fn start_again(mut self, flags: &[&str]) -> Self {
        let mut next = Self::start_in(&self.data_dir, flags);
        next.owned = self.owned.take();
        next
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("waxwingd did not end");
    }

    /// A reusable invitation.
    pub fn invite(&self) -> Invitation {
        let output = run(&["invite", "--reusable", "--data-dir", self.data_dir.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        Invitation::parse(std::str::from_utf8(&output.stdout).unwrap()).unwrap()
    }

    /// What it counts.
    pub fn stat(&self, name: &str) -> u64 {
        let output = run(&["stats", "--json", "--data-dir", self.data_dir.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let stats: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        stats[name].as_u64().unwrap_or_else(|| panic!("no {name} in {stats}"))
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn waxwingd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_waxwingd"))
}

pub fn run(arguments: &[&str]) -> Output {
    waxwingd().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How the stream travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Tcp,
    WebSocket,
}

enum Pipe {
    Tcp(TcpStream),
    WebSocket(Box<WebSocket<TcpStream>>),
}

impl Pipe {
    fn open(address: SocketAddr, way: Way, forwarded_for: Option<&str>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        match way {
            Way::Tcp => Ok(Self::Tcp(stream)),
            Way::WebSocket => {
                let url = format!("ws://{address}/v1/stream");
                let mut request = url.into_client_request().unwrap();
                if let Some(forwarded_for) = forwarded_for {
                    request.headers_mut().insert("X-Forwarded-For", forwarded_for.parse().unwrap());
                }
                let connected = tungstenite::client(request, stream);
                let (socket, _) = connected.map_err(|error| std::io::Error::other(error.to_string()))?;
                Ok(Self::WebSocket(Box::new(socket)))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::WebSocket(socket) => {
                let sent = socket.send(Message::binary(bytes.to_vec()));
                sent.map_err(|error| std::io::Error::other(error.to_string()))
            }
        }
    }

    fn read(&mut self, into: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                let mut piece = [0; 65_536];
                let read = stream.read(&mut piece)?;
                if read == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                into.extend_from_slice(&piece[..read]);
            }
            Self::WebSocket(socket) => match socket.read() {
                Ok(Message::Binary(bytes)) => into.extend_from_slice(&bytes),
                Ok(Message::Close(_)) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) => return Err(error),
                Err(error) => return Err(std::io::Error::other(error.to_string())),
            },
        }
        Ok(())
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Self::Tcp(stream) => stream,
            Self::WebSocket(socket) => socket.get_ref(),
        }
    }
}

/// A connection after the handshake.
pub struct Connection {
    pipe: Pipe,
    transport: Transport,
    unread: Vec<u8>,
}

impl Connection {
    pub fn open(
        address: SocketAddr,
        way: Way,
        key: &StaticKey,
        server: Option<DeviceKey>,
    ) -> std::io::Result<Self> {
        Self::over(Pipe::open(address, way, None)?, key, server)
    }

    fn over(mut pipe: Pipe, key: &StaticKey, server: Option<DeviceKey>) -> std::io::Result<Self> {
        let (initiator, bytes) = Initiator::start(key, server, &mut rng()).unwrap();
        pipe.write(&bytes)?;
        let mut unread = Vec::new();
        let message = read_unit(&mut pipe, &mut unread)?;
        let (finished, bytes) = initiator.finish(&message).unwrap();
        if !bytes.is_empty() {
            pipe.write(&bytes)?;
        }
        Ok(Self { pipe, transport: finished.transport, unread })
    }

    pub fn send(&mut self, frame: &ClientFrame) -> std::io::Result<()> {
        self.send_plaintext(&frame.encode())
    }

    pub fn send_plaintext(&mut self, plaintext: &[u8]) -> std::io::Result<()> {
        let mut sealed = Vec::new();
        self.transport.seal(plaintext, &mut sealed).unwrap();
        self.pipe.write(&sealed)
    }

    pub fn receive(&mut self) -> std::io::Result<ServerFrame> {
        let mut unit = read_unit(&mut self.pipe, &mut self.unread)?;
        let plaintext = self.transport.open(&mut unit).unwrap();
        Ok(ServerFrame::decode(Bytes::copy_from_slice(plaintext)).unwrap())
    }

    pub fn stream(&self) -> &TcpStream {
        self.pipe.stream()
    }
}

fn read_unit(pipe: &mut Pipe, unread: &mut Vec<u8>) -> std::io::Result<Vec<u8>> {
    loop {
        if let Some(cut) = frame::cut(unread).unwrap() {
            let whole: Vec<u8> = unread.drain(..cut.prefix_bytes + cut.frame_bytes).collect();
            return Ok(whole[cut.prefix_bytes..].to_vec());
        }
        pipe.read(unread)?;
    }
}

pub fn rng() -> ChaCha20Rng {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    ChaCha20Rng::from_seed(seed)
}

pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_be_bytes(bytes)
}

/// A registered device: what it must not forget, without a connection.
#[derive(Clone)]
pub struct Device {
    pub key: Arc<StaticKey>,
    pub server: DeviceKey,
    pub address: DeviceAddress,
    pub lease: u64,
    pub stored: u64,
    /// As far as the device knows the account's devices.
    pub list: DeviceList,
}

pub const REGISTRATION_ID: u16 = 77;

pub fn prekeys() -> PrekeyUpload {
    PrekeyUpload {
        signed: Some(SignedPrekey { id: 1, key: [5; 33], signature: [1; 64] }),
        last_resort: Some(KyberPrekey { id: 1, key: vec![8; 1_569].into(), signature: [1; 64] }),
        one_time: (1..=3).map(|id| OneTimePrekey { id, key: [id as u8; 33] }).collect(),
        one_time_kyber: Vec::new(),
        replace: false,
    }
}

/// Only clients check signatures.
pub fn signed(list: &DeviceList) -> SignedDeviceList {
    SignedDeviceList { list: list.encode(), signature: [9; 64] }
}

pub fn listed(device: DeviceId) -> ListedDevice {
    ListedDevice { device, registration_id: REGISTRATION_ID, identity: [5; 33] }
}

pub fn first_list() -> DeviceList {
    let issued_at_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
    DeviceList {
        version: 1,
        issued_at_ms,
        expires_at_ms: issued_at_ms + 60 * 24 * 3_600_000,
        devices: vec![listed(DeviceId::PRIMARY)],
        next: 2,
    }
}

pub fn register_request(invitation: &Invitation, username: &str) -> ClientFrame {
    let register = Register {
        invitation: invitation.token,
        username: username.to_owned(),
        identity: [5; 33],
        registration_id: REGISTRATION_ID,
        prekeys: prekeys(),
        list: signed(&first_list()),
    };
    request(RequestBody::Register(Box::new(register)))
}

pub fn request(what: RequestBody) -> ClientFrame {
    ClientFrame { requests: vec![Request { id: 1, what }], ..ClientFrame::default() }
}

impl Device {
    pub fn register(address: SocketAddr, invitation: &Invitation, username: &str) -> Self {
        let key = StaticKey::generate(&mut rng());
        let mut connection = Connection::open(address, Way::Tcp, &key, Some(invitation.server)).unwrap();
        connection.send(&register_request(invitation, username)).unwrap();
        let frame = connection.receive().unwrap();
        match frame.responses.first().map(|response| &response.what) {
            Some(ResponseBody::Registered(address)) => Self {
                key: Arc::new(key),
                server: invitation.server,
                address: *address,
                lease: 0,
                stored: 0,
                list: first_list(),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Connects and says hello.
    pub fn connect(&mut self, address: SocketAddr, way: Way) -> std::io::Result<Client> {
        let connection = Connection::open(address, way, &self.key, Some(self.server))?;
        self.greet(connection)
    }

    /// Connects through a proxy that says for whom.
    pub fn connect_forwarded(&mut self, address: SocketAddr, forwarded_for: &str) -> std::io::Result<Client> {
        let pipe = Pipe::open(address, Way::WebSocket, Some(forwarded_for))?;
        let connection = Connection::over(pipe, &self.key, Some(self.server))?;
        self.greet(connection)
    }

    fn greet(&mut self, mut connection: Connection) -> std::io::Result<Client> {
        self.lease += 1;
        let hello = Hello { version: WIRE_VERSION, lease: self.lease, stored: self.stored };
        connection.send(&ClientFrame { hello: Some(hello), ..ClientFrame::default() })?;
        let mut client = Client { connection, frames: VecDeque::new() };
        client.until(|frame| frame.welcome)?;
        Ok(client)
    }
}

/// Registers devices, several at once: what takes the time is the disk.
pub fn register_many(server: &Server, count: usize) -> Vec<Device> {
    let invitation = server.invite();
    let register = |number| Device::register(server.address, &invitation, &format!("device-{number}"));
    let numbers: Vec<_> = (0..count).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = numbers
            .chunks(count.div_ceil(16))
            .map(|part| scope.spawn(move || part.iter().map(|number| register(*number)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// A connection that speaks for a device.
pub struct Client {
    pub connection: Connection,
    /// Read and not used up.
    pub frames: VecDeque<ServerFrame>,
}

impl Client {
    /// The first thing that `pick` finds, in what was read and what still comes. Everything else stays.
    pub fn until<T>(&mut self, mut pick: impl FnMut(&mut ServerFrame) -> Option<T>) -> std::io::Result<T> {
        for frame in &mut self.frames {
            if let Some(found) = pick(frame) {
                return Ok(found);
            }
        }
        loop {
            let mut frame = self.connection.receive()?;
            let found = pick(&mut frame);
            self.frames.push_back(frame);
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    pub fn send(&mut self, sends: Vec<Send>) -> std::io::Result<()> {
        self.connection.send(&ClientFrame { sends, ..ClientFrame::default() })
    }

    pub fn group_send(&mut self, group_sends: Vec<GroupSend>) -> std::io::Result<()> {
        self.connection.send(&ClientFrame { group_sends, ..ClientFrame::default() })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, what: RequestBody) -> ResponseBody {
        self.connection.send(&request(what)).unwrap();
        self.response().unwrap()
    }

    /// The first message that was refused.
    pub fn refused(&mut self) -> std::io::Result<Refused> {
        self.until(|frame| (!frame.refused.is_empty()).then(|| frame.refused.remove(0)))
    }

    /// Waits for a message to be accepted.
    pub fn accepted(&mut self, id: MessageId) -> std::io::Result<()> {
        self.until(|frame| {
            assert!(frame.refused.is_empty(), "{frame:?}");
            frame.accepted.iter().position(|accepted| *accepted == id).map(|place| {
                frame.accepted.remove(place);
            })
        })
    }

    pub fn entry(&mut self) -> std::io::Result<Entry> {
        self.until(|frame| (!frame.entries.is_empty()).then(|| frame.entries.remove(0)))
    }

    pub fn goodbye(&mut self) -> std::io::Result<waxwing_wire::Reject> {
        self.until(|frame| frame.goodbye.take())
    }

    pub fn response(&mut self) -> std::io::Result<ResponseBody> {
        self.until(|frame| (!frame.responses.is_empty()).then(|| frame.responses.remove(0).what))
    }

    pub fn store(&mut self, up_to: u64) -> std::io::Result<()> {
        let stored = Some(Stored { up_to, undecryptable: Vec::new() });
        self.connection.send(&ClientFrame { stored, ..ClientFrame::default() })
    }
}

/// A message of `bytes` bytes that nobody can read, for there is nothing to read.
pub fn message(to: AccountId, id: u64, bytes: usize) -> Send {
    let copy = Copy {
        device: DeviceId::PRIMARY,
        registration_id: REGISTRATION_ID,
        kind: EnvelopeKind::Whisper,
        ciphertext: vec![id as u8; bytes].into(),
    };
    Send {
        id: MessageId(id),
        to,
        copies: vec![copy],
        silent: false,
        attempt: 0,
        others: Vec::new(),
        files: Vec::new(),
    }
}

/// The message's id, when the entry is one.
pub fn message_id(entry: &Entry) -> Option<u64> {
    match &entry.item {
        Item::Envelope(envelope) => Some(envelope.id.0),
        Item::Receipt(_) => None,
    }
}

/// The receipt's ids, when the entry is one.
pub fn receipt_ids(entry: &Entry) -> Vec<u64> {
    match &entry.item {
        Item::Envelope(_) => Vec::new(),
        Item::Receipt(receipt) => receipt.ids.iter().map(|id| id.0).collect(),
    }
}

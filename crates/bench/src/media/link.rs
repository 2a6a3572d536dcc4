//! A bad link in front of a server: as slow as it is told, far away, losing segments, and breaking every connection
//! now and then.
//!
//! What a lost segment costs is what TCP makes of it, since TCP itself is never seen to lose anything: the segment takes
//! its time on the link once more, comes a round trip later, and everything behind it on the connection waits, because
//! bytes come in order. A repetition may be lost as well. Each direction has the link's whole rate, which its
//! connections share. What is on its way when the connections break is gone.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use socket2::{Domain, Socket, Type};

/// What TCP sends at once on an Ethernet, bytes.
const SEGMENT_BYTES: usize = 1_448;
/// What the proxy takes at once, bytes.
const PIECE_BYTES: usize = 8 * SEGMENT_BYTES;
/// What a kernel keeps of a connection besides what is on the link, bytes.
const SOCKET_BYTES: usize = 64 * 1024;
/// A segment is not lost more often than so in a row.
const MAX_LOSSES: u32 = 20;

/// How bad it is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Bits that it carries in a second, in each direction.
    pub bits_per_second: f64,
    /// There and back.
    pub round_trip: Duration,
    /// Of the segments, 0 to 1.
    pub loss: f64,
    /// All connections break so often.
    pub drop_every: Duration,
}

impl Weather {
    /// Pieces that may be on their way: four times what fits on the link, as the windows of TCP grow to.
    fn window(&self) -> usize {
        let bytes = self.bits_per_second / 8.0 * self.round_trip.as_secs_f64() * 4.0;
        (0..4_096).take_while(|pieces| (pieces * PIECE_BYTES) as f64 <= bytes).count() + 8
    }
}

/// One direction.
struct Lane {
    free_at: Instant,
    rng: ChaCha20Rng,
}

struct Shared {
    weather: Weather,
    faulty: AtomicBool,
    stop: AtomicBool,
    drops: AtomicU64,
    lanes: [Mutex<Lane>; 2],
    open: Mutex<Vec<Pair>>,
}

/// A connection on both sides.
struct Pair {
    dead: Arc<AtomicBool>,
    sockets: [TcpStream; 2],
}

/// The link. It is gone with this value.
pub struct Link {
    /// Where it begins.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Link {
    /// To `server`. Connections break only when [`Self::begin_to_break`] was called.
    pub fn start(server: SocketAddr, weather: Weather) -> anyhow::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Inherited: what lies in a kernel is not on the link.
        listener.set_recv_buffer_size(SOCKET_BYTES)?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listener.listen(64)?;
        let listener = TcpListener::from(listener);
        let address = listener.local_addr()?;
        let lane =
            |seed| Mutex::new(Lane { free_at: Instant::now(), rng: ChaCha20Rng::from_seed([seed; 32]) });
        let shared = Arc::new(Shared {
            weather,
            faulty: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            drops: AtomicU64::new(0),
            lanes: [lane(1), lane(2)],
            open: Mutex::default(),
        });
        let (accepts, breaks) = (shared.clone(), shared.clone());
        thread::spawn(move || accept(&accepts, &listener, server));
        thread::spawn(move || break_now_and_then(&breaks));
        Ok(Self { address, shared })
    }

    /// From now on.
    pub fn begin_to_break(&self) {
        self.shared.faulty.store(true, Ordering::SeqCst);
    }

    /// No more.
    pub fn end_to_break(&self) {
        self.shared.faulty.store(false, Ordering::SeqCst);
    }

    /// How often all connections broke.
    pub fn drops(&self) -> u64 {
        self.shared.drops.load(Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.break_all();
        // Whoever accepts looks up.
        let _ = TcpStream::connect(self.address);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn break_all(&self) {
        for pair in locked(&self.open).drain(..) {
            pair.dead.store(true, Ordering::SeqCst);
            for socket in pair.sockets {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// When so many bytes have arrived that are sent now.
    fn arrival(&self, lane: usize, bytes: usize) -> Instant {
        let Weather { bits_per_second, round_trip, loss, .. } = self.weather;
        let now = Instant::now();
        let Some(lane) = self.lanes.get(lane) else { return now };
        let mut lane = locked(lane);
        lane.free_at = lane.free_at.max(now);
        let mut arrives = now;
        let mut left = bytes;
        while left > 0 {
            let segment = left.min(SEGMENT_BYTES);
            left -= segment;
            let mut losses = 0;
            while losses < MAX_LOSSES && f64::from(lane.rng.next_u32()) < loss * f64::from(u32::MAX) {
                losses += 1;
            }
            let time = Duration::from_secs_f64(segment as f64 * 8.0 / bits_per_second);
            lane.free_at += time * (1 + losses);
            arrives = arrives.max(lane.free_at + round_trip / 2 + round_trip * losses);
        }
        arrives
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener, server: SocketAddr) {
    for client in listener.incoming().map_while(Result::ok) {
        if shared.stopped() {
            return;
        }
        // Whoever is refused tries again.
        let _ = carry(shared, client, server);
    }
}

fn carry(shared: &Arc<Shared>, client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let dead = Arc::new(AtomicBool::new(false));
    let pair = Pair { dead: dead.clone(), sockets: [client.try_clone()?, server.try_clone()?] };
    locked(&shared.open).push(pair);
    // To get to know each other takes a round trip.
    let known = Instant::now() + shared.weather.round_trip;
    for (lane, from, to) in [(0, client.try_clone()?, server.try_clone()?), (1, server, client)] {
        let (pieces, comes) = sync_channel(shared.weather.window());
        let (takes, gives) = (shared.clone(), dead.clone());
        thread::spawn(move || take(&takes, lane, known, from, &pieces));
        thread::spawn(move || give(&gives, to, &comes));
    }
    Ok(())
}

fn take(
    shared: &Shared,
    lane: usize,
    mut last: Instant,
    mut from: TcpStream,
    pieces: &SyncSender<(Instant, Vec<u8>)>,
) {
    let mut bytes = vec![0; PIECE_BYTES];
    while let Ok(read) = from.read(&mut bytes) {
        let piece = bytes.get(..read).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        last = last.max(shared.arrival(lane, piece.len()));
        if pieces.send((last, piece.to_vec())).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Read);
}

fn give(dead: &AtomicBool, mut to: TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>) {
    for (at, piece) in pieces {
        thread::sleep(at.saturating_duration_since(Instant::now()));
        if dead.load(Ordering::SeqCst) || to.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn break_now_and_then(shared: &Shared) {
    let mut next = None;
    while !shared.stopped() {
        thread::sleep(Duration::from_millis(5));
        if !shared.faulty.load(Ordering::SeqCst) {
            next = None;
            continue;
        }
        let now = Instant::now();
        let at = *next.get_or_insert(now + shared.weather.drop_every);
        if now >= at {
            next = Some(at + shared.weather.drop_every);
            shared.drops.fetch_add(1, Ordering::SeqCst);
            shared.break_all();
        }
    }
}

/// What such a link carries at best: somebody who always has something to send, connects again at once, and whom
/// nobody needs to answer. Bytes that arrived, in a second.
pub fn carries(weather: Weather, time: Duration) -> anyhow::Result<f64> {
    let sink = TcpListener::bind("127.0.0.1:0")?;
    let link = Link::start(sink.local_addr()?, weather)?;
    let (arrived, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (counts, ends) = (arrived.clone(), over.clone());
    thread::spawn(move || drain(&sink, &counts, &ends));
    link.begin_to_break();
    let began = Instant::now();
    let block = vec![0; PIECE_BYTES];
    while began.elapsed() < time {
        let Ok(mut to) = TcpStream::connect(link.address) else { continue };
        while began.elapsed() < time && to.write_all(&block).is_ok() {}
    }
    let rate = arrived.load(Ordering::SeqCst) as f64 / began.elapsed().as_secs_f64();
    over.store(true, Ordering::SeqCst);
    Ok(rate)
}

fn drain(sink: &TcpListener, arrived: &Arc<AtomicU64>, over: &AtomicBool) {
    for mut from in sink.incoming().map_while(Result::ok) {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let arrived = arrived.clone();
        thread::spawn(move || {
            let mut bytes = vec![0; PIECE_BYTES];
            while let Ok(read) = from.read(&mut bytes) {
                if read == 0 {
                    return;
                }
                arrived.fetch_add(read as u64, Ordering::SeqCst);
            }
        });
    }
}

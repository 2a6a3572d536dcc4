//! Bounds of what the process holds, each with its unit in its name. Those of the wire are in
//! [`waxwing_wire::limits`], those of decisions in [`waxwing_server::limits`].

use std::time::Duration;

// ---------------------------------------------------------------- connections

/// Connections that may be open at once.
pub const MAX_CONNECTIONS: usize = 1_100_000;
/// Connections of one address that have not yet said which device they are.
pub const GUESTS_PER_IP: u32 = 256;
/// Registrations that one address may ask for at once, and that come back in an hour.
pub const REGISTRATIONS_PER_HOUR_PER_IP: u32 = 60;
/// Offers to be linked that one address may make at once, and that come back in an hour: each waits in the store
/// for ten minutes.
pub const OFFERS_PER_HOUR_PER_IP: u32 = 300;
/// Addresses whose registrations are counted; the longest unused goes first.
pub const MAX_COUNTED_IPS: usize = 65_536;
/// From the first byte to the end of the handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// From the end of the handshake until the connection speaks for a device.
pub const GUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// From an offer to be linked until the connection speaks for a device: an offer waits 10 minutes.
pub const LINK_TIMEOUT: Duration = Duration::from_secs(11 * 60);
/// A connection from which nothing came for so long is closed. Clients ping more often.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(12 * 60);
/// Bytes that were sent and that the peer does not acknowledge for so long end the connection.
pub const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(60);
/// After so much silence the kernel asks whether the peer is still there.
pub const KEEPALIVE_AFTER: Duration = Duration::from_secs(10 * 60);
/// A connection that was said goodbye to is dropped after so long, whether the peer has read it or not.
pub const LINGER: Duration = Duration::from_secs(2);

/// Output that a connection may owe its peer: the delivery window and the answers to a window of sends.
pub const MAX_UNSENT_BYTES: usize = 2 * 1024 * 1024;
/// Output that all connections together may owe their peers.
pub const MAX_UNSENT_BYTES_IN_ALL: usize = 256 * 1024 * 1024;
/// When all together owe too much, who owes less than this is left alone.
pub const MODEST_UNSENT_BYTES: usize = 32 * 1024;
/// Head of an HTTP request.
pub const MAX_HTTP_HEAD_BYTES: usize = 8 * 1024;
/// One WebSocket frame.
pub const MAX_WEBSOCKET_FRAME_BYTES: u64 = 1024 * 1024;

// ---------------------------------------------------------------- web app

/// Connections that the web app goes over at once, each with a thread; for the rest see those of files.
pub const WEB_THREADS: usize = 64;

// ---------------------------------------------------------------- files

/// Connections that files go over at once, each with a thread.
pub const MEDIA_THREADS: usize = 128;
/// Connections that wait for such a thread; with more they are told to come again.
pub const MEDIA_WAITING: usize = 256;
/// Such connections of one address.
pub const MEDIA_PER_IP: u32 = 32;
/// Stack of such a thread; what moves is in a buffer beside it.
pub const MEDIA_STACK_BYTES: usize = 256 * 1024;
/// The buffer of such a thread.
pub const MEDIA_BUFFER_BYTES: usize = 128 * 1024;
/// A thread that had nothing to do for so long ends.
pub const MEDIA_IDLE_THREAD: Duration = Duration::from_secs(30);
/// For the head of a request, once it is begun.
pub const MEDIA_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// For the next request on a connection.
pub const MEDIA_IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// For the next bytes of a body.
pub const MEDIA_IO_TIMEOUT: Duration = Duration::from_secs(20);
/// In so long at least [`MEDIA_PACE_BYTES`] must move.
pub const MEDIA_PACE: Duration = Duration::from_secs(30);
/// See [`MEDIA_PACE`]: a kilobyte a second, which the slowest network gives.
pub const MEDIA_PACE_BYTES: usize = 30 * 1024;
/// Headers of a request about files.
pub const MAX_MEDIA_HEADERS: usize = 64;
/// For the engine's word on an upload.
pub const MEDIA_ENGINE_TIMEOUT: Duration = Duration::from_secs(10);
/// For the connection before to let go of an upload.
pub const FILE_PREEMPT_WAIT: Duration = Duration::from_secs(5);
/// Files that wait to be deleted or looked at; the sweep brings more.
pub const MEDIA_CHORES_WAITING: usize = 4_096;
/// A link to download is good for one to two times so long.
pub const DOWNLOAD_LINK_SECONDS: u64 = 3_600;

/// Size of a file's segments in an object store, but the last's. What is there already has it: it never changes.
pub const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// A link to put or fetch a segment is good for so long.
pub const SEGMENT_LINK_SECONDS: u64 = 15 * 60;
/// Threads that ask an object store for what devices wait for; another one deletes.
pub const OBJECT_THREADS: usize = 4;
/// Questions that wait for such a thread; with more the device is told to come again.
pub const OBJECT_QUESTIONS: usize = 1_024;
/// For one request to an object store.
pub const OBJECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Answer of an object store: a page of a listing is the longest.
pub const MAX_OBJECT_ANSWER_BYTES: u64 = 8 * 1024 * 1024;
/// Times that an object store is tried at the start, when it cannot be reached.
pub const OBJECT_CHECK_TRIES: u32 = 5;
/// Pause between them.
pub const OBJECT_CHECK_PAUSE: Duration = Duration::from_secs(2);
/// File with the secret of an object store.
pub const MAX_SECRET_FILE_BYTES: u64 = 64 * 1024;

// ---------------------------------------------------------------- I/O threads

/// Cores for each I/O thread: the engine, and on a small machine the clients, want the others.
pub const CORES_PER_IO_THREAD: usize = 2;
/// I/O threads, bounded by the bits that a connection's number has for them.
pub const MAX_IO_THREADS: usize = 64;
/// The buffer that all sockets of a thread are read into.
pub const READ_BUFFER_BYTES: usize = 256 * 1024;
/// Events taken from the kernel at once.
pub const EVENTS_PER_ROUND: usize = 1_024;
/// Connections accepted before the others get their turn.
pub const ACCEPTS_PER_ROUND: usize = 128;
/// Handshake messages answered before the others get their turn; each costs about 0.2 ms.
pub const HANDSHAKES_PER_ROUND: usize = 32;
/// Reads from one socket before the others get their turn.
pub const READS_PER_ROUND: usize = 4;
/// Jobs collected before they are handed to the engine.
pub const JOBS_PER_HANDOVER: usize = 1_024;
/// Pause of the acceptor when the process has no descriptors left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often a thread looks again whether the engine has room, when it had none.
pub const STALL_PAUSE: Duration = Duration::from_millis(2);

// ---------------------------------------------------------------- queues

/// Jobs that wait for the engine; above it nothing is read from sockets.
pub const ENGINE_QUEUE_JOBS: usize = 16_384;
/// The same bound in bytes.
pub const ENGINE_QUEUE_BYTES: usize = 64 * 1024 * 1024;
/// Results that wait for an I/O thread; above it the engine waits.
pub const IO_QUEUE_RESULTS: usize = 131_072;
/// The same bound in bytes.
pub const IO_QUEUE_BYTES: usize = 128 * 1024 * 1024;

/// Jobs that wait for the engine from which on light events are dropped where they are read.
pub const LIGHT_QUEUE_JOBS: usize = 2_048;
/// Results that wait for an I/O thread from which on no light events are added to them.
pub const LIGHT_IO_RESULTS: usize = 8_192;

// ---------------------------------------------------------------- engine

/// Light events taken in while one commit is put together; what is more is dropped.
pub const LIGHTS_PER_TURN: usize = 2_048;

/// Commands that one commit carries.
pub const GROUP_COMMANDS: usize = 2_048;
/// While it is put together, so long others wait for messages to large groups; after it they wait for the disk.
pub const FAN_OUT_TIME: Duration = Duration::from_millis(5);
/// Frames of a connection that wait for its message to be in all mailboxes; with more it is hung up on.
pub const WAITING_JOBS_PER_CONNECTION: usize = 512;
/// Such frames of all connections together; with more nobody's frames are taken in.
pub const WAITING_JOBS: usize = 4_096;
/// Bytes that one commit carries, about.
pub const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Results that the engine collects before it hands them over, bytes.
pub const OUTBOX_BYTES: usize = 8 * 1024 * 1024;
/// How often the store is looked through for messages that waited too long and for what was left over.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Rows looked at before the others get their turn.
pub const SWEEP_PAGE: usize = 128;
/// Pause between two pages of a sweep.
pub const SWEEP_PAUSE: Duration = Duration::from_millis(50);
/// How long clients are asked to wait when the server shuts down, milliseconds.
pub const SHUTDOWN_RETRY_AFTER_MS: u64 = 2_000;
/// How long clients are asked to wait when the disk is full, milliseconds.
pub const STORAGE_FULL_RETRY_AFTER_MS: u64 = 30_000;
/// A shut-down that takes longer is cut short.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

// ---------------------------------------------------------------- store

/// Free space below which nothing is taken in any more. The engine's own clean-up needs room to work.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Of the reserve, the part below which nothing at all is written: what is above it lets devices empty
/// their mailboxes while the disk is full.
pub const HARD_RESERVE_DIVISOR: u64 = 4;
/// Decoded rows kept in memory, bytes.
pub const ROW_CACHE_BYTES: usize = 24 * 1024 * 1024;
/// Entries kept in memory until their device has stored them, bytes.
pub const ENTRY_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// Messages to groups kept in memory for those who fetch them from their mailboxes, bytes.
pub const BLOB_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// The engine's cache of blocks read from disk.
pub const BLOCK_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// What one of the engine's four tables holds in memory before it goes to a file.
pub const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Size of the engine's files.
pub const TABLE_BYTES: u64 = 16 * 1024 * 1024;
/// Size of the parts of the engine's log that are full, before it sees to it that they can go. The part
/// that is being written comes on top, and takes as much.
pub const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

// ---------------------------------------------------------------- operators

/// One line on the admin socket.
pub const MAX_ADMIN_LINE_BYTES: u64 = 4 * 1024;
/// An operator's program that says nothing for so long is hung up on.
pub const ADMIN_TIMEOUT: Duration = Duration::from_secs(10);
/// For counting what takes room, a thousand objects of an object store at a time. What is not counted by then is not.
pub const STORAGE_TIME: Duration = Duration::from_secs(10 * 60);

//! Bounds of what programs that talk to the daemon can take up, each with its unit in its name.

use std::time::Duration;

/// One request, or one batch of them, bytes.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// Requests in a batch.
pub const MAX_BATCH: usize = 100;
/// Recipients and groups of one message.
pub const MAX_RECIPIENTS: usize = 100;
/// A caller's idempotency key, bytes.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 200;

/// Connections to all listeners together. One more is told so and closed.
pub const MAX_CONNECTIONS: usize = 64;
/// Those of them that receive.
pub const MAX_SUBSCRIBERS: usize = 32;
/// Subscriptions of one connection.
pub const MAX_SUBSCRIPTIONS: usize = 16;

/// Events that are read from the journal at once, for each subscriber. A slow one holds no more than this in
/// memory: the rest waits on the disk.
pub const PAGE_EVENTS: usize = 50;
/// Who types is told to those who listen; of what they have not taken so many stay.
pub const MAX_TYPING_EVENTS: usize = 64;
/// Events in one answer to `receive`.
pub const MAX_RECEIVED_EVENTS: usize = 500;
/// Whoever takes nothing of what is written to it for so long is disconnected.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The head of an HTTP request, bytes.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Header fields of an HTTP request.
pub const MAX_HEADERS: usize = 64;
/// The head and the body of an HTTP request get so long each.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// An HTTP connection between two requests, or a connection that is to name the token.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// What was still sent on a connection that is being closed is read for so long.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// An event stream says so often that it is still there.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `waitDelivered: true` waits so long.
pub const WAIT_DELIVERED: Duration = Duration::from_secs(60);
/// Nobody waits longer for a delivery, or for messages with `receive`.
pub const MAX_WAIT: Duration = Duration::from_secs(3_600);
/// So long a message waits until the server has said what its author is called.
pub const NAMES_MS: u64 = 1_500;
/// The token that lets programs in, bytes.
pub const MIN_TOKEN_BYTES: usize = 16;
/// See [`MIN_TOKEN_BYTES`].
pub const MAX_TOKEN_BYTES: usize = 1_024;
/// Formatted parts and mentions in a text.
pub const MAX_SPANS: usize = 256;
/// Nothing is said of a file that is there within this time.
pub const QUICK_TRANSFER: Duration = Duration::from_secs(1);
/// Files of which it is known how far they are.
pub const MAX_MOVING_FILES: usize = 64;
/// A file may take so long to be made ready, or to come.
pub const FILE_PATIENCE: Duration = Duration::from_secs(1_800);
/// Messages among which the file of an id is looked for.
pub const MAX_FILES_SEARCHED: usize = 1_000;

//! Bounds of what the shell holds, each with its unit in its name. Those of the core are in
//! [`waxwing_client::limits`].

use std::time::Duration;

/// Inputs (commands, queries, frames from the network) that wait for the core. Whoever brings one more
/// waits; the network then reads no further, and the server is held back by TCP.
pub const MAX_INPUTS: usize = 256;
/// Events that wait for the front end. Beyond that they are dropped, and one `overrun` says so.
pub const MAX_EVENTS: usize = 4_096;
/// Frames that wait for the socket. A peer that takes none of so many counts as gone.
pub const MAX_FRAMES_TO_SEND: usize = 1_024;
/// Messages in one answer.
pub const MAX_PAGE_MESSAGES: usize = 1_000;
/// Entries of the journal that nobody has acknowledged. Beyond that the oldest are dropped; that ids are
/// missing shows it.
pub const MAX_JOURNAL_ENTRIES: u64 = 100_000;
/// Entries that are kept after they were acknowledged, for whoever comes back and names an older one.
pub const MAX_JOURNAL_ENTRIES_DEALT_WITH: u64 = 1_000;
/// Keys of [`crate::api::Command::Once`] that are remembered, the newest ones.
pub const MAX_ONCE_KEYS: u64 = 100_000;
/// One such key, bytes.
pub const MAX_ONCE_KEY_BYTES: usize = 256;
/// Addresses of a server that are tried, one after the other.
pub const MAX_ADDRESSES: usize = 8;

/// One address gets so long to answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
/// The WebSocket and Noise handshakes together get so long.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(8);
/// What is still to be sent when a connection is closed gets so long.
pub const FLUSH_TIMEOUT: Duration = Duration::from_millis(1_500);
/// The wall clock may jump: the core is ticked at least this often.
pub const MAX_SLEEP: Duration = Duration::from_secs(20);
/// First and longest pause before the database is tried again after it failed.
pub const STORAGE_RETRY_MIN: Duration = Duration::from_millis(500);
/// See [`STORAGE_RETRY_MIN`].
pub const STORAGE_RETRY_MAX: Duration = Duration::from_secs(30);

/// Bytes read from the socket at once.
pub const READ_BYTES: usize = 32 * 1024;
/// Ciphertext that may wait in front of the socket, bytes: a few frames.
pub const MAX_UNSENT_BYTES: usize = 512 * 1024;

/// A key file is read up to this size, bytes.
pub const MAX_KEY_FILE_BYTES: u64 = 4_096;
/// A key file that asks for more memory than this is refused, KiB: 1 GiB.
pub const MAX_ARGON2_MEMORY_KIB: u32 = 1024 * 1024;
/// See [`MAX_ARGON2_MEMORY_KIB`].
pub const MAX_ARGON2_ITERATIONS: u32 = 64;

/// What somebody looks for, bytes.
pub const MAX_SEARCH_BYTES: usize = 1_024;
/// Words of a search that the index is asked for; the others are looked for in what it found.
pub const MAX_SEARCH_WORDS: usize = 32;
/// Messages that one search looks at. Where few of them are what is wanted, it says where to go on.
pub const MAX_SEARCH_CANDIDATES: usize = 4_000;
/// A word is indexed by its first so many characters.
pub const MAX_INDEXED_WORD_CHARACTERS: usize = 40;
/// A snippet is at most so long, in characters as people see them.
pub const MAX_SNIPPET_CHARACTERS: usize = 160;
/// So many of them come before the first mark.
pub const SNIPPET_LEAD_CHARACTERS: usize = 40;
/// Messages that are indexed in one transaction when the index is made.
pub const INDEX_PAGE_MESSAGES: usize = 10_000;

/// A file that is given out by the interface itself has at most so much content, bytes.
pub const MAX_FILE_CONTENT_BYTES: u64 = 16 * 1024 * 1024;
/// Files that wait to be made ready or saved.
pub const MAX_MEDIA_JOBS: usize = 64;
/// Downloads at a time. Uploads: [`waxwing_client::limits::MAX_UPLOADS`].
pub const MAX_DOWNLOADS: usize = 3;
/// Downloads that wait, and those under way.
pub const MAX_DOWNLOADS_WAITING: usize = 256;
/// Times that the server is asked where a file is, while it is being fetched.
pub const MAX_ADDRESSES_ASKED: u32 = 4;
/// One step of one request gets so long: to connect, to bring a piece, to hear an answer.
pub const HTTP_PATIENCE: Duration = Duration::from_secs(60);
/// A segment of a file gets so long at first, and at last: twice as long each time that it did not get there.
pub const SEGMENT_PATIENCE_MIN: Duration = Duration::from_secs(60);
/// See [`SEGMENT_PATIENCE_MIN`]: 8 MiB at 70 kbit/s.
pub const SEGMENT_PATIENCE_MAX: Duration = Duration::from_secs(16 * 60);
/// What a transfer asks the server is answered in so long, or asked again later.
pub const QUESTION_PATIENCE: Duration = Duration::from_secs(60);
/// A file is moved in pieces that take about so long each.
pub const PIECE_TIME: Duration = Duration::from_secs(3);
/// The smallest and the largest such piece, bytes.
pub const MIN_PIECE_BYTES: u64 = 128 * 1024;
/// See [`MIN_PIECE_BYTES`].
pub const MAX_PIECE_BYTES: u64 = 4 * 1024 * 1024;
/// Pause between two words about how far a file is.
pub const PROGRESS_PAUSE: Duration = Duration::from_millis(250);
/// First and longest pause before a transfer is tried again.
pub const TRANSFER_RETRY_MIN: Duration = Duration::from_millis(500);
/// See [`TRANSFER_RETRY_MIN`].
pub const TRANSFER_RETRY_MAX: Duration = Duration::from_secs(30);
/// Failures in a row after which a download is given up; what has come is kept.
pub const MAX_TRANSFER_TRIES: u32 = 10;
/// Times in a row that one chunk may be false.
pub const MAX_CHUNK_TRIES: u32 = 4;
/// Files that no message has any more are looked for at most so often.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(30);
/// A file that was made ready and is in no message stays for so long.
pub const UNSENT_FILE_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Copies in storage of the user's own that are deleted at a time.
pub const MAX_DISCARDED_AT_ONCE: usize = 64;
/// A place there, as the user names it, bytes.
pub const MAX_PLACE_BYTES: usize = 4_096;
/// A picture that is sent as one is read up to this size, bytes.
pub const MAX_PHOTO_BYTES: u64 = 64 * 1024 * 1024;
/// Width and height of such a picture, pixels.
pub const MAX_PHOTO_SIDE_PIXELS: u32 = 16_384;
/// What unpacking it may take, bytes.
pub const MAX_PHOTO_MEMORY_BYTES: u64 = 512 * 1024 * 1024;
/// The longer side of a photo that is sent, pixels.
pub const PHOTO_SIDE_PIXELS: u32 = 1_600;
/// The same in high quality.
pub const PHOTO_HD_SIDE_PIXELS: u32 = 4_096;
/// The pages of a PDF file are counted up to this size, bytes.
pub const MAX_PDF_BYTES: u64 = 64 * 1024 * 1024;
/// Counts in such a file that are looked at.
pub const MAX_PDF_COUNTS: u32 = 20_000;
/// Streams of packed objects in such a file that are unpacked.
pub const MAX_PDF_PACKS: usize = 1_000;
/// One of them is read up to this size, bytes.
pub const MAX_PDF_PACK_BYTES: usize = 1024 * 1024;
/// And all of them give so much, bytes.
pub const MAX_PDF_UNPACKED_BYTES: usize = 32 * 1024 * 1024;

/// Frames of a picture that moves.
pub const MAX_ANIMATION_FRAMES: u32 = 1_000;
/// Its pixels, all frames together: ten seconds and more at 1,024 by 1,024.
pub const MAX_ANIMATION_PIXELS: u64 = 512 * 1024 * 1024;
/// Its width and height, pixels.
pub const MAX_ANIMATION_SIDE_PIXELS: u32 = 4_096;
/// Width and height of a sticker, pixels.
pub const STICKER_SIDE_PIXELS: u32 = 512;
/// A sticker that stays as it is, bytes.
pub const MAX_STICKER_BYTES: u64 = 1024 * 1024;

/// The head of a film (`moov`) is read up to this size, bytes.
pub const MAX_FILM_HEAD_BYTES: usize = 32 * 1024 * 1024;
/// What a WebM file says about its tracks is read up to this size, bytes.
pub const MAX_FILM_TRACKS_BYTES: usize = 4 * 1024 * 1024;
/// Boxes or elements of a film that are looked at.
pub const MAX_FILM_PARTS: u32 = 200_000;
/// `ffmpeg` gets so long for one film, and for one picture of it.
pub const MAX_FILM_TIME: Duration = Duration::from_secs(1_500);
/// Pixels of one picture of a film that `ffmpeg` reads.
pub const MAX_FILM_FRAME_PIXELS: u64 = 8_192 * 8_192;
/// A picture of a film that `ffmpeg` made is read up to this size, bytes.
pub const MAX_FILM_FRAME_BYTES: u64 = 8 * 1024 * 1024;
/// The longer side of a film that is sent, pixels.
pub const VIDEO_SIDE_PIXELS: u32 = 1_280;
/// Its pictures a second.
pub const MAX_FILM_RATE_FPS: u32 = 30;
/// A film that fits the above and has no more bits a second than this stays as it is.
pub const MAX_KEPT_VIDEO_BITS_PER_SECOND: u64 = 2_500_000;
/// Pause between two words that a film is still being worked on.
pub const FILM_HEARTBEAT: Duration = Duration::from_secs(2);

/// Sound is read up to this size, bytes.
pub const MAX_SOUND_BYTES: u64 = 512 * 1024 * 1024;
/// Of what such a file says about itself, one entry is read up to this size, bytes.
pub const MAX_SOUND_TAG_BYTES: usize = 256 * 1024;
/// Packets of one file. An hour of the shortest is less.
pub const MAX_SOUND_PACKETS: u64 = 2_000_000;
/// Packets of one file that cannot be decoded and are left out.
pub const MAX_BAD_SOUND_PACKETS: u32 = 64;
/// Samples of one channel that one packet has.
pub const MAX_SOUND_PACKET_FRAMES: u64 = 1 << 17;
/// Channels that are mixed into one.
pub const MAX_SOUND_CHANNELS: usize = 8;
/// Samples a second of what is heard.
pub const MIN_SOUND_RATE_HZ: u32 = 4_000;
/// See [`MIN_SOUND_RATE_HZ`].
pub const MAX_SOUND_RATE_HZ: u32 = 384_000;
/// A voice message plays so long.
pub const MAX_VOICE_TIME: Duration = Duration::from_secs(3_600);
/// What is played has an end.
pub const MAX_PLAYED_TIME: Duration = Duration::from_secs(12 * 3_600);
/// Opus in Ogg that is sent as a voice message stays as it is up to this size, bytes.
pub const MAX_PASSED_VOICE_BYTES: u64 = 16 * 1024 * 1024;
/// And up to so many bits a second.
pub const MAX_PASSED_VOICE_BITS_PER_SECOND: u64 = 32_000;

/// Of a page that a link leads to this much is read, bytes: its head.
pub const MAX_PAGE_BYTES: u64 = 512 * 1024;
/// Tags and texts of a page that are looked at.
pub const MAX_PAGE_TAGS: usize = 20_000;
/// What a page says about itself is read so far, bytes each.
pub const MAX_PAGE_TEXT_BYTES: usize = 4_096;
/// Picture of such a page, bytes.
pub const MAX_PICTURE_BYTES: u64 = 4 * 1024 * 1024;
/// Width and height of such a picture, pixels.
pub const MAX_PICTURE_SIDE_PIXELS: u32 = 8_192;
/// What unpacking it may take, bytes.
pub const MAX_PICTURE_MEMORY_BYTES: u64 = 96 * 1024 * 1024;
/// The longer side of the small picture, pixels: the first that fits the limit in bytes.
pub const PREVIEW_SIDES_PIXELS: [u32; 3] = [240, 160, 96];
/// Redirections that are followed.
pub const MAX_PREVIEW_HOPS: usize = 4;
/// The site of a link gets so long in all. A message never waits longer for it.
pub const PREVIEW_PATIENCE: Duration = Duration::from_secs(4);

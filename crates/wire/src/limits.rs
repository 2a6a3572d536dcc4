//! The bounds of everything a peer can make us hold, each with its unit in its name.

/// One encrypted frame on the stream, its length prefix not counted. The Noise bound on a message.
pub const MAX_FRAME_BYTES: usize = 65_535;
/// Plaintext of one frame: what is left after the authentication tag.
pub const MAX_PLAINTEXT_BYTES: usize = MAX_FRAME_BYTES - 16;
/// Heap that decoding one frame may take, beside the frame itself: the densest lists within their bounds.
pub const MAX_DECODE_BYTES: usize = 512 * 1024;

/// One ciphertext inside an envelope.
pub const MAX_CIPHERTEXT_BYTES: usize = 48 * 1024;
/// Text of one message, UTF-8.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Formatted parts of one text.
pub const MAX_SPANS: usize = 256;
/// Accounts that one text names.
pub const MAX_MENTIONS: usize = 64;
/// What a quoted message said, UTF-8.
pub const MAX_QUOTE_BYTES: usize = 1024;
/// Address of a link with a preview.
pub const MAX_URL_BYTES: usize = 2_048;
/// Title or description of a link, name of a place or of a contact, option of a poll, UTF-8.
pub const MAX_LABEL_BYTES: usize = 512;
/// Image of a link: a small image file.
pub const MAX_PREVIEW_IMAGE_BYTES: usize = 8 * 1024;
/// A vCard.
pub const MAX_CARD_BYTES: usize = 4 * 1024;
/// Options of a poll.
pub const POLL_OPTIONS: std::ops::RangeInclusive<usize> = 2..=12;
/// Files of one message.
pub const MAX_ATTACHMENTS: usize = 30;
/// What a message says of all its files, thumbnails among it.
pub const MAX_ATTACHMENTS_BYTES: usize = 20 * 1024;
/// Content of one file: 2 GiB.
pub const MAX_ATTACHMENT_BYTES: u64 = 2 << 30;
/// Name of a file, UTF-8.
pub const MAX_FILE_NAME_BYTES: usize = 255;
/// Media type of a file.
pub const MAX_MEDIA_TYPE_BYTES: usize = 127;
/// BlurHash of a picture.
pub const MAX_BLURHASH_BYTES: usize = 64;
/// Loudness of the parts of a recording.
pub const MAX_WAVEFORM_BYTES: usize = 64;
/// A small image of a file: an image file itself.
pub const MAX_THUMBNAIL_BYTES: usize = 8 * 1024;
/// A reaction, UTF-8: one emoji with all its modifiers.
pub const MAX_REACTION_BYTES: usize = 64;
/// What was done about one message, in an archive.
pub const MAX_ACTS_PER_ARCHIVED: usize = 128;
/// Sends in one frame.
pub const MAX_SENDS_PER_FRAME: usize = 128;
/// Requests in one frame.
pub const MAX_REQUESTS_PER_FRAME: usize = 8;
/// Copies of one message: devices of an account, with room for lists in flight.
pub const MAX_COPIES_PER_SEND: usize = 16;
/// Devices of one account.
pub const MAX_DEVICES: usize = 8;
/// Sends that a client keeps in flight without an answer.
pub const MAX_SENDS_IN_FLIGHT: usize = 256;
/// Message ids in one receipt.
pub const MAX_IDS_PER_RECEIPT: usize = 256;
/// Undecryptable entries named in one acknowledgement.
pub const MAX_UNDECRYPTABLE_PER_STORED: usize = 256;
/// Entries of a mailbox that the server sends ahead of the device's acknowledgement.
pub const DELIVERY_WINDOW_ENTRIES: usize = 256;
/// The same bound in bytes.
pub const DELIVERY_WINDOW_BYTES: usize = 1024 * 1024;

/// One-time X25519 prekeys that a device may have on the server.
pub const MAX_ONE_TIME_PREKEYS: usize = 200;
/// One-time Kyber prekeys that a device may have on the server (1.6 KB each).
pub const MAX_ONE_TIME_KYBER_PREKEYS: usize = 50;
/// Kyber prekeys in one upload: as many as fit into a frame.
pub const MAX_KYBER_PREKEYS_PER_UPLOAD: usize = 32;

/// A device list.
pub const MAX_DEVICE_LIST_BYTES: usize = 1024;
/// What a device calls itself, UTF-8.
pub const MAX_DEVICE_NAME_BYTES: usize = 64;
/// What a new device offers an account.
pub const MAX_LINK_OFFER_BYTES: usize = 512;
/// What a primary tells a new device, encrypted.
pub const MAX_LINK_GRANT_BYTES: usize = 512;
/// Network address of a log-in, as text.
pub const MAX_PLACE_BYTES: usize = 64;

/// Members of one group.
pub const MAX_GROUP_MEMBERS: usize = 1_024;
/// Name of a group, UTF-8.
pub const MAX_GROUP_NAME_BYTES: usize = 256;
/// Description of a group, UTF-8.
pub const MAX_GROUP_DESCRIPTION_BYTES: usize = 2_048;
/// Picture of a group: a small image file.
pub const MAX_GROUP_PICTURE_BYTES: usize = 8 * 1024;
/// Groups of one community.
pub const MAX_LINKED_GROUPS: usize = 50;
/// Actions of one change.
pub const MAX_ACTIONS_PER_CHANGE: usize = MAX_GROUP_MEMBERS + 16;
/// Sends to groups in one frame.
pub const MAX_GROUP_SENDS_PER_FRAME: usize = 16;
/// Changes passed on to somebody who missed them, at once.
pub const MAX_CHANGES_PER_CATCH_UP: usize = 64;
/// Past changes that somebody who begins to know a group is told of.
pub const MAX_PAST_CHANGES: usize = 64;
/// Standings in all of them.
pub const MAX_PAST_STANDINGS: usize = 512;
/// Members that are named to handle requests to join a group.
pub const MAX_APPROVERS: usize = 16;
/// Messages in one part of an archive or shared history.
pub const MAX_MESSAGES_PER_PART: usize = 512;
/// Groups in one part of an archive.
pub const MAX_GROUPS_PER_PART: usize = 64;
/// Registers of an account's state in one message.
pub const MAX_STATE_ENTRIES: usize = 256;
/// Key of a register.
pub const MAX_STATE_KEY_BYTES: usize = 64;
/// Value of a register: a picture is one.
pub const MAX_STATE_VALUE_BYTES: usize = MAX_PROFILE_PICTURE_BYTES;
/// Accounts that one status is shown to.
pub const MAX_STATUS_AUDIENCE: usize = 1_024;
/// What somebody calls themself, UTF-8.
pub const MAX_PROFILE_NAME_BYTES: usize = 100;
/// What somebody says about themself, UTF-8.
pub const MAX_ABOUT_BYTES: usize = 512;
/// Picture of somebody: a small image file.
pub const MAX_PROFILE_PICTURE_BYTES: usize = 8 * 1024;

/// One sealed light event.
pub const MAX_LIGHT_BYTES: usize = 160;
/// Light events in one frame.
pub const MAX_LIGHTS_PER_FRAME: usize = 64;
/// Accounts that one connection watches.
pub const MAX_WATCHED: usize = 256;
/// Announcements in one frame to a client.
pub const MAX_PRESENCES_PER_FRAME: usize = 128;
/// An e-mail address or telephone number, UTF-8.
pub const MAX_ADDRESS_BYTES: usize = 254;
/// Addresses in one request to look them up.
pub const MAX_ADDRESSES_PER_REQUEST: usize = 128;
/// Entries of one bucket of the directory: as many as fit into a frame, with room for what stands beside them.
pub const MAX_BUCKET_ENTRIES: usize = 960;
/// Bits that tell the directory's buckets apart.
pub const MAX_BUCKET_BITS: u8 = 16;

/// Ciphertext of one file: 2 GiB of content in chunks of 64 KiB, each with a tag of 16 bytes.
pub const MAX_FILE_BYTES: u64 = (2 << 30) + (2 << 30) / (64 * 1024) * 16;
/// Files that one message refers to.
pub const MAX_FILES_PER_SEND: usize = 32;
/// Files in one request that says they were fetched.
pub const MAX_FETCHED_PER_REQUEST: usize = 128;
/// URLs of a file's segments in one answer: as many as fit into a frame.
pub const MAX_SEGMENT_URLS: usize = 16;
/// Headers that go along with a segment.
pub const MAX_SEGMENT_HEADERS: usize = 4;
/// Name and value of such a header.
pub const MAX_SEGMENT_HEADER_BYTES: usize = 256;
/// Number of a file's last segment, or larger than it.
pub const MAX_SEGMENT: u32 = 1 << 16;

/// Serialised X25519 public key: type byte and key.
pub const PUBLIC_KEY_BYTES: usize = 33;
/// Serialised Kyber-1024 public key: type byte and key.
pub const KYBER_KEY_BYTES: usize = 1_569;
/// XEdDSA signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Usernames, in characters (which are ASCII).
pub const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;
/// The explanation in a reject.
pub const MAX_DETAIL_BYTES: usize = 512;

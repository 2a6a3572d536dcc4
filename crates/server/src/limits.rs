//! Bounds of what the server holds, each with its unit in its name. Those of the wire are in
//! [`waxwing_wire::limits`].

/// A message waits this long for its device, milliseconds: 30 days.
pub const RETENTION_MS: u64 = 30 * 24 * 3_600_000;
/// Messages per second that a device may send in the long run.
pub const SENDS_PER_SECOND: u32 = 50;
/// Messages that a device may send at once.
pub const SEND_BURST: u32 = 1_000;
/// Entries in one mailbox.
pub const MAILBOX_ENTRIES: u64 = 20_000;
/// Bytes in one mailbox.
pub const MAILBOX_BYTES: u64 = 128 * 1024 * 1024;
/// Accounts that one counted invitation can admit.
pub const MAX_INVITATION_USES: u32 = 1_000;
/// Messages to groups that a device may send in a minute, and at once. Few, because one of them can mean a
/// thousand mailboxes.
pub const GROUP_SENDS_PER_MINUTE: u32 = 300;
/// Fetches of prekey bundles, of devices and of where groups stand that a device may make at once, and that come back in an hour, if it
/// asks for nothing else. Enough to begin writing to several of the largest groups.
pub const FETCHES_PER_HOUR: u32 = 6_000;
/// As [`FETCHES_PER_HOUR`], of look-ups of usernames, groups and offers. Keeps anybody from trying all names.
pub const LOOKUPS_PER_HOUR: u32 = 600;
/// As [`FETCHES_PER_HOUR`], of changes of the own account: prekeys, device lists, devices.
pub const CHANGES_PER_HOUR: u32 = 600;
/// Offers to link that a connection may make at once, and that come back in a minute.
pub const OFFERS_PER_MINUTE: u32 = 10;
/// An offer to link waits this long, milliseconds: 10 minutes. So does an approval.
pub const LINK_MS: u64 = 600_000;
/// Connections that wait for their offer to be approved.
pub const MAX_WAITING_LINKS: usize = 10_000;
/// A blob is deleted this much later than the last mailbox entry that can refer to it, milliseconds: 1 day. The
/// sweep goes through mailboxes more often.
pub const BLOB_MARGIN_MS: u64 = 24 * 3_600_000;
/// A ticket to upload a file is good so long, milliseconds: 2 days, which a large file over a slow line takes. A file
/// that no message names goes after as long.
pub const TICKET_MS: u64 = 2 * 24 * 3_600_000;
/// A file that a message names lives so much longer than the message can wait, milliseconds: 1 day. The sweep goes
/// through mailboxes more often.
pub const FILE_MARGIN_MS: u64 = 24 * 3_600_000;
/// A file that everybody has fetched stays so long after a message named it last, milliseconds: 1 day. The sender's
/// own devices are told of it a moment later, and what is forwarded soon need not be uploaded again.
pub const FILE_LINGER_MS: u64 = 24 * 3_600_000;
/// Mailboxes that one step notes a file to wait for.
pub const AWAITING_PER_STEP: usize = 256;
/// Files of one account may take so many bytes: 10 GB.
pub const FILE_QUOTA_BYTES: u64 = 10_000_000_000;
/// Files that a device may begin to upload in an hour, and at once.
pub const UPLOADS_PER_HOUR: u32 = 600;
/// A message to a group notes how far it has come whenever so many more accounts have it. Bounds what is
/// remembered of those that have read it while it is on its way.
pub const NOTED_ACCOUNTS: usize = 16;
/// A message to a group that is not in all mailboxes after so long, milliseconds, is gone on with even if its
/// sender does not come back: 10 minutes.
pub const FAN_OUT_MS: u64 = 600_000;
/// Addresses of one account that the operator vouched for.
pub const MAX_ADDRESSES: usize = 8;
/// Addresses that an account may look up in one day (UTC). What an enumerating client gets.
pub const ADDRESSES_PER_DAY: u32 = 2_000;
/// Buckets of the directory that an account may fetch in one day (UTC): all of them a few times.
pub const BUCKETS_PER_DAY: u32 = 64;
/// Bits that tell the buckets of a new directory apart: 16 buckets, so that which of them a client fetches tells
/// little, and no more than what fits into them.
pub const BUCKET_BITS: u8 = 4;
/// Changes of a group that are known again when they are repeated.
pub const RECENT_CHANGES: usize = 16;
/// Entries that one acknowledgement settles at once; a device that acknowledges more is settled in steps.
pub const TRIM_ENTRIES: usize = 512;
/// Receipts that one step of settling a mailbox may lead to; entries that would need more wait for the next.
pub const MAX_RECEIPTS_PER_SETTLE: usize = 32;
/// Receipts and references to messages of groups may fill a mailbox to so many times its bounds before they are
/// dropped: they are small, and a dropped receipt costs its sender no more than a tick.
pub const RECEIPT_ROOM_FACTOR: u64 = 2;
/// The largest sequence number that a device can claim to have stored. Leaves room to count on from there.
pub const MAX_CLAIMED_SEQ: u64 = 1 << 62;
/// A sender whose recipient's mailbox is full tries again after so many milliseconds.
pub const MAILBOX_FULL_RETRY_MS: u64 = 600_000;
/// Devices that are not connected whose used-up allowances are remembered.
pub const MAX_RESTING_ALLOWANCES: usize = 10_000;
/// Steps of one chain that a driver puts into one commit. A longer chain goes on in the next: a message to a
/// group takes a step for each member, and a mailbox is settled in as many as are in it.
pub const MAX_CHAIN: usize = 64;
/// Light events that a connection may send in a second in the long run. Events to groups, announcements and
/// watches cost more than one, by how many they concern.
pub const LIGHTS_PER_SECOND: u32 = 10;
/// As [`LIGHTS_PER_SECOND`], at once.
pub const LIGHT_BURST: u32 = 40;
/// Light events that a connection is sent in a second in the long run; what is more is dropped.
pub const LIGHTS_GOT_PER_SECOND: u32 = 30;
/// As [`LIGHTS_GOT_PER_SECOND`], at once.
pub const LIGHT_GOT_BURST: u32 = 300;
/// So many recipients of one light event cost as much as one event.
pub const LIGHT_RECIPIENTS_PER_COST: usize = 32;
/// Groups with more members get no light events.
pub const MAX_LIGHT_MEMBERS: usize = 256;
/// Connections that are told at once when an account announces something.
pub const MAX_WATCHERS: usize = 1_024;
/// Accounts that all connections together watch, each counted as often as it is watched.
pub const MAX_WATCHES_IN_ALL: usize = 1_000_000;
/// Devices that have left whose last announcement is remembered; who left first is forgotten first.
pub const MAX_LEFT: usize = 100_000;

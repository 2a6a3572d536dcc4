//! Bounds of what the client holds, each with its unit in its name. Those of the wire are in
//! [`waxwing_wire::limits`], those of sessions in [`waxwing_e2ee`].

/// The primary signs another device list when its last one is so old, milliseconds: 7 days.
pub const LIST_AGE_MS: u64 = 7 * 24 * 3_600_000;
/// A device list counts for so long after it has expired, because clocks differ, milliseconds: 1 day.
pub const LIST_GRACE_MS: u64 = 24 * 3_600_000;
/// An offer to link a device lives so long, milliseconds: 10 minutes.
pub const LINK_LIFE_MS: u64 = 10 * 60_000;
/// Accounts of which it is remembered which version of their device list was heard of last.
pub const MAX_CLAIMS: usize = 1_024;
/// Commands about devices that wait for the connection.
pub const MAX_WISHES: usize = 16;
/// A linked device places its own messages from this order on, and the account's history below it.
pub const COMPANION_ORDER: u64 = 1 << 40;
/// Addresses of one look-up of contacts: what a server allows in one day.
pub const MAX_BOOK_ADDRESSES: usize = 2_000;
/// Registers of the account's state, deleted ones included.
pub const MAX_STATES: u32 = 50_000;
/// Registers looked at at once when all are.
pub const STATE_PAGE: usize = 1_024;
/// Registers that are kept free for what other devices of the account write.
pub const STATE_ROOM: u32 = 1_000;
/// Name that the user gives a contact, bytes.
pub const MAX_CONTACT_NAME_BYTES: usize = 256;
/// Key of a setting, bytes.
pub const MAX_SETTING_KEY_BYTES: usize = 32;
/// Members of a broadcast list.
pub const MAX_LIST_MEMBERS: usize = 200;
/// Name of a broadcast list, bytes.
pub const MAX_LIST_NAME_BYTES: usize = 256;
/// Broadcast lists that are shown.
pub const MAX_LISTS: usize = 256;
/// Marked messages that are listed.
pub const MAX_STARRED_LISTED: usize = 4_096;
/// Messages deleted by one command.
pub const MAX_DELETED_PER_COMMAND: usize = 256;
/// Messages of a conversation looked at at once while it is cleared.
pub const CLEARED_PAGE: usize = 1_024;
/// Ticks and reads kept of messages that are not here yet.
pub const MAX_MARKS: u32 = 4_096;
/// Content of one message to own devices that holds many things, bytes.
pub const PART_BYTES: usize = 24 * 1024;
/// Parts of a history that are on their way to one device.
pub const ARCHIVE_WINDOW_PARTS: usize = 4;
/// Parts that are not known to be stored after this time are sent again, milliseconds.
pub const ARCHIVE_STALL_MS: u64 = 6 * 3_600_000;
/// Groups in one part of a history.
pub const MAX_GROUPS_PER_PART: usize = 16;
/// Other accounts in one part of a history.
pub const MAX_PEERS_PER_PART: usize = 64;
/// Messages of one account that are kept unshown until their device is proven to belong to it.
pub const MAX_HELD: usize = 64;
/// Bytes of a message to a group that is kept until it can be read; a larger one is asked for.
pub const MAX_KEPT_BYTES: usize = 16 * 1024;
/// Pause before it is asked for, because what it takes to read it did not come, milliseconds.
pub const KEPT_PAUSE_MS: u64 = 10_000;
/// Pause before the list of an account is fetched once more for what one of its devices said, milliseconds.
pub const HELD_PAUSE_MS: u64 = 3_600_000;
/// Strangers whose alias is to be asked for.
pub const MAX_NAME_ASKS: usize = 256;
/// A device list is good for so long, milliseconds: 60 days.
pub const LIST_LIFE_MS: u64 = 60 * 24 * 3_600_000;
/// Members whose ticks of one message are kept until it is here.
pub const MAX_MARKS_PER_MESSAGE: usize = waxwing_wire::limits::MAX_GROUP_MEMBERS;
/// Placeholders of one device whose positions are still to be known.
pub const MAX_PLACEHOLDERS_COUNTED: usize = 1_024;
/// Groups that are kept, former ones included.
pub const MAX_GROUPS: usize = 1_024;
/// Rows of sender keys of one group: two for each device, so that those of former ones do not hide any.
pub const MAX_KEY_ROWS: usize =
    waxwing_wire::limits::MAX_GROUP_MEMBERS * waxwing_wire::limits::MAX_DEVICES * 2;
/// Keys that are kept until it is known that their senders are members of the groups.
pub const MAX_EARLY_KEYS: usize = 2 * waxwing_wire::limits::MAX_GROUP_MEMBERS;
/// Of them, from one device.
pub const MAX_EARLY_KEYS_PER_DEVICE: usize = 4;
/// Devices whose wish to have a message to a group again is kept until the server has said that it took it.
pub const MAX_EARLY_ASKS: usize = waxwing_wire::limits::MAX_GROUP_MEMBERS;
/// Changes of one group that wait to be judged.
pub const MAX_CHANGES_WAITING: usize = 128;
/// Changes of one group that are kept for members who missed them, the last ones.
pub const MAX_CHANGES_LOGGED: u64 = 512;
/// What somebody is told of a group who begins to know it, its past included, when its state leaves room.
pub const MAX_WELCOME_BYTES: usize = 40 * 1024;
/// Members of one group of whom the user has been told that they know another one.
pub const MAX_FORKS_KEPT: usize = 64;
/// Changes and requests to join that wait for the server because the user wants them.
pub const MAX_CHANGES_UNDER_WAY: usize = 64;
/// Requests to join one group that wait for the user.
pub const MAX_JOIN_REQUESTS: usize = 256;
/// Bytes of changes, or of shared history, in one message.
pub const MAX_CATCH_UP_BYTES: usize = 24 * 1024;
/// Pauses before members are asked for changes that did not come, by the number of times somebody has been
/// asked, milliseconds.
pub const CATCH_UP_MS: [u64; 6] = [2_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000];
/// Times that members are asked for the same changes.
pub const MAX_CATCH_UPS: u32 = 64;
/// Connections on which the server is asked about a group that it does not say anything of.
pub const MAX_DOUBTS: u32 = 8;
/// Accounts that are asked then, each time.
pub const DOUBTS_ASKED: usize = 3;
/// Devices that are helped to follow within [`RENEWAL_PAUSE_MS`].
pub const MAX_CATCH_UPS_ANSWERED: usize = 1_024;
/// Times that one message to a group is sent again to single accounts: to each member, and half of them once more. Who
/// has never seen a device of its sender has to ask for its account's list first, and then for what came meanwhile.
pub const MAX_GROUP_RESENDS: u32 = 1_536;
/// Messages of a group that are shared with a newcomer, at least and at most.
pub const MIN_MESSAGES_SHARED: u32 = 25;
/// See [`MIN_MESSAGES_SHARED`].
pub const MAX_MESSAGES_SHARED: u32 = 100;
/// Messages that are looked through for them.
pub const MAX_HISTORY_SCANNED: usize = 400;
/// A newcomer takes a shared past for so long after it was brought in, milliseconds: 7 days.
pub const SHARING_MS: u64 = 7 * 24 * 3_600_000;
/// A message can be edited for so long, milliseconds: 15 minutes.
pub const EDIT_WITHIN_MS: u64 = 15 * 60_000;
/// A message can be deleted for everyone by its sender for so long, milliseconds: 2 days.
pub const DELETE_WITHIN_MS: u64 = 48 * 3_600_000;
/// What somebody does counts only if its time is at most so far ahead of the server's, milliseconds: 1 day.
pub const ACT_AHEAD_MS: u64 = 24 * 3_600_000;
/// What was done about one message: somebody reacts, votes and opens.
pub const MAX_REACTORS: usize = 4 * waxwing_wire::limits::MAX_GROUP_MEMBERS;
/// What was done about messages that are not here yet.
pub const MAX_ACTS_EARLY: u16 = 4_096;
/// Own acts that can be sent again when they are asked for.
pub const ACTS_KEPT: u16 = 2_048;
/// Silence of the server after which nothing older is expected of it, milliseconds.
pub const CAUGHT_UP_MS: u64 = 10_000;
/// What has disappeared goes from a device that cannot reach its server as well after this time, milliseconds:
/// longer than a server keeps a message.
pub const EXPIRED_AWAY_MS: u64 = 31 * 24 * 3_600_000;
/// Messages that disappear in one step.
pub const MAX_EXPIRED_PER_STEP: usize = 256;
/// Conversations that a message is passed on to at once.
pub const MAX_FORWARDED_TO: usize = 5;
/// From so many times on a message is passed on to one conversation at once.
pub const FORWARDED_OFTEN: u32 = 4;
/// A status is shown for so long, seconds: 24 hours.
pub const STATUS_LIFE_S: u32 = 24 * 3_600;
/// Text of a status, bytes.
pub const MAX_STATUS_TEXT_BYTES: usize = 4 * 1024;
/// Statuses of one author that are kept at a time; the user's own too.
pub const MAX_STATUSES_KEPT: usize = 128;
/// What was done about a status and comes with it to another own device: beside it stands to whom it was shown.
pub const MAX_STATUS_ACTS_ARCHIVED: usize = 64;
/// Text of a draft, bytes.
pub const MAX_DRAFT_BYTES: usize = 4_096;
/// Accounts that a privacy setting leaves out.
pub const MAX_AUDIENCE: usize = 400;
/// Profiles on their way to those who had an older one.
pub const MAX_PROFILES_WAITING: usize = 256;
/// Accounts looked at in one step for whether they have to be told.
pub const PROFILES_PER_STEP: usize = 64;
/// A device tells what another own device has left untold after this time, times its number, milliseconds.
pub const PROFILE_MEND_MS: u64 = 60_000;
/// Files of which it is known how the server calls them.
pub const MAX_FILES: usize = 4_096;
/// Messages that wait for uploads.
pub const MAX_UNSENT: usize = 1_024;
/// Uploads at a time.
pub const MAX_UPLOADS: usize = 3;
/// Files of which the server is still to hear that they were fetched.
pub const MAX_FETCHED_KEPT: usize = 8_192;
/// A ticket that ends sooner than this is not begun with, milliseconds.
pub const TICKET_SPARE_MS: u64 = 60_000;
/// Messages that may wait in the outbox.
pub const MAX_OUTBOX: u64 = 10_000;
/// One-time X25519 prekeys kept on the server, and the number below which more are published.
pub const ONE_TIME_PREKEYS: u32 = 100;
/// See [`ONE_TIME_PREKEYS`].
pub const ONE_TIME_PREKEYS_LOW: u32 = 40;
/// One-time Kyber prekeys kept on the server, and the number below which more are published.
pub const KYBER_PREKEYS: u32 = 20;
/// See [`KYBER_PREKEYS`].
pub const KYBER_PREKEYS_LOW: u32 = 8;
/// A signed prekey and the Kyber prekey of last resort are replaced after this time, milliseconds: 7 days.
pub const SIGNED_PREKEY_AGE_MS: u64 = 7 * 24 * 3_600_000;
/// Replaced ones are kept for messages under way, milliseconds: longer than a server keeps a message.
pub const OLD_PREKEY_KEPT_MS: u64 = 45 * 24 * 3_600_000;
/// Times that a device asks for one message again.
pub const MAX_RETRIES: u32 = 5;
/// Times that a device sends one message again because it was asked.
pub const MAX_RESENDS: u32 = 5;
/// Silence after which a ping is sent, milliseconds.
pub const KEEP_ALIVE_MS: u64 = 30_000;
/// Silence after a ping after which the connection counts as dead, milliseconds.
pub const PONG_TIMEOUT_MS: u64 = 10_000;
/// A connection that is not up by then is given up, milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 15_000;
/// First and longest pause before connecting again, milliseconds; doubled in between, with jitter.
pub const RECONNECT_MIN_MS: u64 = 500;
/// See [`RECONNECT_MIN_MS`].
pub const RECONNECT_MAX_MS: u64 = 60_000;
/// Other accounts that are kept, contacts and strangers who wrote.
pub const MAX_PEERS: u32 = 10_000;
/// Receipts and requests that may wait in the outbox beside [`MAX_OUTBOX`] messages.
pub const MAX_OUTBOX_SILENT: u64 = 2_048;
/// Bytes of messages in flight without an answer.
pub const MAX_BYTES_IN_FLIGHT: usize = 1024 * 1024;
/// Times that one message is encrypted anew because the server refused its copies or bundles were bad.
pub const MAX_TRIES: u32 = 8;
/// Pause after a temporary refusal that names none, milliseconds.
pub const HOLD_MS: u64 = 30_000;
/// Shortest pause after a temporary refusal, milliseconds: a server that has room for one message names the
/// time until then, and everything that waits comes at once.
pub const HOLD_MIN_MS: u64 = 1_000;
/// Longest pause that a server can ask for, milliseconds.
pub const HOLD_MAX_MS: u64 = 600_000;
/// A server that leaves something unanswered for so long counts as dead, milliseconds.
pub const ANSWER_TIMEOUT_MS: u64 = 60_000;
/// Requests without an answer in one connection.
pub const MAX_REQUESTS_IN_FLIGHT: usize = 8;
/// Look-ups that wait for the connection.
pub const MAX_LOOKUPS: usize = 64;
/// Devices of another account that are remembered, former ones included.
pub const MAX_DEVICES_KEPT: usize = 16;
/// Messages marked as read by one command.
pub const MAX_UNREAD_PER_COMMAND: usize = 4_096;
/// Newest messages of a conversation of which their senders hear that they were seen when the user accepts what was a
/// request until then.
pub const MAX_SEEN_BEFORE: usize = 1_024;
/// Own silent messages that can be sent again when they are asked for.
pub const SILENT_KEPT: u16 = 256;
/// Own messages are sent again when they are asked for up to this age, milliseconds: 30 days.
pub const RESEND_AGE_MS: u64 = 30 * 24 * 3_600_000;
/// Because a device asks, its session is renewed at most once in so many milliseconds.
pub const RENEWAL_PAUSE_MS: u64 = 10_000;
/// A device that still writes in prekey form gets an empty answer at most once in so many milliseconds.
pub const ANSWER_PAUSE_MS: u64 = 10_000;
/// Pauses before a message is asked for again after its resend could not be read either, by the number of
/// times it has been asked for, milliseconds.
pub const RETRY_FAILED_MS: [u64; 6] = [0, 15_000, 120_000, 900_000, 7_200_000, 0];
/// Pauses before a message is asked for again because nothing came, likewise: 1 h, 6 h, 1 d, 3 d, 7 d.
pub const RETRY_SILENCE_MS: [u64; 6] = [0, 3_600_000, 21_600_000, 86_400_000, 259_200_000, 604_800_000];
/// Messages whose asking is planned at once; the others wait for the next connection.
pub const MAX_RETRIES_PLANNED: usize = 2_048;
/// Messages asked for in one step.
pub const MAX_RETRIES_PER_STEP: usize = 128;
/// Entries kept until the server is known to have heard that they could not be read.
pub const MAX_UNDECRYPTABLE_KEPT: usize = 64;
/// One-time prekeys of each kind whose private halves are kept, used up by nobody.
pub const MAX_PREKEYS_KEPT: usize = 1_000;
/// Ids skipped when an older copy of the device publishes anew, so that none names two keys.
pub const PREKEY_IDS_SKIPPED: u32 = 10_000;
/// Attempts skipped, at most, when an older copy of the device sends its outbox.
pub const ATTEMPTS_SKIPPED: u32 = 1 << 20;
/// Somebody who types is said to do so so often, milliseconds, and for so long after the last time.
pub const TYPING_REPEAT_MS: u64 = 4_000;
/// See [`TYPING_REPEAT_MS`].
pub const TYPING_LASTS_MS: u64 = 8_000;
/// Conversations in which the user is said to type at once.
pub const MAX_COMPOSING_TOLD: usize = 16;
/// Devices of others whose typing is known, or was: what is not newer than that is ignored.
pub const MAX_COMPOSERS: usize = 256;
/// A light event whose sender's clock is further from this one's than this counts as an old one, milliseconds.
pub const LIGHT_AGE_MS: u64 = 3_600_000;
/// Pause between two announcements of this device, milliseconds.
pub const ANNOUNCE_PAUSE_MS: u64 = 2_000;
/// Who is there says so again, milliseconds: what is older than [`LIGHT_AGE_MS`] is not believed.
pub const ANNOUNCE_AGAIN_MS: u64 = 1_800_000;
/// What is watched is asked for anew so often, milliseconds: something may have been dropped.
pub const WATCH_AGAIN_MS: u64 = 120_000;
/// What was announced counts for so long without being said again, milliseconds.
pub const WATCH_LASTS_MS: u64 = 150_000;
/// Devices of one watched account whose announcements count.
pub const MAX_ANNOUNCING_DEVICES: usize = 16;

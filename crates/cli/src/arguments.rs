use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

mod acts;
mod chats;
mod daemon;
mod devices;
mod group;
mod media;
mod people;
mod search;
mod status;
mod storage;
#[cfg(test)]
mod tests;

pub use acts::{
    Answer, Card, Coming, Delete, Disappear, Draft, Edit, Event, Forward, Keep, Location, Moved, Note, Open,
    Pin, Poll, React, Reply, Vote,
};
pub use chats::{
    Chats, ChatsCommand, Contacts, ContactsCommand, List, ListCommand, Messages, MessagesCommand, span,
};
pub use daemon::{Completions, Daemon, ReceiveMode};
pub use devices::{Devices, DevicesCommand, HistoryRange, Link};
pub use group::{Audience, CommunityCommand, Group, GroupCommand, Permissions, Switch};
pub use media::{Files, Media, MediaCommand, PlaySpeed};
pub use people::{
    For, Online, Previews, Profile, ProfileCommand, Requests, RequestsCommand, Settings, SettingsCommand, Who,
};
pub use search::{Kind, Search, When};
pub use status::{Status, StatusAudience, StatusCommand};
pub use storage::{Download, DownloadKind, Offload};

/// End-to-end encrypted conversations in a terminal
#[derive(Parser)]
#[command(
    name = "waxwing",
    version,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done; 1 what was asked cannot be done; 2 something unexpected on this device;
3 the server refused or cannot be reached; 4 a key is not the expected one."
)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args)]
pub struct Global {
    /// Folder of the profile [default: waxwing in the platform's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "WAXWING_DATA_DIR", overrides_with = "data_dir")]
    pub data_dir: Option<PathBuf>,
    /// Print one JSON object a line, and errors as JSON too
    #[arg(long, global = true)]
    pub json: bool,
    /// Protect a new profile by a passphrase, which is asked for (or taken from WAXWING_PASSPHRASE)
    #[arg(long, global = true)]
    pub passphrase: bool,
    /// Keep the database key in this file instead of the profile's folder
    #[arg(long, global = true, value_name = "PATH", overrides_with = "key_file")]
    pub key_file: Option<PathBuf>,
    /// Seconds to wait for the server
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    #[arg(overrides_with = "timeout")]
    pub timeout: Duration,
}

#[derive(Subcommand)]
pub enum Command {
    /// Make an account on a server
    Register(Register),
    /// Make this profile a device of an account that you have already
    Link(Link),
    /// List the account's devices, approve a new one, name or remove one
    Devices(Devices),
    /// Send a message to a contact, a group or a broadcast list
    Send(Send),
    /// Print messages that have arrived, and mark them read
    Receive(Receive),
    /// Talk on a full screen
    Chat(Chat),
    /// List conversations; archive, pin, mute or clear them
    Chats(Chats),
    /// List contacts; add, name or block them
    Contacts(Contacts),
    /// What people have written whom you do not know: accept, delete or block
    Requests(Requests),
    /// What you tell others of yourself: name, picture, a few words
    Profile(Profile),
    /// Who may know what of you, find you, and add you to groups
    Settings(Settings),
    /// Groups and communities
    #[command(alias = "groups")]
    Group(Group),
    /// Broadcast lists: write to many, each alone
    #[command(alias = "lists")]
    List(List),
    /// Star and delete messages, and see who has received one
    Messages(Messages),
    /// React to a message
    React(React),
    /// Answer a message
    Reply(Reply),
    /// Say a message of yours otherwise, within 15 minutes
    Edit(Edit),
    /// Delete messages: on your devices, or for everyone
    Delete(Delete),
    /// Pin a message above its conversation
    Pin(Pin),
    /// Keep a message that would disappear
    Keep(Keep),
    /// Pass a message on
    Forward(Forward),
    /// Ask a question with options
    Poll(Poll),
    /// Vote in a poll
    Vote(Vote),
    /// Invite to something
    Event(Event),
    /// Say whether you come
    Answer(Answer),
    /// Send a place, or where you are
    Location(Location),
    /// Say where you are now, for a live location
    Moved(Moved),
    /// Send somebody's contact card
    Card(Card),
    /// See a message that is to be seen once
    Open(Open),
    /// Let what is written from now on disappear after some time
    Disappear(Disappear),
    /// Keep what you have begun to write, for all your devices
    Draft(Draft),
    /// Write something down for yourself, or see what you wrote down
    #[command(alias = "notes")]
    Note(Note),
    /// Print a conversation
    History(History),
    /// Look for messages in all conversations, by text, person, date and kind
    Search(Search),
    /// Files of messages: list and save them
    Media(Media),
    /// Print the number to compare with a contact over another channel
    SafetyNumber(SafetyNumber),
    /// Status updates: what you and your contacts show for a day
    Status(Status),
    /// Print who this profile is and whether its server can be reached
    Account,
    /// Serve programs: JSON-RPC over standard input and output, a socket, TCP or HTTP
    #[command(alias = "jsonRpc", alias = "json-rpc")]
    Daemon(Daemon),
    /// Print what a shell needs to complete commands
    Completions(Completions),
}

#[derive(Args)]
pub struct Register {
    /// host:port, or ws://host:port where only web traffic gets through
    pub server: String,
    /// Invitation, as the server's operator gave it
    #[arg(long, value_name = "CODE")]
    pub invite: String,
    /// Name that others find you by: a-z, 0-9, '_', '-' and '.'
    #[arg(long, value_name = "NAME")]
    pub username: String,
}

#[derive(Args)]
pub struct Send {
    /// Wait until it is on a device of everybody it is for, or for so many seconds [default: 60]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, value_parser = seconds)]
    #[arg(default_missing_value = "60")]
    pub wait_delivered: Option<Duration>,
    /// Do nothing if a message was sent under this key before
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// To be seen once
    #[arg(long)]
    pub once: bool,
    /// Without formatting: `*` and `_` stay what they are, and nobody is mentioned
    #[arg(long)]
    pub plain: bool,
    /// Do not ask the site of a link in the text what it is about
    #[arg(long)]
    pub no_preview: bool,
    #[command(flatten)]
    pub files: Files,
    /// Username, your own name for a contact, a group's name or id, or a broadcast list's
    pub name: String,
    /// Text, or what is said of the files; `-` reads it from standard input
    #[arg(required_unless_present_any = ["files", "album", "voice", "sticker"])]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub text: Vec<String>,
}

#[derive(Args)]
pub struct Receive {
    /// Go on until interrupted
    #[arg(long)]
    pub follow: bool,
    /// Listen for so many seconds [default: until everything that waited has arrived]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "follow")]
    pub wait: Option<Duration>,
    /// Do not tell the senders that their messages were read
    #[arg(long)]
    pub no_read: bool,
}

#[derive(Args)]
pub struct Chat {
    /// Username, your own name for a contact, or a group's name or id
    pub name: String,
}

#[derive(Args)]
pub struct History {
    /// Username, your own name for a contact, or a group's name or id
    pub name: String,
    /// At most so many messages, the newest ones
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// With the numbers that `waxwing messages` takes
    #[arg(long)]
    pub numbers: bool,
}

#[derive(Args)]
pub struct SafetyNumber {
    /// Username
    pub name: String,
    /// The numbers are equal: trust this contact's key
    #[arg(long, conflicts_with = "unverified")]
    pub verified: bool,
    /// Take that back
    #[arg(long)]
    pub unverified: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "write a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(366 * 24 * 3_600))
        .ok_or_else(|| "write a number of seconds, at most a year".to_owned())
}

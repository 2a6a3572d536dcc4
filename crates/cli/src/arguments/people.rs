use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args)]
pub struct Profile {
    #[command(subcommand)]
    pub command: Option<ProfileCommand>,
}

/// It goes, encrypted, to those whom you write to or accept, and to nobody else.
#[derive(Subcommand)]
pub enum ProfileCommand {
    /// Print what you tell
    Show,
    /// What you call yourself, at most 100 bytes; empty: nothing
    Name { name: String },
    /// What you say about yourself, at most 512 bytes; empty: nothing
    About { text: String },
    /// Your picture
    Picture {
        /// An image file of at most 8 KiB
        #[arg(required_unless_present = "none", conflicts_with = "none")]
        file: Option<PathBuf>,
        /// Take the picture away
        #[arg(long)]
        none: bool,
    },
}

#[derive(Args)]
pub struct Settings {
    #[command(subcommand)]
    pub command: Option<SettingsCommand>,
}

/// `everyone`: whom you have written to, or have accepted.
#[derive(Subcommand)]
pub enum SettingsCommand {
    /// Print all of them
    Show,
    /// Who sees your picture
    Picture(For),
    /// Who reads what you say about yourself
    About(For),
    /// Who knows when you were there last; who may not, neither shows nor sees it
    LastSeen(For),
    /// Who sees that you are there
    Online { who: Online },
    /// Who may add you to groups; others can send you an invitation link
    Groups(For),
    /// Whether others hear what you have read, and you what they have; groups are not concerned
    Receipts { receipts: super::Switch },
    /// Whether your program asks the site of a link that you send what it is about
    Previews { how: Previews },
    /// Which files come without being asked for, where the chat screen or the daemon runs
    Download(super::Download),
    /// Whether people who have your e-mail address or telephone number find you; without ON or OFF: as it is
    Discoverable {
        /// On or off
        switch: Option<super::Switch>,
    },
    /// Tell the server that an address is yours, with the code that its operator gave you
    Address {
        /// 32 letters and digits
        code: String,
    },
}

#[derive(Args)]
pub struct For {
    pub who: Who,
    /// With `contacts`: but not these
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub except: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Who {
    Everyone,
    Contacts,
    Nobody,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Online {
    Everyone,
    /// Who may know when you were there last
    LikeLastSeen,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Previews {
    /// Sites of the public internet
    On,
    Off,
    /// Those of this network too
    Everywhere,
}

#[derive(Args)]
pub struct Requests {
    #[command(subcommand)]
    pub command: Option<RequestsCommand>,
}

/// Somebody whom you have neither written to nor added is named by their username; a group into which somebody has
/// added you whom you do not let, by its name or id.
#[derive(Subcommand)]
pub enum RequestsCommand {
    /// List them
    List,
    /// Say yes: they hear who you are and what you read, or you are in the group
    Accept { name: String },
    /// Delete what they have written; they do not hear of it. Of a group: leave it
    Delete { name: String },
    /// Take nothing from them any more, and delete what they have written. Of a group: leave it, and block who added you
    Block { name: String },
}

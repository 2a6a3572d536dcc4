//! Files of messages.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Files that go with a message.
#[derive(Args)]
pub struct Files {
    /// Send a file: a photo is made smaller and loses what its camera noted, everything else goes as it is; can be
    /// given several times
    #[arg(long = "file", value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// Send photos and videos together
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub album: Vec<PathBuf>,
    /// Send a recording as a voice message
    #[arg(long, value_name = "PATH", conflicts_with_all = ["files", "album"])]
    pub voice: Option<PathBuf>,
    /// Send all of it as documents: as they are, with everything in them
    #[arg(long, conflicts_with_all = ["hd", "voice"])]
    pub document: bool,
    /// Photos as large as it makes sense
    #[arg(long)]
    pub hd: bool,
}

#[derive(Args)]
pub struct Media {
    #[command(subcommand)]
    pub command: MediaCommand,
}

#[derive(Subcommand)]
pub enum MediaCommand {
    /// List messages with files, the newest last
    List {
        /// Only of this conversation: username, your own name for a contact, or a group's name or id
        name: Option<String>,
        /// At most so many messages, the newest ones
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Save the files of a message
    Save {
        /// Number of the message, as `waxwing media list` prints it
        number: u64,
        /// Only this one of its files, from 1
        #[arg(long, value_name = "N")]
        only: Option<u32>,
        /// Where to: a folder, or for one file a new file
        #[arg(long, short, value_name = "PATH", default_value = ".")]
        output: PathBuf,
    },
}

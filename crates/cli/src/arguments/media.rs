//! Files of messages.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Files that go with a message.
#[derive(Args, Default)]
pub struct Files {
    /// Send a file: photos and videos are made smaller and lose what their camera noted, everything else goes as it is;
    /// can be given several times
    #[arg(long = "file", value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// Send photos and videos together
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub album: Vec<PathBuf>,
    /// Send sound as a voice message: WAV, FLAC, MP3, AAC, Vorbis or Opus becomes small Opus, without what its recorder
    /// noted; `-` records from standard input until it ends: arecord -f S16_LE -r 48000 | waxwing send --voice - bob
    #[arg(long, value_name = "PATH", conflicts_with_all = ["files", "album"])]
    pub voice: Option<PathBuf>,
    /// Send a sticker: a picture of at most 512 pixels each way, made smaller if it is larger; it may move (WebP, PNG)
    #[arg(long, value_name = "PATH", conflicts_with_all = ["files", "album", "voice", "document"])]
    pub sticker: Option<PathBuf>,
    /// Send all of it as documents: as they are, with everything in them
    #[arg(long, conflicts_with_all = ["hd", "voice"])]
    pub document: bool,
    /// Photos as large as it makes sense, videos with their pictures and sounds as they are
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
        /// Those that take the most room on this device, the largest first
        #[arg(long, conflicts_with = "oldest")]
        largest: bool,
        /// Those that take room on this device, the oldest first
        #[arg(long)]
        oldest: bool,
    },
    /// What files take on this device, by conversation
    Storage,
    /// Free the room that the files of a message take here; they can be fetched again while the server has them
    Remove {
        /// Number of the message, as `waxwing media list` prints it
        number: u64,
        /// Only this one of its files, from 1
        #[arg(long, value_name = "N")]
        only: Option<u32>,
    },
    /// Move older files, encrypted, to storage of your own; they are fetched from there when they are needed
    Offload(super::Offload),
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
    /// Play a voice message, or anything else that is to be heard
    Play {
        /// Number of the message, as `waxwing media list` prints it
        number: u64,
        /// This one of its files, from 1 [default: the first that is to be heard]
        #[arg(long, value_name = "N")]
        only: Option<u32>,
        /// Faster, and not higher
        #[arg(long, value_enum, default_value = "1")]
        speed: PlaySpeed,
        /// Write a WAV file instead; `-` writes it to standard output
        #[arg(long, short, value_name = "PATH", allow_hyphen_values = true)]
        output: Option<PathBuf>,
    },
}

/// How fast something is played.
#[derive(Clone, Copy, ValueEnum)]
pub enum PlaySpeed {
    #[value(name = "1")]
    Normal,
    #[value(name = "1.5")]
    Faster,
    #[value(name = "2")]
    Double,
}

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::chats::span;

#[derive(Args)]
pub struct Status {
    #[command(subcommand)]
    pub command: Option<StatusCommand>,
}

/// A status update is shown for 24 hours to those whom you chose, and is in no chat. Answer one with `waxwing reply`,
/// react with `waxwing react`; its author alone hears of it.
#[derive(Subcommand)]
pub enum StatusCommand {
    /// Who shows something: the new ones first
    List {
        /// With those that are muted
        #[arg(long)]
        all: bool,
    },
    /// Show something of yours
    Post {
        /// With a photo, a video or a GIF, made smaller and without what its camera noted
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
        /// With a voice message
        #[arg(long, value_name = "PATH", conflicts_with = "file")]
        voice: Option<PathBuf>,
        /// The photo as large as it makes sense, the video with its pictures and sounds as they are
        #[arg(long)]
        hd: bool,
        /// Without formatting: `*` and `_` stay what they are, and nobody is mentioned
        #[arg(long)]
        plain: bool,
        /// Do not ask the site of a link in the text what it is about
        #[arg(long)]
        no_preview: bool,
        /// Text; `-` reads it from standard input
        #[arg(required_unless_present_any = ["file", "voice"], trailing_var_arg = true, allow_hyphen_values = true)]
        text: Vec<String>,
    },
    /// Print what somebody shows, and let them know that you have seen it
    Show {
        /// A contact; `me`: what you show [default: everything that is new]
        name: Option<String>,
        /// Do not let them know
        #[arg(long)]
        no_read: bool,
    },
    /// Who has seen what you show
    Seen {
        /// Its number, as `waxwing status show me` prints it [default: the newest one]
        message: Option<String>,
    },
    /// Take something back that you show, from everybody
    Delete {
        /// Numbers, as `waxwing status show me` prints them
        #[arg(required = true)]
        messages: Vec<String>,
    },
    /// Who sees what you show from now on; without WHO: as it is
    Audience {
        #[command(subcommand)]
        who: Option<StatusAudience>,
    },
    /// Put what somebody shows out of the way
    Mute {
        /// A contact
        name: String,
        /// For so long, as 30m, 8h, 7d or 2w [default: until unmuted]
        #[arg(long = "for", value_name = "TIME", value_parser = span)]
        span: Option<Duration>,
    },
    /// Not any more
    Unmute {
        /// A contact
        name: String,
    },
}

#[derive(Subcommand)]
pub enum StatusAudience {
    /// All your contacts, or all but some
    Contacts {
        /// Not these
        #[arg(long, value_name = "NAME", num_args = 1..)]
        except: Vec<String>,
    },
    /// These people, and nobody else
    Only {
        #[arg(required = true)]
        names: Vec<String>,
    },
}

use std::time::Duration;

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args)]
pub struct Chats {
    #[command(subcommand)]
    pub command: Option<ChatsCommand>,
}

/// A conversation is named by a username, the user's own name for a contact, or a group's name or id.
#[derive(Subcommand)]
pub enum ChatsCommand {
    /// List them, newest first
    List {
        /// With those that are archived
        #[arg(long)]
        archived: bool,
    },
    /// Out of sight
    Archive { name: String },
    /// Back in sight
    Unarchive { name: String },
    /// Above the others
    Pin { name: String },
    /// Among the others again
    Unpin { name: String },
    /// No notifications
    Mute {
        name: String,
        /// For so long, as 30m, 8h, 7d or 2w [default: until unmuted]
        #[arg(long = "for", value_name = "TIME", value_parser = span)]
        span: Option<Duration>,
    },
    /// Notifications again
    Unmute { name: String },
    /// Delete all messages so far, on all your devices; nobody else notices
    Clear { name: String },
}

#[derive(Args)]
pub struct Contacts {
    #[command(subcommand)]
    pub command: Option<ContactsCommand>,
}

#[derive(Subcommand)]
pub enum ContactsCommand {
    /// List them
    List,
    /// Look somebody up on the server and keep them
    Add {
        /// Username
        name: String,
    },
    /// Print what somebody tells of themself
    Show {
        /// Username
        name: String,
    },
    /// Do not know somebody any more; what was written stays
    Remove {
        /// Username
        name: String,
    },
    /// Give a contact a name of your own
    Name {
        /// Username
        name: String,
        /// What you call them; empty: nothing
        own_name: String,
    },
    /// Look up who in an address book is here and wants to be found; the server learns no address
    Sync {
        /// A file with vCards (.vcf) or a table (.csv), as address books and mail programs export them
        file: PathBuf,
        /// Country code for telephone numbers without one, such as 49
        #[arg(long, value_name = "CODE")]
        country_code: Option<String>,
    },
    /// Take nothing from somebody any more
    Block {
        /// Username
        name: String,
    },
    /// Take their messages again
    Unblock {
        /// Username
        name: String,
    },
}

#[derive(Args)]
pub struct Messages {
    #[command(subcommand)]
    pub command: MessagesCommand,
}

/// A message is named by its number in `waxwing history --numbers`, or by its id in `--json`.
#[derive(Subcommand)]
pub enum MessagesCommand {
    /// List the messages that you starred
    Starred,
    /// Mark messages for yourself
    Star {
        #[arg(required = true)]
        messages: Vec<String>,
    },
    /// Take the mark away
    Unstar {
        #[arg(required = true)]
        messages: Vec<String>,
    },
    /// Delete messages on all your devices; nobody else notices
    Delete {
        #[arg(required = true)]
        messages: Vec<String>,
    },
    /// How far a message of yours to a group has come with each member
    Receipts { message: String },
}

#[derive(Args)]
pub struct List {
    #[command(subcommand)]
    pub command: Option<ListCommand>,
}

/// A list is named by its name or id.
#[derive(Subcommand)]
pub enum ListCommand {
    /// List them
    Show,
    /// Make one
    Create {
        /// For you; nobody else sees it
        name: String,
        /// Usernames
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Give it another name
    Rename { list: String, name: String },
    /// Put people on it
    Add {
        list: String,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Take people off it
    Remove {
        list: String,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Delete it
    Delete { list: String },
}

/// `30m`, `8h`, `7d`, `2w`.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and m, h, d or w, as 8h".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|_| number > 0).map(Duration::from_secs).ok_or_else(wrong)
}

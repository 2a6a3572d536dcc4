use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args)]
pub struct Group {
    #[command(subcommand)]
    pub command: Option<GroupCommand>,
}

/// A group is named by its name or, if several are called so, by its id; members by their usernames.
#[derive(Subcommand)]
pub enum GroupCommand {
    /// List the groups
    List,
    /// Make a group
    Create {
        /// Its name
        name: String,
        /// Usernames
        members: Vec<String>,
        /// A community: a group of groups, in which admins announce
        #[arg(long)]
        community: bool,
    },
    /// Print who is in a group and what they may do
    Show { group: String },
    /// Give it another name
    Rename { group: String, name: String },
    /// Say what it is about
    Describe { group: String, text: String },
    /// Give it a picture
    Picture {
        group: String,
        /// An image file of at most 8 KiB
        #[arg(required_unless_present = "none", conflicts_with = "none")]
        file: Option<PathBuf>,
        /// Take the picture away
        #[arg(long)]
        none: bool,
    },
    /// Add members
    Add {
        group: String,
        #[arg(required = true)]
        members: Vec<String>,
        /// As admins
        #[arg(long)]
        admin: bool,
    },
    /// Remove members
    Remove {
        group: String,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Make members admins
    Promote {
        group: String,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Make admins ordinary members
    Demote {
        group: String,
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Say who may do what; without options: print it
    Permissions(Permissions),
    /// Leave a group
    Leave { group: String },
    /// Print the invitation link, if there is one
    Link {
        group: String,
        /// Draw a new one; a former one ends
        #[arg(long)]
        new: bool,
        /// End it
        #[arg(long, conflicts_with = "new")]
        off: bool,
    },
    /// Ask to join the group of an invitation link
    Join { link: String },
    /// Who waits to be let in
    Requests { group: Option<String> },
    /// Let somebody in who waits
    Accept { group: String, member: String },
    /// Do not let somebody in who waits
    Decline { group: String, member: String },
    /// Send the last messages to somebody who has joined
    ShareHistory {
        group: String,
        member: String,
        /// So many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(25..=100))]
        messages: u32,
    },
    /// The groups of a community
    Community {
        #[command(subcommand)]
        command: CommunityCommand,
    },
}

#[derive(Args)]
pub struct Permissions {
    pub group: String,
    /// Who writes messages
    #[arg(long, value_enum)]
    pub send: Option<Audience>,
    /// Who changes name, description and picture
    #[arg(long, value_enum)]
    pub edit: Option<Audience>,
    /// Who adds members
    #[arg(long, value_enum)]
    pub add: Option<Audience>,
    /// Whether whoever comes by link waits for an admin's word
    #[arg(long, value_enum)]
    pub approve: Option<Switch>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Audience {
    Everybody,
    Admins,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Subcommand)]
pub enum CommunityCommand {
    /// Put a group into a community; for admins of both
    Add { community: String, group: String },
    /// Take a group out of a community
    Remove { community: String, group: String },
}

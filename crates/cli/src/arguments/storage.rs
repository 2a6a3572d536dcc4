//! What files take, where they go to, and which come by themselves.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use waxwing_app::api::Fetching;

#[derive(Args)]
pub struct Offload {
    /// A folder, which may be one that another program keeps in step with a cloud, or the address of a WebDAV folder
    /// [default: the one of the last time]
    #[arg(long, value_name = "FOLDER|URL")]
    pub to: Option<String>,
    /// User name at the WebDAV server; the password is read from WAXWING_CLOUD_PASSWORD or --password-file
    #[arg(long, value_name = "NAME", requires = "to")]
    pub user: Option<String>,
    /// The first line of this file is the password
    #[arg(long, value_name = "PATH", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// Only files of messages that are older, as 8h, 30d or 2w; 0: all
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = age)]
    pub older_than: Duration,
    /// Only files that are at least so large, as 500KB, 10MB or 1GB
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = size)]
    pub larger_than: u64,
}

#[derive(Args)]
pub struct Download {
    /// Of what kind
    pub kind: DownloadKind,
    /// `always`, `never`, or up to a size, as 500KB or 10MB
    #[arg(value_name = "WHEN", value_parser = fetching)]
    pub when: Fetching,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DownloadKind {
    /// Photos, stickers and loops
    Photos,
    /// Voice messages
    Voice,
    Video,
    /// Everything else
    Documents,
}

/// Bytes: a number, and perhaps KB, MB or GB, of 1,024 each.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write it as 500KB, 10MB or 1GB");
    let upper = text.to_ascii_uppercase();
    let units =
        [("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)];
    let found = units.iter().find_map(|(unit, bytes)| Some((upper.strip_suffix(unit)?, *bytes)));
    let (digits, unit): (&str, u64) = found.unwrap_or((&upper, 1));
    let number: u64 = digits.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// As [`super::span`] has it, or none at all.
fn age(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { super::span(text) }
}

fn fetching(text: &str) -> Result<Fetching, String> {
    match text {
        "always" => Ok(Fetching::Always),
        "never" => Ok(Fetching::Never),
        size_text => size(size_text)
            .map(|bytes| Fetching::UpTo { bytes })
            .map_err(|_| format!("{text:?} is none of: always, never, a size as 10MB")),
    }
}

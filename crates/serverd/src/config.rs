//! What an operator can set: by flag, or by the same name in a TOML file. Flags win.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use waxwing_server::{FileSettings, Settings};

use crate::limits;
use crate::media::MediaSettings;
use crate::media::objects::{ObjectSettings, Storage};
use crate::net::IoSettings;

/// The settings, each of them optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Where to listen for clients [default: 127.0.0.1:7667]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Where to answer /metrics and /healthz [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Log lines as JSON
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub log_json: Option<bool>,
    /// What to log: error, warn, info, debug, or a filter as tracing has them [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Threads that serve sockets [default: one for each two cores]
    #[arg(long, value_name = "N")]
    pub io_threads: Option<usize>,
    /// Connections at once
    #[arg(long, value_name = "N")]
    pub max_connections: Option<usize>,
    /// Connections of one address that have not said which device they are
    #[arg(long, value_name = "N")]
    pub guests_per_ip: Option<u32>,
    /// Registrations of one address in an hour
    #[arg(long, value_name = "N")]
    pub registrations_per_hour: Option<u32>,
    /// Count connections from this machine too
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub limit_loopback: Option<bool>,
    /// Take a client's address from the X-Forwarded-For of its WebSocket: only behind a proxy that sets it
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub trust_forwarded_for: Option<bool>,
    /// Seconds for the handshake
    #[arg(long, value_name = "SECONDS")]
    pub handshake_seconds: Option<u64>,
    /// Seconds from the handshake until the connection has said which device it is
    #[arg(long, value_name = "SECONDS")]
    pub guest_seconds: Option<u64>,
    /// Seconds of silence after which a connection is closed
    #[arg(long, value_name = "SECONDS")]
    pub idle_seconds: Option<u64>,
    /// Seconds that a message waits for its device [default: 30 days]
    #[arg(long, value_name = "SECONDS")]
    pub retention_seconds: Option<u64>,
    /// Seconds between two searches for messages that have waited too long
    #[arg(long, value_name = "SECONDS")]
    pub sweep_seconds: Option<u64>,
    /// Messages a second that a device may send in the long run
    #[arg(long, value_name = "N")]
    pub sends_per_second: Option<u32>,
    /// Messages that a device may send at once
    #[arg(long, value_name = "N")]
    pub send_burst: Option<u32>,
    /// Entries in one mailbox
    #[arg(long, value_name = "N")]
    pub mailbox_entries: Option<u64>,
    /// Bytes in one mailbox
    #[arg(long, value_name = "BYTES")]
    pub mailbox_bytes: Option<u64>,
    /// Free bytes on the disk below which no message is taken
    #[arg(long, value_name = "BYTES")]
    pub reserve_bytes: Option<u64>,
    /// After restoring an older copy of the data: above every sequence number given out since
    #[arg(long, value_name = "N")]
    pub first_seq: Option<u64>,
    /// Keep no files: no photos, voice notes or documents
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub no_media: Option<bool>,
    /// Where files are kept [default: folder]
    #[arg(long, value_name = "WHERE")]
    pub media_storage: Option<Storage>,
    /// The folder for files [default: media in the data directory]
    #[arg(long, value_name = "DIR")]
    pub media_dir: Option<PathBuf>,
    /// Object store: the bucket or container
    #[arg(long, value_name = "NAME")]
    pub media_bucket: Option<String>,
    /// Object store: its URL, as clients reach it too [default: the provider's]
    #[arg(long, value_name = "URL")]
    pub media_endpoint: Option<String>,
    /// S3: the region
    #[arg(long, value_name = "NAME")]
    pub media_region: Option<String>,
    /// Object store: what the names of all objects begin with
    #[arg(long, value_name = "PATH")]
    pub media_prefix: Option<String>,
    /// S3: the access key's id; its secret is in the secret file [default: the machine's own credentials]
    #[arg(long, value_name = "ID")]
    pub media_access_key_id: Option<String>,
    /// S3: the bucket stands in the host's name and not in the path
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub media_virtual_host: Option<bool>,
    /// Azure: the storage account
    #[arg(long, value_name = "NAME")]
    pub media_account: Option<String>,
    /// Object store: a file with the access key's secret (S3), the service account's JSON (Google), the account's key
    /// (Azure) [default: the environment's WAXWINGD_MEDIA_SECRET]
    #[arg(long, value_name = "FILE")]
    pub media_secret_file: Option<PathBuf>,
    /// Days that a file stays after a message named it last; at least as long as messages wait [default: 30]
    #[arg(long, value_name = "DAYS")]
    pub media_retention_days: Option<u64>,
    /// Bytes that the files of one account may take [default: 10 GB]
    #[arg(long, value_name = "BYTES")]
    pub media_quota_bytes: Option<u64>,
    /// Bytes that one file may have, encrypted [default: 2 GB]
    #[arg(long, value_name = "BYTES")]
    pub media_file_bytes: Option<u64>,
    /// URL by which clients reach this server's HTTP [default: the address of their connection]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// URL of a cache in front of this server's HTTP or of the bucket, for downloads
    #[arg(long, value_name = "URL")]
    pub cdn_url: Option<String>,
}

/// The settings with their defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen for clients.
    pub listen: SocketAddr,
    /// Where to answer for numbers.
    pub metrics: Option<SocketAddr>,
    /// Threads that serve sockets.
    pub io_threads: usize,
    /// Of the network.
    pub io: IoSettings,
    /// See [`limits::GUESTS_PER_IP`].
    pub guests_per_ip: u32,
    /// See [`limits::REGISTRATIONS_PER_HOUR_PER_IP`].
    pub registrations_per_hour: u32,
    /// Count connections from this machine too.
    pub limit_loopback: bool,
    /// See [`limits::SWEEP_INTERVAL`].
    pub sweep_interval: Duration,
    /// See [`limits::RESERVE_BYTES`].
    pub reserve_bytes: u64,
    /// Of files, if they are kept.
    pub media: MediaSettings,
    /// Of decisions.
    pub settings: Settings,
}

/// The configuration file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl Unusable {
    /// Why, and what to do.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Options {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or says something unknown.
    pub fn read(path: &Path) -> Result<Self, Unusable> {
        let unusable =
            |error: &dyn fmt::Display| Unusable(format!("configuration file {}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
        toml::from_str(&text).map_err(|error| unusable(&error))
    }

    /// What stands here, and `other` where nothing does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            metrics: self.metrics.or(other.metrics),
            log_json: self.log_json.or(other.log_json),
            log: self.log.or(other.log),
            io_threads: self.io_threads.or(other.io_threads),
            max_connections: self.max_connections.or(other.max_connections),
            guests_per_ip: self.guests_per_ip.or(other.guests_per_ip),
            registrations_per_hour: self.registrations_per_hour.or(other.registrations_per_hour),
            limit_loopback: self.limit_loopback.or(other.limit_loopback),
            trust_forwarded_for: self.trust_forwarded_for.or(other.trust_forwarded_for),
            handshake_seconds: self.handshake_seconds.or(other.handshake_seconds),
            guest_seconds: self.guest_seconds.or(other.guest_seconds),
            idle_seconds: self.idle_seconds.or(other.idle_seconds),
            retention_seconds: self.retention_seconds.or(other.retention_seconds),
            sweep_seconds: self.sweep_seconds.or(other.sweep_seconds),
            sends_per_second: self.sends_per_second.or(other.sends_per_second),
            send_burst: self.send_burst.or(other.send_burst),
            mailbox_entries: self.mailbox_entries.or(other.mailbox_entries),
            mailbox_bytes: self.mailbox_bytes.or(other.mailbox_bytes),
            reserve_bytes: self.reserve_bytes.or(other.reserve_bytes),
            first_seq: self.first_seq.or(other.first_seq),
            no_media: self.no_media.or(other.no_media),
            media_storage: self.media_storage.or(other.media_storage),
            media_dir: self.media_dir.or(other.media_dir),
            media_bucket: self.media_bucket.or(other.media_bucket),
            media_endpoint: self.media_endpoint.or(other.media_endpoint),
            media_region: self.media_region.or(other.media_region),
            media_prefix: self.media_prefix.or(other.media_prefix),
            media_access_key_id: self.media_access_key_id.or(other.media_access_key_id),
            media_virtual_host: self.media_virtual_host.or(other.media_virtual_host),
            media_account: self.media_account.or(other.media_account),
            media_secret_file: self.media_secret_file.or(other.media_secret_file),
            media_retention_days: self.media_retention_days.or(other.media_retention_days),
            media_quota_bytes: self.media_quota_bytes.or(other.media_quota_bytes),
            media_file_bytes: self.media_file_bytes.or(other.media_file_bytes),
            public_url: self.public_url.or(other.public_url),
            cdn_url: self.cdn_url.or(other.cdn_url),
        }
    }

    /// With defaults where nothing is set.
    ///
    /// # Errors
    /// When settings do not fit together.
    pub fn resolve(self) -> Result<Config, Unusable> {
        let objects = ObjectSettings::of(&self)?;
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        let defaults = Settings::default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let file_defaults = FileSettings::default();
        let days_ms = |days: u64| days.saturating_mul(24 * 3_600_000);
        let files = (!self.no_media.unwrap_or(false)).then(|| FileSettings {
            retention_ms: self.media_retention_days.map_or(file_defaults.retention_ms, days_ms),
            quota_bytes: self.media_quota_bytes.unwrap_or(file_defaults.quota_bytes),
            max_bytes: self.media_file_bytes.unwrap_or(file_defaults.max_bytes),
        });
        let io_threads = self.io_threads.unwrap_or(cores / limits::CORES_PER_IO_THREAD);
        Ok(Config {
            listen: self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7667))),
            metrics: self.metrics,
            io_threads: io_threads.clamp(1, limits::MAX_IO_THREADS),
            io: IoSettings {
                max_connections: self.max_connections.unwrap_or(limits::MAX_CONNECTIONS),
                handshake_timeout: seconds(self.handshake_seconds, limits::HANDSHAKE_TIMEOUT),
                guest_timeout: seconds(self.guest_seconds, limits::GUEST_TIMEOUT),
                idle_timeout: seconds(self.idle_seconds, limits::IDLE_TIMEOUT),
                trust_forwarded_for: self.trust_forwarded_for.unwrap_or(false),
            },
            guests_per_ip: self.guests_per_ip.unwrap_or(limits::GUESTS_PER_IP),
            registrations_per_hour: self
                .registrations_per_hour
                .unwrap_or(limits::REGISTRATIONS_PER_HOUR_PER_IP),
            limit_loopback: self.limit_loopback.unwrap_or(false),
            sweep_interval: seconds(self.sweep_seconds, limits::SWEEP_INTERVAL),
            reserve_bytes: self.reserve_bytes.unwrap_or(limits::RESERVE_BYTES),
            media: MediaSettings {
                folder: self.media_dir,
                public_url: self.public_url,
                cdn_url: self.cdn_url,
                reserve_bytes: self.reserve_bytes.unwrap_or(limits::RESERVE_BYTES),
                objects,
            },
            settings: Settings {
                retention_ms: self
                    .retention_seconds
                    .map_or(defaults.retention_ms, |s| s.saturating_mul(1_000)),
                sends_per_second: self.sends_per_second.unwrap_or(defaults.sends_per_second),
                send_burst: self.send_burst.unwrap_or(defaults.send_burst),
                mailbox_entries: self.mailbox_entries.unwrap_or(defaults.mailbox_entries),
                mailbox_bytes: self.mailbox_bytes.unwrap_or(defaults.mailbox_bytes),
                first_seq: self.first_seq.unwrap_or(defaults.first_seq),
                files,
            },
        })
    }
}

/// Flags and file together.
///
/// # Errors
/// When the file cannot be used.
pub fn read(flags: Options, file: Option<&PathBuf>) -> Result<Options, Unusable> {
    match file {
        Some(path) => Ok(flags.or(Options::read(path)?)),
        None => Ok(flags),
    }
}

#[cfg(test)]
mod tests;

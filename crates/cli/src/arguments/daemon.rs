use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Without --socket, --tcp and --http it speaks over standard input and output.
#[derive(Args)]
pub struct Daemon {
    /// Listen on a Unix socket that only you can use [default: `socket` in the profile's folder]
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true)]
    pub socket: Option<Option<PathBuf>>,
    /// Listen on TCP [default: localhost:7583]
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "localhost:7583")]
    pub tcp: Option<String>,
    /// Listen on HTTP, with server-sent events [default: localhost:8080]
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "localhost:8080")]
    pub http: Option<String>,
    /// Over TCP and HTTP let only those in who know the word in this file; needed to listen on anything but
    /// this machine
    #[arg(long, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
    /// When events are told, and when they count as dealt with
    #[arg(long, value_name = "MODE", default_value = "on-start")]
    pub receive_mode: ReceiveMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReceiveMode {
    /// To everybody who is connected; what was written to somebody is dealt with
    OnStart,
    /// The same, and connected to the server only while somebody listens
    OnConnection,
    /// To those who called `subscribeReceive`
    Manual,
    /// To everybody who is connected, again and again until somebody calls `acknowledge`
    Ack,
}

#[derive(Args)]
pub struct Completions {
    /// For which shell
    pub shell: clap_complete::Shell,
}

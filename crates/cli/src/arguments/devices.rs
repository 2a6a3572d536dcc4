use clap::{Args, Subcommand, ValueEnum};

#[derive(Args)]
pub struct Link {
    /// Where the account is: host:port or ws://host:port. With `#` and the server's key, as `waxwing account`
    /// prints it on the other device, only that server is talked to; without, whichever answers
    #[arg(long, value_name = "HOST:PORT[#KEY]")]
    pub server: Option<String>,
    /// How this device is called among yours [default: this machine's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Args)]
pub struct Devices {
    #[command(subcommand)]
    pub command: Option<DevicesCommand>,
}

#[derive(Subcommand)]
pub enum DevicesCommand {
    /// List them, with when they were last connected
    List,
    /// Take in the device that shows this code; only on the account's first device
    Approve {
        /// The code under the QR code, or the QR code's content
        code: String,
        /// What of the past the new device gets
        #[arg(long, value_enum, default_value_t = HistoryRange::All)]
        history: HistoryRange,
    },
    /// Name a device
    Name {
        /// Its number
        device: u8,
        /// Its name among yours
        name: String,
    },
    /// Cut a device off at once; this device: log out
    Remove {
        /// Its number
        device: u8,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum HistoryRange {
    /// Everything
    All,
    /// The last 365 days
    Year,
    /// The last 30 days
    Month,
    /// No messages
    None,
}

use std::fmt;

/// Where `waxwingd` listens unless told otherwise.
const DEFAULT_PORT: u16 = 7667;
const DEFAULT_WEBSOCKET_PORT: u16 = 80;
const DEFAULT_TLS_PORT: u16 = 443;
/// Where `waxwingd` takes WebSockets.
const WEBSOCKET_PATH: &str = "/v1/stream";
const MAX_CHARS: usize = 512;

/// A server as people write it: `host`, `host:port`, `[ipv6]:port` or `ws://host[:port][/path]`; in a browser also
/// `wss://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// The native protocol over TCP.
    Tcp {
        /// Name or number, IPv6 without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The same inside WebSocket.
    WebSocket {
        /// Name or number, IPv6 without brackets.
        host: String,
        /// Its port.
        port: u16,
        /// Begins with a slash.
        path: String,
        /// Inside TLS, which only a browser brings.
        tls: bool,
    },
}

/// Not an address. Says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Unreadable.
    #[error("not a server address; write host:port (example.org:7667) or ws://host:port")]
    Malformed,
    /// TLS is not built in.
    #[error(
        "wss:// is not supported by this program; use host:port, which is encrypted just as well, or ws://"
    )]
    Tls,
}

impl ServerAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.len() > MAX_CHARS || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Malformed);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "wss" | "https" if cfg!(not(target_family = "wasm")) => Err(AddressError::Tls),
            "tcp" => {
                let (host, port) = host_and_port(rest, DEFAULT_PORT)?;
                Ok(Self::Tcp { host, port })
            }
            "ws" | "wss" => {
                let tls = scheme == "wss";
                let (authority, path) = match rest.find('/') {
                    Some(at) => rest.split_at(at),
                    None => (rest, ""),
                };
                let (host, port) =
                    host_and_port(authority, if tls { DEFAULT_TLS_PORT } else { DEFAULT_WEBSOCKET_PORT })?;
                let path = if path.is_empty() || path == "/" { WEBSOCKET_PATH } else { path };
                Ok(Self::WebSocket { host, port, path: path.to_owned(), tls })
            }
            _ => Err(AddressError::Malformed),
        }
    }

    /// Name or number and port, to be looked up.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        let (Self::Tcp { host, port } | Self::WebSocket { host, port, .. }) = self;
        (host, *port)
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = self.host_and_port();
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        match self {
            Self::Tcp { .. } => write!(f, "{open}{host}{close}:{port}"),
            Self::WebSocket { path, tls, .. } => {
                let scheme = if *tls { "wss" } else { "ws" };
                write!(f, "{scheme}://{open}{host}{close}:{port}{path}")
            }
        }
    }
}

fn host_and_port(text: &str, default_port: u16) -> Result<(String, u16), AddressError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(AddressError::Malformed)?;
        (host, rest.strip_prefix(':').map_or((rest.is_empty()).then_some(None), |port| Some(Some(port))))
    } else if text.matches(':').count() > 1 {
        (text, Some(None))
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        (host, Some(port))
    };
    let port = match port.ok_or(AddressError::Malformed)? {
        None => default_port,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or(AddressError::Malformed)?,
    };
    if host.is_empty() || host.contains(['/', '@', '?', '#']) {
        return Err(AddressError::Malformed);
    }
    Ok((host.to_owned(), port))
}

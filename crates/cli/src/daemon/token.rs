//! The word that lets programs in.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::limits::{MAX_TOKEN_BYTES, MIN_TOKEN_BYTES};
use crate::output::Error;

pub struct Token(Zeroizing<String>);

impl Token {
    /// From a file that only its owner reads.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |error: std::io::Error| {
            Error::user("tokenFile", format!("cannot read {}: {error}", path.display()))
        };
        let file = File::open(path).map_err(unreadable)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(unreadable)?.permissions().mode();
            if mode & 0o077 != 0 {
                let detail = format!("{0} can be read by others; say `chmod 600 {0}`", path.display());
                return Err(Error::user("tokenReadable", detail));
            }
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_TOKEN_BYTES as u64 + 2).read_to_string(&mut text).map_err(unreadable)?;
        let token = text.trim();
        if !(MIN_TOKEN_BYTES..=MAX_TOKEN_BYTES).contains(&token.len())
            || !token.bytes().all(|b| b.is_ascii_graphic())
        {
            let detail = format!(
                "a token has {MIN_TOKEN_BYTES} to {MAX_TOKEN_BYTES} visible ASCII characters; draw one with \
                 `openssl rand -hex 32 > {}`",
                path.display()
            );
            return Err(Error::user("malformedToken", detail));
        }
        Ok(Self(Zeroizing::new(token.to_owned())))
    }

    /// In a time that does not depend on where they differ.
    pub fn is(&self, told: &str) -> bool {
        let differs = self.0.bytes().zip(told.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
        self.0.len() == told.len() && std::hint::black_box(differs) == 0
    }
}

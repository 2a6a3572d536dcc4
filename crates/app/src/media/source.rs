//! Where the bytes of a download are: at one address, or in segments of one size at an address each.

use waxwing_wire::file::Download;

use super::http::Http;

/// Why bytes did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// The address does not count (any more), or there is none.
    Address,
    Network,
}

impl Gap {
    /// What the status of an answer to a range from a byte on means.
    pub fn of(status: u16, from: u64) -> Result<(), Self> {
        match status {
            206 => Ok(()),
            200 if from == 0 => Ok(()),
            400 | 401 | 403 | 404 | 410 | 416 => Err(Self::Address),
            _ => Err(Self::Network),
        }
    }
}

/// See the module.
pub struct Source {
    urls: Vec<String>,
    /// Which segment the first address is of.
    first: u64,
    segment_bytes: u64,
}

impl Source {
    /// What the server says of a file, from a segment on.
    pub fn new(download: &Download, first: u32, server: &str) -> Self {
        let segment_bytes = if download.segment_bytes == 0 { u64::MAX } else { download.segment_bytes };
        let urls = download.urls.iter().map(|url| absolute(url, server)).collect();
        Self { urls, first: u64::from(first), segment_bytes }
    }

    /// Whether further addresses may help.
    pub fn is_segmented(&self) -> bool {
        self.segment_bytes < u64::MAX
    }

    /// In which segment a byte is.
    pub fn segment_of(&self, at: u64) -> u32 {
        u32::try_from(at / self.segment_bytes).unwrap_or(u32::MAX)
    }

    /// Up to which byte there are addresses.
    fn end(&self) -> u64 {
        self.first.saturating_add(self.urls.len() as u64).saturating_mul(self.segment_bytes)
    }

    fn url(&self, at: u64) -> Option<&String> {
        let place = (at / self.segment_bytes).checked_sub(self.first)?;
        self.urls.get(usize::try_from(place).ok()?)
    }

    /// Bytes from one on: at least `least`, or none; at most `most`.
    pub async fn read(&self, http: &Http, from: u64, least: u64, most: u64) -> Result<Vec<u8>, Gap> {
        if from.saturating_add(least) > self.end() {
            return Err(Gap::Address);
        }
        let end = from.saturating_add(most).min(self.end());
        let (mut bytes, mut at) = (Vec::new(), from);
        while at < end {
            let url = self.url(at).ok_or(Gap::Address)?;
            let within = at % self.segment_bytes;
            let wanted = (end - at).min(self.segment_bytes - within);
            let before = bytes.len();
            let end = http.range(url, within, wanted, &mut bytes).await;
            let came = (bytes.len() - before) as u64;
            at += came;
            if came < wanted {
                // What has come before the connection went is as good.
                let enough = bytes.len() as u64 >= least;
                return if enough { Ok(bytes) } else { Err(end.err().unwrap_or(Gap::Network)) };
            }
        }
        Ok(bytes)
    }
}

/// The address of a file, which may be a path at the server's own.
pub fn absolute(url: &str, server: &str) -> String {
    if url.starts_with('/') { format!("{server}{url}") } else { url.to_owned() }
}

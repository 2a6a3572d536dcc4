//! URLs that carry the right to what they lead to.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use waxwing_wire::FileId;
use waxwing_wire::handshake::StaticKey;
use zeroize::Zeroizing;

use crate::identity::to_hex;
use crate::limits::DOWNLOAD_LINK_SECONDS;

const KEY_LABEL: &[u8] = b"Waxwing media links";
const MAC_BYTES: usize = 16;

/// Makes and checks the queries of download URLs: `until=SECONDS&mac=HEX`, the first 16 bytes of HMAC-SHA256 over the
/// file's id and the time (8 bytes, big-endian).
pub struct Links {
    key: Zeroizing<[u8; 32]>,
}

impl Links {
    /// Under a key that comes from the server's own: HMAC-SHA256 of a label.
    pub fn of(key: &StaticKey) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&*key.to_bytes()).expect("HMAC takes a key of any length");
        mac.update(KEY_LABEL);
        Self { key: Zeroizing::new(mac.finalize().into_bytes().into()) }
    }

    /// When a link that is given out now ends: one to two hours from now, and the same for everybody within an hour,
    /// so that a cache between has it once.
    pub fn until_s(now_s: u64) -> u64 {
        (now_s / DOWNLOAD_LINK_SECONDS).saturating_add(2).saturating_mul(DOWNLOAD_LINK_SECONDS)
    }

    /// What stands behind the question mark.
    pub fn query(&self, file: FileId, until_s: u64) -> String {
        let tag: [u8; 32] = self.mac(file, until_s).finalize().into_bytes().into();
        format!("until={until_s}&mac={}", to_hex(tag.get(..MAC_BYTES).unwrap_or_default()))
    }

    /// Until when the query gives a right to the file; `None`: not at all, or not any more.
    pub fn check(&self, file: FileId, query: &str, now_s: u64) -> Option<u64> {
        let (until, tag) = query.strip_prefix("until=")?.split_once("&mac=")?;
        let until_s: u64 = until.parse().ok()?;
        let tag = from_hex(tag)?;
        self.mac(file, until_s).verify_truncated_left(&tag).ok()?;
        (until_s > now_s).then_some(until_s)
    }

    fn mac(&self, file: FileId, until_s: u64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).expect("HMAC takes a key of any length");
        mac.update(&file.0);
        mac.update(&until_s.to_be_bytes());
        mac
    }
}

fn from_hex(text: &str) -> Option<[u8; MAC_BYTES]> {
    // An id is as long, and is written the same way.
    let lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    FileId::from_hex(text).filter(|_| lower).map(|id| id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(key: u8) -> Links {
        Links::of(&StaticKey::from_bytes([key; 32]))
    }

    #[test]
    fn a_link_is_good_for_its_file_and_its_time() {
        let (file, other) = (FileId([1; 16]), FileId([2; 16]));
        let until_s = Links::until_s(7_300);
        assert_eq!(until_s, 14_400);
        let query = links(1).query(file, until_s);
        assert_eq!(links(1).check(file, &query, 7_300), Some(until_s));
        assert_eq!(links(1).check(file, &query, until_s), None, "its time is over");
        assert_eq!(links(1).check(other, &query, 7_300), None);
        assert_eq!(links(2).check(file, &query, 7_300), None, "another server's");
        let later = query.replace("14400", "18000");
        assert_eq!(links(1).check(file, &later, 7_300), None, "nobody prolongs it");
        for bad in ["", "until=", "until=14400", "until=14400&mac=", "mac=00&until=14400", "until=-1&mac=00"]
        {
            assert_eq!(links(1).check(file, bad, 0), None, "{bad}");
        }
    }

    #[test]
    fn within_an_hour_everybody_gets_the_same() {
        assert_eq!(Links::until_s(3_600), Links::until_s(7_199));
        assert_ne!(Links::until_s(3_600), Links::until_s(7_200));
        assert_eq!(Links::until_s(u64::MAX), u64::MAX);
    }
}

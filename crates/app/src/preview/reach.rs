//! Which sites may be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::{Host, Url};

/// Which sites may be asked what a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public internet: a link that somebody was made to paste does not reach into the network
    /// that this device is in.
    Public,
    /// Those of this network too.
    Everywhere,
}

impl Reach {
    /// As far as the link itself tells; where its name leads to is looked at when it is resolved.
    pub fn allows(self, url: &Url) -> bool {
        let web = matches!(url.scheme(), "https" | "http");
        let public = match url.host() {
            None => false,
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
        };
        let named = url.host().is_some();
        web && named && (public || self == Self::Everywhere)
    }
}

impl Resolver for Reach {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let all = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in all.iter().filter(|at| *self == Self::Everywhere || is_public(at.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(allowed) }
    }
}

/// Not an address of this machine, of a network of one's own, or of none. After the registries of IANA for
/// special-purpose addresses (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inside = Ipv4Addr::from((u32::from(g) << 16) | u32::from(h));
    match (a, b) {
        // Translated to IPv4 by the network (RFC 6052).
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => is_public_v4(inside),
        (0x64, 0xff9b) | (0x2001, 0xdb8) | (0x100, 0) => false,
        // Tunnels to IPv4: 6to4 (RFC 3056), Teredo (RFC 4380).
        (0x2002, _) | (0x2001, 0) => false,
        // Of the rest, what is handed out for use in the internet.
        _ => (0x2000..0x4000).contains(&a),
    }
}

use std::collections::BTreeMap;

use bytes::Bytes;
use waxwing_wire::devices::{LinkReference, SignedDeviceList};
use waxwing_wire::server_frame::{Response, ResponseBody};

use super::MINUTE_MS;
use super::allowance::{Allowance, Rate};
use crate::limits::{MAX_WAITING_LINKS, OFFERS_PER_MINUTE};
use crate::{ConnId, Effect, Origin, Piece, Time, rejects};

/// Connections that have offered themselves to be linked and wait for the answer. At most one offer for each.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    offers: BTreeMap<LinkReference, Offer>,
    conns: BTreeMap<ConnId, Stranger>,
}

#[derive(Debug)]
struct Offer {
    origin: Origin,
    expires_at_ms: u64,
}

/// A connection that speaks for no device.
#[derive(Debug, Default)]
struct Stranger {
    allowance: Allowance,
    offer: Option<LinkReference>,
}

impl Waiting {
    pub(super) fn allow(&mut self, conn: ConnId, now: Time) -> Result<(), u64> {
        let rate = Rate::new(OFFERS_PER_MINUTE, MINUTE_MS, OFFERS_PER_MINUTE);
        if self.conns.len() >= MAX_WAITING_LINKS && !self.conns.contains_key(&conn) {
            return Err(MINUTE_MS);
        }
        self.conns.entry(conn).or_default().allowance.take(now, rate, 1)
    }

    pub(super) fn add(
        &mut self,
        origin: Origin,
        reference: LinkReference,
        expires_at_ms: u64,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.offers.len() >= MAX_WAITING_LINKS {
            return vec![answer(origin, ResponseBody::Reject(rejects::unavailable()))];
        }
        let earlier = self.conns.entry(origin.conn).or_default().offer.replace(reference);
        for earlier in [earlier, Some(reference)].into_iter().flatten() {
            effects.extend(self.offers.remove(&earlier).map(|offer| self.reject(&offer, origin.conn)));
        }
        self.offers.insert(reference, Offer { origin, expires_at_ms });
        effects
    }

    /// The connection that waited goes on without an offer, unless it is the one that has just made another.
    fn reject(&mut self, offer: &Offer, keeps: ConnId) -> Effect {
        if offer.origin.conn != keeps
            && let Some(stranger) = self.conns.get_mut(&offer.origin.conn)
        {
            stranger.offer = None;
        }
        answer(offer.origin, ResponseBody::Reject(rejects::link_unknown()))
    }

    pub(super) fn linked(
        &mut self,
        reference: LinkReference,
        list: &SignedDeviceList,
        sealed: &Bytes,
    ) -> Option<Effect> {
        let Offer { origin, .. } = self.offers.remove(&reference)?;
        if let Some(stranger) = self.conns.get_mut(&origin.conn) {
            stranger.offer = None;
        }
        Some(answer(origin, ResponseBody::Linked { list: list.clone(), sealed: sealed.clone() }))
    }

    pub(super) fn expire(&mut self, now: Time) -> Vec<Effect> {
        let ended: Vec<LinkReference> =
            self.offers.iter().filter(|(_, offer)| offer.expires_at_ms <= now.0).map(|(at, _)| *at).collect();
        let mut effects = Vec::with_capacity(ended.len());
        for reference in ended {
            if let Some(offer) = self.offers.remove(&reference) {
                if let Some(stranger) = self.conns.get_mut(&offer.origin.conn) {
                    stranger.offer = None;
                }
                effects.push(answer(offer.origin, ResponseBody::Reject(rejects::link_unknown())));
            }
        }
        effects
    }

    pub(super) fn forget(&mut self, conn: ConnId) {
        if let Some(reference) = self.conns.remove(&conn).and_then(|stranger| stranger.offer) {
            self.offers.remove(&reference);
        }
    }
}

fn answer(origin: Origin, what: ResponseBody) -> Effect {
    Effect::Reply { conn: origin.conn, piece: Piece::Response(Response { id: origin.request, what }) }
}

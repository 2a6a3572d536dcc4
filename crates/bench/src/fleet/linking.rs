//! Linking further devices to the accounts of a fleet.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rand_core::Rng;
use waxwing_e2ee::IdentityKeyPair;
use waxwing_wire::RejectCode;
use waxwing_wire::client_frame::{ApproveLink, Request, RequestBody};
use waxwing_wire::devices::LinkReference;
use waxwing_wire::server_frame::ResponseBody;

use super::account::offer;
use super::{Device, Event, Fleet};
use crate::limits::{CONNECTING_AT_ONCE, STALL};

/// Bytes of what only the new device could read.
const SEALED_BYTES: usize = 160;

/// A companion that is being linked.
struct Linking {
    primary: usize,
    reference: LinkReference,
    identity: IdentityKeyPair,
}

impl Fleet {
    /// Links one more device to the account of each of these primaries; gives the new devices' numbers, in the
    /// same order. All of them are disconnected then.
    pub fn link(&mut self, primaries: Range<usize>) -> anyhow::Result<Range<usize>> {
        let first = self.devices.len();
        let all: Vec<usize> = primaries.collect();
        for some in all.chunks(CONNECTING_AT_ONCE / 2) {
            self.attach(some.iter().copied())?;
            let mut under_way = BTreeMap::new();
            for primary in some {
                let companion = self.devices.len();
                self.devices.push(Device::new(&mut self.rng));
                let mut reference = [0; 16];
                self.rng.fill_bytes(&mut reference);
                let identity = IdentityKeyPair::generate(&mut self.rng);
                let linking = Linking { primary: *primary, reference: LinkReference(reference), identity };
                under_way.insert(companion, linking);
                self.connect(companion)?;
            }
            self.link_some(under_way)?;
            some.iter().try_for_each(|primary| self.disconnect(*primary))?;
        }
        Ok(first..self.devices.len())
    }

    fn link_some(&mut self, mut under_way: BTreeMap<usize, Linking>) -> anyhow::Result<()> {
        let mut last_news = Instant::now();
        while !under_way.is_empty() {
            for (device, event) in self.round(Duration::from_millis(100))? {
                last_news = Instant::now();
                match event {
                    Event::Joined => self.offer(device, under_way.get(&device).context("a companion")?)?,
                    Event::Frame(frame) => {
                        for response in frame.responses {
                            if self.answered(device, response.what, &under_way)? {
                                under_way.remove(&device);
                            }
                        }
                    }
                }
            }
            ensure!(last_news.elapsed() < STALL, "{} devices wait to be linked", under_way.len());
        }
        Ok(())
    }

    fn offer(&mut self, companion: usize, linking: &Linking) -> anyhow::Result<()> {
        let offer = offer(&linking.identity).encode();
        self.ask(companion, RequestBody::OfferLink(linking.reference, offer))?;
        // The primary may be faster than the offer, and asks again then.
        self.ask(linking.primary, RequestBody::FetchLink(linking.reference))
    }

    /// `true`: the companion is linked.
    fn answered(
        &mut self,
        device: usize,
        answer: ResponseBody,
        under_way: &BTreeMap<usize, Linking>,
    ) -> anyhow::Result<bool> {
        if let Some(linking) = under_way.get(&device) {
            return match answer {
                ResponseBody::Linked { .. } => {
                    let Device { account, .. } = self.devices.get(linking.primary).context("a primary")?;
                    let account = account.as_ref().context("a primary")?;
                    let rng = &mut self.rng;
                    let complete = account.completion(linking.reference, &linking.identity, rng);
                    let complete = Box::new(complete.context("a device was added")?);
                    self.ask(device, RequestBody::CompleteLink(complete))?;
                    Ok(false)
                }
                ResponseBody::Registered(address) => {
                    self.device(device)?.address = Some(address);
                    self.disconnect(device)?;
                    Ok(true)
                }
                other => bail!("linking device {device}: {other:?}"),
            };
        }
        let linking = under_way.values().find(|linking| linking.primary == device);
        match (answer, linking) {
            (ResponseBody::Reject(reject), Some(linking)) if reject.code == RejectCode::LinkUnknown => {
                self.ask(device, RequestBody::FetchLink(linking.reference))?;
            }
            (ResponseBody::LinkOffered(_), Some(linking)) => {
                let Device { account, .. } = self.devices.get_mut(device).context("a primary")?;
                let list = account.as_mut().context("a primary")?.add(&linking.identity, &mut self.rng)?;
                let (reference, sealed) = (linking.reference, vec![0; SEALED_BYTES].into());
                let approve = Box::new(ApproveLink { reference, list, sealed });
                self.ask(device, RequestBody::ApproveLink(approve))?;
            }
            (ResponseBody::Done, _) => {}
            (other, _) => bail!("device {device} links another: {other:?}"),
        }
        Ok(false)
    }

    fn ask(&mut self, device: usize, what: RequestBody) -> anyhow::Result<()> {
        self.say(device)?.requests.push(Request { id: 1, what });
        Ok(())
    }
}

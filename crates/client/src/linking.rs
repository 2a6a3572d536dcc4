//! Taking a new device into an account: both sides. Every step may be repeated after a lost connection.

use waxwing_e2ee::{PublicKey, linking};
use waxwing_wire::client_frame::{ApproveLink, CompleteLink, RequestBody};
use waxwing_wire::content::{Body as ContentBody, Sync};
use waxwing_wire::devices::{
    HistoryRange, LinkCode, LinkGrant, LinkOffer, LinkReference, ListedDevice, SignedDeviceList,
    countersigned_bytes,
};
use waxwing_wire::limits::{MAX_DEVICE_NAME_BYTES, MAX_DEVICES};
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{Bytes, DeviceAddress, DeviceId, Reject, RejectCode};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::connection::{Asked, Link, as_reject};
use crate::db::Key;
use crate::devices::verify;
use crate::limits::{COMPANION_ORDER, LINK_LIFE_MS};
use crate::own::Wanted;
use crate::record::ArchiveRow;
use crate::state::StateKey;
use crate::turn::Turn;

/// A new device offers itself; in memory only: after a crash the user asks for another code.
pub(crate) struct Offer {
    pub command: CommandId,
    pub code: LinkCode,
    /// How the device calls itself.
    pub name: String,
    pub since: Time,
    /// The server has been reached, and the user has seen the code.
    pub shown: bool,
}

/// The primary is about to take a device in.
pub(crate) struct Approval {
    pub command: CommandId,
    pub code: LinkCode,
    pub history: HistoryRange,
}

/// The server is asked to take it in.
pub(crate) struct Approving {
    pub command: CommandId,
    pub device: DeviceId,
    /// As it calls itself.
    pub name: String,
    /// The history that was planned for the number before: of a device that was approved, and has not said
    /// that it is there.
    pub planned: Option<ArchiveRow>,
}

impl Client {
    // ------------------------------------------------------------ the new device

    pub(crate) fn offer_link(&mut self, turn: &mut Turn<'_>, command: CommandId, name: String) {
        if self.address().is_some() {
            turn.failed(command, Failure::AlreadyRegistered);
        } else if self.registration.is_some() || self.offer.is_some() || self.has_grant() {
            turn.failed(command, Failure::Busy);
        } else if name.len() > MAX_DEVICE_NAME_BYTES {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_DEVICE_NAME_BYTES });
        } else {
            let mut secret = [0; LinkCode::SECRET_BYTES];
            turn.rng.fill_bytes(&mut secret);
            let code = LinkCode { secret, identity: None };
            self.offer = Some(Offer { command, code, name, since: turn.now, shown: false });
            self.wanted = true;
            if !self.link.is_wanted() {
                self.connect(turn);
            }
        }
    }

    /// Stops offering. An offer that was approved is not taken back.
    pub(crate) fn cancel_link(&mut self, turn: &mut Turn<'_>, command: CommandId) {
        if !self.has_grant() && self.offer.is_some() {
            self.end_offer(turn, Failure::UnknownCode);
        }
        turn.done(command);
    }

    /// The account was granted, and it remains to say so to the server.
    pub(crate) fn has_grant(&self) -> bool {
        !self.counters.grant.is_empty()
    }

    /// There is an account to become a device of.
    pub(crate) fn is_linking(&self) -> bool {
        self.address().is_none() && (self.offer.is_some() || self.has_grant())
    }

    /// What a connection is for while the device has no account but is going to have one.
    pub(crate) fn link_request(
        &mut self,
        turn: &mut Turn<'_>,
    ) -> Result<Option<(RequestBody, Asked)>, Error> {
        if self.has_grant() {
            return Ok(self.complete_request(turn)?.map(|what| (what, Asked::Complete)));
        }
        let identity = self.identity();
        let registration_id = self.keys.registration_id;
        let Some(offer) = &mut self.offer else { return Ok(None) };
        let secret = &offer.code.secret;
        let name = linking::seal(secret, linking::Purpose::Name, offer.name.as_bytes(), turn.rng);
        let name = Bytes::from(name.unwrap_or_default());
        let mut body = LinkOffer { identity, registration_id, name, mac: [0; 32] };
        body.mac = linking::offer_mac(secret, &body.authenticated_bytes());
        if !offer.shown {
            offer.shown = true;
            turn.event(Event::LinkCode { code: offer.code.clone(), identity });
        }
        Ok(Some((RequestBody::OfferLink(offer.code.reference(), body.encode()), Asked::Offer)))
    }

    /// The existing device has answered, or the server in its stead.
    pub(crate) fn offer_answered(&mut self, turn: &mut Turn<'_>, answer: ResponseBody) -> Result<(), Error> {
        let Some(offer) = &self.offer else { return Ok(()) };
        let ResponseBody::Linked { list, sealed } = answer else {
            let reject = as_reject(answer);
            if reject.retry_after_ms > 0 {
                turn.disconnect();
                self.lost(turn, reject.retry_after_ms);
            } else {
                self.end_offer(turn, Failure::Rejected(reject));
            }
            return Ok(());
        };
        let grant = self.open_grant(&offer.code, &list, &sealed);
        let Some(grant) = grant else {
            self.end_offer(turn, Failure::FalseCode);
            return Ok(());
        };
        let counters = &mut self.counters;
        counters.grant = grant.encode();
        counters.grant_reference = offer.code.reference().0.to_vec();
        counters.grant_name.clone_from(&offer.name);
        counters.grant_list = list.list.to_vec();
        counters.grant_signature = list.signature.to_vec();
        if let Some(what) = self.complete_request(turn)? {
            let _full = self.link.ask(turn, what, Asked::Complete);
        }
        Ok(())
    }

    /// The grant, if it is for this device and agrees with the list.
    fn open_grant(&self, code: &LinkCode, list: &SignedDeviceList, sealed: &[u8]) -> Option<LinkGrant> {
        let plain = linking::open(&code.secret, linking::Purpose::Grant, sealed).ok()?;
        let grant = LinkGrant::decode(&plain).ok()?;
        let (list, primary) = verify(list)?;
        let this = list.find(grant.device)?;
        let fits = primary == grant.identity
            && grant.device != DeviceId::PRIMARY
            && this.identity == self.identity()
            && this.registration_id == self.keys.registration_id;
        fits.then_some(grant)
    }

    fn read_grant(&self) -> Result<LinkGrant, Error> {
        LinkGrant::decode(&self.counters.grant).map_err(|_| Error::Damaged("profile"))
    }

    fn complete_request(&mut self, turn: &mut Turn<'_>) -> Result<Option<RequestBody>, Error> {
        let grant = self.read_grant()?;
        let Ok(reference) = self.counters.grant_reference.as_slice().try_into() else { return Ok(None) };
        let signed = countersigned_bytes(&grant.identity, grant.device);
        Ok(Some(RequestBody::CompleteLink(Box::new(CompleteLink {
            reference: LinkReference(reference),
            registration_id: self.keys.registration_id,
            countersignature: self.keys.identity.sign(&signed, turn.rng),
            prekeys: self.whole_upload(turn)?,
            device: Some(grant.device),
        }))))
    }

    /// The server has taken the new device into the account.
    pub(crate) fn link_completed(&mut self, turn: &mut Turn<'_>, answer: ResponseBody) -> Result<(), Error> {
        if !self.has_grant() || self.address().is_some() {
            return Ok(());
        }
        let grant = self.read_grant()?;
        let granted = DeviceAddress { account: grant.account, device: grant.device };
        if answer != ResponseBody::Registered(granted) {
            let reject = as_reject(answer);
            if reject.retry_after_ms == 0 {
                self.forget_grant();
                self.renew_prekeys(turn)?;
                self.end_offer(turn, Failure::Rejected(reject));
            } else {
                turn.disconnect();
                self.lost(turn, reject.retry_after_ms);
            }
            return Ok(());
        }
        let counters = &mut self.counters;
        let name = std::mem::take(&mut counters.grant_name);
        let list = SignedDeviceList {
            list: std::mem::take(&mut counters.grant_list).into(),
            signature: counters.grant_signature.as_slice().try_into().unwrap_or([0; 64]),
        };
        counters.account = grant.account.0.to_vec();
        counters.device = grant.device.number().into();
        counters.username = grant.username.as_str().into();
        counters.primary = grant.identity.to_vec();
        counters.next_order = counters.next_order.max(COMPANION_ORDER);
        counters.archive_order = COMPANION_ORDER;
        self.username = Some(grant.username);
        self.forget_grant();
        turn.event(Event::Registered(granted));
        if let Some(offer) = self.offer.take() {
            turn.done(offer.command);
        }
        self.adopt_list(turn, &list)?;
        self.tell_own(turn, &ContentBody::Sync(Sync::Hello(name)))?;
        self.greet(turn);
        Ok(())
    }

    fn forget_grant(&mut self) {
        let counters = &mut self.counters;
        counters.grant.clear();
        counters.grant_reference.clear();
        counters.grant_name.clear();
        counters.grant_list.clear();
        counters.grant_signature.clear();
    }

    /// No account for this device: the user may offer it again.
    pub(crate) fn end_offer(&mut self, turn: &mut Turn<'_>, failure: Failure) {
        if let Some(offer) = self.offer.take() {
            turn.failed(offer.command, failure);
        }
        if self.link.is_wanted() {
            turn.disconnect();
        }
        self.set_link(turn, Link::Offline);
    }

    /// Ends an offer that the server has forgotten by now.
    pub(crate) fn expire_offer(&mut self, turn: &mut Turn<'_>) {
        let over = |offer: &Offer| turn.now.0.abs_diff(offer.since.0) >= LINK_LIFE_MS;
        if !self.has_grant() && self.offer.as_ref().is_some_and(over) {
            let reject = Reject::new(RejectCode::LinkUnknown, "nobody has approved in time: show a new code");
            self.end_offer(turn, Failure::Rejected(reject));
        }
    }

    /// When [`Self::expire_offer`] has something to do.
    pub(crate) fn offer_ends_at(&self) -> Option<Time> {
        self.offer.as_ref().filter(|_| !self.has_grant()).map(|offer| offer.since.plus(LINK_LIFE_MS))
    }

    // ------------------------------------------------------------ the primary

    pub(crate) fn approve_link(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        code: LinkCode,
        history: HistoryRange,
    ) -> Result<(), Error> {
        let devices = self.own_row(turn)?.list().map_or(0, |list| list.devices.len());
        if self.address().is_some() && !self.is_primary() {
            turn.failed(command, Failure::NotPrimary);
        } else if devices >= MAX_DEVICES {
            turn.failed(command, Failure::TooManyDevices { limit: MAX_DEVICES });
        } else {
            let approval = Approval { command, code, history };
            self.wish(turn, command, Wanted::Approve(Box::new(approval)));
        }
        Ok(())
    }

    /// What waits under the code: takes it in if it belongs to the code.
    pub(crate) fn link_fetched(
        &mut self,
        turn: &mut Turn<'_>,
        approval: &Approval,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        let command = approval.command;
        let offered = match answer {
            ResponseBody::LinkOffered(offered) => offered,
            answer => {
                let reject = as_reject(answer);
                let unknown = reject.code == RejectCode::LinkUnknown;
                let failure = if unknown { Failure::UnknownCode } else { Failure::Rejected(reject) };
                turn.failed(command, failure);
                return Ok(());
            }
        };
        let secret = &approval.code.secret;
        let genuine = |offer: &LinkOffer| {
            linking::verify_offer(secret, &offer.authenticated_bytes(), &offer.mac)
                && approval.code.identity.is_none_or(|scanned| scanned == offer.identity)
                && PublicKey::deserialize(&offer.identity).is_ok()
                && offer.identity != self.identity()
        };
        let Some(offer) = LinkOffer::decode(&offered).ok().filter(genuine) else {
            turn.failed(command, Failure::FalseCode);
            return Ok(());
        };
        let busy = |asked: &Asked| matches!(asked, Asked::PublishList(_) | Asked::Approve(_));
        if self.link.online().is_none_or(|up| up.has_asked(busy)) {
            turn.failed(command, Failure::Busy);
            return Ok(());
        }
        let row = self.own_row(turn)?;
        let (Some(own), Some(mut list)) = (self.address(), row.list()) else {
            turn.failed(command, Failure::NotRegistered);
            return Ok(());
        };
        let number = DeviceId::new(list.next).filter(|_| list.devices.len() < MAX_DEVICES);
        let (Some(device), Some(username)) = (number, self.username.clone()) else {
            turn.failed(command, Failure::TooManyDevices { limit: MAX_DEVICES });
            return Ok(());
        };
        list.devices.push(ListedDevice {
            device,
            registration_id: offer.registration_id,
            identity: offer.identity,
        });
        let list = self.sign_list(turn, row.version, list.devices, list.next.saturating_add(1));
        let (identity, history) = (self.identity(), approval.history);
        let grant = LinkGrant { account: own.account, device, username, identity, history };
        let Ok(sealed) = linking::seal(secret, linking::Purpose::Grant, &grant.encode(), turn.rng) else {
            turn.failed(command, Failure::FalseCode);
            return Ok(());
        };
        let name = linking::open(secret, linking::Purpose::Name, &offer.name);
        let name = name.ok().and_then(|name| String::from_utf8(name.to_vec()).ok()).unwrap_or_default();
        let what = RequestBody::ApproveLink(Box::new(ApproveLink {
            reference: approval.code.reference(),
            list,
            sealed: sealed.into(),
        }));
        let planned = turn.store.load(&Key::Archive(device.number()))?;
        let approving = Approving { command, device, name, planned };
        if self.link.ask(turn, what, Asked::Approve(Box::new(approving))).is_err() {
            turn.failed(command, Failure::Busy);
            return Ok(());
        }
        // Now, because the answer may be lost on the way.
        self.plan_archive(turn, device, history);
        Ok(())
    }

    /// The server holds the list for the new device, or refuses it.
    pub(crate) fn link_approved(
        &mut self,
        turn: &mut Turn<'_>,
        approving: &Approving,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        if answer != ResponseBody::Done {
            let reject = as_reject(answer);
            let failure = match reject.code {
                RejectCode::LinkUnknown => Failure::UnknownCode,
                RejectCode::TooMany => Failure::TooManyDevices { limit: MAX_DEVICES },
                _ => Failure::Rejected(reject.clone()),
            };
            // Malformed: a device of the list has logged itself out, and nobody has told.
            if matches!(reject.code, RejectCode::ListOutdated | RejectCode::Malformed) {
                self.refetch_own();
            }
            self.unplan_archive(turn, approving.device, approving.planned.as_ref())?;
            turn.failed(approving.command, failure);
            return Ok(());
        }
        // The list is the account's once the new device has accepted: then it says hello.
        if !approving.name.is_empty() {
            let value = Some(approving.name.as_bytes().to_vec());
            self.set_state(turn, &StateKey::DeviceName(approving.device), value)?;
        }
        turn.done(approving.command);
        Ok(())
    }
}

//! Making an account.

use waxwing_wire::client_frame::{Register, RequestBody};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::invitation::InvitationToken;
use waxwing_wire::{DeviceAddress, Reject, Username};

use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::connection::{Link, Phase};
use crate::turn::Turn;

/// A registration that waits for the server; in memory only: after a crash the user asks again, and the
/// server knows the key.
pub(crate) struct Registration {
    pub command: CommandId,
    pub invitation: InvitationToken,
    pub username: Username,
    /// What was signed for it.
    pub list: Option<SignedDeviceList>,
}

impl Client {
    pub(crate) fn register(&mut self, turn: &mut Turn<'_>, registration: Registration) {
        if self.address().is_some() {
            turn.failed(registration.command, Failure::AlreadyRegistered);
            return;
        }
        if self.registration.is_some() || self.is_linking() {
            turn.failed(registration.command, Failure::Busy);
            return;
        }
        self.registration = Some(registration);
        self.wanted = true;
        if !self.link.is_wanted() {
            self.connect(turn);
        }
    }

    /// What to ask the server for, if anything. Repeating it makes no second account: the key is the same.
    pub(crate) fn register_request(&mut self, turn: &mut Turn<'_>) -> Result<Option<RequestBody>, Error> {
        let list = self.first_list(turn);
        let prekeys = self.whole_upload(turn)?;
        let Some(registration) = &mut self.registration else { return Ok(None) };
        registration.list = Some(list.clone());
        Ok(Some(RequestBody::Register(Box::new(Register {
            invitation: registration.invitation,
            username: registration.username.as_str().into(),
            identity: self.keys.identity.public().serialize(),
            registration_id: self.keys.registration_id,
            prekeys,
            list,
        }))))
    }

    pub(crate) fn registered(&mut self, turn: &mut Turn<'_>, address: DeviceAddress) -> Result<(), Error> {
        if self.link.up().map(|up| up.phase) != Some(Phase::Registering) {
            return Ok(());
        }
        self.counters.account = address.account.0.to_vec();
        self.counters.device = address.device.number().into();
        if let Some(registration) = self.registration.take() {
            self.counters.username = registration.username.as_str().into();
            self.username = Some(registration.username);
            turn.event(Event::Registered(address));
            turn.done(registration.command);
            if let Some(list) = registration.list {
                self.adopt_list(turn, &list)?;
            }
        }
        self.greet(turn);
        Ok(())
    }

    pub(crate) fn register_refused(&mut self, turn: &mut Turn<'_>, reject: Reject) {
        if let Some(registration) = self.registration.take() {
            turn.failed(registration.command, Failure::Rejected(reject));
        }
        turn.disconnect();
        self.set_link(turn, Link::Offline);
    }
}

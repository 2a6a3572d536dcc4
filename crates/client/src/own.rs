//! The own account's devices: the list that the primary signs, and cutting devices off.

use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::content::{Body as ContentBody, Sync};
use waxwing_wire::devices::{DeviceList, ListedDevice, SignedDeviceList};
use waxwing_wire::directory::AddressCode;
use waxwing_wire::file::FileRequest;
use waxwing_wire::limits::MAX_DEVICE_NAME_BYTES;
use waxwing_wire::server_frame::{DeviceState, ResponseBody};
use waxwing_wire::{DeviceId, Reject, RejectCode};

use crate::Time;
use crate::client::{Client, Error};
use crate::command::{CommandId, Event, Failure};
use crate::connection::{Asked, as_reject};
use crate::db::{Key, Read};
use crate::devices::{Claim, Identity, Present, load_devices};
use crate::directory::Search;
use crate::files::FileDigest;
use crate::limits::{LIST_AGE_MS, LIST_LIFE_MS, MAX_WISHES};
use crate::linking::Approval;
use crate::outbox::hold_ms;
use crate::overlay::Overlay;
use crate::record::DevicesRow;
use crate::row::OwnDevice;
use crate::state::StateKey;
use crate::turn::Turn;

/// A command that needs an answer of the server, and waits for the connection.
pub(crate) struct Wish {
    pub command: CommandId,
    pub what: Wanted,
}

pub(crate) enum Wanted {
    /// [`crate::Command::RefreshDevices`].
    Devices,
    /// [`crate::Command::RemoveDevice`].
    Remove(DeviceId),
    /// [`crate::Command::ApproveLink`]: the offer is to be fetched.
    Approve(Box<Approval>),
    /// [`crate::Command::LookUpContacts`], or the next part of it.
    LookUp(Box<Search>),
    /// [`crate::Command::Findable`].
    Findable(Option<bool>),
    /// [`crate::Command::RedeemAddress`].
    Redeem(AddressCode),
    /// [`crate::Command::FindFile`], [`crate::Command::FindSegments`]; or [`crate::Command::FinishUpload`] of this one.
    File(FileRequest, Option<FileDigest>),
}

impl Client {
    pub(crate) fn is_primary(&self) -> bool {
        self.address().is_some_and(|own| own.device == DeviceId::PRIMARY)
    }

    /// The key that signs the own account's lists.
    pub(crate) fn primary_identity(&self) -> Option<Identity> {
        if self.is_primary() {
            Some(self.identity())
        } else {
            self.counters.primary.as_slice().try_into().ok()
        }
    }

    pub(crate) fn own_row(&self, turn: &Turn<'_>) -> Result<DevicesRow, Error> {
        match self.address() {
            Some(own) => load_devices(&turn.store, own.account),
            None => Ok(DevicesRow::default()),
        }
    }

    // ------------------------------------------------------------ the list

    /// Signs a list that comes after this version, and after every one that was signed before; on the primary
    /// only.
    pub(crate) fn sign_list(
        &mut self,
        turn: &mut Turn<'_>,
        after: u64,
        devices: Vec<ListedDevice>,
        next: u8,
    ) -> SignedDeviceList {
        let version = after.max(self.server_list).max(self.counters.list_signed).saturating_add(1);
        self.counters.list_signed = version;
        let list = DeviceList {
            version,
            issued_at_ms: turn.now.0,
            expires_at_ms: turn.now.0.saturating_add(LIST_LIFE_MS),
            devices,
            next,
        };
        let list = list.encode();
        let signature = self.keys.identity.sign(&SignedDeviceList::signed_bytes(&list), turn.rng);
        SignedDeviceList { list, signature }
    }

    /// The account's first list: this device alone.
    pub(crate) fn first_list(&mut self, turn: &mut Turn<'_>) -> SignedDeviceList {
        let this = ListedDevice {
            device: DeviceId::PRIMARY,
            registration_id: self.keys.registration_id,
            identity: self.identity(),
        };
        // The server takes the first version only; asking again after a lost answer signs it again.
        self.counters.list_signed = 0;
        self.sign_list(turn, 0, vec![this], 2)
    }

    /// Takes a list that this device has signed and the server has stored, or that names this device.
    pub(crate) fn adopt_list(&mut self, turn: &mut Turn<'_>, list: &SignedDeviceList) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        let this = Present {
            device: own.device,
            registration_id: self.keys.registration_id,
            countersignature: self.primary_identity().filter(|_| own.device != DeviceId::PRIMARY).map(
                |primary| {
                    let bytes = waxwing_wire::devices::countersigned_bytes(&primary, own.device);
                    self.keys.identity.sign(&bytes, turn.rng)
                },
            ),
        };
        // Only about this device is anything known by it.
        let claim = Claim { list, present: vec![this], asked: &[own.device] };
        self.learn_list(turn, own.account, &claim)?;
        Ok(())
    }

    /// Publishes another list when the one that is there grows old, or names a device that is gone.
    pub(crate) fn maintain_list(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        if !self.is_primary() || self.list_after.is_some_and(|at| at > turn.now) {
            return Ok(());
        }
        self.list_after = None;
        let busy = |asked: &Asked| matches!(asked, Asked::PublishList(_) | Asked::Approve(_));
        if self.link.online().is_none_or(|up| up.is_busy() || up.has_asked(busy)) {
            return Ok(());
        }
        let row = self.own_row(turn)?;
        let Some(mut list) = row.list() else { return Ok(()) };
        let gone = std::mem::take(&mut self.counters.unlist);
        let names = |device: &ListedDevice| gone.contains(&u32::from(device.device.number()));
        let dropped = list.devices.iter().any(|device| device.device != DeviceId::PRIMARY && names(device));
        let old = turn.now.0.abs_diff(row.issued_at_ms) >= LIST_AGE_MS;
        // A server that was restored from an older copy of itself.
        let behind = self.server_list < row.version;
        if !dropped && !old && !behind {
            return Ok(());
        }
        list.devices.retain(|device| device.device == DeviceId::PRIMARY || !names(device));
        let signed = self.sign_list(turn, row.version, list.devices, list.next);
        // Until the server has taken it, what is gone is remembered.
        self.counters.unlist = gone;
        let what = RequestBody::PublishDeviceList(signed.clone());
        let _full = self.link.ask(turn, what, Asked::PublishList(Box::new(signed)));
        Ok(())
    }

    pub(crate) fn list_published(
        &mut self,
        turn: &mut Turn<'_>,
        list: &SignedDeviceList,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        if answer == ResponseBody::Done {
            if let Ok(taken) = list.decode_list() {
                self.server_list = taken.version;
                self.counters.unlist.retain(|number| {
                    taken.devices.iter().any(|device| u32::from(device.device.number()) == *number)
                });
            }
            self.adopt_list(turn, list)?;
            return self.nudge_own(turn);
        }
        let reject = as_reject(answer);
        // Whatever it is that the server knows better.
        self.refetch_own();
        self.list_after = Some(turn.now.plus(hold_ms(&reject)));
        Ok(())
    }

    /// When [`Self::maintain_list`] has something to do. What is due already waits for an answer, or goes with
    /// whatever comes next.
    pub(crate) fn list_at(&self, now: Time) -> Option<Time> {
        if !self.is_primary() || self.list_after.is_some() {
            return self.list_after;
        }
        let due = Time(self.counters.list_issued_ms).plus(LIST_AGE_MS);
        (due > now).then_some(due)
    }

    pub(crate) fn refetch_own(&mut self) {
        if let Some(own) = self.address() {
            self.refetch.insert(own.account);
        }
    }

    /// The server has welcomed this device, and knows this version of the account's list and so many devices.
    pub(crate) fn check_own_list(
        &mut self,
        turn: &mut Turn<'_>,
        version: u64,
        devices: u32,
    ) -> Result<(), Error> {
        self.server_list = version;
        let row = self.own_row(turn)?;
        let there = row.devices.iter().filter(|entry| entry.active).count();
        // Who logged out itself told nobody, and may be known to be gone without being off the list.
        let listed = row.list().filter(|_| self.is_primary()).map_or(there, |list| list.devices.len());
        if row.version != version || [there, listed].iter().any(|count| u32::try_from(*count) != Ok(devices))
        {
            self.refetch_own();
        }
        Ok(())
    }

    /// The server's list of the own account's devices: what only the account itself is told, and, for the
    /// primary, which devices of its list are gone.
    pub(crate) fn own_states(&mut self, turn: &mut Turn<'_>, states: &[DeviceState]) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        let mut row = self.own_row(turn)?;
        for state in states {
            if let Some(entry) = row.find(state.device) {
                entry.last_seen_ms = state.last_seen_ms;
                entry.place.clone_from(&state.place);
                entry.linked_at_ms = state.linked_at_ms;
            }
        }
        turn.store.save(Key::Devices(own.account), &row);
        if self.is_primary() {
            for listed in row.list().map(|list| list.devices).unwrap_or_default() {
                let number = u32::from(listed.device.number());
                let there = |state: &DeviceState| {
                    (state.device, state.registration_id) == (listed.device, listed.registration_id)
                };
                if !states.iter().any(there) && !self.counters.unlist.contains(&number) {
                    self.counters.unlist.push(number);
                }
            }
        }
        self.tell_devices(turn)
    }

    /// The own account's list is another, or other devices of it are there.
    pub(crate) fn own_devices_changed(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let row = self.own_row(turn)?;
        self.counters.list_issued_ms = row.issued_at_ms;
        // Own lists come from the server: what it told in its welcome is not the last of it.
        self.server_list = self.server_list.max(row.version);
        self.tell_devices(turn)
    }

    fn tell_devices(&self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let devices = self.list_devices(&turn.store)?;
        turn.event(Event::Devices(devices));
        Ok(())
    }

    /// A device of the account is called otherwise.
    pub(crate) fn device_renamed(&self, turn: &mut Turn<'_>) -> Result<(), Error> {
        self.tell_devices(turn)
    }

    fn list_devices(&self, store: &Overlay<'_>) -> Result<Vec<OwnDevice>, Error> {
        let Some(own) = self.address() else { return Ok(Vec::new()) };
        let row = load_devices(store, own.account)?;
        let mut devices = Vec::new();
        for listed in row.list().map(|list| list.devices).unwrap_or_default() {
            let entry = row.get(listed.device);
            let name = crate::state::text(store, &StateKey::DeviceName(listed.device))?;
            devices.push(OwnDevice {
                device: listed.device,
                this: listed.device == own.device,
                name: name.unwrap_or_default(),
                last_seen_ms: entry.map_or(0, |entry| entry.last_seen_ms),
                place: entry.map(|entry| entry.place.clone()).unwrap_or_default(),
                linked_at_ms: entry.map_or(0, |entry| entry.linked_at_ms),
            });
        }
        Ok(devices)
    }

    /// The own account's devices, by number.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn devices(&self, db: &dyn Read) -> Result<Vec<OwnDevice>, Error> {
        self.list_devices(&Overlay::new(db))
    }

    // ------------------------------------------------------------ commands

    /// Puts a command on the wire, now or when the connection is there.
    pub(crate) fn wish(&mut self, turn: &mut Turn<'_>, command: CommandId, what: Wanted) {
        if self.address().is_none() {
            turn.failed(command, Failure::NotRegistered);
        } else if !self.link.is_wanted() {
            turn.failed(command, Failure::NotConnected);
        } else if self.wishes.len() >= MAX_WISHES {
            turn.failed(command, Failure::Busy);
        } else {
            self.wishes.push_back(Wish { command, what });
        }
    }

    pub(crate) fn remove_device(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        device: DeviceId,
    ) -> Result<(), Error> {
        let listed = self.own_row(turn)?.list().is_some_and(|list| list.find(device).is_some());
        if self.address().is_some() && device == DeviceId::PRIMARY {
            let reject =
                Reject::new(RejectCode::NotAllowed, "the account's first device cannot be removed from it");
            turn.failed(command, Failure::Rejected(reject));
        } else if self.address().is_some() && !listed {
            turn.failed(command, Failure::UnknownDevice);
        } else {
            self.wish(turn, command, Wanted::Remove(device));
        }
        Ok(())
    }

    pub(crate) fn rename_device(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        device: DeviceId,
        name: &str,
    ) -> Result<(), Error> {
        let listed = self.own_row(turn)?.list().is_some_and(|list| list.find(device).is_some());
        if self.address().is_none() {
            turn.failed(command, Failure::NotRegistered);
        } else if name.len() > MAX_DEVICE_NAME_BYTES {
            turn.failed(command, Failure::TooLong { limit_bytes: MAX_DEVICE_NAME_BYTES });
        } else if listed {
            let value = (!name.is_empty()).then(|| name.as_bytes().to_vec());
            self.set_by(turn, command, &[(StateKey::DeviceName(device), value)])?;
        } else {
            turn.failed(command, Failure::UnknownDevice);
        }
        Ok(())
    }

    /// Puts waiting commands on the wire.
    pub(crate) fn pump_wishes(&mut self, turn: &mut Turn<'_>) {
        let Some(own) = self.address() else { return };
        while let Some(wish) = self.wishes.pop_front() {
            let (what, asked) = match wish.what {
                Wanted::Devices => (RequestBody::FetchDevices(own.account), Asked::Refresh(wish.command)),
                Wanted::Remove(device) => {
                    (RequestBody::RemoveDevice(device), Asked::Remove(wish.command, device))
                }
                Wanted::Approve(approval) => {
                    (RequestBody::FetchLink(approval.code.reference()), Asked::FetchLink(approval))
                }
                Wanted::LookUp(mut search) => (search.next(turn), Asked::LookUp(wish.command, search)),
                Wanted::Findable(set) => {
                    (RequestBody::Findable(set), Asked::Findable(wish.command, Wanted::Findable(set).into()))
                }
                Wanted::Redeem(code) => (
                    RequestBody::RedeemAddress(code),
                    Asked::Findable(wish.command, Wanted::Redeem(code).into()),
                ),
                Wanted::File(request, finished) => (
                    RequestBody::File(request.clone()),
                    Asked::File(wish.command, Box::new(request), finished),
                ),
            };
            if let Err(asked) = self.link.ask(turn, what, asked) {
                let what = match asked {
                    Asked::Remove(_, device) => Wanted::Remove(device),
                    Asked::FetchLink(approval) => Wanted::Approve(approval),
                    Asked::LookUp(_, search) => Wanted::LookUp(search),
                    Asked::Findable(_, wanted) => *wanted,
                    Asked::File(_, request, finished) => Wanted::File(*request, finished),
                    _ => Wanted::Devices,
                };
                self.wishes.push_front(Wish { command: wish.command, what });
                return;
            }
        }
    }

    pub(crate) fn refreshed(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        match (answer, self.address()) {
            (ResponseBody::Devices { list, devices }, Some(own)) => {
                self.devices_found(turn, own.account, &list, &devices)?;
                turn.done(command);
            }
            (answer, _) => turn.failed(command, Failure::Rejected(as_reject(answer))),
        }
        Ok(())
    }

    pub(crate) fn device_removed(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        device: DeviceId,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        if answer != ResponseBody::Done {
            turn.failed(command, Failure::Rejected(as_reject(answer)));
            return Ok(());
        }
        turn.done(command);
        // About this device itself: the server says so next.
        if self.address().is_some_and(|own| own.device != device) {
            self.tell_own(turn, &ContentBody::Sync(Sync::Removed(device)))?;
            self.forget_device(turn, device)?;
        }
        Ok(())
    }

    /// A device of the account was cut off.
    pub(crate) fn forget_device(&mut self, turn: &mut Turn<'_>, device: DeviceId) -> Result<(), Error> {
        let Some(own) = self.address() else { return Ok(()) };
        if device == own.device || device == DeviceId::PRIMARY {
            return Ok(());
        }
        self.drop_devices(turn, own.account, &[device])?;
        turn.store.delete(Key::Archive(device.number()));
        let number = u32::from(device.number());
        if self.is_primary() && !self.counters.unlist.contains(&number) {
            self.counters.unlist.push(number);
        }
        if !self.is_primary() {
            self.refetch_own();
        }
        self.tell_devices(turn)
    }
}

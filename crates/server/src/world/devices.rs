//! Devices of an account, as clients link them.

use bytes::Bytes;
use waxwing_wire::client_frame::{ApproveLink, CompleteLink};
use waxwing_wire::devices::{DeviceList, LinkOffer, LinkReference, ListedDevice, SignedDeviceList};
use waxwing_wire::limits::SIGNATURE_BYTES;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, PrekeyUpload};

use super::{Device, LIST_MS, World, first_prekeys, stranger};
use crate::row::{AccountRow, DeviceRow, Row};
use crate::{Command, ConnId, Key, Origin};

impl World {
    /// A companion of the device's account, linked as it should be.
    pub(crate) fn add_device(&mut self, primary: &Device, number: u8) -> Device {
        let account = primary.address.account;
        let primary = DeviceAddress { account, device: DeviceId::PRIMARY };
        let mut device = stranger(number);
        let reference = LinkReference([number; 16]);
        self.offer(&device, reference);
        let list = self.list_with(account, &device);
        match self.ask(|origin| Command::ApproveLink {
            origin,
            from: primary,
            approve: approve(reference, list),
        }) {
            ResponseBody::Done => {}
            other => panic!("not approved: {other:?}"),
        }
        match self.complete(&device, reference) {
            ResponseBody::Registered(address) => device.address = address,
            other => panic!("not linked: {other:?}"),
        }
        device
    }

    /// The device offers itself on a new connection.
    pub(crate) fn offer(&mut self, device: &Device, reference: LinkReference) -> ConnId {
        let conn = self.conn();
        let origin = Origin { conn, request: 5 };
        self.run(Command::OfferLink { origin, key: device.key, reference, offer: offer_of(device) });
        conn
    }

    pub(crate) fn complete(&mut self, device: &Device, reference: LinkReference) -> ResponseBody {
        let complete = completion(device, reference);
        self.ask(|origin| Command::CompleteLink { origin, key: device.key, complete })
    }

    pub(crate) fn account(&self, account: AccountId) -> AccountRow {
        match self.row(Key::Account(account)) {
            Some(Row::Account(row)) => row,
            other => panic!("no account: {other:?}"),
        }
    }

    /// The list after the account's own, with the same devices.
    pub(crate) fn next_list(&self, account: AccountId) -> DeviceList {
        let row = self.account(account);
        let listed = |device: &DeviceRow| ListedDevice {
            device: device.device,
            registration_id: device.registration_id,
            identity: device.identity,
        };
        DeviceList {
            version: row.list_version + 1,
            issued_at_ms: self.now.0,
            expires_at_ms: self.now.0 + LIST_MS,
            devices: row.devices.iter().map(listed).collect(),
            next: row.list.decode_list().unwrap().next,
        }
    }

    /// The list after the account's own, with one more device.
    pub(crate) fn list_with(&self, account: AccountId, new: &Device) -> DeviceList {
        let mut list = self.next_list(account);
        let (registration_id, identity) = (new.registration_id, new.identity);
        list.devices.push(ListedDevice {
            device: DeviceId::new(list.next).unwrap(),
            registration_id,
            identity,
        });
        list.next += 1;
        list
    }
}

/// The server does not look at signatures.
pub(crate) fn signed(list: &DeviceList) -> SignedDeviceList {
    SignedDeviceList { list: list.encode(), signature: [7; SIGNATURE_BYTES] }
}

pub(crate) fn offer_of(device: &Device) -> Bytes {
    LinkOffer {
        identity: device.identity,
        registration_id: device.registration_id,
        name: Bytes::from_static(b"sealed"),
        mac: [0; 32],
    }
    .encode()
}

pub(crate) fn approve(reference: LinkReference, list: DeviceList) -> Box<ApproveLink> {
    Box::new(ApproveLink { reference, list: signed(&list), sealed: Bytes::from_static(b"a grant") })
}

pub(crate) fn completion(device: &Device, reference: LinkReference) -> Box<CompleteLink> {
    let number = device.key.0[0];
    Box::new(CompleteLink {
        reference,
        registration_id: device.registration_id,
        countersignature: [number; SIGNATURE_BYTES],
        prekeys: PrekeyUpload { one_time: Vec::new(), one_time_kyber: Vec::new(), ..first_prekeys(number) },
        device: None,
    })
}

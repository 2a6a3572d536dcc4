//! Linking devices by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use waxwing_wire::client_frame::{ApproveLink, ClientFrame, CompleteLink, RequestBody};
use waxwing_wire::devices::{DeviceList, LinkOffer, LinkReference};
use waxwing_wire::handshake::StaticKey;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{Bytes, DeviceId, RejectCode};

use super::{
    Client, Connection, Device, REGISTRATION_ID, Way, listed, prekeys, random_u64, request, rng, signed,
};

/// Offers a new device under this reference; answered when it is approved.
pub fn offer_link(reference: LinkReference) -> ClientFrame {
    let offer = LinkOffer {
        identity: [5; 33],
        registration_id: REGISTRATION_ID,
        name: Bytes::from_static(b"sealed name"),
        mac: [3; 32],
    };
    request(RequestBody::OfferLink(reference, offer.encode()))
}

/// The new device's last word.
pub fn complete_link(reference: LinkReference) -> ClientFrame {
    request(RequestBody::CompleteLink(Box::new(CompleteLink {
        reference,
        registration_id: REGISTRATION_ID,
        countersignature: [4; 64],
        prekeys: prekeys(),
        device: None,
    })))
}

impl Device {
    /// The list that has one more device.
    pub fn next_list(&self) -> DeviceList {
        let mut list = self.list.clone();
        list.version += 1;
        list.devices.push(listed(DeviceId::new(list.next).unwrap()));
        list.next += 1;
        list
    }

    /// What the primary says when it has seen the new device's code.
    pub fn approve_link(&self, reference: LinkReference) -> ClientFrame {
        let sealed = Bytes::from_static(b"sealed grant");
        let approve = ApproveLink { reference, list: signed(&self.next_list()), sealed };
        request(RequestBody::ApproveLink(Box::new(approve)))
    }

    /// Links a new device to the account of this primary, which is connected.
    pub fn link(&mut self, address: SocketAddr, primary: &mut Client) -> Self {
        let key = StaticKey::generate(&mut rng());
        let reference = LinkReference(random_u64().to_be_bytes().repeat(2).try_into().unwrap());
        let mut new = Connection::open(address, Way::Tcp, &key, Some(self.server)).unwrap();
        new.send(&offer_link(reference)).unwrap();
        loop {
            // The offer is on its way on another connection.
            match primary.ask(RequestBody::FetchLink(reference)) {
                ResponseBody::LinkOffered(_) => break,
                ResponseBody::Reject(reject) => assert_eq!(reject.code, RejectCode::LinkUnknown),
                other => panic!("{other:?}"),
            }
        }
        let list = self.next_list();
        primary.connection.send(&self.approve_link(reference)).unwrap();
        assert_eq!(primary.response().unwrap(), ResponseBody::Done);
        let answer = new.receive().unwrap().responses.remove(0).what;
        assert_eq!(answer, ResponseBody::Linked { list: signed(&list), sealed: "sealed grant".into() });
        new.send(&complete_link(reference)).unwrap();
        let answer = new.receive().unwrap().responses.remove(0).what;
        let ResponseBody::Registered(address) = answer else { panic!("{answer:?}") };
        assert_eq!((address.account, Some(&list.devices)), (self.address.account, Some(&list.devices)));
        assert_eq!(list.devices.last().map(|listed| listed.device), Some(address.device));
        self.list = list.clone();
        Self { key: Arc::new(key), server: self.server, address, lease: 0, stored: 0, list }
    }
}

//! Groups, as clients send to them.

use bytes::Bytes;
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::{PublicChange, member_digest, view_digest};
use waxwing_wire::server_frame::{Item, Refused};
use waxwing_wire::{AccountId, GroupId, MessageId};

use super::{Device, World};
use crate::row::{GroupRow, Row};
use crate::store::Key;
use crate::{Command, Piece};

pub(crate) const GROUP: GroupId = GroupId([0x99; 16]);

impl World {
    /// Sends on a connection of its own and gives the answer; `None` if the server died.
    pub(crate) fn try_group_send(
        &mut self,
        from: &Device,
        send: GroupSend,
    ) -> Option<Result<MessageId, Box<Refused>>> {
        let conn = self.conn();
        self.run(Command::GroupSend { conn, from: from.address, send: Box::new(send) });
        let pieces = self.out.remove(&conn).map(|out| out.pieces).unwrap_or_default();
        match pieces.as_slice() {
            [Piece::Accepted(id)] => Some(Ok(*id)),
            [Piece::Refused(refused)] => Some(Err(Box::new(refused.clone()))),
            [] if self.dead => None,
            other => panic!("not one answer: {other:?}"),
        }
    }

    pub(crate) fn group_send(&mut self, from: &Device, send: GroupSend) -> Result<MessageId, Box<Refused>> {
        self.try_group_send(from, send).expect("the server lives")
    }

    /// The maker is an admin, the others are not.
    pub(crate) fn make_group(&mut self, maker: &Device, others: &[&Device]) {
        let mut add: Vec<AccountId> = others.iter().map(|other| other.address.account).collect();
        add.push(maker.address.account);
        let change = PublicChange { add, promote: vec![maker.address.account], ..PublicChange::default() };
        self.group_send(maker, change_of(0, 1_000, change)).unwrap();
    }

    pub(crate) fn group(&self) -> GroupRow {
        match self.row(Key::Group(GROUP)) {
            Some(Row::Group(row)) => row,
            other => panic!("no group: {other:?}"),
        }
    }

    pub(crate) fn members(&self) -> Vec<AccountId> {
        self.group().members.iter().map(|member| member.account).collect()
    }

    /// What a client computes that knows everything.
    pub(crate) fn view(&self) -> [u8; 32] {
        view_digest(self.members().into_iter().map(|account| {
            let row = self.account(account);
            let devices = row.devices_at(self.now).map(|device| (device.device, device.registration_id));
            (account, member_digest(row.list_version, devices))
        }))
    }

    /// An ordinary message in the group's epoch.
    pub(crate) fn group_message(&self, id: u64) -> GroupSend {
        GroupSend {
            view: self.view(),
            change: None,
            ..change_of(self.group().epoch, id, PublicChange::default())
        }
    }

    /// Ids and epochs of the messages to the group in a device's mailbox.
    pub(crate) fn group_items(&self, device: &Device) -> Vec<(u64, u64)> {
        let items = self.items(device.address).into_iter().filter_map(|(_, item)| match item {
            Item::Envelope(envelope) => Some((envelope.id.0, envelope.group?.epoch)),
            Item::Receipt(_) => None,
        });
        items.collect()
    }
}

/// A change that the sender makes of this epoch.
pub(crate) fn change_of(epoch: u64, id: u64, change: PublicChange) -> GroupSend {
    GroupSend {
        id: MessageId(id),
        group: GROUP,
        epoch,
        view: [0; 32],
        ciphertext: Bytes::from(id.to_be_bytes().repeat(20)),
        silent: false,
        attempt: 0,
        change: Some(change),
        files: Vec::new(),
    }
}

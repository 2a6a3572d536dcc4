//! Light events at a node: handed on at once or dropped, without a command, a commit or a store.

use waxwing_server::{ConnId, Effect, Key, Keys, MemberRow, Piece, Row, Store as _, Time};
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::content::Conversation;
use waxwing_wire::{DeviceAddress, GroupId};

use super::{Node, Owner};
use crate::mutant::Mutant;
use crate::world::World;

/// In ten thousand: light events that are dropped although nothing is the matter.
const DROPPED: u32 = 500;

impl World {
    /// What is light in a frame of an attached device leads to this.
    pub(super) fn take_in_light(
        &mut self,
        number: usize,
        conn: ConnId,
        from: DeviceAddress,
        frame: ClientFrame,
    ) -> Vec<Effect> {
        let now = self.server_time(number);
        let mut effects = Vec::new();
        for light in frame.lights {
            let lights = &mut self.nodes[number].lights;
            effects.extend(match light.to {
                Conversation::Account(account) => lights.to_account(conn, from, account, light.sealed, now),
                Conversation::Group(group) if lights.allow_group(conn, from, now) => {
                    let mut members = self.members_now(group);
                    if self.mutant == Some(Mutant::LightToAll) {
                        let peers = self.nodes[number].peers.values().filter_map(|peer| peer.address);
                        let member = |address: DeviceAddress| MemberRow {
                            account: address.account,
                            admin: false,
                            since: 0,
                        };
                        members.extend(peers.map(member));
                    }
                    self.nodes[number].lights.to_group(conn, from, group, &members, light.sealed, now)
                }
                Conversation::Group(_) | Conversation::Status(_) => Vec::new(),
            });
        }
        let lights = &mut self.nodes[number].lights;
        if let Some(announcement) = frame.announcement {
            effects.extend(lights.announce(conn, from, *announcement, now));
        }
        if let Some(watch) = frame.watch {
            effects.extend(lights.watch(conn, from, watch, now));
        }
        effects.retain(|effect| self.may_have_it(number, effect));
        effects.retain(|_| !self.dice.chance(DROPPED));
        effects
    }

    /// Whoever watched the connection is told.
    pub(super) fn end_light(&mut self, number: usize, link: u64, now: Time) {
        let effects = self.nodes[number].lights.detach(ConnId(link), now);
        self.carry_out(number, Owner::Background(0), effects);
    }

    fn members_now(&self, group: GroupId) -> Vec<MemberRow> {
        let keys = Keys { rows: vec![Key::Group(group)], ..Keys::default() };
        let row = self.disk.store.load(&keys).ok().and_then(|mut view| view.rows.remove(&Key::Group(group)));
        match row {
            Some((Some(Row::Group(row)), _)) => row.members,
            _ => Vec::new(),
        }
    }

    /// The judge's own look: a light event of a group goes to members, any other to connected devices only.
    fn may_have_it(&mut self, number: usize, effect: &Effect) -> bool {
        let Effect::Reply { conn, piece } = effect else { return true };
        let address = self.nodes[number].peers.get(&conn.0).and_then(|peer| peer.address);
        if let Piece::Light(event) = piece
            && let (Some(group), Some(address)) = (event.group, address)
            && !self.members_now(group).iter().any(|member| member.account == address.account)
        {
            self.oracle.fail("light", "a light event of a group goes to somebody who is no member".into());
        }
        address.is_some()
    }
}

impl Node {
    /// A device is none of its account's any more.
    pub(super) fn forget_light(&mut self, address: DeviceAddress) {
        self.lights.forget(address);
    }
}

//! What a node does after its commits, and now and then.

use std::collections::VecDeque;

use waxwing_server::{Command, ConnId, Effect, FileCommand, Key, Keys, Row, Store as _, Sweep, resolve};
use waxwing_wire::{Bytes, DeviceAddress};

use super::{IDLE_MS, Owner, SWEEP_MS};
use crate::event::{Event, Told};
use crate::fault::Fault;
use crate::mutant::Mutant;
use crate::net::{Parcel, Way};
use crate::oracle::says_something;
use crate::world::{World, note};

impl World {
    // ------------------------------------------------------------ effects

    /// Carries effects out in order. Those that a connection hears are said by [`Self::flush`].
    pub(super) fn carry_out(&mut self, node: usize, owner: Owner, effects: Vec<Effect>) {
        let mut continued = Vec::new();
        let mut waiting: VecDeque<Effect> = effects.into();
        let several = waiting.len() > 1;
        let mut first = true;
        while let Some(effect) = waiting.pop_front() {
            if several && !std::mem::take(&mut first) && self.strikes(Fault::ServerCrashBetweenEffects) {
                if self.dice.chance(5_000) {
                    self.flush(node);
                }
                self.crash_node(node, "between effects");
                return;
            }
            for more in self.effect(node, effect, &mut continued).into_iter().rev() {
                waiting.push_front(more);
            }
        }
        if let Some(chain) = self.nodes[node].chain(owner) {
            for command in continued.into_iter().rev() {
                chain.push_front(command);
            }
        }
    }

    fn effect(&mut self, number: usize, effect: Effect, continued: &mut Vec<Command>) -> Vec<Effect> {
        let now = self.server_time(number);
        let forgets = self.mutant == Some(Mutant::NoReceipts);
        let node = &mut self.nodes[number];
        match effect {
            Effect::Reply { conn, piece } => {
                if let Some(peer) = node.peers.get_mut(&conn.0) {
                    peer.out.put(piece);
                }
            }
            Effect::Accepted => {}
            Effect::Attach { conn, address, lease, stored, last } => {
                if let Some(peer) = node.peers.get_mut(&conn.0) {
                    peer.address = Some(address);
                }
                return node.links.attach(conn, address, lease, stored, last, now);
            }
            Effect::Appended { mailbox, seq, item } => {
                let effect = node.links.appended(mailbox, seq, item.clone());
                self.tell_all(number, Told::Appended { mailbox, seq, item });
                return effect.into_iter().collect();
            }
            Effect::Trimmed { mailbox, up_to } => {
                return node.links.trimmed(mailbox, up_to).into_iter().collect();
            }
            Effect::Deliver { conn, entries } => {
                if self.mutant == Some(Mutant::TrimOnDelivery)
                    && let (Some(address), Some((up_to, _))) =
                        (node.peers.get(&conn.0).and_then(|peer| peer.address), entries.last())
                {
                    let (mailbox, up_to) = (address, *up_to);
                    node.enqueue(Command::Stored { mailbox, up_to, undecryptable: Vec::new() });
                }
                if let Some(peer) = node.peers.get_mut(&conn.0) {
                    peer.out.deliver(entries);
                }
            }
            Effect::ReadMailbox { mailbox, conn, from, max_entries, max_bytes } => {
                let page = self.disk.store.read_mailbox(mailbox, from, max_entries, max_bytes);
                match page.and_then(|page| resolve(&self.disk.store, page, max_bytes)) {
                    Ok(entries) => {
                        let (life, at) = (self.nodes[number].life, self.now + self.dice.between(1, 5));
                        let link = conn.0;
                        self.schedule(at, Event::Page { node: number, life, mailbox, link, entries });
                    }
                    Err(error) => self.oracle.fail("store", error.to_string()),
                }
            }
            Effect::AwaitLink { origin, reference, expires_at_ms } => {
                return node.links.await_link(origin, reference, expires_at_ms);
            }
            Effect::Linked { reference, list, sealed } => {
                let effect = node.links.linked(reference, &list, &sealed);
                self.tell_all(number, Told::Linked { reference, list, sealed });
                return effect.into_iter().collect();
            }
            Effect::Removed { address } => {
                node.forget_light(address);
                let effects = node.links.removed(address);
                self.tell_all(number, Told::Removed(address));
                return effects;
            }
            Effect::Close { conn } => {
                if let Some(peer) = node.peers.get_mut(&conn.0) {
                    peer.out.close = true;
                }
            }
            Effect::GrantUpload { .. } | Effect::DeleteFile { .. } => {
                continued.extend(self.file_effect(number, effect));
            }
            // Nobody of this world asks for these.
            Effect::GrantSegments { .. }
            | Effect::GrantDownload { .. }
            | Effect::CheckUpload { .. }
            | Effect::FileAnswer { .. } => {}
            Effect::Continue(Command::File(FileCommand::Refer { then, .. }))
                if self.mutant == Some(Mutant::FilesUnnoted) =>
            {
                continued.push(*then);
            }
            Effect::Continue(Command::PutReceipt { .. }) if forgets => {}
            Effect::Continue(Command::GroupDeliver { fan_out })
                if self.mutant == Some(Mutant::FanOutToNobody) =>
            {
                continued.push(Command::GroupFinish { fan_out });
            }
            Effect::Continue(command @ Command::Release { .. })
                if self.mutant == Some(Mutant::ReleasedTwice) =>
            {
                continued.extend([command.clone(), command]);
            }
            Effect::Continue(command) => continued.push(command),
        }
        Vec::new()
    }

    /// Tells the other nodes, unless that is lost.
    fn tell_all(&mut self, number: usize, told: Told) {
        for node in (0..self.nodes.count()).filter(|node| *node != number) {
            if !self.strikes(Fault::NoticeLost) {
                let at = self.now + self.dice.skewed(1, 50);
                self.schedule(at, Event::Notice { node, told: told.clone() });
            }
        }
    }

    pub(crate) fn notice(&mut self, node: usize, told: Told) {
        if !self.nodes[node].up {
            return;
        }
        let links = &mut self.nodes[node].links;
        let effects = match told {
            Told::Appended { mailbox, seq, item } => links.appended(mailbox, seq, item).into_iter().collect(),
            Told::Linked { reference, list, sealed } => {
                links.linked(reference, &list, &sealed).into_iter().collect()
            }
            Told::Removed(address) => links.removed(address),
        };
        self.carry_out(node, Owner::Background(0), effects);
        self.flush(node);
    }

    pub(crate) fn page(
        &mut self,
        node: usize,
        life: u64,
        mailbox: DeviceAddress,
        link: u64,
        entries: Vec<(u64, Bytes)>,
    ) {
        if self.alive(node, life) {
            let effects = self.nodes[node].links.page(mailbox, ConnId(link), entries);
            self.carry_out(node, Owner::Background(0), effects);
            if self.alive(node, life) {
                self.flush(node);
                self.poke(node);
            }
        }
    }

    /// Says what has been collected, connection by connection.
    pub(super) fn flush(&mut self, node: usize) {
        let links: Vec<u64> = self.nodes[node].peers.keys().copied().collect();
        for link in links {
            let Some(peer) = self.nodes[node].peers.get_mut(&link).filter(|peer| !peer.out.is_empty()) else {
                continue;
            };
            let (plains, close) = (peer.out.frames(), std::mem::take(&mut peer.out.close));
            let gone = peer.gone;
            for plain in plains.into_iter().filter(|_| !gone) {
                self.node_says(node, link, &plain);
            }
            if close {
                self.put_parcel(link, Way::Down, Parcel::End);
                self.node_hung_up(link);
            }
        }
    }

    fn node_says(&mut self, node: usize, link: u64, plain: &[u8]) {
        let Some(client) = self.net.link(link).map(|link| link.client) else { return };
        if !self.plan.is_hostile() {
            return self.frame_goes(node, link, client, plain);
        }
        for bent in self.bend_down(client, plain) {
            self.frame_goes(node, link, client, &bent);
        }
    }

    fn frame_goes(&mut self, node: usize, link: u64, client: usize, plain: &[u8]) {
        let Some(peer) = self.nodes[node].peers.get_mut(&link) else { return };
        let sealed = peer.channel.say(plain);
        let summary = self.oracle.server_says(client, link, plain);
        if says_something(&summary) {
            self.busy_frames += 1;
        }
        self.note_frame(link, Way::Down, plain, &summary);
        match sealed {
            Ok(bytes) => self.send_bytes(link, Way::Down, bytes),
            Err(error) => self.oracle.fail("frames", format!("a server's frame: {error}")),
        }
    }

    // ------------------------------------------------------------ regular work

    pub(crate) fn sweep(&mut self, number: usize, life: u64) {
        if !self.alive(number, life) {
            return;
        }
        self.schedule(self.now + SWEEP_MS, Event::Sweep { node: number, life });
        self.nodes[number].sweeps += 1;
        let now = self.now;
        let silent: Vec<u64> = (self.nodes[number].peers.iter())
            .filter(|(_, peer)| !peer.gone && peer.heard_ms + IDLE_MS < now)
            .map(|(link, _)| *link)
            .collect();
        for link in silent {
            note!(self, "s{number} gives link {link} up");
            self.put_parcel(link, Way::Down, Parcel::End);
            self.node_hung_up(link);
        }
        for peer in self.nodes[number].peers.values_mut().filter(|peer| peer.chain.is_empty()) {
            peer.chain.extend(peer.unsettled.take());
        }
        let short = self.plan.settings.retention_ms < 3_600_000 || self.plan.files;
        if short || self.nodes[number].sweeps.is_multiple_of(12) {
            for kind in Sweep::ALL {
                for key in self.disk.store.sweep(kind, None, 1_000).unwrap_or_default() {
                    if let Some(command) = Command::sweep(&key) {
                        self.nodes[number].enqueue(command);
                    }
                }
            }
        }
        self.keep_files(number);
        let server_time = self.server_time(number);
        let ended = self.nodes[number].links.expire_links(server_time);
        self.carry_out(number, Owner::Background(0), ended);
        if !self.alive(number, life) {
            return;
        }
        if self.nodes.count() > 1 {
            self.look_for_missed(number);
        }
        if self.alive(number, life) {
            self.flush(number);
            self.poke(number);
        }
    }

    /// Finds what another node has appended when its notice was lost.
    fn look_for_missed(&mut self, number: usize) {
        let attached: Vec<DeviceAddress> =
            self.nodes[number].peers.values().filter_map(|peer| peer.address).collect();
        for mailbox in attached {
            let keys =
                Keys { rows: vec![Key::Mailbox(mailbox), Key::Account(mailbox.account)], ..Keys::default() };
            let Ok(view) = self.disk.store.load(&keys) else { continue };
            let find = |key| view.rows.get(&key).and_then(|(row, _)| row.as_ref());
            if let Some(Row::Account(account)) = find(Key::Account(mailbox.account))
                && account.device(mailbox.device).is_none()
            {
                let effects = self.nodes[number].links.removed(mailbox);
                self.carry_out(number, Owner::Background(0), effects);
                continue;
            }
            let Some(Row::Mailbox(row)) = find(Key::Mailbox(mailbox)) else { continue };
            let page = self.disk.store.read_mailbox(mailbox, row.last, 1, 1).unwrap_or_default();
            for (seq, item) in resolve(&self.disk.store, page, usize::MAX).unwrap_or_default() {
                let effect = self.nodes[number].links.appended(mailbox, seq, item);
                self.carry_out(number, Owner::Background(0), effect.into_iter().collect());
            }
        }
    }
}

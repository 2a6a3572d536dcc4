//! What a server does with light events, for stories.

use std::collections::BTreeMap;

use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::content::Conversation;
use waxwing_wire::light::{Announcement, Light, LightEvent, Presence, Watch};
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{Bytes, DeviceAddress};

use super::relay::Relay;

#[derive(Default)]
pub struct LightRelay {
    awake: BTreeMap<DeviceAddress, Watch>,
    /// With the time when the device left; 0: it is there.
    announced: BTreeMap<DeviceAddress, (Announcement, u64)>,
    /// Everything light that came up, by device.
    pub said: Vec<(DeviceAddress, Light)>,
    /// Does not say who has gone.
    pub holds_back: bool,
    pub announcements: usize,
    pub watches: usize,
    /// Everything that was put on a connection.
    pub handed_on: Vec<(DeviceAddress, ServerFrame)>,
}

impl Relay {
    pub fn light(&mut self, own: DeviceAddress, frame: &ClientFrame) {
        for light in &frame.lights {
            self.lights.said.push((own, light.clone()));
            let recipients: Vec<DeviceAddress> = match light.to {
                Conversation::Account(account) => {
                    self.lights.awake.keys().filter(|device| device.account == account).copied().collect()
                }
                Conversation::Group(group) => {
                    let members =
                        self.groups.groups.get(&group).map(|known| known.members.clone()).unwrap_or_default();
                    let awake = self.lights.awake.keys();
                    let to = |device: &&DeviceAddress| {
                        device.account != own.account && members.contains_key(&device.account)
                    };
                    if members.contains_key(&own.account) {
                        awake.filter(to).copied().collect()
                    } else {
                        vec![]
                    }
                }
                Conversation::Status(_) => vec![],
            };
            let group = match light.to {
                Conversation::Group(group) => Some(group),
                Conversation::Account(_) | Conversation::Status(_) => None,
            };
            let event = LightEvent { from: own, group, sealed: light.sealed.clone() };
            for to in recipients {
                self.hand_on(to, ServerFrame { lights: vec![event.clone()], ..Default::default() });
            }
        }
        if let Some(announcement) = &frame.announcement {
            self.lights.announcements += 1;
            self.lights.announced.insert(own, ((**announcement).clone(), 0));
            self.tell_watchers(own);
        }
        if let Some(watch) = &frame.watch {
            self.lights.watches += 1;
            self.lights.awake.remove(&own);
            if watch.awake {
                self.lights.awake.insert(own, watch.clone());
                for of in self.lights.announced.keys().copied().collect::<Vec<_>>() {
                    self.tell_watcher(of, own);
                }
            }
        }
    }

    pub fn light_gone(&mut self, own: DeviceAddress) {
        self.lights.awake.remove(&own);
        if self.lights.holds_back {
            return;
        }
        let now = self.now;
        if let Some((_, left)) = self.lights.announced.get_mut(&own).filter(|(_, left)| *left == 0) {
            *left = now;
            self.tell_watchers(own);
        }
    }

    /// The server says something light, whether it is true or not.
    pub fn hand_on(&mut self, to: DeviceAddress, frame: ServerFrame) {
        let name = self.names.iter().find(|(_, address)| **address == to).map(|(name, _)| *name);
        if let Some(name) = name {
            self.lights.handed_on.push((to, frame.clone()));
            self.down.push((name, frame));
        }
    }

    fn tell_watchers(&mut self, of: DeviceAddress) {
        for watcher in self.lights.awake.keys().copied().collect::<Vec<_>>() {
            self.tell_watcher(of, watcher);
        }
    }

    fn tell_watcher(&mut self, of: DeviceAddress, watcher: DeviceAddress) {
        let (what, left) = self.lights.announced[&of].clone();
        let watched = self.lights.awake[&watcher].watched.clone();
        for watched in watched.into_iter().filter(|watched| watched.account == of.account) {
            if watched.token.gate() != what.gate {
                continue;
            }
            let seen = watched.seen_token.is_some_and(|token| Some(token.gate()) == what.seen_gate);
            let presence = Presence {
                of,
                sealed: what.sealed.clone(),
                seen: if seen { what.seen.clone() } else { Bytes::new() },
                gone: left > 0,
                left_at_ms: if seen { left } else { 0 },
            };
            self.hand_on(watcher, ServerFrame { presences: vec![presence], ..Default::default() });
        }
    }
}

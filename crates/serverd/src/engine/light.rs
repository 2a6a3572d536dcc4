//! Light events: carried out when they are read, beside whatever is put together for the next commit. They write
//! nothing, so that a turn with nothing else in it commits nothing, and they are what is dropped when there is
//! much to do.

use waxwing_server::{ConnId, Effect, Key, Keys, MemberRow, Row};
use waxwing_wire::content::Conversation;
use waxwing_wire::light::{Announcement, Light, Watch};
use waxwing_wire::{DeviceAddress, GroupId};

use super::group::Group;
use super::{Engine, Failed};
use crate::limits::{LIGHT_IO_RESULTS, LIGHTS_PER_TURN};
use crate::message::{Outcome, thread_of};

impl Engine {
    /// Takes in what is light in a frame.
    pub(super) fn take_in_light(
        &mut self,
        group: &mut Group,
        (conn, from): (ConnId, DeviceAddress),
        lights: Vec<Light>,
        announcement: Option<Box<Announcement>>,
        watch: Option<Watch>,
    ) -> Result<(), Failed> {
        let count = lights.len() + usize::from(announcement.is_some()) + usize::from(watch.is_some());
        group.lights += count;
        if group.lights > LIGHTS_PER_TURN {
            self.stats.light_dropped.add(count as u64);
            return Ok(());
        }
        for Light { to, sealed } in lights {
            let effects = match to {
                Conversation::Account(account) => {
                    self.lights.to_account(conn, from, account, sealed, self.now)
                }
                Conversation::Group(id) if self.lights.allow_group(conn, from, self.now) => {
                    let members = self.members(group, id)?;
                    self.lights.to_group(conn, from, id, &members, sealed, self.now)
                }
                Conversation::Group(_) | Conversation::Status(_) => Vec::new(),
            };
            self.say_light(effects);
        }
        if let Some(announcement) = announcement {
            let effects = self.lights.announce(conn, from, *announcement, self.now);
            self.say_light(effects);
        }
        if let Some(watch) = watch {
            let effects = self.lights.watch(conn, from, watch, self.now);
            self.say_light(effects);
        }
        Ok(())
    }

    /// A connection is gone: those who watched it are told.
    pub(super) fn end_light(&mut self, conn: ConnId) {
        let effects = self.lights.detach(conn, self.now);
        self.say_light(effects);
    }

    /// Notes what has become of light events.
    pub(super) fn count_light(&mut self) {
        let counts = self.lights.counts();
        self.stats.light_taken.add(counts.taken);
        self.stats.light_handed_on.add(counts.handed_on);
        self.stats.light_dropped.add(counts.dropped);
        self.stats.awake.set(self.lights.len() as u64);
    }

    fn members(&self, group: &Group, id: GroupId) -> Result<Vec<MemberRow>, Failed> {
        let keys = Keys { rows: vec![Key::Group(id)], ..Keys::default() };
        let mut view =
            self.store.load_over(&group.pending, &keys).map_err(|error| Failed(error.to_string()))?;
        Ok(match view.rows.remove(&Key::Group(id)) {
            Some((Some(Row::Group(row)), _)) => row.members,
            _ => Vec::new(),
        })
    }

    fn say_light(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Reply { conn, piece } = effect else { continue };
            let port = self.io.get(thread_of(conn));
            if port.is_some_and(|port| port.queue.waiting() >= LIGHT_IO_RESULTS) {
                self.stats.light_dropped.add(1);
            } else {
                self.out(conn, Outcome::Piece(conn, piece));
            }
        }
    }
}

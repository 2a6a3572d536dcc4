//! What one receiver has been told, and what comes next. A receiver holds a place in the journal and nothing
//! else: however slow it is, what it has not taken waits on the disk.

use std::time::Duration;

use serde_json::Value;
use waxwing_app::api::{Direction, Failure, Happened, JournalEntry};

use super::envelope::{Directory as _, notifications, typing_told};
use super::hub::{Hub, now_ms};
use super::limits::{NAMES_MS, PAGE_EVENTS};

/// How often it is looked whether an author has a name now.
const NAME_TICK: Duration = Duration::from_millis(50);

/// An entry as it is told.
pub struct Told {
    pub id: u64,
    pub params: Vec<Value>,
}

pub struct Feed {
    position: u64,
    /// Who types is told from now on, and not again.
    typing: u64,
    /// Likewise how far files are.
    moving: u64,
}

impl Feed {
    /// From what nobody has acknowledged.
    pub fn new(hub: &Hub) -> Result<Self, Failure> {
        let position = hub.page(None, 0)?.acknowledged;
        Ok(Self { position, typing: hub.last_typing(), moving: hub.last_moving() })
    }

    /// From what comes after an entry that a receiver has seen; an entry that there never was counts for
    /// nothing.
    pub fn after(hub: &Hub, seen: Option<u64>) -> Result<Self, Failure> {
        let page = hub.page(None, 0)?;
        let position = seen.filter(|seen| *seen <= page.newest).unwrap_or(page.acknowledged);
        Ok(Self { position, typing: hub.last_typing(), moving: hub.last_moving() })
    }

    /// The last entry that was told, or counts as told.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Who types: parameters of notifications without an id, which nobody acknowledges and nothing keeps.
    pub fn typing(&mut self, hub: &Hub) -> Vec<Value> {
        let news = hub.typing_after(self.typing);
        self.typing = news.last().map_or(self.typing, |(number, _)| *number);
        news.iter().filter_map(|(_, typing)| typing_told(hub, typing).ok()).collect()
    }

    /// How far files are: parameters of `fileProgress`, which nobody acknowledges and nothing keeps.
    pub fn moving(&mut self, hub: &Hub) -> Vec<Value> {
        let news = hub.moving_after(self.moving);
        self.moving = news.iter().map(|(number, _)| *number).fold(self.moving, u64::max);
        news.into_iter().map(|(_, progress)| progress).collect()
    }

    /// What comes next, and how long to wait at most before asking again.
    pub fn next(&mut self, hub: &Hub, max: usize) -> Result<(Vec<Told>, Option<Duration>), Failure> {
        let mut told = Vec::new();
        for entry in hub.page(Some(self.position), max.min(PAGE_EVENTS))?.entries {
            if is_nameless(hub, &entry)? {
                return Ok((told, Some(NAME_TICK)));
            }
            self.position = entry.id;
            told.push(Told { id: entry.id, params: notifications(hub, &entry)? });
        }
        Ok((told, None))
    }
}

/// Somebody wrote whose name is not known yet, and the server is being asked for it.
fn is_nameless(hub: &Hub, entry: &JournalEntry) -> Result<bool, Failure> {
    let Happened::Message { message } = &entry.what else { return Ok(false) };
    if message.direction == Direction::Outgoing || now_ms() >= entry.at_ms.saturating_add(NAMES_MS) {
        return Ok(false);
    }
    Ok(hub.is_online() && hub.person(&message.from)?.username.is_none())
}

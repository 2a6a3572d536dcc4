//! Connections as TCP has them: bytes in order or not at all, and ends that may not know it.

use std::collections::{BTreeMap, VecDeque};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From a client to a server.
    Up,
    /// From a server to a client.
    Down,
}

/// One way of a connection.
#[derive(Default)]
pub struct Lane {
    /// What is under way, with its time of arrival.
    queue: VecDeque<(u64, Parcel)>,
    /// Nothing arrives before.
    blocked_until: u64,
    /// Whether an event for the front of the queue is scheduled.
    pub pumping: bool,
    /// Nothing arrives any more.
    dead: bool,
}

/// What is under way.
pub enum Parcel {
    /// A part of the stream.
    Bytes(Vec<u8>),
    /// The sender has closed.
    End,
}

/// A connection.
pub struct Link {
    /// The client's number.
    pub client: usize,
    /// The server node's number.
    pub node: usize,
    up: Lane,
    down: Lane,
}

/// All connections.
#[derive(Default)]
pub struct Network {
    links: BTreeMap<u64, Link>,
    /// One-way partitions: until when.
    partitions: BTreeMap<(usize, usize, Way), u64>,
    next: u64,
}

impl Lane {
    /// Puts something under way; it arrives after everything before it.
    fn push(&mut self, at: u64, parcel: Parcel) {
        if !self.dead {
            let at = self.queue.back().map_or(at, |(last, _)| at.max(*last));
            self.queue.push_back((at, parcel));
        }
    }

    fn kill(&mut self) -> usize {
        self.dead = true;
        let lost = self.queue.len();
        self.queue.clear();
        lost
    }
}

/// What a pump found.
pub enum Pumped {
    /// Nothing is under way.
    Idle,
    /// Come again then.
    Later(u64),
    /// This has arrived.
    Arrived(Parcel),
}

impl Network {
    /// A new connection; its number is never used again.
    pub fn open(&mut self, client: usize, node: usize) -> u64 {
        self.next += 1;
        let link = Link { client, node, up: Lane::default(), down: Lane::default() };
        self.links.insert(self.next, link);
        self.next
    }

    /// A connection that still exists.
    #[must_use]
    pub fn link(&self, link: u64) -> Option<&Link> {
        self.links.get(&link)
    }

    /// Numbers of the connections that match.
    pub fn find(&self, wanted: impl Fn(&Link) -> bool) -> Vec<u64> {
        self.links.iter().filter(|(_, link)| wanted(link)).map(|(number, _)| *number).collect()
    }

    /// Puts something under way. True when a pump must be scheduled for `at`.
    pub fn send(&mut self, link: u64, way: Way, at: u64, parcel: Parcel) -> bool {
        let Some(lane) = self.lane(link, way) else { return false };
        lane.push(at, parcel);
        !std::mem::replace(&mut lane.pumping, true)
    }

    /// Takes what has arrived, one parcel at a time.
    pub fn pump(&mut self, link: u64, way: Way, now: u64) -> Pumped {
        let Some(found) = self.links.get(&link) else { return Pumped::Idle };
        let partition = self.partitions.get(&(found.client, found.node, way)).copied().unwrap_or(0);
        let Some(lane) = self.lane(link, way) else { return Pumped::Idle };
        let Some((at, _)) = lane.queue.front() else {
            lane.pumping = false;
            return Pumped::Idle;
        };
        let due = (*at).max(lane.blocked_until).max(partition);
        if due > now {
            return Pumped::Later(due);
        }
        match lane.queue.pop_front() {
            Some((_, parcel)) => Pumped::Arrived(parcel),
            None => Pumped::Idle,
        }
    }

    /// Nothing moves on a connection until then.
    pub fn stall(&mut self, link: u64, until: u64) {
        for way in [Way::Up, Way::Down] {
            if let Some(lane) = self.lane(link, way) {
                lane.blocked_until = until;
            }
        }
    }

    /// Nothing gets from one to the other until then.
    pub fn partition(&mut self, client: usize, node: usize, way: Way, until: u64) {
        self.partitions.insert((client, node, way), until);
    }

    /// Everything moves again.
    pub fn heal(&mut self) {
        self.partitions.clear();
        for link in self.links.values_mut() {
            link.up.blocked_until = 0;
            link.down.blocked_until = 0;
        }
    }

    /// What is under way is lost, and nothing follows. Returns how many parcels were lost.
    pub fn cut(&mut self, link: u64) -> usize {
        self.links.get_mut(&link).map_or(0, |link| link.up.kill() + link.down.kill())
    }

    /// The receiver of this way does not listen any more.
    pub fn deafen(&mut self, link: u64, way: Way) {
        if let Some(lane) = self.lane(link, way) {
            lane.kill();
        }
    }

    fn lane(&mut self, link: u64, way: Way) -> Option<&mut Lane> {
        let link = self.links.get_mut(&link)?;
        Some(match way {
            Way::Up => &mut link.up,
            Way::Down => &mut link.down,
        })
    }
}

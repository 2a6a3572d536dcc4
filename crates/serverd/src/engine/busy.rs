//! Connections whose message is on its way into many mailboxes. What else they say waits until it is through:
//! nobody overtakes themselves.

use std::collections::{HashMap, VecDeque};

use waxwing_server::ConnId;

use crate::limits::{WAITING_JOBS, WAITING_JOBS_PER_CONNECTION};
use crate::message::Job;

/// What waits, by connection.
#[derive(Default)]
pub struct Busy {
    waiting: HashMap<ConnId, VecDeque<Job>>,
    jobs: usize,
    /// Of connections that are not busy any more.
    released: VecDeque<Job>,
}

impl Busy {
    /// A connection's message takes longer.
    pub fn begin(&mut self, conn: ConnId) {
        self.waiting.entry(conn).or_default();
    }

    /// It is through, or has failed: what waited for it is taken in next.
    pub fn end(&mut self, conn: ConnId) {
        if let Some(waited) = self.waiting.remove(&conn) {
            self.jobs -= waited.len();
            self.released.extend(waited);
        }
    }

    /// Whether what the connection says has to wait.
    pub fn is(&self, conn: ConnId) -> bool {
        self.waiting.contains_key(&conn)
    }

    /// Puts a job of a busy connection behind what waits already. `false` if there is too much; the end of a
    /// connection always fits.
    pub fn wait(&mut self, conn: ConnId, job: Job) -> bool {
        let Some(waiting) = self.waiting.get_mut(&conn) else { return false };
        if waiting.len() >= WAITING_JOBS_PER_CONNECTION && !matches!(job, Job::Closed(_)) {
            return false;
        }
        waiting.push_back(job);
        self.jobs += 1;
        true
    }

    /// Whether more may be taken from the queue.
    pub fn has_room(&self) -> bool {
        self.jobs < WAITING_JOBS
    }

    /// What need not wait any more.
    pub fn released(&mut self) -> VecDeque<Job> {
        std::mem::take(&mut self.released)
    }

    /// Nothing need be taken in before the next job.
    pub fn has_released(&self) -> bool {
        !self.released.is_empty()
    }
}

#[cfg(test)]
mod tests;

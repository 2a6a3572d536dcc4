//! What disappears: gone everywhere when its time is over, unless it was kept, and then kept everywhere.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::{Body, MessageKey, Read as _};

use super::{Ends, Oracle, Written};
use crate::device::SKEW_MS;

/// Clocks are apart by this much at most, milliseconds.
pub(super) const APART_MS: u64 = 2 * SKEW_MS.unsigned_abs();
/// Within so much of it every device that is there has deleted what is over, milliseconds: it hears from the server
/// once more, and then waits.
const DELETED_MS: u64 = 10 * 60_000;

/// What is known of time, and of what was kept.
#[derive(Default)]
pub(super) struct Lives {
    /// Hours and days that have passed with nothing happening, milliseconds.
    passed_ms: u64,
    kept: BTreeMap<MessageKey, Keeping>,
}

/// Somebody has kept a message, or has kept it no longer.
#[derive(Default)]
struct Keeping {
    /// The server may not have it yet for everybody.
    under_way: bool,
    /// It may have been too late for some: their message was over, and gone, before the server had the word for
    /// them. That is in the nature of it, as two who cannot hear each other may do different things in the last
    /// moment.
    late: bool,
    /// The devices where that was done.
    by: BTreeSet<usize>,
}

impl Oracle {
    /// Milliseconds since the run began by a true clock.
    pub(super) fn true_ms(&self) -> u64 {
        self.now_ms + self.lives.passed_ms
    }

    /// Whether some clock may say that a message is over.
    pub(super) fn may_be_over(&self, written: &Written) -> bool {
        written.lifetime_s > 0 && self.may_be_past(ends_ms(written))
    }

    /// Whether every clock has said for a while that it is.
    fn must_be_over(&self, written: &Written) -> bool {
        written.lifetime_s > 0 && self.must_be_past(ends_ms(written))
    }

    /// Whether some clock may say that this true time is past.
    pub(super) fn may_be_past(&self, ends_ms: u64) -> bool {
        self.true_ms() + APART_MS >= ends_ms
    }

    /// Whether every clock has said so for a while, and what was to be gone then is.
    pub(super) fn must_be_past(&self, ends_ms: u64) -> bool {
        self.true_ms() >= ends_ms + APART_MS + DELETED_MS
    }

    /// Somebody tries to keep a message, or not to keep it any longer.
    pub fn may_be_kept(&mut self, key: MessageKey, by: usize) {
        let late = self.written.get(&key).is_none_or(|written| self.may_be_over(written));
        let keeping = self.lives.kept.entry(key).or_default();
        keeping.under_way = true;
        keeping.by.insert(by);
        keeping.late |= late;
    }

    /// Time passes. `at_rest`: what anybody had to say, the server has, and all could read what came.
    pub fn time_passes(&mut self, ms: u64, at_rest: bool) {
        self.lives.passed_ms += ms;
        for keeping in self.lives.kept.values_mut() {
            keeping.late |= keeping.under_way && !at_rest;
            keeping.under_way = false;
        }
    }

    /// Messages that are over and still somewhere, or kept here and not there. `followers`: those who have heard
    /// everything about it.
    pub(super) fn lives_owed(
        &self,
        key: &MessageKey,
        followers: &[usize],
        ends: &Ends<'_>,
    ) -> Option<String> {
        self.written.get(key).filter(|written| self.must_be_over(written))?;
        let name = self.name(key);
        let has = |client: usize| {
            let message = ends.dbs.get(client).and_then(|db| db.message(key).ok().flatten());
            // For how long it was to live stands in what could not be read.
            message.is_some_and(|message| !matches!(message.body, Body::Waiting | Body::Lost))
        };
        let Some(keeping) = self.lives.kept.get(key) else {
            let linked = ends.linked.iter().enumerate().filter(|(_, linked)| **linked);
            let (client, _) = linked.into_iter().find(|(client, _)| has(*client))?;
            return Some(format!("{name} is over, and still at c{client}"));
        };
        let mut tellers = keeping.by.iter().filter_map(|client| self.address(*client));
        if keeping.late || tellers.any(|teller| self.is_lost_as_a_teller(teller)) {
            return None;
        }
        let kept = followers.iter().find(|client| has(**client))?;
        let gone = followers.iter().find(|client| !has(**client))?;
        Some(format!("{name} is kept at c{kept}, and gone at c{gone}"))
    }
}

/// When it is over, by a true clock.
fn ends_ms(written: &Written) -> u64 {
    written.true_ms + u64::from(written.lifetime_s) * 1_000
}

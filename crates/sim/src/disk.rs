//! The server's store with what can befall it.

use std::collections::VecDeque;

use waxwing_server::memory::MemoryStore;
use waxwing_server::{CommitError, Store, Stored};

use crate::mutant::Mutant;

/// The one store of all server nodes. It is durable: a crash of a node leaves it as it is.
#[derive(Default)]
pub struct Disk {
    /// What is durable.
    pub store: MemoryStore,
    /// There is no room.
    pub full: bool,
    /// States before the last commits, for the mutant that forgets to flush.
    unflushed: VecDeque<MemoryStore>,
}

/// What shall go wrong in a commit.
#[derive(Default)]
pub struct Mishap {
    /// The batch at this place is said to be in conflict.
    pub conflict_at: Option<usize>,
    /// Only so many batches are tried; the node dies then.
    pub only: Option<usize>,
}

impl Disk {
    /// Commits a group as the engine would.
    pub fn commit(
        &mut self,
        group: Vec<Stored>,
        mishap: &Mishap,
        mutant: Option<Mutant>,
    ) -> Vec<Result<(), CommitError>> {
        if mutant == Some(Mutant::NoFlush) {
            self.unflushed.push_back(self.store.clone());
            if self.unflushed.len() > 4 {
                self.unflushed.pop_front();
            }
        }
        let mut results = Vec::with_capacity(group.len());
        for (place, mut stored) in group.into_iter().enumerate() {
            if mishap.only.is_some_and(|only| place >= only) {
                break;
            }
            if mutant == Some(Mutant::NoVersions) {
                stored.expected.clear();
            }
            let grows = !stored.batch.appends.is_empty() || stored.batch.trims.is_empty();
            let result = if mishap.conflict_at == Some(place) {
                Err(CommitError::Conflict)
            } else if self.full && grows {
                Err(CommitError::Full)
            } else {
                let single = self.store.commit(vec![stored]).pop();
                single.unwrap_or_else(|| Err(CommitError::Broken("no answer".into())))
            };
            results.push(result);
        }
        results
    }

    /// What a crash does to what was not flushed: nothing, but for a mutant.
    pub fn crash(&mut self) {
        if let Some(older) = self.unflushed.pop_front() {
            self.store = older;
            self.unflushed.clear();
        }
    }
}

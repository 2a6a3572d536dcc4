//! Bounded queues between threads, filled and emptied in batches.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A batch queue with one consumer. Producers ask [`Queue::has_room`] before they take work in, so a queue
/// may stand above its bound by what the producers had already taken in.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    length: AtomicUsize,
    bytes: AtomicUsize,
    max_length: usize,
    max_bytes: usize,
}

struct State<T> {
    items: Vec<T>,
    consumer_waits: bool,
    producers_wait: usize,
}

impl<T> Queue<T> {
    /// Bounded by items and by their bytes.
    #[must_use]
    pub fn new(max_length: usize, max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State { items: Vec::new(), consumer_waits: false, producers_wait: 0 }),
            changed: Condvar::new(),
            length: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_length,
            max_bytes,
        }
    }

    /// Whether more may be put in; without a lock.
    pub fn has_room(&self) -> bool {
        self.length.load(Ordering::Relaxed) < self.max_length
            && self.bytes.load(Ordering::Relaxed) < self.max_bytes
    }

    /// Items that wait.
    pub fn waiting(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Puts a batch in, which is empty afterwards. `true` when the queue was empty before: its consumer may
    /// want to be woken.
    pub fn put(&self, batch: &mut Vec<T>, bytes: usize) -> bool {
        if batch.is_empty() {
            return false;
        }
        let mut state = self.lock();
        let was_empty = state.items.is_empty();
        self.length.fetch_add(batch.len(), Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if was_empty {
            std::mem::swap(&mut state.items, batch);
        } else {
            state.items.append(batch);
        }
        if state.consumer_waits {
            self.changed.notify_all();
        }
        was_empty
    }

    /// Waits until there is room; for a producer that may wait.
    pub fn wait_for_room(&self) {
        if self.has_room() {
            return;
        }
        let mut state = self.lock();
        while !self.has_room() {
            state.producers_wait += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.producers_wait -= 1;
        }
    }

    /// Takes everything. `taken` must be empty; its memory goes back into use.
    pub fn take(&self, taken: &mut Vec<T>) {
        debug_assert!(taken.is_empty());
        if self.length.load(Ordering::Acquire) == 0 {
            return;
        }
        self.take_locked(self.lock(), taken);
    }

    /// Takes everything; waits for something, but not longer than `timeout`.
    pub fn wait(&self, taken: &mut Vec<T>, timeout: Duration) {
        let mut state = self.lock();
        if state.items.is_empty() {
            state.consumer_waits = true;
            let waited = self.changed.wait_timeout(state, timeout);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.consumer_waits = false;
        }
        self.take_locked(state, taken);
    }

    fn take_locked(&self, mut state: MutexGuard<'_, State<T>>, taken: &mut Vec<T>) {
        std::mem::swap(&mut state.items, taken);
        self.length.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        if state.producers_wait > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic in any thread ends the process, so a poisoned lock is never seen by anyone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

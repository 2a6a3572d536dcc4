//! For `waxwing-bench` alone: a profile with a history that nobody wrote, and what it is compared with. Not part
//! of the interface.

use rand_core::UnwrapErr;
use waxwing_client::{Message, Write};

use crate::profile::{self, OpenError, Profile, ProfileOptions};
use crate::store::{Sizes, StoreError};

/// A profile opened without its core.
pub struct Bare(Profile);

impl Bare {
    /// Opens a profile that nobody else uses.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &ProfileOptions) -> Result<Self, OpenError> {
        profile::open(options, &mut UnwrapErr(getrandom::SysRng), &mut |_| {}).map(Self)
    }

    /// Writes messages in one transaction, as a step would.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn write(&mut self, messages: Vec<Message>) -> Result<(), StoreError> {
        let batch = messages.into_iter().map(|message| Write::Message(Box::new(message))).collect();
        self.0.store.apply(&batch, &[])
    }

    /// Deletes messages, likewise.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn delete(&mut self, messages: &[Message]) -> Result<(), StoreError> {
        let batch = messages.iter().map(|message| Write::DeleteMessage(message.key)).collect();
        self.0.store.apply(&batch, &[])
    }

    /// Messages whose text contains this, newest first, found by reading them all.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn scan(&self, text: &str, max: usize) -> Result<usize, StoreError> {
        self.0.store.scan(text, max)
    }

    /// What the database and its parts take.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        self.0.store.sizes()
    }

    /// Lets the next one who opens the profile make the index anew.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_index(&mut self) -> Result<(), StoreError> {
        self.0.store.forget_index()
    }
}

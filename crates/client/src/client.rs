use rand_core::CryptoRng;
use waxwing_wire::limits::PUBLIC_KEY_BYTES;
use waxwing_wire::server_frame::ServerFrame;
use waxwing_wire::{AccountId, DeviceAddress, Username};

use crate::Time;
use crate::command::{Command, CommandId, ConnectionState, Effect};
use crate::db::{Batch, DbError, Read};
use crate::row::Peer;

/// What a client reacts to.
#[derive(Clone)]
pub enum Input {
    /// The user wants something.
    Command(CommandId, Command),
    /// A connection is up: the handshake with the right server is done.
    Connected,
    /// The server said something.
    Frame(ServerFrame),
    /// The connection is gone, or could not be made.
    Disconnected,
    /// The time of the last [`Step::wake`] has come (or any other: more ticks do no harm).
    Tick,
}

/// What an input leads to.
#[must_use]
#[derive(Default)]
pub struct Step {
    /// To be committed first, in one transaction.
    pub batch: Batch,
    /// To be carried out after the commit, in order.
    pub effects: Vec<Effect>,
    /// Call with [`Input::Tick`] then; replaces the wake of the step before.
    pub wake: Option<Time>,
}

/// The shell's or the device's fault; never the server's or a peer's, whose faults are handled inside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A row of the database is not what this build wrote.
    #[error("database: the {0} row is damaged")]
    Damaged(&'static str),
}

/// One device.
pub struct Client {}

impl Client {
    /// Starts from the database.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn open(_db: &dyn Read, _now: Time) -> Result<Self, Error> {
        todo!()
    }

    /// Makes the keys of a new device, to be committed before anything else. The Noise key is needed for
    /// the first connection.
    pub fn create(_now: Time, _rng: &mut dyn CryptoRng) -> Batch {
        todo!()
    }

    /// The device's Noise static key, for the shell's connections.
    #[must_use]
    pub fn noise_key(&self) -> waxwing_wire::handshake::StaticKey {
        todo!()
    }

    /// The device's address, once it has an account.
    #[must_use]
    pub fn address(&self) -> Option<DeviceAddress> {
        todo!()
    }

    /// The alias that the account was registered with.
    #[must_use]
    pub fn username(&self) -> Option<&Username> {
        todo!()
    }

    /// The device's public identity key: 0x05 and the X25519 key.
    #[must_use]
    pub fn identity(&self) -> [u8; PUBLIC_KEY_BYTES] {
        todo!()
    }

    /// Whether the server can be reached now.
    #[must_use]
    pub fn connection(&self) -> ConnectionState {
        todo!()
    }

    /// How many messages, receipts and requests wait for the server.
    #[must_use]
    pub fn outbox_len(&self) -> u64 {
        todo!()
    }

    /// Every other account that is known, by id.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn peers(&self, _db: &dyn Read) -> Result<Vec<Peer>, Error> {
        todo!()
    }

    /// One other account.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn peer(&self, _db: &dyn Read, _account: AccountId) -> Result<Option<Peer>, Error> {
        todo!()
    }

    /// What to compare with a contact: 60 digits, the same on both sides. `None` while the contact's identity
    /// or the own account is unknown.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn safety_number(&self, _db: &dyn Read, _account: AccountId) -> Result<Option<String>, Error> {
        todo!()
    }

    /// Reacts.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged. The step is lost; open a new client.
    pub fn handle(
        &mut self,
        _now: Time,
        _rng: &mut dyn CryptoRng,
        _input: Input,
        _db: &dyn Read,
    ) -> Result<Step, Error> {
        todo!()
    }
}

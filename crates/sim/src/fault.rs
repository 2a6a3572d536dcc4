//! What can go wrong, by name.

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A kind of fault. What happens at which rate is drawn for each seed: see [`crate::plan`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// For the summary.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

faults! {
    /// A connection breaks; both sides notice soon; what was under way is lost.
    Reset,
    /// A connection breaks and the client does not notice before its timers.
    HalfOpenClient,
    /// A connection breaks and the server does not notice before its timers.
    HalfOpenServer,
    /// Nothing gets from a client to a server for a while.
    PartitionUp,
    /// Nothing gets from a server to a client for a while.
    PartitionDown,
    /// Nothing moves on one connection for a while.
    Stall,
    /// A connection attempt is refused.
    ConnectRefused,
    /// A connection attempt is never answered.
    ConnectHang,
    /// A notice between server nodes is lost.
    NoticeLost,
    /// A server node dies with a decided group that is not committed.
    ServerCrashBeforeCommit,
    /// A server node dies after a group is committed and before its effects.
    ServerCrashAfterCommit,
    /// A server node dies between two effects of a committed group.
    ServerCrashBetweenEffects,
    /// A server node dies in a commit: a first part of the group is durable.
    ServerCrashMidCommit,
    /// A server node dies while idle.
    ServerRestart,
    /// The store reports a conflict that there was not.
    Conflict,
    /// Two nodes really changed the same row.
    RealConflict,
    /// The server's disk is full for a while.
    DiskFull,
    /// A server's clock jumps by up to a minute.
    ServerClockJump,
    /// A client dies before its commit.
    ClientCrashBeforeCommit,
    /// A client dies after its commit and before the effects.
    ClientCrashAfterCommit,
    /// A client dies between two effects.
    ClientCrashBetweenEffects,
    /// A client is killed while idle.
    ClientRestart,
    /// A client's database is replaced by an older copy of itself.
    ClientRollback,
    /// A client's clock jumps by up to some hours.
    ClientClockJump,
    /// A bundle leaves without a one-time prekey, because there was none.
    PrekeysExhausted,
    /// A message could not be decrypted at first.
    Undecryptable,
}

/// How often each kind was injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally(Vec<(Fault, u64)>);

impl Default for Tally {
    fn default() -> Self {
        Self(Fault::ALL.iter().map(|fault| (*fault, 0)).collect())
    }
}

impl Tally {
    /// One more.
    pub fn count(&mut self, fault: Fault) {
        for (_, count) in self.0.iter_mut().filter(|(kind, _)| *kind == fault) {
            *count += 1;
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for ((_, count), (_, more)) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    /// Each kind with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        self.0.iter().copied()
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

//! Deliberate faults in the drivers and their stores, to prove that the oracle sees them.

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// The server answers before it has committed.
    SpeakBeforeCommit,
    /// The store forgets its last commits in a crash.
    NoFlush,
    /// The store does not compare versions.
    NoVersions,
    /// Taking prekeys does not change the pools.
    PrekeysStay,
    /// The server writes no delivery receipts.
    NoReceipts,
    /// The server does not repeat a settlement for which there was no room on the disk.
    SettledOnce,
    /// The server deletes what it has sent without waiting for the device.
    TrimOnDelivery,
    /// The server carries out the messages of a frame from the last on.
    SwapSends,
    /// The server's mailboxes have no bound.
    NoLimits,
    /// The client speaks before it has committed.
    ClientSpeaksFirst,
    /// The client's sessions are not stored.
    SessionsForgotten,
    /// The client does not know what has surfaced.
    SeenForgotten,
    /// The client alters what it receives.
    TextAltered,
    /// The client sends its texts in the clear.
    TextInTheClear,
    /// The client's timers do not work.
    NoTimers,
    /// The client's outbox is not stored.
    OutboxForgotten,
    /// The server puts messages to groups into nobody's mailbox.
    FanOutToNobody,
    /// The server gives references to messages of groups back twice.
    ReleasedTwice,
    /// The server leaves members in a group who go.
    MembersStay,
    /// The client's registers keep what came last, and not what was set last.
    LastToArrive,
    /// The client does not store what it learns of groups.
    GroupsForgotten,
    /// The client encrypts for a device that was removed.
    RemovedKept,
    /// The client stores something because of light events.
    LightStored,
    /// The server gives light events of a group to everybody.
    LightToAll,
    /// The client goes on with its sender key when somebody leaves.
    KeyKept,
    /// The client shows no more what has disappeared, and does not delete it.
    NothingDisappears,
    /// The client takes from nobody that what was to be seen once was seen.
    OpenedHere,
    /// The client takes from nobody that something was kept.
    KeptHere,
    /// The client takes from nobody what was said otherwise.
    EditedHere,
    /// The server takes what comes behind a message that it has just refused for now.
    Overtaken,
    /// The client takes device lists, and devices for an account's, that nobody signed.
    UnsignedLists,
    /// The server does not note that messages name files.
    FilesUnnoted,
    /// The client takes every message for one that was just written.
    NothingTooLate,
    /// The client shows to all contacts what is for some.
    EverybodySees,
    /// The client does not hear who has looked at what it shows.
    LooksUnheard,
}

impl Mutant {
    /// Whether the client is broken in whatever it does, and not only in what it does because of others.
    #[must_use]
    pub fn is_always(self) -> bool {
        !matches!(self, Self::OpenedHere | Self::KeptHere | Self::EditedHere | Self::LooksUnheard)
    }

    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::SpeakBeforeCommit,
        Self::NoFlush,
        Self::NoVersions,
        Self::PrekeysStay,
        Self::NoReceipts,
        Self::SettledOnce,
        Self::TrimOnDelivery,
        Self::SwapSends,
        Self::NoLimits,
        Self::ClientSpeaksFirst,
        Self::SessionsForgotten,
        Self::SeenForgotten,
        Self::TextAltered,
        Self::TextInTheClear,
        Self::NoTimers,
        Self::OutboxForgotten,
        Self::FanOutToNobody,
        Self::ReleasedTwice,
        Self::MembersStay,
        Self::LastToArrive,
        Self::GroupsForgotten,
        Self::RemovedKept,
        Self::LightStored,
        Self::LightToAll,
        Self::KeyKept,
        Self::NothingDisappears,
        Self::OpenedHere,
        Self::KeptHere,
        Self::EditedHere,
        Self::Overtaken,
        Self::UnsignedLists,
        Self::FilesUnnoted,
        Self::NothingTooLate,
        Self::EverybodySees,
        Self::LooksUnheard,
    ];
}

use waxwing_wire::AccountId;

/// A file that devices upload for messages to refer to. The store has its name and size; the bytes are the driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRow {
    /// Who uploads it: it counts towards this account's share of the room.
    pub owner: AccountId,
    /// Size of the ciphertext.
    pub bytes: u64,
    /// SHA-256 of the upload's token.
    pub token: [u8; 32],
    /// How far it has come.
    pub stage: FileStage,
    /// When it goes whether or not somebody waits for it, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// It stays until then even if nobody waits for it, milliseconds since 1970; 0: no message has named it.
    pub keep_until_ms: u64,
    /// How many [`crate::Key::Awaiting`] rows there are for it.
    pub awaiting: u64,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStage {
    /// Not all of it is there.
    Uploading,
    /// Messages may refer to it.
    Complete,
    /// Its bytes are being deleted: nothing refers to it any more.
    Deleting,
}

/// That a file counts towards an account's share, so that it is counted once and given back once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedRow {
    /// Size of the ciphertext.
    pub bytes: u64,
}

/// How much room the files of an account take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaRow {
    /// How many there are: as many as `Owned` rows.
    pub files: u64,
    /// Their sizes.
    pub bytes: u64,
}

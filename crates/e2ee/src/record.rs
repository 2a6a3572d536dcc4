//! How records are laid out at rest: fixed fields bare, numbers as varints, byte strings with their
//! length. Each record starts with its own version byte; golden files pin the bytes.

use zeroize::Zeroizing;

use crate::{Error, keys::Key, limits, protobuf};

/// Writes a record into memory that is wiped, also when it grows.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(512)))
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.fixed(&[value]);
    }

    pub(crate) fn varint(&mut self, value: u64) {
        let mut bytes = Vec::with_capacity(10);
        protobuf::put_varint(&mut bytes, value);
        self.fixed(&bytes);
    }

    pub(crate) fn length(&mut self, value: usize) {
        self.varint(value as u64);
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        // A plain Vec would leave the old allocation behind unwiped.
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Vec::with_capacity((self.0.capacity() + bytes.len()) * 2);
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.fixed(bytes);
    }

    /// An optional number: 0 for none, else the number and one.
    pub(crate) fn option(&mut self, value: Option<u32>) {
        self.varint(value.map_or(0, |value| u64::from(value) + 1));
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Reads a record; total, and takes no more memory than its input.
pub(crate) struct Reader<'a>(&'a [u8]);

const SHORT: Error = Error::InvalidRecord("truncated");
const RANGE: Error = Error::InvalidRecord("number out of range");

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Result<Self, Error> {
        if input.len() > limits::RECORD_MAX_BYTES {
            return Err(Error::TooLarge);
        }
        Ok(Self(input))
    }

    /// Reads and checks the version byte.
    pub(crate) fn version(&mut self, version: u8) -> Result<(), Error> {
        match self.u8()? {
            found if found == version => Ok(()),
            _ => Err(Error::InvalidRecord("version")),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        let [byte] = *self.fixed::<1>()?;
        Ok(byte)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Error> {
        protobuf::take_varint(&mut self.0).ok_or(SHORT)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        u32::try_from(self.varint()?).map_err(|_| RANGE)
    }

    /// A count of things that follow, at most `max`.
    pub(crate) fn count(&mut self, max: usize) -> Result<usize, Error> {
        usize::try_from(self.varint()?).ok().filter(|count| *count <= max).ok_or(RANGE)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn key(&mut self) -> Result<Key, Error> {
        Ok(Zeroizing::new(*self.fixed()?))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = usize::try_from(self.varint()?).map_err(|_| SHORT)?;
        protobuf::take(&mut self.0, length).ok_or(SHORT)
    }

    pub(crate) fn option(&mut self) -> Result<Option<u32>, Error> {
        match self.varint()? {
            0 => Ok(None),
            value => u32::try_from(value - 1).map(Some).map_err(|_| RANGE),
        }
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidRecord("trailing bytes")) }
    }
}

//! Addresses of devices, as messages are bound to them.

/// A device of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The account's 16-byte id.
    pub account: [u8; 16],
    /// The device's number, 1 to 127.
    pub device: u8,
}

/// Kind byte of an account's service id.
const SERVICE_ID_ACCOUNT: u8 = 0;

impl Address {
    /// Field 6 of a SignalMessage, 36 bytes: kind ‖ account ‖ device of the sender, then of the
    /// recipient.
    pub(crate) fn pair(sender: &Self, recipient: &Self) -> Vec<u8> {
        let mut out = Vec::with_capacity(36);
        for address in [sender, recipient] {
            out.push(SERVICE_ID_ACCOUNT);
            out.extend_from_slice(&address.account);
            out.push(address.device);
        }
        out
    }
}

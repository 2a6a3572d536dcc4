//! Groups: what the rest of the core asks of them.

use waxwing_wire::content::{Content, GroupContext};
use waxwing_wire::group::GroupState;
use waxwing_wire::server_frame::{Envelope, Refused};
use waxwing_wire::{AccountId, DeviceAddress, GroupId, MessageId};

use crate::client::{Client, Error};
use crate::command::{Command, CommandId, Failure};
use crate::overlay::Overlay;
use crate::record::OutboxRow;
use crate::row::{Delivery, Message};
use crate::sealing::Seal;
use crate::turn::Turn;

impl Client {
    /// Carries out a command that concerns groups: one of theirs, or [`Command::SendText`] to one.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_command(
        &mut self,
        turn: &mut Turn<'_>,
        id: CommandId,
        _command: Command,
    ) -> Result<(), Error> {
        turn.failed(id, Failure::UnknownGroup);
        Ok(())
    }

    /// Takes a sender-key message. `known`: the placeholder that stands for it. Whether it could be read, or
    /// need not be.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_envelope(
        &mut self,
        _turn: &mut Turn<'_>,
        _envelope: &Envelope,
        _known: Option<Message>,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    /// Takes what was decrypted from a session and concerns a group: content with a group's context, or of a
    /// kind that only groups have. The device belongs to its account. Whether that is all there is to it; if
    /// not, it is shown as something unknown.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_content(
        &mut self,
        _turn: &mut Turn<'_>,
        _envelope: &Envelope,
        _known: Option<&Message>,
        _content: &Content,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    /// Where this device stands in a group, for what it writes to one account with the group's context.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_context(
        &self,
        _turn: &Turn<'_>,
        _group: GroupId,
    ) -> Result<Option<GroupContext>, Error> {
        Ok(None)
    }

    /// Encrypts a row that goes to a group: fills [`OutboxRow::frame`].
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn seal_group(
        &mut self,
        _turn: &mut Turn<'_>,
        _order: u64,
        _row: &mut OutboxRow,
    ) -> Result<Seal, Error> {
        Ok(Seal::Pointless)
    }

    /// The server has taken a row that went to a group; it is out of the outbox already.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_accepted(&mut self, _turn: &mut Turn<'_>, _row: &OutboxRow) -> Result<(), Error> {
        Ok(())
    }

    /// The server has not taken a row that went to a group, because of the group. The row is still in the
    /// outbox.
    pub(crate) fn group_refused(
        &mut self,
        turn: &mut Turn<'_>,
        order: u64,
        _refused: &Refused,
    ) -> Result<(), Error> {
        self.fail_row(turn, order)
    }

    /// A row that went to a group, or had a group's context, was given up; it is out of the outbox already.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_failed(&mut self, _turn: &mut Turn<'_>, _row: &OutboxRow) -> Result<(), Error> {
        Ok(())
    }

    /// A device could not read a message of this device to a group, which it knows up to that epoch.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_retry_asked(
        &mut self,
        _turn: &mut Turn<'_>,
        _from: DeviceAddress,
        _id: MessageId,
        _attempt: u32,
        _group: (GroupId, u64),
    ) -> Result<(), Error> {
        Ok(())
    }

    /// A device of an account has stored or seen an own message to a group, or it expired there.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_raised(
        &mut self,
        _turn: &mut Turn<'_>,
        _message: Message,
        _by: AccountId,
        _delivery: Delivery,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Messages are encrypted for other devices of the account than before. `gone`: some are so no more.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn devices_changed(
        &mut self,
        _turn: &mut Turn<'_>,
        _account: AccountId,
        _gone: bool,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// The server has welcomed this device.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn groups_online(&mut self, _turn: &mut Turn<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Another device of the account has told where a group stands.
    #[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
    pub(crate) fn group_archived(&mut self, _turn: &mut Turn<'_>, _state: GroupState) -> Result<(), Error> {
        Ok(())
    }
}

/// Where every group stands that the account is a member of, for a new device, after a group and at most so
/// many.
#[expect(clippy::unnecessary_wraps, reason = "it is going to read")]
pub(crate) fn states(
    _store: &Overlay<'_>,
    _after: Option<GroupId>,
    _max: usize,
) -> Result<Vec<GroupState>, Error> {
    Ok(Vec::new())
}

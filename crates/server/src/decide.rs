//! From commands to steps. Here stands which decision belongs to which command; the decisions themselves are
//! in the modules below.

mod account;
mod attach;
mod mailbox;
mod prekeys;
mod register;
mod send;

use rand_core::CryptoRng;
use waxwing_wire::Reject;
use waxwing_wire::server_frame::{DeviceMismatch, Refused, Response, ResponseBody};

use crate::{Command, Effect, Keys, Origin, Piece, Settings, Step, Time, View};

/// Names what the decision on a command needs to see.
#[must_use]
pub fn reads(command: &Command) -> Keys {
    match command {
        Command::Attach { key, .. } => attach::reads_key(*key),
        Command::AttachDevice { address, .. } => attach::reads_device(*address),
        Command::Send { from, send, .. } => send::reads(*from, send),
        Command::Stored { mailbox, .. }
        | Command::PutReceipt { mailbox, .. }
        | Command::Trim { mailbox, .. }
        | Command::Expire { mailbox }
        | Command::Detach { address: mailbox, .. } => mailbox::reads_row(*mailbox),
        Command::Settle { mailbox, from, up_to, .. } => mailbox::reads_entries(*mailbox, *from, *up_to),
        Command::Register { key, register, .. } => register::reads_reservation(*key, register),
        Command::ClaimInvitation { register, .. } => register::reads_invitation(register),
        Command::ClaimUsername { register, .. } => account::reads_username(&register.username),
        Command::CreateAccount { account, .. } => register::reads_account(*account),
        Command::ActivateCredential { key, .. } => attach::reads_key(*key),
        Command::FindAccount { username, .. } => account::reads_username(username),
        Command::DescribeAccount { account, .. } => account::reads_account(*account),
        Command::FetchBundles { account, .. } => account::reads_account(*account),
        Command::TakePrekeys { account, devices, .. } => prekeys::reads_pools(*account, devices),
        Command::PublishPrekeys { address, .. } => prekeys::reads_pools(address.account, &[address.device]),
        Command::CreateInvitation { token, .. } => register::reads_token(token),
    }
}

/// Decides. Pure: the same arguments give the same step.
///
/// # Errors
/// [`Reject`] when the command is refused; [`refuse`] says it to whoever asked.
pub fn decide(
    command: &Command,
    view: &View,
    now: Time,
    settings: &Settings,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    match command {
        Command::Attach { conn, key, hello } => attach::attach(*conn, *key, hello, view),
        Command::AttachDevice { conn, key, address, hello, live } => {
            attach::attach_device(*conn, *key, *address, hello, *live, view, now)
        }
        Command::Send { conn, from, send } => send::send(*conn, *from, send, view, now, settings),
        Command::Stored { mailbox, up_to, undecryptable } => {
            Ok(mailbox::stored(*mailbox, *up_to, undecryptable, view))
        }
        Command::Settle { mailbox, from: _, up_to, fate } => {
            Ok(mailbox::settle(*mailbox, *up_to, fate, view, now, settings))
        }
        Command::PutReceipt { mailbox, item } => Ok(mailbox::put_receipt(*mailbox, item, view, settings)),
        Command::Trim { mailbox, up_to, gone, acknowledged } => {
            Ok(mailbox::trim(*mailbox, *up_to, gone, *acknowledged, view))
        }
        Command::Expire { mailbox } => Ok(mailbox::expire(*mailbox, view)),
        Command::Detach { address, lease, accepted } => {
            Ok(mailbox::detach(*address, *lease, *accepted, view))
        }
        Command::Register { origin, key, register } => {
            register::reserve(*origin, *key, register, view, now, rng)
        }
        Command::ClaimInvitation { origin, key, account, register } => {
            register::claim_invitation(*origin, *key, *account, register, view, now)
        }
        Command::ClaimUsername { origin, key, account, register } => {
            register::claim_username(*origin, *key, *account, register, view)
        }
        Command::CreateAccount { origin, key, account, register } => {
            register::create_account(*origin, *key, *account, register, view, now)
        }
        Command::ActivateCredential { origin, key, address } => {
            register::activate(*origin, *key, *address, view)
        }
        Command::FindAccount { origin, username } => account::find(*origin, username, view),
        Command::DescribeAccount { origin, account, username } => {
            account::describe(*origin, *account, username, view)
        }
        Command::FetchBundles { origin, account } => prekeys::fetch(*origin, *account, view),
        Command::TakePrekeys { origin, account, devices } => prekeys::take(*origin, *account, devices, view),
        Command::PublishPrekeys { origin, address, upload } => {
            prekeys::publish(*origin, *address, upload, view)
        }
        Command::CreateInvitation { token, uses, expires_at_ms } => {
            register::create_invitation(token, *uses, *expires_at_ms, view)
        }
    }
}

/// How a refusal reaches whoever asked.
#[must_use]
pub fn refuse(command: &Command, reject: Reject) -> Vec<Effect> {
    match command {
        Command::Attach { conn, .. } | Command::AttachDevice { conn, .. } => {
            let goodbye = Effect::Reply { conn: *conn, piece: Piece::Goodbye(reject) };
            vec![goodbye, Effect::Close { conn: *conn }]
        }
        Command::Send { conn, send, .. } => {
            let refused = Refused { id: send.id, reject, mismatch: DeviceMismatch::default() };
            vec![Effect::Reply { conn: *conn, piece: Piece::Refused(refused) }]
        }
        Command::Register { origin, .. }
        | Command::ClaimInvitation { origin, .. }
        | Command::ClaimUsername { origin, .. }
        | Command::CreateAccount { origin, .. }
        | Command::ActivateCredential { origin, .. }
        | Command::FindAccount { origin, .. }
        | Command::DescribeAccount { origin, .. }
        | Command::FetchBundles { origin, .. }
        | Command::TakePrekeys { origin, .. }
        | Command::PublishPrekeys { origin, .. } => vec![respond(*origin, ResponseBody::Reject(reject))],
        // Nobody waits for an answer: these are repeated when their reason comes up again.
        Command::Stored { .. }
        | Command::Settle { .. }
        | Command::PutReceipt { .. }
        | Command::Trim { .. }
        | Command::Expire { .. }
        | Command::Detach { .. }
        | Command::CreateInvitation { .. } => Vec::new(),
    }
}

fn respond(origin: Origin, what: ResponseBody) -> Effect {
    Effect::Reply { conn: origin.conn, piece: Piece::Response(Response { id: origin.request, what }) }
}

#[cfg(test)]
mod tests;

//! From commands to steps. Here stands which decision belongs to which command; the decisions themselves are
//! in the modules below.

mod account;
mod attach;
mod devices;
mod directory;
mod file;
mod group;
mod linking;
mod mailbox;
mod prekeys;
mod register;
mod send;

use rand_core::CryptoRng;
use waxwing_wire::server_frame::{DeviceMismatch, Refused, Response, ResponseBody};
use waxwing_wire::{MessageId, Reject};

use crate::{Command, ConnId, Effect, FileCommand, Keys, Origin, Piece, Settings, Step, Time, View};

/// Names what the decision on a command needs to see.
#[must_use]
pub fn reads(command: &Command) -> Keys {
    match command {
        Command::Attach { key, .. } => attach::reads_key(*key),
        Command::AttachDevice { address, .. } => attach::reads_device(*address),
        Command::Send { from, send, .. } => send::reads(*from, send),
        Command::Stored { mailbox, .. } | Command::Trim { mailbox, .. } => mailbox::reads_row(*mailbox),
        Command::PutReceipt { account, devices, .. } => mailbox::reads_receipt(*account, devices),
        Command::Expire { mailbox } => mailbox::reads_row_and_account(*mailbox),
        Command::Detach { address: mailbox, .. } | Command::Purge { mailbox } => {
            mailbox::reads_row_and_seen(*mailbox)
        }
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
        Command::FetchDevices { account, .. } => account::reads_devices(*account),
        Command::FindUsername { account, .. } | Command::FinishRemoval { account, .. } => {
            account::reads_account(*account)
        }
        Command::PublishDeviceList { from, .. } | Command::RemoveDevice { from, .. } => {
            account::reads_account(from.account)
        }
        Command::DropCredential { key, .. } => attach::reads_key(*key),
        Command::OfferLink { reference, .. }
        | Command::FetchLink { reference, .. }
        | Command::ExpireLink { reference } => linking::reads(*reference),
        Command::ApproveLink { from, approve, .. } => {
            linking::reads_with_account(approve.reference, from.account)
        }
        Command::CompleteLink { key, complete, .. } => {
            linking::reads_with_credential(complete.reference, *key)
        }
        Command::AddDevice { approval, .. } => {
            prekeys::reads_pools(approval.address.account, &[approval.address.device])
        }
        Command::ResumeLink { address, .. } => account::reads_account(address.account),
        Command::FindGroup { group, .. }
        | Command::FetchGroupEpoch { group, .. }
        | Command::GroupResume { group } => group::reads_group(*group),
        Command::GroupSend { from, send, .. } => group::reads_message(group::blob_of(*from, send)),
        Command::GroupCompare { blob, taken, accounts, .. } => group::reads_accounts(*blob, *taken, accounts),
        Command::GroupStore { fan_out, .. } => group::reads_message(fan_out.blob),
        Command::GroupDeliver { fan_out } => group::reads_delivery(fan_out),
        Command::GroupNote { fan_out } => group::reads_release(&[fan_out.blob]),
        Command::GroupFinish { fan_out } => group::reads_finish(fan_out),
        Command::Release { blobs, .. } | Command::NoteHad { blobs, .. } => group::reads_release(blobs),
        Command::ExpireBlob { blob } => group::reads_message(*blob),
        Command::File(command) => file::reads(command),
        Command::Directory(command) => directory::reads(command),
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
        Command::Attach { conn, key, hello, place } => attach::attach(*conn, *key, hello, place, view),
        Command::AttachDevice { conn, key, address, hello, place, live } => {
            attach::attach_device(*conn, *key, *address, hello, place, *live, view, now)
        }
        Command::Send { conn, from, send } => send::send(*conn, *from, send, view, now, settings),
        Command::Stored { mailbox, up_to, undecryptable } => {
            Ok(mailbox::stored(*mailbox, *up_to, undecryptable, view))
        }
        Command::Settle { mailbox, from: _, up_to, fate } => {
            Ok(mailbox::settle(*mailbox, *up_to, fate, view, now, settings))
        }
        Command::PutReceipt { account, devices, item } => {
            Ok(mailbox::put_receipt(*account, devices, item, view, settings))
        }
        Command::Trim { mailbox, up_to, gone, acknowledged } => {
            Ok(mailbox::trim(*mailbox, *up_to, gone, *acknowledged, view))
        }
        Command::Expire { mailbox } => Ok(mailbox::expire(*mailbox, view)),
        Command::Detach { address, lease, received } => {
            Ok(mailbox::detach(*address, *lease, *received, view, now))
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
        Command::FetchBundles { origin, asker, account, named } => {
            prekeys::fetch(*origin, *asker, *account, named, view, now)
        }
        Command::TakePrekeys { origin, asker, account, named, devices } => {
            prekeys::take(*origin, *asker, *account, named, devices, view, now)
        }
        Command::PublishPrekeys { origin, address, upload } => {
            prekeys::publish(*origin, *address, upload, view)
        }
        Command::CreateInvitation { token, uses, expires_at_ms } => {
            register::create_invitation(token, *uses, *expires_at_ms, view)
        }
        Command::Purge { mailbox } => Ok(mailbox::purge(*mailbox, view)),
        Command::FetchDevices { origin, asker, account } => {
            account::devices(*origin, *asker, *account, view, now)
        }
        Command::FindUsername { origin, account } => account::find_username(*origin, *account, view),
        Command::PublishDeviceList { origin, from, list } => {
            devices::publish_list(*origin, *from, list, view)
        }
        Command::RemoveDevice { origin, from, device } => devices::remove(*origin, *from, *device, view),
        Command::DropCredential { address, key } => Ok(devices::drop_credential(*address, *key, view)),
        Command::FinishRemoval { origin, account, devices } => {
            Ok(devices::finish(*origin, *account, devices, view))
        }
        Command::OfferLink { .. }
        | Command::FetchLink { .. }
        | Command::ApproveLink { .. }
        | Command::CompleteLink { .. }
        | Command::AddDevice { .. }
        | Command::ResumeLink { .. }
        | Command::ExpireLink { .. } => decide_of_link(command, view, now),
        Command::FindGroup { .. }
        | Command::FetchGroupEpoch { .. }
        | Command::GroupSend { .. }
        | Command::GroupCompare { .. }
        | Command::GroupStore { .. }
        | Command::GroupDeliver { .. }
        | Command::GroupNote { .. }
        | Command::GroupFinish { .. }
        | Command::GroupResume { .. }
        | Command::Release { .. }
        | Command::NoteHad { .. }
        | Command::ExpireBlob { .. } => decide_of_group(command, view, now, settings),
        Command::File(command) => file::decide(command, view, now, settings, rng),
        Command::Directory(command) => directory::decide(command, view, now, rng),
    }
}

/// Of linking devices.
fn decide_of_link(command: &Command, view: &View, now: Time) -> Result<Step, Reject> {
    match command {
        Command::OfferLink { origin, key, reference, offer } => {
            linking::offer(*origin, *key, *reference, offer, view, now)
        }
        Command::FetchLink { origin, reference } => linking::fetch(*origin, *reference, view, now),
        Command::ApproveLink { origin, from, approve } => {
            linking::approve(*origin, *from, approve, view, now)
        }
        Command::CompleteLink { origin, key, complete } => {
            linking::complete(*origin, *key, complete, view, now)
        }
        Command::AddDevice { origin, key, complete, approval } => {
            linking::add_device(*origin, *key, complete, approval, view, now)
        }
        Command::ResumeLink { origin, key, address } => linking::resume(*origin, *key, *address, view),
        Command::ExpireLink { reference } => Ok(linking::expire(*reference, view, now)),
        // Nothing else comes here.
        _ => Ok(Step::default()),
    }
}

/// Of messages to groups.
fn decide_of_group(command: &Command, view: &View, now: Time, settings: &Settings) -> Result<Step, Reject> {
    match command {
        Command::FindGroup { origin, group, token } => group::find(*origin, *group, *token, view),
        Command::FetchGroupEpoch { origin, account, group } => group::epoch(*origin, *account, *group, view),
        Command::GroupSend { conn, from, send } => group::send(*conn, *from, send, view),
        Command::GroupCompare { sender, blob, taken, accounts } => {
            group::compare(sender, *blob, *taken, accounts, view, now, settings)
        }
        Command::GroupStore { sender, taken, fan_out } => group::store(sender, *taken, fan_out, view),
        Command::GroupDeliver { fan_out } => Ok(group::deliver(fan_out, view, settings)),
        Command::GroupNote { fan_out } => Ok(group::note(fan_out, view)),
        Command::GroupFinish { fan_out } => Ok(group::finish(fan_out, view)),
        Command::GroupResume { group } => Ok(group::resume(*group, view)),
        Command::Release { group, blobs } => Ok(group::release(*group, blobs, view)),
        Command::NoteHad { mailbox, group, blobs } => Ok(group::note_had(*mailbox, *group, blobs, view)),
        Command::ExpireBlob { blob } => Ok(group::expire(*blob, view, now, settings)),
        // Nothing else comes here.
        _ => Ok(Step::default()),
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
        Command::Send { conn, send, .. } => vec![refused(*conn, send.id, reject)],
        Command::GroupSend { conn, send, .. }
        | Command::GroupCompare { sender: Some((conn, send)), .. }
        | Command::GroupStore { sender: Some((conn, send)), .. } => vec![refused(*conn, send.id, reject)],
        Command::GroupDeliver { fan_out }
        | Command::GroupNote { fan_out }
        | Command::GroupFinish { fan_out } => {
            fan_out.conn.map(|conn| refused(conn, fan_out.blob.id, reject)).into_iter().collect()
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
        | Command::PublishPrekeys { origin, .. }
        | Command::FetchDevices { origin, .. }
        | Command::FindUsername { origin, .. }
        | Command::PublishDeviceList { origin, .. }
        | Command::RemoveDevice { origin, .. }
        | Command::FinishRemoval { origin: Some(origin), .. }
        | Command::OfferLink { origin, .. }
        | Command::FetchLink { origin, .. }
        | Command::ApproveLink { origin, .. }
        | Command::CompleteLink { origin, .. }
        | Command::AddDevice { origin, .. }
        | Command::ResumeLink { origin, .. }
        | Command::FindGroup { origin, .. }
        | Command::FetchGroupEpoch { origin, .. } => vec![respond(*origin, ResponseBody::Reject(reject))],
        Command::Directory(command) => {
            command.origin().map(|origin| respond(origin, ResponseBody::Reject(reject))).into_iter().collect()
        }
        Command::File(command) => refuse_of_file(command, reject),
        // Nobody waits for an answer: these are repeated when their reason comes up again.
        Command::Stored { .. }
        | Command::Settle { .. }
        | Command::PutReceipt { .. }
        | Command::Trim { .. }
        | Command::Expire { .. }
        | Command::Detach { .. }
        | Command::CreateInvitation { .. }
        | Command::DropCredential { .. }
        | Command::Purge { .. }
        | Command::FinishRemoval { origin: None, .. }
        | Command::ExpireLink { .. }
        | Command::GroupCompare { sender: None, .. }
        | Command::GroupStore { sender: None, .. }
        | Command::GroupResume { .. }
        | Command::NoteHad { .. }
        | Command::Release { .. }
        | Command::ExpireBlob { .. } => Vec::new(),
    }
}

fn refuse_of_file(command: &FileCommand, reject: Reject) -> Vec<Effect> {
    match command {
        FileCommand::RequestUpload { origin, .. }
        | FileCommand::Reserve { origin, .. }
        | FileCommand::RequestSegments { origin, .. }
        | FileCommand::Finish { origin, .. }
        | FileCommand::RequestDownload { origin, .. }
        | FileCommand::Fetched { origin, .. }
        | FileCommand::Complete { origin: Some(origin), .. } => {
            vec![respond(*origin, ResponseBody::Reject(reject))]
        }
        FileCommand::Refer { then, .. } => refuse(then, reject),
        FileCommand::Open { asker, .. }
        | FileCommand::GiveUp { asker, .. }
        | FileCommand::Complete { asker: Some(asker), .. } => {
            vec![Effect::FileAnswer { asker: *asker, answer: Err(reject) }]
        }
        FileCommand::Complete { asker: None, origin: None, .. }
        | FileCommand::Expire { .. }
        | FileCommand::Deleted { .. }
        | FileCommand::GiveBack { .. }
        | FileCommand::Forget { .. }
        | FileCommand::ExpireAwaiting { .. } => Vec::new(),
    }
}

fn refused(conn: ConnId, id: MessageId, reject: Reject) -> Effect {
    let refused =
        Refused { id, reject, mismatch: DeviceMismatch::default(), group: None, files_gone: Vec::new() };
    Effect::Reply { conn, piece: Piece::Refused(refused) }
}

fn respond(origin: Origin, what: ResponseBody) -> Effect {
    Effect::Reply { conn: origin.conn, piece: Piece::Response(Response { id: origin.request, what }) }
}

#[cfg(test)]
mod tests;

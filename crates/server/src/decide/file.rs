//! Files: tickets, who waits for a file, and when it goes. The bytes are the driver's, which is told what to do with
//! them by effects.
//!
//! **What an undelivered message refers to is not collected.** Before a message that names files is put into
//! mailboxes, each file gets a row for every device that gets the message ([`Key::Awaiting`]), and lives longer than
//! the message can wait. So a crash leaves a file waiting for too many, never for too few. It goes early when no
//! device is left that it waits for; not at once, but a day after a message named it last, because the sender's own
//! devices and others may be told of it in further messages. Only the sweep lets files go, whatever their reason.
//!
//! A file goes in steps: `Deleting` (nothing can refer to it any more), its bytes, the owner's room, the row. The
//! sweep begins again with whatever was cut off.

use std::collections::BTreeSet;

use rand_core::CryptoRng;
use waxwing_wire::file::UploadToken;
use waxwing_wire::limits::MAX_FILE_BYTES;
use waxwing_wire::server_frame::{DeviceMismatch, Refused, ResponseBody};
use waxwing_wire::{AccountId, DeviceAddress, FileId, Reject, RejectCode};

use super::respond;
use crate::command::Asker;
use crate::limits::{AWAITING_PER_STEP, FILE_LINGER_MS, FILE_MARGIN_MS, TICKET_MS};
use crate::row::{FileRow, FileStage, OwnedRow, Row};
use crate::{
    Batch, Command, Effect, FileCommand as Asked, FileSettings, Key, Keys, OpenUpload, Origin, Piece,
    Settings, Shard, Step, Time, View, rejects,
};

pub(super) fn reads(command: &Asked) -> Keys {
    let rows = match command {
        Asked::RequestUpload { owner, .. } => vec![Key::Quota(*owner)],
        Asked::Reserve { owner, file, .. } | Asked::GiveBack { owner, file } => {
            vec![Key::Quota(*owner), Key::Owned(*owner, *file)]
        }
        Asked::RequestSegments { file, .. }
        | Asked::Finish { file, .. }
        | Asked::RequestDownload { file, .. }
        | Asked::Open { file, .. }
        | Asked::Complete { file, .. }
        | Asked::GiveUp { file, .. }
        | Asked::Expire { file }
        | Asked::Deleted { file }
        | Asked::Forget { file } => vec![Key::File(*file)],
        Asked::Fetched { by, files, next, .. } => {
            files.get(*next).map(|file| with_awaiting(*file, &[*by])).unwrap_or_default()
        }
        Asked::Refer { files, mailboxes, file, mailbox, .. } => {
            files.get(*file).map(|file| with_awaiting(*file, chunk(mailboxes, *mailbox))).unwrap_or_default()
        }
        Asked::ExpireAwaiting { file, mailbox } => {
            let mut rows = with_awaiting(*file, &[*mailbox]);
            rows.push(Key::Account(mailbox.account));
            rows
        }
    };
    Keys { rows, ..Keys::default() }
}

fn with_awaiting(file: FileId, mailboxes: &[DeviceAddress]) -> Vec<Key> {
    let awaiting = mailboxes.iter().map(|mailbox| Key::Awaiting(file, *mailbox));
    std::iter::once(Key::File(file)).chain(awaiting).collect()
}

/// Mailboxes of one step.
fn chunk(mailboxes: &[DeviceAddress], from: usize) -> &[DeviceAddress] {
    let rest = mailboxes.get(from..).unwrap_or_default();
    rest.get(..AWAITING_PER_STEP).unwrap_or(rest)
}

pub(super) fn decide(
    command: &Asked,
    view: &View,
    now: Time,
    settings: &Settings,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    match command {
        Asked::RequestUpload { origin, owner, bytes } => {
            request_upload(*origin, *owner, *bytes, view, now, settings, rng)
        }
        Asked::Reserve { origin, owner, file, token, bytes, expires_at_ms } => {
            let granted = Effect::GrantUpload {
                origin: *origin,
                file: *file,
                token: *token,
                bytes: *bytes,
                expires_at_ms: *expires_at_ms,
            };
            reserve(*owner, *file, *bytes, granted, view, settings)
        }
        Asked::RequestSegments { origin, file, token, first, count } => {
            let row = owned(*file, token, view, now)?;
            let (origin, bytes, first, count) = (*origin, row.bytes, *first, *count);
            Ok(Step::only(vec![Effect::GrantSegments { origin, file: *file, bytes, first, count }]))
        }
        Asked::Finish { origin, file, token } => finish(*origin, *file, token, view, now),
        Asked::RequestDownload { origin, file, first } => {
            settings.files.as_ref().ok_or_else(rejects::not_offered)?;
            let row = view.file(*file).filter(|row| row.stage == FileStage::Complete).ok_or_else(gone)?;
            let (origin, bytes, first) = (*origin, row.bytes, *first);
            Ok(Step::only(vec![Effect::GrantDownload { origin, file: *file, bytes, first }]))
        }
        Asked::Fetched { origin, by, files, next } => Ok(fetched(*origin, *by, files, *next, view, command)),
        Asked::Refer { .. } => refer(command, view, now, settings),
        Asked::Open { asker, file, token } => {
            let row = owned(*file, token, view, now)?;
            Ok(Step::only(vec![answered(Some(*asker), None, row)]))
        }
        Asked::Complete { asker, origin, file, token } => complete(*asker, *origin, *file, token, view, now),
        Asked::GiveUp { asker, file, token } => give_up(*asker, *file, token, view, now),
        Asked::Expire { file } => Ok(expire(*file, view, now)),
        Asked::Deleted { file } => Ok(match deleting(*file, view) {
            Some(row) => Step::next(Command::File(Asked::GiveBack { owner: row.owner, file: *file })),
            None => Step::default(),
        }),
        Asked::GiveBack { owner, file } => Ok(give_back(*owner, *file, view)),
        Asked::Forget { file } => {
            let batch = deleting(*file, view)
                .map(|_| Batch::of_rows(Shard::File(*file), vec![(Key::File(*file), None)]));
            Ok(Step { batch, effects: Vec::new() })
        }
        Asked::ExpireAwaiting { file, mailbox } => Ok(expire_awaiting(*file, *mailbox, view)),
    }
}

fn request_upload(
    origin: Origin,
    owner: AccountId,
    bytes: u64,
    view: &View,
    now: Time,
    settings: &Settings,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    let offered = settings.files.as_ref().ok_or_else(rejects::not_offered)?;
    if bytes == 0 || bytes > offered.max_bytes.min(MAX_FILE_BYTES) {
        return Err(Reject::new(
            RejectCode::TooLarge,
            "the file is empty, or larger than this server keeps: send a smaller one",
        ));
    }
    // Counted with the next step; looked at here so that nothing is begun that cannot be.
    fits(owner, bytes, view, offered)?;
    let (mut name, mut token) = ([0; 16], [0; 32]);
    rng.fill_bytes(&mut name);
    rng.fill_bytes(&mut token);
    let (file, token) = (FileId(name), UploadToken(token));
    let expires_at_ms = now.0.saturating_add(TICKET_MS);
    let row = FileRow {
        owner,
        bytes,
        token: Asked::hash(token),
        stage: FileStage::Uploading,
        expires_at_ms,
        keep_until_ms: 0,
        awaiting: 0,
    };
    let next = Command::File(Asked::Reserve { origin, owner, file, token, bytes, expires_at_ms });
    Ok(Step { batch: Some(written(file, row)), effects: vec![Effect::Continue(next)] })
}

fn fits(owner: AccountId, bytes: u64, view: &View, offered: &FileSettings) -> Result<(), Reject> {
    if view.quota(owner).bytes.saturating_add(bytes) <= offered.quota_bytes {
        return Ok(());
    }
    Err(Reject::new(
        RejectCode::Quota,
        "the account's files on the server have all the room that they may have: wait until some are fetched",
    ))
}

fn reserve(
    owner: AccountId,
    file: FileId,
    bytes: u64,
    granted: Effect,
    view: &View,
    settings: &Settings,
) -> Result<Step, Reject> {
    if view.owned(owner, file).is_some() {
        return Ok(Step::only(vec![granted]));
    }
    fits(owner, bytes, view, settings.files.as_ref().ok_or_else(rejects::not_offered)?)?;
    let mut quota = view.quota(owner);
    quota.files = quota.files.saturating_add(1);
    quota.bytes = quota.bytes.saturating_add(bytes);
    let rows = vec![
        (Key::Quota(owner), Some(Row::Quota(quota))),
        (Key::Owned(owner, file), Some(Row::Owned(OwnedRow { bytes }))),
    ];
    Ok(Step { batch: Some(Batch::of_rows(Shard::Account(owner), rows)), effects: vec![granted] })
}

/// A file that is there, for whoever has its token.
fn owned(file: FileId, token: &[u8; 32], view: &View, now: Time) -> Result<FileRow, Reject> {
    let row = view.file(file).ok_or_else(gone)?;
    // Equal hashes of a secret tell nothing, however long it takes to compare them.
    if row.token != *token {
        return Err(Reject::new(
            RejectCode::NotAllowed,
            "the token is not this upload's: use the ticket's, or ask for another",
        ));
    }
    let over = row.stage == FileStage::Uploading && row.expires_at_ms <= now.0;
    if over || row.stage == FileStage::Deleting { Err(gone()) } else { Ok(row) }
}

fn finish(origin: Origin, file: FileId, token: &[u8; 32], view: &View, now: Time) -> Result<Step, Reject> {
    let row = owned(file, token, view, now)?;
    Ok(Step::only(vec![match row.stage {
        FileStage::Complete => respond(origin, ResponseBody::Done),
        _ => Effect::CheckUpload { origin, file, token: *token, bytes: row.bytes },
    }]))
}

fn answered(asker: Option<Asker>, origin: Option<Origin>, row: FileRow) -> Effect {
    match (asker, origin) {
        (None, Some(origin)) => respond(origin, ResponseBody::Done),
        (asker, _) => {
            let complete = row.stage == FileStage::Complete;
            let open = OpenUpload { bytes: row.bytes, complete, expires_at_ms: row.expires_at_ms };
            Effect::FileAnswer { asker: asker.unwrap_or(Asker(0)), answer: Ok(open) }
        }
    }
}

fn complete(
    asker: Option<Asker>,
    origin: Option<Origin>,
    file: FileId,
    token: &[u8; 32],
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let mut row = owned(file, token, view, now)?;
    if row.stage == FileStage::Complete {
        return Ok(Step::only(vec![answered(asker, origin, row)]));
    }
    row.stage = FileStage::Complete;
    row.expires_at_ms = now.0.saturating_add(TICKET_MS);
    Ok(Step { batch: Some(written(file, row)), effects: vec![answered(asker, origin, row)] })
}

/// What a message has named is not the uploader's alone any more.
fn give_up(asker: Asker, file: FileId, token: &[u8; 32], view: &View, now: Time) -> Result<Step, Reject> {
    let row = owned(file, token, view, now)?;
    if row.keep_until_ms > 0 {
        return Err(Reject::new(RejectCode::NotAllowed, "a message refers to the file: it goes by itself"));
    }
    let step = delete(file, row);
    let mut effects = vec![answered(Some(asker), None, row)];
    effects.extend(step.effects);
    Ok(Step { effects, ..step })
}

fn delete(file: FileId, row: FileRow) -> Step {
    let batch = written(file, FileRow { stage: FileStage::Deleting, ..row });
    Step { batch: Some(batch), effects: vec![Effect::DeleteFile { file, bytes: row.bytes }] }
}

fn fetched(
    origin: Origin,
    by: DeviceAddress,
    files: &[FileId],
    next: usize,
    view: &View,
    command: &Asked,
) -> Step {
    let Some(file) = files.get(next) else {
        return Step::only(vec![respond(origin, ResponseBody::Done)]);
    };
    let mut after = command.clone();
    if let Asked::Fetched { next, .. } = &mut after {
        *next += 1;
    }
    let effects = vec![Effect::Continue(Command::File(after))];
    Step { batch: waits_no_more(*file, by, view), effects }
}

/// `None` if the file does not wait for it.
fn waits_no_more(file: FileId, mailbox: DeviceAddress, view: &View) -> Option<Batch> {
    let key = Key::Awaiting(file, mailbox);
    if !view.has(&key) {
        return None;
    }
    let mut rows = vec![(key, None)];
    if let Some(row) = view.file(file) {
        let row = FileRow { awaiting: row.awaiting.saturating_sub(1), ..row };
        rows.push((Key::File(file), Some(Row::File(row))));
    }
    Some(Batch::of_rows(Shard::File(file), rows))
}

fn refer(command: &Asked, view: &View, now: Time, settings: &Settings) -> Result<Step, Reject> {
    let Asked::Refer { files, mailboxes, file: at, mailbox, taken, then } = command else {
        return Ok(Step::default());
    };
    let Some(file) = files.get(*at).copied() else { return Ok(Step::next(Command::clone(then))) };
    let offered = settings.files.as_ref().ok_or_else(rejects::not_offered)?;
    let next = |file, mailbox| {
        let (files, mailboxes, taken, then) = (files.clone(), mailboxes.clone(), *taken, then.clone());
        Effect::Continue(Command::File(Asked::Refer { files, mailboxes, file, mailbox, taken, then }))
    };
    let Some(mut row) = view.file(file).filter(|row| row.stage == FileStage::Complete) else {
        return if *taken { Ok(Step::only(vec![next(at + 1, 0)])) } else { refuse_gone(then, file) };
    };
    let kept_ms = offered.retention_ms.max(settings.retention_ms).saturating_add(FILE_MARGIN_MS);
    row.expires_at_ms = row.expires_at_ms.max(now.0.saturating_add(kept_ms));
    row.keep_until_ms = row.keep_until_ms.max(now.0.saturating_add(FILE_LINGER_MS));
    let step = chunk(mailboxes, *mailbox);
    let unknown: BTreeSet<Key> =
        step.iter().map(|mailbox| Key::Awaiting(file, *mailbox)).filter(|key| !view.has(key)).collect();
    row.awaiting = row.awaiting.saturating_add(unknown.len() as u64);
    let mut rows: Vec<_> = unknown.into_iter().map(|key| (key, Some(Row::Awaiting))).collect();
    rows.push((Key::File(file), Some(Row::File(row))));
    let through = mailbox + step.len();
    let effect = if through < mailboxes.len() { next(*at, through) } else { next(at + 1, 0) };
    Ok(Step { batch: Some(Batch::of_rows(Shard::File(file), rows)), effects: vec![effect] })
}

/// The sender uploads again what is gone, and sends again.
fn refuse_gone(message: &Command, file: FileId) -> Result<Step, Reject> {
    let (conn, id) = match message {
        Command::Send { conn, send, .. } => (*conn, send.id),
        Command::GroupStore { sender: Some((conn, send)), .. } => (*conn, send.id),
        _ => return Err(gone()),
    };
    let (mismatch, files_gone) = (DeviceMismatch::default(), vec![file]);
    let refused = Refused { id, reject: gone(), mismatch, group: None, files_gone };
    Ok(Step::only(vec![Effect::Reply { conn, piece: Piece::Refused(refused) }]))
}

fn expire(file: FileId, view: &View, now: Time) -> Step {
    let Some(row) = view.file(file) else { return Step::default() };
    let over = row.expires_at_ms <= now.0;
    let fetched = row.keep_until_ms > 0 && row.awaiting == 0 && row.keep_until_ms <= now.0;
    match row.stage {
        FileStage::Deleting => Step::only(vec![Effect::DeleteFile { file, bytes: row.bytes }]),
        FileStage::Uploading if over => delete(file, row),
        FileStage::Complete if over || fetched => delete(file, row),
        FileStage::Uploading | FileStage::Complete => Step::default(),
    }
}

fn deleting(file: FileId, view: &View) -> Option<FileRow> {
    view.file(file).filter(|row| row.stage == FileStage::Deleting)
}

fn give_back(owner: AccountId, file: FileId, view: &View) -> Step {
    let effects = vec![Effect::Continue(Command::File(Asked::Forget { file }))];
    let Some(owned) = view.owned(owner, file) else { return Step::only(effects) };
    let mut quota = view.quota(owner);
    quota.files = quota.files.saturating_sub(1);
    quota.bytes = quota.bytes.saturating_sub(owned.bytes);
    let quota = (quota.files > 0).then_some(Row::Quota(quota));
    let rows = vec![(Key::Quota(owner), quota), (Key::Owned(owner, file), None)];
    Step { batch: Some(Batch::of_rows(Shard::Account(owner), rows)), effects }
}

/// Nobody says of a removed device that it has a file, and nothing is waited for that is gone.
fn expire_awaiting(file: FileId, mailbox: DeviceAddress, view: &View) -> Step {
    let there = view.account(mailbox.account).is_some_and(|row| row.device(mailbox.device).is_some());
    if there && view.file(file).is_some() {
        return Step::default();
    }
    Step { batch: waits_no_more(file, mailbox, view), effects: Vec::new() }
}

fn written(file: FileId, row: FileRow) -> Batch {
    Batch::of_rows(Shard::File(file), vec![(Key::File(file), Some(Row::File(row)))])
}

fn gone() -> Reject {
    Reject::new(
        RejectCode::FileGone,
        "the file is not on the server (any more), or not all of it: upload it again",
    )
}

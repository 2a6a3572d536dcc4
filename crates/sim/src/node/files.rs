//! Files, of which the client core's part is not played: the driver uploads some, has messages name them, and says of
//! devices that they have fetched them. It is also where the bytes would be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use waxwing_server::{
    Command, ConnId, Effect, FileCommand, FileRow, FileStage, Key, Keys, Origin, Row, Step, Store as _,
    Stored, Sweep, Time, decide, reads,
};
use waxwing_wire::{DeviceAddress, FileId, MessageId};

use super::Todo;
use crate::world::{World, note};

/// Files that are ready to be named.
const READY: usize = 6;
/// How long a file must be good that is named, milliseconds: longer than deciding takes.
const SLACK_MS: u64 = 3_600_000;
/// Clocks of servers are wrong by less.
const SKEW_MS: u64 = 600_000;
/// Longer than files outlive what named them, milliseconds.
const AFTERWARDS_MS: u64 = 5 * 24 * 3_600_000;
/// Times that the sweep goes through everything.
const ROUNDS: usize = 3;
/// Nobody hears what is said to this connection.
const NOBODY: Origin = Origin { conn: ConnId(u64::MAX), request: 0 };

/// What the driver knows of files. It outlives the nodes, as a disk does.
#[derive(Default)]
pub(crate) struct Files {
    /// With bytes.
    there: BTreeSet<FileId>,
    /// Uploaded and not gone, the oldest first.
    known: Vec<FileId>,
    /// Which files a message names.
    named: BTreeMap<(DeviceAddress, MessageId), Vec<FileId>>,
    /// When a device said last that it has a file, by its server's clock.
    fetched: BTreeMap<(DeviceAddress, FileId), u64>,
}

impl World {
    fn file_row(&self, file: FileId) -> Option<FileRow> {
        let key = Key::File(file);
        let view = self.disk.store.load(&Keys { rows: vec![key.clone()], ..Keys::default() }).ok()?;
        match view.rows.get(&key) {
            Some((Some(Row::File(row)), _)) => Some(*row),
            _ => None,
        }
    }

    fn is_good(&self, file: FileId, now_ms: u64) -> bool {
        self.file_row(file).is_some_and(|row| {
            let lasts = |until_ms: u64| until_ms > now_ms.saturating_add(SLACK_MS);
            let stays = row.awaiting > 0 || row.keep_until_ms == 0 || lasts(row.keep_until_ms);
            row.stage == FileStage::Complete && lasts(row.expires_at_ms) && stays
        })
    }

    /// Some messages name files: the same ones whenever they come, as far as they are still there.
    pub(super) fn name_files(&mut self, number: usize, link: u64, todo: &mut Todo) {
        if !self.plan.files {
            return;
        }
        let from = self.nodes[number].peers.get(&link).and_then(|peer| peer.address);
        let (files, id) = match todo {
            Todo::Send(send) => (&mut send.files, send.id),
            Todo::GroupSend(send) => (&mut send.files, send.id),
            _ => return,
        };
        let Some(from) = from else { return };
        let now_ms = self.server_time(number).0;
        let drawn = match self.files.named.get(&(from, id)) {
            Some(known) => known.clone(),
            None if self.dice.chance(7_000) => {
                let count = 1 + self.dice.index(2);
                (0..count)
                    .filter_map(|_| {
                        self.files.known.get(self.dice.index(self.files.known.len().max(1))).copied()
                    })
                    .collect()
            }
            None => Vec::new(),
        };
        let good: BTreeSet<FileId> = drawn.into_iter().filter(|file| self.is_good(*file, now_ms)).collect();
        *files = good.iter().copied().collect();
        self.files.named.insert((from, id), files.clone());
    }

    /// Now and then: another upload, and somebody who has fetched something.
    pub(super) fn keep_files(&mut self, number: usize) {
        if !self.plan.files {
            return;
        }
        let now_ms = self.server_time(number).0;
        let attached: Vec<DeviceAddress> =
            self.nodes[number].peers.values().filter_map(|peer| peer.address).collect();
        let Some(device) = attached.get(self.dice.index(attached.len().max(1))).copied() else { return };
        let good = self.files.known.iter().filter(|file| self.is_good(**file, now_ms)).count();
        if good < READY {
            let (origin, owner) = (NOBODY, device.account);
            let bytes = self.dice.between(1, 1_000_000);
            let upload = FileCommand::RequestUpload { origin, owner, bytes };
            self.nodes[number].enqueue(Command::File(upload));
        }
        let known = self.files.known.clone();
        let has: Vec<FileId> = known.into_iter().filter(|_| self.dice.chance(3_000)).collect();
        if !has.is_empty() {
            for file in &has {
                self.files.fetched.insert((device, *file), now_ms);
            }
            let fetched = FileCommand::Fetched { origin: NOBODY, by: device, files: has.into(), next: 0 };
            self.nodes[number].enqueue(Command::File(fetched));
        }
    }

    /// What the server core wants done with bytes.
    pub(super) fn file_effect(&mut self, number: usize, effect: Effect) -> Option<Command> {
        match effect {
            Effect::GrantUpload { file, token, .. } => {
                self.files.there.insert(file);
                self.files.known.push(file);
                let (asker, origin, token) = (None, None, FileCommand::hash(token));
                // Some uploads never come to their end.
                let ends = self.dice.chance(9_000);
                ends.then_some(Command::File(FileCommand::Complete { asker, origin, file, token }))
            }
            Effect::DeleteFile { file, .. } => {
                note!(self, "s{number} deletes a file");
                self.nothing_needs(number, file);
                self.files.there.remove(&file);
                self.files.known.retain(|known| *known != file);
                Some(Command::File(FileCommand::Deleted { file }))
            }
            _ => None,
        }
    }

    /// Invariant 11: nothing is collected that an undelivered message refers to.
    fn nothing_needs(&mut self, number: usize, file: FileId) {
        let now_ms = self.server_time(number).0;
        let retention_ms = self.plan.settings.retention_ms;
        let needed = self.oracle.waiting_envelopes().find(|(mailbox, key, accepted_at_ms)| {
            let names = self.files.named.get(&(key.from, key.id)).is_some_and(|files| files.contains(&file));
            let waits = accepted_at_ms.saturating_add(retention_ms) > now_ms.saturating_add(SKEW_MS);
            let fetched = self.files.fetched.get(&(*mailbox, file));
            names && waits && fetched.is_none_or(|at_ms| at_ms.saturating_add(SKEW_MS) < *accepted_at_ms)
        });
        if needed.is_some() {
            self.oracle.fail("11", "a file is deleted that an undelivered message refers to".into());
        }
    }

    /// In the end, when nothing waits and long after: the sweep leaves neither rows nor bytes.
    pub(crate) fn outlive_files(&mut self) {
        let settings = &self.plan.settings;
        let kept_ms =
            settings.files.as_ref().map_or(0, |files| files.retention_ms).max(settings.retention_ms);
        let now = Time(self.server_time(0).0.saturating_add(kept_ms).saturating_add(AFTERWARDS_MS));
        for _ in 0..ROUNDS {
            for kind in [Sweep::Awaiting, Sweep::Files] {
                let keys = self.disk.store.sweep(kind, None, usize::MAX).unwrap_or_default();
                keys.iter().filter_map(Command::sweep).for_each(|command| self.decide_at(now, command));
            }
        }
        let left = [Sweep::Awaiting, Sweep::Files]
            .map(|kind| self.disk.store.sweep(kind, None, usize::MAX).map_or(0, |keys| keys.len()));
        let owned = self.disk.store.rows().filter(|(key, _)| matches!(key, Key::Owned(..) | Key::Quota(_)));
        let (owned, there) = (owned.count(), self.files.there.len());
        if left != [0, 0] || owned > 0 || there > 0 {
            let what =
                format!("long after: {left:?} rows of files, {owned} of shares, {there} files with bytes");
            self.oracle.fail("11", what);
        }
    }

    /// Decides a chain at once, without anything in between.
    fn decide_at(&mut self, now: Time, command: Command) {
        let mut chain = VecDeque::from([command]);
        while let Some(command) = chain.pop_front() {
            let Ok(view) = self.disk.store.load(&reads(&command)) else { return };
            let decided = decide(&command, &view, now, &self.plan.settings, self.dice.rng());
            let Ok(Step { batch, effects }) = decided else { return };
            if let Some(batch) = batch {
                let expected = view.expected(batch.shard);
                self.disk.store.commit(vec![Stored { batch, expected }]);
            }
            for effect in effects {
                match effect {
                    Effect::Continue(command) => chain.push_back(command),
                    Effect::DeleteFile { file, .. } => {
                        self.files.there.remove(&file);
                        chain.push_back(Command::File(FileCommand::Deleted { file }));
                    }
                    _ => {}
                }
            }
        }
    }
}

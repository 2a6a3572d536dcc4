//! What the server counts. Numbers only: nothing here says who did anything.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value};
use waxwing_server::{Batch, Command, Key, Row, View};
use waxwing_wire::{Reject, RejectCode};

/// A count or a level that any thread may change.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Lowers a level.
    pub fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    /// Sets a level.
    pub fn set(&self, level: u64) {
        self.0.store(level, Ordering::Relaxed);
    }

    /// As it is.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! stats {
    ($($kind:ident $(#[doc = $doc:literal])+ $name:ident,)*) => {
        /// Everything that is counted.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $name: Number,)*
            /// Refusals by code.
            pub rejects: [Number; CODES.len()],
        }

        impl Stats {
            fn each(&self, mut visit: impl FnMut(&'static str, &'static str, &'static str, u64)) {
                $(visit(stringify!($kind), stringify!($name), concat!($($doc),+), self.$name.now());)*
            }
        }
    };
}

stats! {
    gauge /// Connections that are open.
        connections,
    gauge /// Connections that have not said which device they are.
        guests,
    gauge /// Devices that are connected.
        devices,
    gauge /// Jobs that wait for the engine.
        engine_queue,
    gauge /// Results that wait for the I/O threads.
        io_queue,
    counter /// Connections accepted.
        accepts,
    counter /// Connections turned away before a handshake.
        turned_away,
    counter /// Handshakes finished.
        handshakes,
    counter /// Handshakes that failed or took too long.
        handshakes_failed,
    counter /// Connections closed for what they sent.
        malformed,
    counter /// Connections closed for silence.
        idle_closed,
    counter /// Connections closed because they did not read.
        slow_closed,
    counter /// Bytes read from sockets.
        bytes_in,
    counter /// Bytes written to sockets.
        bytes_out,
    counter /// Frames read.
        frames_in,
    counter /// Frames written.
        frames_out,
    counter /// Reads from sockets.
        socket_reads,
    counter /// Writes to sockets.
        socket_writes,
    counter /// Commands decided.
        commands,
    counter /// Groups committed.
        commits,
    counter /// Times that a log was forced to disk before an answer.
        fsyncs,
    counter /// Messages newly accepted.
        messages_accepted,
    counter /// Mailbox entries sent to devices.
        entries_delivered,
    counter /// Mailbox entries read from the store because they were not at hand.
        entries_paged,
    counter /// Delivery receipts written.
        receipts,
    counter /// Rows looked at for what has waited too long or was left over.
        swept,
    gauge /// Mailboxes at the last look through the store.
        mailboxes,
    gauge /// Messages to groups that were kept for somebody at the last look through the store.
        blobs,
    gauge /// Offers to link a device at the last look through the store.
        links_open,
    gauge /// Files that are kept or on their way up, at the last look through the store.
        files,
    gauge /// Devices that files wait for, once for each file, at the last look through the store.
        files_awaited,
    gauge /// Connections that files go over.
        media_connections,
    counter /// Requests about files.
        media_requests,
    counter /// Such requests that were refused.
        media_refused,
    counter /// Connections closed because hardly anything moved on them.
        media_slow,
    counter /// Bytes of files that came.
        media_bytes_in,
    counter /// Bytes of files that went.
        media_bytes_out,
    counter /// URLs of an object store that were given out.
        media_links,
    counter /// Times that the object store failed.
        media_store_errors,
    gauge /// 1 if the object store failed when it was asked last, 0 if it answered.
        media_store_down,
    counter /// Files that were uploaded to the end.
        files_uploaded,
    counter /// Uploads to an object store that had more than they were to have, which was deleted.
        files_too_large,
    counter /// Files that were deleted.
        files_deleted,
    gauge /// Bytes that files take, or will when they are uploaded; at the last look through the store.
        file_bytes,
    gauge /// Connections that the web app goes over.
        web_connections,
    counter /// Requests for something of the web app.
        web_requests,
    counter /// Such requests that were refused.
        web_refused,
    counter /// Bytes of the web app that went.
        web_bytes_out,
    counter /// Messages and changes of groups that were stored.
        group_messages,
    counter /// Changes of groups among them, the first of each included.
        group_changes,
    counter /// References to messages of groups that were put into mailboxes.
        group_references,
    counter /// Bytes of messages to groups that were stored, each once.
        blob_bytes,
    counter /// Bytes of mailbox entries other than receipts: messages, and references to messages to groups.
        kept_bytes,
    counter /// Bytes of keys and values that were given to the engine, and so to its log.
        log_bytes,
    counter /// Messages to groups that were deleted because nobody waited for them any more.
        blobs_deleted,
    counter /// Copies that were not kept because a companion's mailbox was full.
        copies_skipped,
    counter /// Devices that were linked to an account.
        devices_linked,
    counter /// Devices that were removed from their account.
        devices_removed,
    gauge /// Devices that light events go to.
        awake,
    counter /// Light events taken in: who types, who is there.
        light_taken,
    counter /// Light events handed on, once for each recipient.
        light_handed_on,
    counter /// Light events dropped: too many from somebody, too many for somebody, or much else to do.
        light_dropped,
    gauge /// Bytes that the store takes on disk.
        store_bytes,
    gauge /// Microseconds that the last commit took.
        commit_us,
}

const CODES: [RejectCode; 25] = [
    RejectCode::Unspecified,
    RejectCode::Malformed,
    RejectCode::TooLarge,
    RejectCode::RateLimited,
    RejectCode::NotRegistered,
    RejectCode::InvitationInvalid,
    RejectCode::UsernameTaken,
    RejectCode::UsernameInvalid,
    RejectCode::UnknownAccount,
    RejectCode::DeviceMismatch,
    RejectCode::MailboxFull,
    RejectCode::StorageFull,
    RejectCode::Unavailable,
    RejectCode::WireVersion,
    RejectCode::Replaced,
    RejectCode::ShuttingDown,
    RejectCode::GroupMismatch,
    RejectCode::UnknownGroup,
    RejectCode::NotAllowed,
    RejectCode::LinkUnknown,
    RejectCode::ListOutdated,
    RejectCode::TooMany,
    RejectCode::FileGone,
    RejectCode::Quota,
    RejectCode::NotOffered,
];

impl Stats {
    /// Counts a refusal.
    pub fn reject(&self, reject: &Reject) {
        let place = CODES.iter().position(|code| *code == reject.code).unwrap_or_default();
        if let Some(number) = self.rejects.get(place) {
            number.add(1);
        }
    }

    /// Counts what a decision has decided.
    pub fn count_step(&self, command: &Command, view: &View, batch: Option<&Batch>) {
        let rows = batch.map(|batch| batch.rows.as_slice()).unwrap_or_default();
        match command {
            Command::PutReceipt { .. } => self.receipts.add(1),
            Command::GroupStore { fan_out, .. } => {
                let stored = rows.iter().find_map(|(_, row)| match row {
                    Some(Row::Blob(blob)) => Some(blob.item.len()),
                    _ => None,
                });
                if let Some(bytes) = stored {
                    self.group_messages.add(1);
                    self.blob_bytes.add(bytes as u64);
                    self.group_changes.add(u64::from(fan_out.change));
                }
            }
            Command::Send { .. } | Command::GroupDeliver { .. } => {
                let appends = batch.map(|batch| batch.appends.as_slice()).unwrap_or_default();
                self.kept_bytes.add(appends.iter().map(|append| append.item.len() as u64).sum());
                if matches!(command, Command::GroupDeliver { .. }) {
                    self.group_references.add(appends.len() as u64);
                }
                let skipped = |row: Option<&Row>| match row {
                    Some(Row::Mailbox(row)) => row.skipped,
                    _ => 0,
                };
                for (key, row) in rows {
                    let before = view.rows.get(key).map_or(0, |(row, _)| skipped(row.as_ref()));
                    self.copies_skipped.add(skipped(row.as_ref()).saturating_sub(before));
                }
            }
            Command::AddDevice { .. } => self.devices_linked.add(u64::from(batch.is_some())),
            Command::Release { .. } | Command::ExpireBlob { .. } | Command::GroupFinish { .. } => {
                let deleted = rows.iter().filter(|(key, row)| matches!(key, Key::Blob(_)) && row.is_none());
                self.blobs_deleted.add(deleted.count() as u64);
            }
            _ => {}
        }
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        self.each(|_, name, _, value| {
            map.insert(name.into(), value.into());
        });
        for (code, number) in CODES.iter().zip(&self.rejects) {
            map.insert(format!("rejects_{}", snake(code.name())), number.now().into());
        }
        map.insert("process_cpu_us".into(), process_cpu_us().into());
        map.insert("process_rss_bytes".into(), process_rss_bytes().into());
        map
    }

    /// Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut text = String::new();
        self.each(|kind, name, doc, value| {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let doc = doc.trim();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP waxwing_{name}{suffix} {doc}");
            let _ = writeln!(text, "# TYPE waxwing_{name}{suffix} {kind}\nwaxwing_{name}{suffix} {value}");
        });
        let _ = writeln!(
            text,
            "# HELP waxwing_rejects_total Refusals by code.\n# TYPE waxwing_rejects_total counter"
        );
        for (code, number) in CODES.iter().zip(&self.rejects) {
            let (code, value) = (snake(code.name()), number.now());
            let _ = writeln!(text, "waxwing_rejects_total{{code=\"{code}\"}} {value}");
        }
        let cpu_us = process_cpu_us();
        let _ = writeln!(
            text,
            "# HELP process_cpu_seconds_total Processor time.\n# TYPE process_cpu_seconds_total counter\n\
             process_cpu_seconds_total {}.{:06}",
            cpu_us / 1_000_000,
            cpu_us % 1_000_000,
        );
        let _ = writeln!(
            text,
            "# HELP process_resident_memory_bytes Resident memory.\n\
             # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}",
            process_rss_bytes(),
        );
        text
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Processor time of all threads so far, microseconds.
#[must_use]
pub fn process_cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    (time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).try_into().unwrap_or_default()
}

/// Resident memory; 0 where the system does not say.
#[must_use]
pub fn process_rss_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

//! Files: over a bad link, through the server against a plain copy, and encrypted against the cipher alone.

mod cipher;
mod link;
mod person;

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use waxwing_app::api::{AttachmentKind, Command, CommandId, Event};
use waxwing_app::{App, KeyChoice, ProfileOptions};
use waxwing_client::attachment::Layout;

use crate::Common;
use crate::limits::STALL;
use crate::measure::{fields, report, rounded};
use crate::process;
use crate::server::{Server, scratch};
use link::{Link, Weather, carries};
use person::Person;

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `waxwing` of the people.
    pub client: Option<PathBuf>,
    /// Content of the file that goes over the bad link; 0: none does.
    pub bytes: u64,
    /// What the link carries, megabits a second.
    pub mbit: f64,
    /// Between two breaks, seconds.
    pub drop_every: f64,
    /// There and back, milliseconds.
    pub rtt_ms: f64,
    /// Of the segments, percent.
    pub loss: f64,
    /// Content of the file that is compared with a copy of it.
    pub local_bytes: u64,
    /// Bytes that are encrypted.
    pub cipher_bytes: u64,
}

/// Rounds of uploads and copies.
const ROUNDS: usize = 3;
const MIB: f64 = 1_048_576.0;

impl Plan {
    /// Within the limits.
    pub fn checked(self) -> anyhow::Result<Self> {
        let file = self.bytes.max(self.local_bytes).max(self.cipher_bytes);
        ensure!(file <= waxwing_wire::limits::MAX_ATTACHMENT_BYTES, "a file has at most 2 GiB");
        ensure!((0.1..=10_000.0).contains(&self.mbit), "--mbit must be 0.1 to 10000");
        ensure!((0.1..=3_600.0).contains(&self.drop_every), "--drop-every must be 0.1 to 3600 seconds");
        ensure!((0.0..=2_000.0).contains(&self.rtt_ms), "--rtt-ms must be 0 to 2000");
        ensure!((0.0..=50.0).contains(&self.loss), "--loss must be 0 to 50 percent");
        Ok(self)
    }

    fn weather(&self) -> Weather {
        Weather {
            bits_per_second: self.mbit * 1e6,
            round_trip: Duration::from_secs_f64(self.rtt_ms / 1e3),
            loss: self.loss / 100.0,
            drop_every: Duration::from_secs_f64(self.drop_every),
        }
    }
}

/// All three.
pub fn run(common: &Common, plan: &Plan) -> anyhow::Result<Value> {
    let mut parts = Map::new();
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    parts.insert("encryption".into(), cipher::measure(plan.cipher_bytes.max(1), &mut rng)?.into());
    if plan.local_bytes > 0 {
        parts.insert("upload".into(), local(common, plan, &mut rng)?.into());
    }
    if plan.bytes > 0 {
        parts.insert("link".into(), over_the_link(common, plan, &mut rng)?.into());
    }
    Ok(report("media", [parts]))
}

/// A file of so many bytes that nothing can make smaller.
fn write_file(path: &Path, bytes: u64, rng: &mut ChaCha20Rng) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut block = vec![0; 1024 * 1024];
    let mut left = bytes;
    while left > 0 {
        rng.fill_bytes(&mut block);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        file.write_all(block.get(..most).unwrap_or_default())?;
        left -= most as u64;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

fn same(one: &Path, other: &Path) -> anyhow::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; 1024 * 1024], vec![0; 1024 * 1024]);
    loop {
        let read = one.read(&mut a)?;
        let (a, b) = (a.get(..read).unwrap_or_default(), b.get_mut(..read).unwrap_or_default());
        other.read_exact(b)?;
        if read == 0 || a != b {
            return Ok(read == 0);
        }
    }
}

// ---------------------------------------------------------------- over a bad link

/// Watches a file come: from its first bytes to its last.
struct Watch {
    folder: PathBuf,
    total: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Watch {
    fn new(folder: PathBuf, total: u64) -> Self {
        Self { folder, total, first: None, last: None }
    }

    fn look(&mut self) {
        if self.last.is_some() {
            return;
        }
        let there = largest(&self.folder);
        if there > 0 {
            self.first.get_or_insert_with(Instant::now);
        }
        if there >= self.total {
            self.last = Some(Instant::now());
        }
    }

    /// Seconds.
    fn took(&self) -> anyhow::Result<f64> {
        let (first, last) = (self.first.context("it never began")?, self.last.context("it never ended")?);
        Ok(last.duration_since(first).as_secs_f64().max(1e-9))
    }
}

/// The largest file in a folder and those in it, bytes.
fn largest(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.fold(0, |largest, entry| match entry.metadata() {
        Ok(data) if data.is_dir() => largest.max(self::largest(&entry.path())),
        Ok(data) => largest.max(data.len()),
        Err(_) => largest,
    })
}

fn over_the_link(common: &Common, plan: &Plan, rng: &mut ChaCha20Rng) -> anyhow::Result<Map<String, Value>> {
    let folder = scratch(common)?;
    let server = Server::start(common)?;
    let weather = plan.weather();
    let link = Link::start(server.address, weather)?;
    let address = link.address.to_string();
    let invitation = server.invite()?.to_text();
    let binary = match &plan.client {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("waxwing"),
    };
    ensure!(binary.exists(), "there is no {}: build waxwing, or name it with --client", binary.display());
    let people = ["alice", "bob"].map(|name| (name, Person::new(&binary, folder.path().join(name))));
    for (name, person) in &people {
        person.run(&["register", &address, "--invite", &invitation, "--username", name], || {})?;
    }
    let [(_, alice), (_, bob)] = &people;
    bob.run(&["contacts", "add", "alice"], || {})?;
    let content = folder.path().join("film.bin");
    write_file(&content, plan.bytes, rng)?;
    let idle_client = alice.run(&["send", "bob", "a film is coming"], || {})?.peak_bytes;
    let idle_server = process::memory(server.pid())?.resident_bytes;
    let sealed = Layout::new(plan.bytes)?.sealed_bytes();
    // Long enough for several breaks, if the file is.
    let time = Duration::from_secs_f64((sealed as f64 * 8.0 / weather.bits_per_second).clamp(1.0, 120.0));
    let floor = carries(weather, time)?;

    link.begin_to_break();
    let mut up = Watch::new(server.media(), sealed);
    let path = content.to_string_lossy().into_owned();
    let sent = alice.run(&["send", "--document", "--file", &path, "bob", "here it is"], || up.look())?;
    let drops_up = link.drops();
    link.end_to_break();
    bob.run(&["receive"], || {})?;
    let listed: Value = serde_json::from_str(bob.run(&["media", "list"], || {})?.said.trim())?;
    let number = listed.get("number").context("a message with a file")?.to_string();
    let out = folder.path().join("out.bin");
    let target = out.to_string_lossy().into_owned();
    link.begin_to_break();
    let mut down = Watch::new(bob.media(), sealed);
    let got = bob.run(&["media", "save", &number, "-o", &target], || down.look())?;
    ensure!(same(&content, &out)?, "the file is another one");
    let [came] = server.counters(["media_bytes_in"])?;
    let peak_server = process::peak(server.pid())?;
    let (up_rate, down_rate) = (sealed as f64 / up.took()?, sealed as f64 / down.took()?);
    let beyond = |peak: u64, idle: u64| rounded(peak.saturating_sub(idle) as f64 / MIB);
    Ok(fields(json!({
        "bytes": plan.bytes,
        "mbit": plan.mbit, "drop_every_seconds": plan.drop_every, "rtt_ms": plan.rtt_ms, "loss_percent": plan.loss,
        "carries_mbit": rounded(floor * 8.0 / 1e6),
        "up": {"seconds": rounded(up.took()?), "mbit": rounded(up_rate * 8.0 / 1e6), "drops": drops_up,
            "sent_twice": rounded(came as f64 / sealed as f64 - 1.0)},
        "down": {"seconds": rounded(down.took()?), "mbit": rounded(down_rate * 8.0 / 1e6),
            "drops": link.drops() - drops_up},
        "memory_mib": {
            "sender": rounded(sent.peak_bytes as f64 / MIB),
            "sender_beyond_idle": beyond(sent.peak_bytes, idle_client),
            "recipient": rounded(got.peak_bytes as f64 / MIB),
            "recipient_beyond_idle": beyond(got.peak_bytes, idle_client),
            "server": rounded(peak_server as f64 / MIB),
            "server_beyond_idle": beyond(peak_server, idle_server),
        },
        "ratio": {"up_to_link": rounded(up_rate / floor), "down_to_link": rounded(down_rate / floor)},
    })))
}

// ---------------------------------------------------------------- against a copy

fn local(common: &Common, plan: &Plan, rng: &mut ChaCha20Rng) -> anyhow::Result<Map<String, Value>> {
    let folder = scratch(common)?;
    let server = Server::start(common)?;
    let invitation = server.invite()?.to_text();
    let data_dir = folder.path().join("sender");
    let app = registered(&server, &invitation, "sender", &data_dir)?;
    app.send(Command::GoOnline);
    let sealed = Layout::new(plan.local_bytes)?.sealed_bytes();
    let (mut ways, mut copies, mut sealings) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let content = folder.path().join(format!("file{round}"));
        write_file(&content, plan.local_bytes, rng)?;
        let begun = Instant::now();
        let path = content.to_string_lossy().into_owned();
        let attach = Command::Attach { path, kind: Some(AttachmentKind::Document), hd: false };
        // It goes up as soon as it is ready.
        let mut began = None;
        let mut ready = None;
        ways.push(until(&app, attach, |_, event| match event {
            Event::Attached { attachment, .. } => {
                sealings.push(begun.elapsed());
                ready = Some(attachment.id.clone());
                None
            }
            Event::FileProgress { sending: true, done, total, .. } => {
                let began = *began.get_or_insert_with(Instant::now);
                (done == total).then(|| began.elapsed())
            }
            _ => None,
        })?);
        let ciphertext = data_dir.join("media").join(ready.context("it was made ready")?);
        copies.push(copy(&ciphertext, &folder.path().join("copy"))?);
        fs::remove_file(&content)?;
    }
    app.close();
    let rate = |times: &mut Vec<Duration>, bytes: u64| {
        times.sort();
        let median = times.get(times.len() / 2).map_or(f64::INFINITY, Duration::as_secs_f64);
        bytes as f64 / 1e6 / median
    };
    let (way, copy) = (rate(&mut ways, sealed), rate(&mut copies, sealed));
    Ok(fields(json!({
        "bytes": plan.local_bytes,
        "encrypt_and_keep_mb_per_second": rounded(rate(&mut sealings, plan.local_bytes)),
        "upload_mb_per_second": rounded(way),
        "cp_and_fsync_mb_per_second": rounded(copy),
        "ratio": {"upload_to_cp": rounded(way / copy)},
    })))
}

/// `cp`, and what the server promises besides: that it stays.
fn copy(from: &Path, to: &Path) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let done = Program::new("cp").arg("--reflink=never").args([from, to]).status().context("cp")?;
    ensure!(done.success(), "cp failed");
    File::open(to)?.sync_all()?;
    let took = begun.elapsed();
    fs::remove_file(to)?;
    Ok(took)
}

fn registered(server: &Server, invitation: &str, name: &str, data_dir: &Path) -> anyhow::Result<App> {
    let app = App::open(&ProfileOptions { data_dir: data_dir.to_owned(), key: KeyChoice::default() })?;
    let (server, invitation) = (server.address.to_string(), invitation.to_owned());
    let command = Command::Register { server, invitation, username: name.to_owned() };
    until(&app, command, |id, event| {
        matches!(event, Event::Done { command, .. } if *command == id).then_some(())
    })?;
    Ok(app)
}

/// Gives a command, and looks at what happens until something is found.
fn until<T>(
    app: &App,
    command: Command,
    mut found: impl FnMut(CommandId, &Event) -> Option<T>,
) -> anyhow::Result<T> {
    let id = app.send(command);
    loop {
        let event = app.events().recv_timeout(STALL).context("the client does not answer")?;
        match &event {
            Event::Failed { command, failure } if *command == id => bail!("{}", failure.detail),
            event => {
                if let Some(found) = found(id, event) {
                    return Ok(found);
                }
            }
        }
    }
}

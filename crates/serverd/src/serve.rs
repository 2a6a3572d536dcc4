//! Starting, and ending in good order.

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use mio::{Poll, Waker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::admin::Admin;
use crate::config::Config;
use crate::engine::Engine;
use crate::identity;
use crate::limits::{ENGINE_QUEUE_BYTES, ENGINE_QUEUE_JOBS, SHUTDOWN_TIMEOUT};
use crate::media;
use crate::message::IoPort;
use crate::metrics::Metrics;
use crate::net::{Admission, IoThread, Shared, WAKE, listen};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::store::{self, Embedded};
use crate::web::Site;

/// What the main thread waits for.
enum News {
    Signal,
    EngineEnded(Result<(), String>),
    IoEnded(Result<(), String>),
}

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot start, or something failed that cannot be gone on from.
pub fn serve(data_dir: &Path, config: &Config) -> anyhow::Result<()> {
    raise_descriptor_limit();
    make_directory(data_dir)?;
    let options = store::Options { reserve_bytes: config.reserve_bytes, space: None };
    let store = Embedded::open(data_dir, options)?;
    let key = identity::load_or_create(data_dir)?;
    let listener = listen(config.listen)?;
    let address = listener.local_addr()?;
    let stats = Arc::new(Stats::default());
    let metrics = config.metrics.map(|address| Metrics::open(address, stats.clone())).transpose()?;

    let (polls, ports) =
        (0..config.io_threads).map(|_| port()).collect::<anyhow::Result<(Vec<_>, Vec<_>)>>()?;
    let queue = Arc::new(Queue::new(ENGINE_QUEUE_JOBS, ENGINE_QUEUE_BYTES));
    let open_media = || media::open(data_dir, &key, &config.media, queue.clone(), stats.clone());
    let media = config.settings.files.is_some().then(open_media).transpose()?;
    let shared = Arc::new(Shared {
        key,
        engine: queue,
        ports,
        admission: Admission::new(config.guests_per_ip, config.registrations_per_hour, config.limit_loopback),
        stats: stats.clone(),
        media: media.clone(),
        web: Arc::new(Site::built_in(
            stats.clone(),
            &media.as_ref().map(|media| media::origins(&**media)).unwrap_or_default(),
        )),
        settings: config.io.clone(),
        stopping: AtomicBool::new(false),
    });
    let admin = Admin::open(data_dir, shared.clone())?;
    let engine = Engine::new(
        store,
        config.settings.clone(),
        config.sweep_interval,
        shared.engine.clone(),
        shared.ports.clone(),
        stats,
    )
    .with_media(media);

    let (tell, news) = channel();
    watch_signals(tell.clone())?;
    spawn("engine", tell.clone(), move || News::EngineEnded(engine.run().map_err(|failed| failed.0)))?;
    let mut listener = Some(listener);
    for (index, poll) in polls.into_iter().enumerate() {
        let thread = IoThread::new(index, poll, listener.take(), shared.clone());
        let run = move || News::IoEnded(thread.run().map_err(|error| error.to_string()));
        spawn(&format!("io-{index}"), tell.clone(), run)?;
    }
    thread::Builder::new().name("admin".into()).spawn(|| admin.run())?;
    if let Some(metrics) = metrics {
        tracing::info!(address = %metrics.address()?, "metrics");
        thread::Builder::new().name("metrics".into()).spawn(|| metrics.run())?;
    }
    tracing::info!(%address, io_threads = shared.ports.len(), version = env!("CARGO_PKG_VERSION"), "serving");
    announce(&address.to_string());
    watch(&shared, &news)
}

/// Waits for the end of the engine and of all I/O threads.
fn watch(shared: &Shared, news: &Receiver<News>) -> anyhow::Result<()> {
    let mut deadline = None;
    let mut failure = None;
    let mut running = shared.ports.len() + 1;
    while running > 0 {
        let next = match deadline {
            None => news.recv().context("all threads are gone")?,
            Some(deadline) => {
                let left = Instant::saturating_duration_since(&deadline, Instant::now());
                news.recv_timeout(left).context("the server did not end in time")?
            }
        };
        match next {
            News::Signal if deadline.is_some() => bail!("told to end twice: ended at once"),
            News::Signal => {
                tracing::info!("shutting down");
                shared.stopping.store(true, Ordering::Release);
                shared.ports.iter().for_each(|port| port.wake());
            }
            News::EngineEnded(result) | News::IoEnded(result) => {
                running -= 1;
                if let Err(error) = result {
                    tracing::error!(%error, "failed; ending");
                    failure.get_or_insert(error);
                }
            }
        }
        // Whoever ends first, the others follow soon or are cut off.
        deadline = deadline.or_else(|| Some(Instant::now() + SHUTDOWN_TIMEOUT));
    }
    match failure {
        Some(error) => bail!("{error}"),
        None => Ok(()),
    }
}

fn port() -> anyhow::Result<(Poll, Arc<IoPort>)> {
    let poll = Poll::new().context("cannot make an epoll instance")?;
    let waker = Waker::new(poll.registry(), WAKE).context("cannot make an eventfd")?;
    Ok((poll, IoPort::new(waker)))
}

fn spawn(name: &str, tell: Sender<News>, run: impl FnOnce() -> News + Send + 'static) -> anyhow::Result<()> {
    let tells = move || {
        // The main thread leaves only when the process does.
        let _ = tell.send(run());
    };
    thread::Builder::new()
        .name(name.into())
        .spawn(tells)
        .with_context(|| format!("cannot start the thread {name}"))?;
    Ok(())
}

fn watch_signals(tell: Sender<News>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("cannot watch for signals")?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            if tell.send(News::Signal).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// The one line that says: ready, and here.
fn announce(address: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever started us may have closed the pipe; that is no reason not to serve.
    let _ = writeln!(out, "listening on {address}").and_then(|()| out.flush());
}

/// Private to the server's user: it holds keys and who talks to whom.
pub(crate) fn make_directory(path: &Path) -> anyhow::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the data directory {}", path.display()))
}

/// A descriptor for each connection: as many as the system allows.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

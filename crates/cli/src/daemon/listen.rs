//! Where programs come in, and how many may.

use std::fs;
use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::http;
use super::hub::Hub;
use super::limits::{IDLE_TIMEOUT, MAX_CONNECTIONS, WRITE_TIMEOUT};
use super::lines::{self, Client};
use super::token::Token;
use crate::output::Error;

/// What is said to the one connection too many.
const FULL: &str = "too many connections; close one of them";
/// A listener that cannot accept, because there are no file descriptors left, tries again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Shared by all listeners.
#[derive(Clone)]
pub struct Door {
    pub hub: Arc<Hub>,
    pub token: Option<Arc<Token>>,
    count: Arc<AtomicUsize>,
}

impl Door {
    pub fn new(hub: Arc<Hub>, token: Option<Arc<Token>>) -> Self {
        Self { hub, token, count: Arc::default() }
    }

    /// A place for a connection, if there is one.
    fn enter(&self) -> Option<Place> {
        let taken = |count| (count < MAX_CONNECTIONS).then_some(count + 1);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken).ok()?;
        Some(Place(self.count.clone()))
    }

    fn spawn(&self, serve: impl FnOnce() + Send + 'static) {
        // Without a thread there is no service: the connection ends, and the program tries again.
        let _ = thread::Builder::new().name("program".into()).spawn(serve);
    }
}

struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A socket of the file system that only its owner can use; removed when dropped.
pub struct UnixDoor {
    path: PathBuf,
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

pub fn unix(door: &Door, path: &Path) -> Result<UnixDoor, Error> {
    let listener = bind_unix(path)
        .map_err(|error| Error::user("socket", format!("cannot listen on {}: {error}", path.display())))?;
    let door = door.clone();
    accept(move || listener.accept().map(|(stream, _)| stream), move |stream| serve_unix(&door, stream))?;
    Ok(UnixDoor { path: path.to_owned() })
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    if fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket()) {
        // Left behind by a daemon that was killed, or in use.
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens there"));
        }
        fs::remove_file(path)?;
    }
    // From the first moment on it is the owner's alone.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    listener
}

fn serve_unix(door: &Door, stream: UnixStream) {
    let (Ok(out), Ok(end)) = (stream.try_clone(), stream.try_clone()) else { return };
    let _ = stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let hang_up = move || drop(end.shutdown(std::net::Shutdown::Both));
    let client = Arc::new(Client::new(Box::new(out), Box::new(hang_up), None, false));
    serve_lines(door, &client, stream);
}

pub fn tcp(door: &Door, addresses: &[SocketAddr]) -> Result<SocketAddr, Error> {
    let (listener, address) = bind_tcp(addresses)?;
    let door = door.clone();
    accept(move || listener.accept().map(|(stream, _)| stream), move |stream| serve_tcp(&door, stream))?;
    Ok(address)
}

fn serve_tcp(door: &Door, stream: TcpStream) {
    let (Ok(out), Ok(end)) = (stream.try_clone(), stream.try_clone()) else { return };
    let _ = stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let _ = stream.set_nodelay(true);
    if door.token.is_some() {
        // Strangers do not keep places.
        let _ = stream.set_read_timeout(Some(IDLE_TIMEOUT));
    }
    let hang_up = move || drop(end.shutdown(std::net::Shutdown::Both));
    let client = Arc::new(Client::new(Box::new(out), Box::new(hang_up), door.token.clone(), true));
    serve_lines(door, &client, stream);
}

fn serve_lines(door: &Door, client: &Arc<Client>, stream: impl io::Read + Send + 'static) {
    let Some(place) = door.enter() else { return client.refuse(FULL) };
    let (hub, client) = (door.hub.clone(), client.clone());
    door.spawn(move || {
        lines::serve(&hub, &client, &mut BufReader::new(stream));
        drop(place);
    });
}

pub fn http(door: &Door, addresses: &[SocketAddr]) -> Result<SocketAddr, Error> {
    let (listener, address) = bind_tcp(addresses)?;
    let door = door.clone();
    let serve = move |stream: TcpStream| {
        let _ = stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let _ = stream.set_nodelay(true);
        let Some(place) = door.enter() else { return http::refuse(&stream, FULL) };
        let (hub, token) = (door.hub.clone(), door.token.clone());
        door.spawn(move || {
            http::serve(&hub, token.as_deref(), address, &stream);
            drop(place);
        });
    };
    accept(move || listener.accept().map(|(stream, _)| stream), serve)?;
    Ok(address)
}

/// Addresses of `HOST:PORT`. Without a token only those that nobody else can reach.
pub fn resolve(text: &str, has_token: bool) -> Result<Vec<SocketAddr>, Error> {
    let wrong = |why: &str| Error::user("malformedAddress", format!("{text:?} is no HOST:PORT: {why}"));
    let addresses: Vec<SocketAddr> =
        text.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(wrong("no such host"));
    }
    if !has_token && !addresses.iter().all(|address| address.ip().is_loopback()) {
        let detail = format!(
            "{text} can be reached from other machines; listen on localhost, or let only those in who know a \
             word: --token-file PATH"
        );
        return Err(Error::user("notLoopback", detail));
    }
    Ok(addresses)
}

fn bind_tcp(addresses: &[SocketAddr]) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = TcpListener::bind(addresses).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| {
        let told: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        Error::user("listen", format!("cannot listen on {}: {error}", told.join(", ")))
    })
}

/// Takes connections for as long as the process lives.
fn accept<S: 'static>(
    next: impl Fn() -> io::Result<S> + Send + 'static,
    serve: impl Fn(S) + Send + 'static,
) -> Result<(), Error> {
    let run = move || {
        loop {
            match next() {
                Ok(stream) => serve(stream),
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    };
    super::start("listener", run)
}

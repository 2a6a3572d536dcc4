//! A wire that can be cut between two frames: frames are encrypted, their lengths are not.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Forwards connections to a server.
pub struct Proxy {
    pub address: String,
    /// Frames that the server may still say on each new connection; the first is its handshake.
    down: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let down = Arc::new(AtomicUsize::new(usize::MAX));
        let (server, limit) = (server.to_owned(), down.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let frames = limit.load(Ordering::SeqCst);
                std::thread::spawn(move || copy(up, server));
                std::thread::spawn(move || copy_frames(down, client, frames));
            }
        });
        Self { address, down }
    }

    /// From the next connection on, the server is heard for so many frames and then no more, while it
    /// still hears everything.
    pub fn deafen_after(&self, frames: usize) {
        self.down.store(frames, Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn copy_frames(mut from: TcpStream, mut to: TcpStream, mut frames: usize) {
    while let Some(frame) = read_frame(&mut from) {
        if frames > 0 {
            frames -= 1;
            if to.write_all(&frame).is_err() {
                break;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn read_frame(from: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut frame, mut length, mut shift) = (Vec::new(), 0, 0);
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte).ok()?;
        frame.push(byte[0]);
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let prefix = frame.len();
    frame.resize(prefix + length, 0);
    from.read_exact(&mut frame[prefix..]).ok()?;
    Some(frame)
}

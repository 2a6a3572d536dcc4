//! What a connection and a message cost. The first is a bound, the second a figure for whoever asks:
//! `cargo test --release -p waxwing-serverd --test load -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::{Client, Device, Server, Way, message, message_id, register_many};
use waxwing_wire::client_frame::ClientFrame;

/// User-space memory of the server for one idle connection, at most, with what its log-in leaves in the store's
/// caches (which are bounded: with more connections there is less of it for each).
const MAX_IDLE_BYTES: u64 = 4_096;

/// Under load everybody hears something more often than this.
const STALLED: Duration = Duration::from_secs(5);

fn connect(server: &Server, devices: &mut [Device], way: Way) -> Vec<Client> {
    let part = devices.len().div_ceil(16);
    std::thread::scope(|scope| {
        let connect = |device: &mut Device| device.connect(server.address, way).unwrap();
        let threads: Vec<_> = devices
            .chunks_mut(part)
            .map(|part| scope.spawn(move || part.iter_mut().map(connect).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn an_idle_connection_is_small_and_answers() {
    // With WAXWING_WARM=12000 the store's caches are full before anything is measured.
    let setting = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (warm, idle): (usize, usize) = (setting("WAXWING_WARM", 100), setting("WAXWING_IDLE", 1_000));
    for way in [Way::Tcp, Way::WebSocket] {
        let server = Server::start(&[]);
        let mut devices = register_many(&server, warm + idle);
        // A new process: memory that registrations have used and given back would hide what connections take.
        let server = server.restart_after_kill(&[]);
        let (first, rest) = devices.split_at_mut(warm);
        let mut warm = connect(&server, first, way);
        let before = server.stat("process_rss_bytes");
        let mut idle = connect(&server, rest, way);
        let after = server.stat("process_rss_bytes");
        let bytes = after.saturating_sub(before) / idle.len() as u64;
        println!("{way:?}: {bytes} bytes of resident memory for each of {} idle connections", idle.len());
        assert!(bytes <= MAX_IDLE_BYTES, "{bytes}");
        for client in warm.iter_mut().chain(&mut idle) {
            client.connection.send(&ClientFrame { ping: Some(7), ..ClientFrame::default() }).unwrap();
            assert_eq!(client.until(|frame| frame.pong.take()).unwrap(), 7);
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn messages() {
    const PAIRS: usize = 64;
    let in_flight: u64 = std::env::var("WAXWING_IN_FLIGHT").map_or(4, |text| text.parse().unwrap());
    let server = Server::start(&["--send-burst", "1000000000"]);
    let mut devices = register_many(&server, 2 * PAIRS);
    let addresses: Vec<_> = devices.iter().map(|device| device.address.account).collect();
    let clients = connect(&server, &mut devices, Way::Tcp);
    let delivered = AtomicU64::new(0);
    let names =
        ["process_cpu_us", "fsyncs", "bytes_in", "bytes_out", "socket_reads", "socket_writes", "frames_out"];
    let (seconds, counted) = std::thread::scope(|scope| {
        let end = Instant::now() + Duration::from_secs(12);
        for (number, mut client) in clients.into_iter().enumerate() {
            let other = addresses[number ^ 1];
            let delivered = &delivered;
            scope.spawn(move || {
                client.connection.stream().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                let (mut next, mut open, mut heard) = (0, 0, Instant::now());
                while Instant::now() < end {
                    let mut frame = ClientFrame::default();
                    while open < in_flight && number % 2 == 0 {
                        next += 1;
                        open += 1;
                        frame.sends.push(message(other, next, 200));
                    }
                    if !frame.is_empty() {
                        client.connection.send(&frame).unwrap();
                    }
                    let frame = match client.connection.receive() {
                        Ok(frame) => frame,
                        // When the time is up, the other side may say nothing any more.
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            assert!(Instant::now() >= end || heard.elapsed() < STALLED, "nothing came");
                            continue;
                        }
                        Err(error) => panic!("{error}"),
                    };
                    heard = Instant::now();
                    open -= frame.accepted.len() as u64;
                    let messages = frame.entries.iter().filter(|entry| message_id(entry).is_some()).count();
                    delivered.fetch_add(messages as u64, Ordering::Relaxed);
                    if let Some(last) = frame.entries.last() {
                        client.store(last.seq).unwrap();
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        let read = || (delivered.load(Ordering::Relaxed), names.map(|name| server.stat(name)));
        let (begun, before) = (Instant::now(), read());
        std::thread::sleep(Duration::from_secs(8));
        let after = read();
        let seconds = begun.elapsed().as_secs_f64();
        let mut counted = vec![("messages", after.0 - before.0)];
        counted.extend(names.iter().zip(after.1.iter().zip(before.1)).map(|(name, (a, b))| (*name, a - b)));
        (seconds, counted)
    });
    let messages = counted[0].1 as f64;
    println!("{:.0} messages a second, {in_flight} in flight from each of {PAIRS}", messages / seconds);
    for (name, count) in &counted[1..] {
        println!("{name} for each message: {:.3}", *count as f64 / messages);
    }
}

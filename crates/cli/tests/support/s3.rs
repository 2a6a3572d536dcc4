//! Real S3 servers, for the tests of this package and of the server's.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The one that is there.
pub const BUCKET: &str = "waxwing";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program of the environment that `cargo xtask setup` makes.
fn program(name: &str) -> PathBuf {
    let program = root().join("target/moto/bin").join(name);
    assert!(program.exists(), "{} is missing: cargo xtask test brings it", program.display());
    program
}

/// A process that speaks S3, with one bucket; killed when dropped.
pub struct S3 {
    child: Child,
    folder: TempDir,
    pub endpoint: String,
    pub key: (String, String),
}

impl S3 {
    /// moto, from PyPI.
    pub fn moto() -> Self {
        let mut command = Command::new(program("moto_server"));
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("moto starts");
        let stderr = child.stderr.take().unwrap();
        let (sender, ready) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("Running on ") {
                    let _ = sender.send(url.trim().to_owned());
                }
            }
        });
        let endpoint = ready.recv_timeout(Duration::from_secs(90)).expect("moto comes up");
        let key = ("key".to_owned(), "a secret of the tests".to_owned());
        let s3 = Self { child, folder: TempDir::new().unwrap(), endpoint, key };
        s3.run(&["make"]);
        s3
    }

    /// Garage, whose program the variable `WAXWING_GARAGE` names: `cargo install garage --version 2.5.0`, which takes a
    /// while.
    pub fn garage() -> Self {
        let garage = std::env::var_os("WAXWING_GARAGE").expect("WAXWING_GARAGE names Garage's program");
        let folder = TempDir::new().unwrap();
        let [api, rpc] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
        let (place, secret) = (folder.path().display(), "5".repeat(64));
        let settings = format!(
            "metadata_dir = '{place}/meta'\ndata_dir = '{place}/data'\ndb_engine = 'sqlite'\n\
             replication_factor = 1\nrpc_bind_addr = '{rpc}'\nrpc_public_addr = '{rpc}'\nrpc_secret = '{secret}'\n\
             [s3_api]\ns3_region = 'us-east-1'\napi_bind_addr = '{api}'\n"
        );
        let file = folder.path().join("garage.toml");
        fs::write(&file, settings).unwrap();
        let key = (format!("GK{}", "7".repeat(24)), secret);
        let mut command = Command::new(garage);
        command.arg("-c").arg(&file).args(["server", "--single-node", "--default-bucket"]);
        command.env("GARAGE_DEFAULT_ACCESS_KEY", &key.0).env("GARAGE_DEFAULT_SECRET_KEY", &key.1);
        command.env("GARAGE_DEFAULT_BUCKET", BUCKET).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("Garage starts");
        let s3 = Self { child, folder, endpoint: format!("http://{api}"), key };
        let end = Instant::now() + Duration::from_secs(90);
        while TcpStream::connect(api).is_err() {
            assert!(Instant::now() < end, "Garage does not come up");
            std::thread::sleep(Duration::from_millis(100));
        }
        s3
    }

    /// By which `waxwingd` finds it.
    pub fn flags(&self) -> Vec<String> {
        self.flags_at(&self.endpoint)
    }

    /// By which it finds it behind something else.
    pub fn flags_at(&self, endpoint: &str) -> Vec<String> {
        let secret = self.folder.path().join("secret");
        fs::write(&secret, &self.key.1).unwrap();
        let flags = [
            ("--media-storage", "s3"),
            ("--media-bucket", BUCKET),
            ("--media-prefix", "files"),
            ("--media-endpoint", endpoint),
            ("--media-access-key-id", &self.key.0),
            ("--media-secret-file", &secret.to_string_lossy()),
        ];
        flags.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]).collect()
    }

    /// Objects: size and key.
    pub fn list(&self) -> Vec<(u64, String)> {
        let text = self.run(&["list"]);
        let entries = text.lines().filter_map(|line| line.split_once(' '));
        entries.map(|(bytes, key)| (bytes.parse().unwrap(), key.to_owned())).collect()
    }

    /// Has `store.py` do something.
    pub fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("python"));
        command.arg(root().join("tests/objects/store.py")).args([&self.endpoint, BUCKET]).args(arguments);
        command.env("AWS_ACCESS_KEY_ID", &self.key.0).env("AWS_SECRET_ACCESS_KEY", &self.key.1);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The way to a store, which can be shut: then nobody gets through, and who is on it is cut off.
pub struct Gate {
    pub endpoint: String,
    open: Arc<AtomicBool>,
}

impl Gate {
    pub fn before(s3: &S3) -> Self {
        let store = s3.endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let open = Arc::new(AtomicBool::new(true));
        let is_open = open.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(store) = TcpStream::connect(&store) else { continue };
                let (up, down) = (client.try_clone().unwrap(), store.try_clone().unwrap());
                for (from, to) in [(up, store), (down, client)] {
                    let is_open = is_open.clone();
                    std::thread::spawn(move || pass(from, to, &is_open));
                }
            }
        });
        Self { endpoint, open }
    }

    pub fn shut(&self) {
        self.open.store(false, Ordering::SeqCst);
    }

    pub fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_open: &AtomicBool) {
    let mut part = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut part) {
        if !is_open.load(Ordering::SeqCst) || to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

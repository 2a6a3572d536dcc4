//! Debian's ejabberd, run by hand on a directory of its own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::Common;
use crate::limits::START;
use crate::server::{scratch, stop};

/// Where Debian keeps its compiled modules, one folder for each version.
const LIBRARIES: &[&str] =
    &["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib/erlang/lib"];

/// A running server and its data, both of which go with this value.
pub struct Ejabberd {
    child: Child,
    _scratch: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Ejabberd {
    /// Starts one. Nothing of an installed and configured ejabberd is touched.
    pub fn start(common: &Common) -> anyhow::Result<Self> {
        let modules = modules().context("no ejabberd here: apt-get install ejabberd")?;
        let scratch = scratch(common)?;
        // A port that is free now; it is not kept, but nobody else is about to take it.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let config = scratch.path().join("ejabberd.yml");
        std::fs::write(&config, configuration(address.port()))?;
        let child = spawn(&modules, scratch.path(), &config)?;
        let mut server = Self { child, _scratch: scratch, address };
        server.wait()?;
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        while TcpStream::connect(self.address).is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("ejabberd does not start");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Ejabberd {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn modules() -> Option<PathBuf> {
    LIBRARIES
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ejabberd-")))
        .map(|path| path.join("ebin"))
        .find(|path| path.is_dir())
}

/// `erl` replaces itself by the virtual machine, so the child is the server. Without a node name it starts no
/// port mapper, and the threads of the machine do not wait busily, which would count as work.
fn spawn(modules: &Path, scratch: &Path, config: &Path) -> anyhow::Result<Child> {
    let log = File::create(scratch.join("output.log"))?;
    Command::new("erl")
        .args(["-noinput", "-start_epmd", "false", "+K", "true", "+P", "250000"])
        .args(["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "-mnesia", "dir"])
        .arg(format!("{:?}", scratch.join("spool").to_string_lossy()))
        .arg("-pa")
        .arg(modules)
        .args(["-s", "ejabberd"])
        .env("EJABBERD_CONFIG_PATH", config)
        .env("EJABBERD_LOG_PATH", scratch.join("ejabberd.log"))
        .env("HOME", scratch)
        .current_dir(scratch)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("starting erl")
}

fn configuration(port: u16) -> String {
    format!(
        "hosts: [localhost]
loglevel: warning
listen:
  - port: {port}
    ip: '127.0.0.1'
    module: ejabberd_c2s
    max_stanza_size: 262144
    starttls: false
    backlog: 1024
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
modules:
  mod_register: {{ip_access: all, access: all}}
  mod_roster: {{}}
  mod_offline: {{}}
  mod_stream_mgmt: {{}}
"
    )
}

//! What the kernel says about processes.

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and the servers that it starts, open as many files as the system allows.
pub fn raise_descriptor_limit() -> anyhow::Result<()> {
    let Rlimit { current: _, maximum } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(())
}

/// Processor time of all threads so far, user and system, microseconds. The kernel counts in steps of
/// 10,000.
pub fn cpu_us(pid: u32) -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the server is gone")?;
    // The second field, the program's name, may hold anything; the rest follows the last parenthesis.
    let (_, rest) = stat.rsplit_once(')').context("/proc/PID/stat")?;
    let mut ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let (user, system) = (ticks.next().context("utime")??, ticks.next().context("stime")??);
    Ok((user + system) * 1_000_000 / rustix::param::clock_ticks_per_second())
}

/// Memory of a process in user space, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident, program text and mapped files included.
    pub resident_bytes: u64,
    /// Of that, what the process allocated.
    pub anonymous_bytes: u64,
}

/// As it is now.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let rollup =
        std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("the server is gone")?;
    let kilobytes = |name: &str| -> anyhow::Result<u64> {
        let line = rollup.lines().find(|line| line.starts_with(name)).context("/proc/PID/smaps_rollup")?;
        Ok(line.split_whitespace().nth(1).context("a number")?.parse()?)
    };
    Ok(Memory {
        resident_bytes: kilobytes("Rss:")? * 1_024,
        anonymous_bytes: kilobytes("Anonymous:")? * 1_024,
    })
}

/// The most memory that a process has had so far, resident, bytes.
pub fn peak(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("/proc/PID/status")?;
    Ok(line.split_whitespace().nth(1).context("a number")?.parse::<u64>()? * 1_024)
}

//! Who may come in: bounds per network address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::limits::{MAX_COUNTED_IPS, MEDIA_PER_IP, OFFERS_PER_HOUR_PER_IP};

/// Counts what strangers take, by network address. Shared by all I/O threads, and asked only when a
/// connection begins, finds out who it is, or registers.
pub struct Admission {
    guests_per_ip: u32,
    registrations_per_hour: u32,
    limit_loopback: bool,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    guests: HashMap<IpAddr, u32>,
    visits: HashMap<IpAddr, u32>,
    registrations: HashMap<IpAddr, Allowance>,
    offers: HashMap<IpAddr, Allowance>,
}

struct Allowance {
    left: f64,
    since: Instant,
}

fn count_in(counts: &mut HashMap<IpAddr, u32>, network: IpAddr, most: u32) -> bool {
    let count = counts.entry(network).or_default();
    let fits = *count < most;
    *count += u32::from(fits);
    fits
}

fn count_out(counts: &mut HashMap<IpAddr, u32>, network: IpAddr) {
    if let Some(count) = counts.get_mut(&network) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&network);
        }
    }
}

impl Admission {
    /// With these bounds; connections from this machine itself are bounded only on request.
    #[must_use]
    pub fn new(guests_per_ip: u32, registrations_per_hour: u32, limit_loopback: bool) -> Self {
        Self { guests_per_ip, registrations_per_hour, limit_loopback, counted: Mutex::default() }
    }

    /// A connection begins. `false`: turn it away.
    pub fn enter(&self, ip: IpAddr) -> bool {
        let Some(network) = self.counted_network(ip) else { return true };
        count_in(&mut self.lock().guests, network, self.guests_per_ip)
    }

    /// A connection for files begins. `false`: there are enough from there.
    pub fn visit(&self, ip: IpAddr) -> bool {
        let Some(network) = self.counted_network(ip) else { return true };
        count_in(&mut self.lock().visits, network, MEDIA_PER_IP)
    }

    /// It has ended.
    pub fn end_visit(&self, ip: IpAddr) {
        let Some(network) = self.counted_network(ip) else { return };
        count_out(&mut self.lock().visits, network);
    }

    /// A connection that was let in has ended, or speaks for a device now.
    pub fn leave(&self, ip: IpAddr) {
        let Some(network) = self.counted_network(ip) else { return };
        count_out(&mut self.lock().guests, network);
    }

    /// Takes one registration from the address's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn register(&self, ip: IpAddr, now: Instant) -> Result<(), u64> {
        self.take(ip, now, self.registrations_per_hour, |counted| &mut counted.registrations)
    }

    /// Takes one offer to be linked from the address's allowance.
    ///
    /// # Errors
    /// Milliseconds after which there is one again.
    pub fn offer(&self, ip: IpAddr, now: Instant) -> Result<(), u64> {
        self.take(ip, now, OFFERS_PER_HOUR_PER_IP, |counted| &mut counted.offers)
    }

    fn take(
        &self,
        ip: IpAddr,
        now: Instant,
        per_hour: u32,
        which: impl FnOnce(&mut Counted) -> &mut HashMap<IpAddr, Allowance>,
    ) -> Result<(), u64> {
        let Some(network) = self.counted_network(ip) else { return Ok(()) };
        let full = f64::from(per_hour);
        let per_second = full / 3_600.0;
        let mut counted = self.lock();
        let allowances = which(&mut counted);
        if allowances.len() >= MAX_COUNTED_IPS && !allowances.contains_key(&network) {
            let refilled =
                |a: &Allowance| now.duration_since(a.since).as_secs_f64() * per_second + a.left >= full;
            allowances.retain(|_, allowance| !refilled(allowance));
            if allowances.len() >= MAX_COUNTED_IPS {
                return Err(60_000);
            }
        }
        let allowance = allowances.entry(network).or_insert_with(|| Allowance { left: full, since: now });
        let earned = now.saturating_duration_since(allowance.since).as_secs_f64() * per_second;
        allowance.left = (allowance.left + earned).min(full);
        allowance.since = now;
        if allowance.left >= 1.0 {
            allowance.left -= 1.0;
            return Ok(());
        }
        Err(((1.0 - allowance.left) / per_second * 1_000.0).ceil() as u64)
    }

    /// What is counted as one: an IPv4 address, or an IPv6 network of 64 bits, which is what one household
    /// or one server gets.
    fn counted_network(&self, ip: IpAddr) -> Option<IpAddr> {
        match ip.to_canonical() {
            ip if ip.is_loopback() && !self.limit_loopback => None,
            IpAddr::V6(ip) => {
                let network = u128::from(ip) & !u128::from(u64::MAX);
                Some(IpAddr::V6(Ipv6Addr::from(network)))
            }
            ip => Some(ip),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // A panic in any thread ends the process, so a poisoned lock is never seen by anyone.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

use crate::Time;

/// So much in the long run, and so much at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    interval_us: u64,
    burst_us: u64,
}

/// A token bucket, kept as the one number that describes it: when it would be full again, in microseconds
/// since 1970 (the "generic cell rate algorithm").
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowance {
    full_at_us: u64,
}

impl Rate {
    /// `count` in `period_ms`, `burst` at once; at least one of each.
    pub(crate) fn new(count: u32, period_ms: u64, burst: u32) -> Self {
        let interval_us = (period_ms * 1_000 / u64::from(count.max(1))).max(1);
        Self { interval_us, burst_us: interval_us * u64::from(burst.max(1)) }
    }
}

impl Allowance {
    /// Takes so many, or says after how many milliseconds there are as many.
    pub(crate) fn take(&mut self, now: Time, rate: Rate, cost: u32) -> Result<(), u64> {
        let now_us = now.0.saturating_mul(1_000);
        // A clock that went back must not lock a device out for as long as it went: what is kept is the empty
        // bucket at the time that the clock shows now, which fills from here whether or not this is allowed.
        self.full_at_us = self.full_at_us.clamp(now_us, now_us.saturating_add(rate.burst_us));
        let after_us = self.full_at_us.saturating_add(rate.interval_us.saturating_mul(cost.into()));
        let wait_us = after_us.saturating_sub(now_us).saturating_sub(rate.burst_us);
        if wait_us > 0 {
            return Err(wait_us.div_ceil(1_000));
        }
        self.full_at_us = after_us;
        Ok(())
    }

    pub(crate) fn is_full(self, now_ms: u64) -> bool {
        self.full_at_us <= now_ms.saturating_mul(1_000)
    }
}

//! A panic ends the process.

use std::panic;

/// From here on a panic in any thread is logged and ends the process at once. What was acknowledged is on
/// disk; what was not, clients send again.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        // Where, and never what: a panic's text may quote the value that caused it.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("?").to_owned();
        tracing::error!(%place, %thread, "panic: this is a bug in waxwingd, please report it");
        std::process::abort();
    }));
}

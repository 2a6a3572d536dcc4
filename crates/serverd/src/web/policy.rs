//! What browsers are told to refuse. It goes with every answer, because a worker obeys what came with its script.

/// Names of the policies that may make scripts out of text (Trusted Types): Svelte's for its own templates, which are
/// constants, and the app's for the addresses of its workers.
const TRUSTED: &str = "svelte-trusted-html waxwing";

/// Nothing of the page's own needs more; each is also denied to whatever it would show.
const PERMISSIONS: &str = "camera=(self), microphone=(self), accelerometer=(), browsing-topics=(), \
                           display-capture=(), geolocation=(self), gyroscope=(), hid=(), magnetometer=(), midi=(), \
                           payment=(), serial=(), usb=()";

/// The lines of every answer. `origins`: where files of messages are, beside here.
pub fn lines(origins: &[String]) -> String {
    let safe = |origin: &&String| origin.starts_with("http") && !origin.contains([';', ',', ' ', '\'', '"']);
    let others: String = origins.iter().filter(safe).map(|origin| format!(" {origin}")).collect();
    // `'self'` is the WebSocket of the same host too (Content Security Policy Level 3, section 6.7.2.8).
    let content = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
         media-src 'self' blob:; font-src 'self'; connect-src 'self'{others}; worker-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types {TRUSTED}"
    );
    format!(
        "Content-Security-Policy: {content}\r\nCross-Origin-Opener-Policy: same-origin\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n\
         Permissions-Policy: {PERMISSIONS}\r\n"
    )
}

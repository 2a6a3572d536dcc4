//! Compiles SQLite with page encryption.
//!
//! `rusqlite` is built with its feature `in_gecko`, which means "whoever embeds me brings SQLite": this
//! script does. The source is SQLite3 Multiple Ciphers, unchanged, which `sqlite-wasm-rs` uses as well, so
//! that a database has the same format natively and in a browser. SQLCipher would need OpenSSL, which this
//! workspace does not let in.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // In a browser `sqlite-wasm-rs` brings it.
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        return;
    }
    let directory = sqlite3mc_src::source_dir();
    cc::Build::new()
        .file(directory.join(sqlite3mc_src::SOURCE_FILE))
        .include(directory)
        .define("SQLITE_CORE", None)
        .define("SQLITE_THREADSAFE", "1")
        // What spills out of memory would be written in clear.
        .define("SQLITE_TEMP_STORE", "3")
        .define("SQLITE_DEFAULT_MEMSTATUS", "0")
        .define("SQLITE_DQS", "0")
        .define("SQLITE_ENABLE_FTS5", None)
        .define("SQLITE_OMIT_LOAD_EXTENSION", None)
        .define("SQLITE_OMIT_DEPRECATED", None)
        .define("SQLITE_USE_URI", "0")
        .define("HAVE_USLEEP", "1")
        // Unoptimised ciphers would be slow in development too.
        .opt_level(2)
        .debug(false)
        .warnings(false)
        // rusqlite's references to these symbols come later on the linker's command line.
        .link_lib_modifier("+whole-archive")
        .compile("sqlite3mc");
}

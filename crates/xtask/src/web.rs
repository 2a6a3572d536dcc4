//! `cargo xtask web`: the web app, from its sources to the files that the server has in it. Its core is compiled to
//! wasm, its interface is built around that, and everything is compressed; what has not changed since is not done
//! again.

mod inputs;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;

use crate::process::{self, cargo};
use crate::{setup, workspace};
use inputs::Inputs;

#[cfg(test)]
mod tests;

const TARGET: &str = "wasm32-unknown-unknown";
/// The crate that is the core, and the profile that it is built with.
const CORE: &str = "waxwing-web";
const PROFILE: &str = "web";
/// What browsers have had for years; with all features that it knows, `wasm-opt` makes what none takes.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-mutable-globals",
];
/// What of SQLite, and of its ciphers, nothing here uses.
const SQLITE_WITHOUT: &[&str] = &[
    "-USQLITE_ENABLE_API_ARMOR",
    "-USQLITE_ENABLE_BYTECODE_VTAB",
    "-USQLITE_ENABLE_COLUMN_METADATA",
    "-USQLITE_ENABLE_DBPAGE_VTAB",
    "-USQLITE_ENABLE_DBSTAT_VTAB",
    "-USQLITE_ENABLE_MATH_FUNCTIONS",
    "-USQLITE_ENABLE_OFFSET_SQL_FUNC",
    "-USQLITE_ENABLE_PREUPDATE_HOOK",
    "-USQLITE_ENABLE_RTREE",
    "-USQLITE_ENABLE_SESSION",
    "-USQLITE_ENABLE_STMTVTAB",
    "-USQLITE_ENABLE_UNKNOWN_SQL_FUNCTION",
    "-USQLITE_ENABLE_UNLOCK_NOTIFY",
    "-DSQLITE_OMIT_AUTHORIZATION",
    "-DSQLITE_OMIT_COMPILEOPTION_DIAGS",
    "-DSQLITE_OMIT_COMPLETE",
    "-DSQLITE_OMIT_DESERIALIZE",
    "-DSQLITE_OMIT_GET_TABLE",
    "-DSQLITE_OMIT_JSON",
    "-DSQLITE_OMIT_PROGRESS_CALLBACK",
    "-DSQLITE_OMIT_TCL_VARIABLE",
    "-DSQLITE_OMIT_TRACE",
    "-DHAVE_CIPHER_AEGIS=0",
    "-DHAVE_CIPHER_AES_128_CBC=0",
    "-DHAVE_CIPHER_AES_256_CBC=0",
    "-DHAVE_CIPHER_ASCON128=0",
    "-DHAVE_CIPHER_RC4=0",
    "-DHAVE_CIPHER_SQLCIPHER=0",
];
/// Crates whose code is in the core.
const CORE_CRATES: &[&str] = &["web", "app", "client", "e2ee", "wire"];
/// How all of this is done: another way makes other files.
const SELF: &[&[u8]] =
    &[include_bytes!("web.rs"), include_bytes!("web/toolchain.rs"), include_bytes!("web/inputs.rs")];

/// Where things are.
struct Places {
    root: PathBuf,
    /// The source of the interface.
    ui: PathBuf,
    /// Tools, with a list of packages of their own.
    tools: PathBuf,
    /// Where the interface expects the core.
    core: PathBuf,
    /// What the server embeds.
    embedded: PathBuf,
    /// For what is on its way.
    work: PathBuf,
    target: PathBuf,
}

impl Places {
    fn new(root: PathBuf, target: PathBuf) -> Self {
        let web = root.join("crates/web");
        Self {
            ui: web.join("ui"),
            tools: web.join("tools"),
            core: web.join("ui/src/worker/wasm"),
            embedded: web.join("ui/dist"),
            work: target.join("web-app"),
            root,
            target,
        }
    }

    fn has_core(&self) -> bool {
        self.root.join("crates/web/Cargo.toml").is_file()
    }
}

/// Builds the web app if anything of it has changed.
pub fn web() -> anyhow::Result<()> {
    let begin = Instant::now();
    let places = Places::new(workspace::root(), workspace::target()?);
    if !places.ui.join("package.json").is_file() {
        println!("web: there is no interface to build");
        return Ok(());
    }
    fs::create_dir_all(&places.work).with_context(|| format!("cannot make {}", places.work.display()))?;
    let core = core_inputs(&places)?;
    let mut all = Inputs::default();
    all.text(&core);
    all.folder(&places.ui, &["dist", "wasm", "paraglide"])?;
    all.folder(&places.tools, &[])?;
    let all = all.hash();
    let stamp = places.work.join("all");
    if is_stamped(&stamp, &all) && places.embedded.join("index.html").is_file() {
        println!("web: up to date");
        return Ok(());
    }
    setup::check_node()?;
    setup::bring_packages(&places.tools)?;
    setup::bring_packages(&places.ui)?;
    if places.has_core() {
        build_core(&places, &core)?;
    }
    build_interface(&places)?;
    fs::write(&stamp, all).context("cannot write what was built")?;
    println!("web: built in {} s", begin.elapsed().as_secs());
    Ok(())
}

fn is_stamped(stamp: &Path, hash: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|stamped| stamped == hash)
}

fn core_inputs(places: &Places) -> anyhow::Result<String> {
    let mut core = Inputs::default();
    SELF.iter().for_each(|bytes| core.bytes(bytes));
    if places.has_core() {
        core.text(&process::answer("rustc", &["-vV"]).context("rustc does not answer")?);
        core.file(&places.root.join("Cargo.lock"))?;
        core.file(&places.root.join("Cargo.toml"))?;
        for name in CORE_CRATES {
            core.folder(&places.root.join("crates").join(name), &["ui", "e2e", "tools", "tests", "benches"])?;
        }
    }
    Ok(core.hash())
}

/// Compiles the core, makes its JavaScript, and makes it small.
fn build_core(places: &Places, hash: &str) -> anyhow::Result<()> {
    let stamp = places.work.join("core");
    let wasm = places.core.join("waxwing_web_bg.wasm");
    if is_stamped(&stamp, hash) && wasm.is_file() {
        return Ok(());
    }
    let bindgen = toolchain::bindgen(&places.root, &places.work)?;
    let how = toolchain::compiler(&places.root)?;
    let mut build = cargo(&places.root, &["build", "-p", CORE, "--target", TARGET, "--profile", PROFILE]);
    how.apply(&mut build);
    toolchain::c_compiler()?;
    build.env("SQLITE_WASM_RS_FLAGS", SQLITE_WITHOUT.join(" "));
    println!("web: cargo build -p {CORE} --target {TARGET} --profile {PROFILE}");
    process::run(build)?;
    let compiled = places.target.join(TARGET).join(PROFILE).join("waxwing_web.wasm");
    let made = places.work.join("bindgen");
    process::run(process::command(
        &places.root,
        text(&bindgen)?,
        &["--target", "web", "--out-dir", text(&made)?, text(&compiled)?],
    ))?;
    println!("web: wasm-opt");
    let optimiser = places.tools.join("node_modules/.bin/wasm-opt");
    let big = made.join("waxwing_web_bg.wasm");
    let small = made.join("small.wasm");
    let size = ["-Oz", "--strip-debug", "--strip-producers", text(&big)?, "-o", text(&small)?];
    process::run(process::command(&places.root, text(&optimiser)?, &[FEATURES, &size].concat()))?;
    fs::rename(&small, &big).context("cannot rename the optimised core")?;
    fs::create_dir_all(&places.core).context("cannot make the folder of the core")?;
    for name in ["waxwing_web.js", "waxwing_web.d.ts", "waxwing_web_bg.wasm", "waxwing_web_bg.wasm.d.ts"] {
        fs::copy(made.join(name), places.core.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    fs::write(&stamp, hash).context("cannot write what was built")
}

fn build_interface(places: &Places) -> anyhow::Result<()> {
    let built = places.work.join("built");
    println!("web: npm run build");
    let arguments =
        ["run", "--silent", "build", "--", "--outDir", text(&built)?, "--emptyOutDir", "--logLevel", "warn"];
    process::run(process::command(&places.ui, "npm", &arguments))?;
    let pack = places.tools.join("pack.mjs");
    fs::create_dir_all(&places.embedded).context("cannot make the folder that is embedded")?;
    process::run(process::command(
        &places.root,
        "node",
        &[text(&pack)?, text(&built)?, text(&places.embedded)?],
    ))
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

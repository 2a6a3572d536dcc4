//! Puts the web app into the binary, if it has been built (`cargo xtask web`); otherwise a page that says how.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where it is built.
const BUILT: &str = "../web/ui/dist";
/// What is said without it.
const ABSENT: &str = "src/web/absent.html";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed={BUILT}");
    println!("cargo::rerun-if-changed={ABSENT}");
    let built = here.join(BUILT);
    // What is not there cannot be watched: everything would be built anew each time.
    fs::create_dir_all(&built)?;
    let mut files = Vec::new();
    if built.join("index.html").is_file() {
        collect(&built, &mut files)?;
        files.sort();
    }
    let mut text = "/// Every file of it.\npub static ASSETS: &[Asset] = &[\n".to_owned();
    for file in &files {
        let path = file.strip_prefix(&built)?.to_str().ok_or("a name that is no text")?;
        let compressed = |ending: &str| format!("{}.{ending}", file.display());
        entry(&mut text, &format!("/{path}"), file, &compressed("br"), &compressed("gz"))?;
    }
    if files.is_empty() {
        entry(&mut text, "/index.html", &here.join(ABSENT), "", "")?;
    }
    text.push_str("];\n");
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("web.rs"), text)?)
}

/// Files of the web app, without their compressed forms and what is not for browsers.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a name that is no text")?;
        if !name.starts_with('.') && !name.ends_with(".br") && !name.ends_with(".gz") {
            files.push(path);
        }
    }
    Ok(())
}

fn entry(text: &mut String, path: &str, file: &Path, brotli: &str, gzip: &str) -> Result<(), Box<dyn Error>> {
    let bytes = |file: &str| match Path::new(file).is_file() {
        true => format!("include_bytes!({file:?})"),
        false => "&[]".to_owned(),
    };
    let plain = file.to_str().ok_or("a path that is no text")?;
    writeln!(
        text,
        "    Asset {{ path: {path:?}, plain: {}, brotli: {}, gzip: {} }},",
        bytes(plain),
        bytes(brotli),
        bytes(gzip)
    )?;
    Ok(())
}

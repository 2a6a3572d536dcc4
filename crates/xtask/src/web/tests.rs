use std::time::SystemTime;

use super::*;

/// A folder of its own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("waxwing-xtask-web-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_counts_changes_the_hash_and_nothing_else_does() {
    let folder = Folder::new("inputs");
    let hash = || {
        let mut inputs = Inputs::default();
        inputs.folder(&folder.0, &["dist"]).unwrap();
        inputs.hash()
    };
    folder.write("src/a.ts", "1");
    let first = hash();
    assert_eq!(first, hash());
    for ignored in ["node_modules/x/a.js", "dist/index.html", ".cache/a"] {
        folder.write(ignored, "2");
        assert_eq!(first, hash(), "{ignored}");
    }
    folder.write("src/b.ts", "");
    let second = hash();
    assert_ne!(first, second);
    fs::rename(folder.0.join("src/b.ts"), folder.0.join("src/c.ts")).unwrap();
    assert_ne!(second, hash(), "names count");
    folder.write("src/a.ts", "3");
    assert_ne!(second, hash());
}

#[test]
fn what_is_stamped_is_known_again() {
    let folder = Folder::new("stamp");
    let stamp = folder.write("all", "abc");
    assert!(is_stamped(&stamp, "abc") && !is_stamped(&stamp, "abd"));
    assert!(!is_stamped(&folder.0.join("none"), "abc"));
}

#[test]
fn the_lock_file_says_which_bindgen() {
    let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1\"\n\
                [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
    assert_eq!(toolchain::locked(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
    assert_eq!(toolchain::locked(lock, "other"), None);
    assert_eq!(toolchain::locked("[", "other"), None);
}

#[test]
fn files_are_packed_once_and_what_is_gone_goes() {
    let folder = Folder::new("pack");
    let (built, embedded) = (folder.0.join("built"), folder.0.join("embedded"));
    let long = "a long text that is easily made smaller ".repeat(50);
    folder.write("built/index.html", &long);
    folder.write("built/assets/a-1.js", "short");
    folder.write("built/icon.png", &long);
    folder.write("embedded/assets/b-2.js", "of the build before");
    folder.write("embedded/assets/b-2.js.br", "of the build before");
    let pack = || {
        let script = workspace::root().join("crates/web/tools/pack.mjs");
        let arguments = [text(&script).unwrap(), text(&built).unwrap(), text(&embedded).unwrap()];
        process::run(process::command(&folder.0, "node", &arguments)).unwrap();
    };
    pack();
    let mut names = Vec::new();
    for entry in ["", "assets"].iter().flat_map(|below| fs::read_dir(embedded.join(below)).unwrap()) {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names.sort();
    let wanted = [
        "a-1.js",
        "icon.png",
        "index.html",
        "index.html.br",
        "index.html.gz",
        "sw.js",
        "sw.js.br",
        "sw.js.gz",
    ];
    assert_eq!(names, wanted);
    let service = fs::read_to_string(embedded.join("sw.js")).unwrap();
    assert!(
        service.starts_with("const FILES = [\"/assets/a-1.js\",\"/icon.png\",\"/\"];\nconst VERSION = \""),
        "{service}"
    );
    assert_eq!(fs::read_to_string(embedded.join("index.html")).unwrap(), long);
    assert!(fs::metadata(embedded.join("index.html.br")).unwrap().len() < 100);

    let written = |name: &str| fs::metadata(embedded.join(name)).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(embedded.join("index.html.br")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    pack();
    assert_eq!(written("index.html.br"), SystemTime::UNIX_EPOCH, "the same is not written again");
}

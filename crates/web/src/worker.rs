use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Function;
use serde::Serialize;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use waxwing_app::api::{Command, Failure, Fault, Query};
use waxwing_app::browser::{App, Files, FilesError, Given, make_key, protection};
use waxwing_app::{Indexing, OpenError};
use zeroize::Zeroizing;

/// An error as the page's side gets it: JSON with a code and words.
#[derive(Serialize)]
struct Wrong {
    code: String,
    detail: String,
}

fn wrong(code: &str, detail: impl ToString) -> JsValue {
    let wrong = Wrong { code: code.to_owned(), detail: detail.to_string() };
    JsValue::from_str(&serde_json::to_string(&wrong).unwrap_or_default())
}

fn not_opened(error: &OpenError) -> JsValue {
    wrong(error.code(), error)
}

fn no_files(error: &FilesError) -> JsValue {
    wrong(error.code(), error)
}

/// Where the profile lies.
#[wasm_bindgen]
pub struct Storage(Files);

#[wasm_bindgen]
impl Storage {
    /// Takes the origin's private files.
    ///
    /// # Errors
    /// When there are none, or another worker has them.
    pub async fn open() -> Result<Storage, JsValue> {
        console_error_panic_hook::set_once();
        Files::open().await.map(Self).map_err(|error| no_files(&error))
    }

    /// In memory: gone with the window.
    #[must_use]
    pub fn memory() -> Storage {
        console_error_panic_hook::set_once();
        Self(Files::none())
    }

    /// Whether there is a profile.
    #[wasm_bindgen(getter, js_name = hasProfile)]
    #[must_use]
    pub fn has_profile(&self) -> bool {
        self.0.has_profile()
    }

    /// Deletes the profile. Only while none is open.
    ///
    /// # Errors
    /// When one is.
    pub fn clear(&self) -> Result<(), JsValue> {
        self.0.clear().map_err(|error| no_files(&error))
    }
}

/// A new database key as text, to be sealed and kept before the profile is made.
///
/// # Errors
/// When the passphrase is empty.
#[wasm_bindgen(js_name = newKey)]
pub fn new_key(passphrase: Option<String>) -> Result<String, JsValue> {
    let passphrase = passphrase.map(Zeroizing::new);
    let key = make_key(None, passphrase.as_ref().map(|text| text.as_str()));
    key.map(|text| text.to_string()).map_err(|error| not_opened(&error.into()))
}

/// The same key under another passphrase, or under none.
///
/// # Errors
/// When the former passphrase is wrong, or the new one is empty.
#[wasm_bindgen(js_name = rewrapKey)]
pub fn rewrap_key(key: &str, former: Option<String>, passphrase: Option<String>) -> Result<String, JsValue> {
    let (former, passphrase) = (former.map(Zeroizing::new), passphrase.map(Zeroizing::new));
    let former = (key, former.as_ref().map(|text| text.as_str()));
    let key = make_key(Some(former), passphrase.as_ref().map(|text| text.as_str()));
    key.map(|text| text.to_string()).map_err(|error| not_opened(&error.into()))
}

/// Whether the key needs a passphrase.
///
/// # Errors
/// When it is none.
#[wasm_bindgen(js_name = needsPassphrase)]
pub fn needs_passphrase(key: &str) -> Result<bool, JsValue> {
    let protection = protection(key).map_err(|error| not_opened(&error.into()))?;
    Ok(protection == waxwing_app::Protection::Passphrase)
}

/// An open profile.
#[wasm_bindgen]
pub struct Core {
    app: Rc<RefCell<App>>,
}

#[wasm_bindgen]
impl Core {
    /// Opens the profile, or makes it. `wake` is called, without arguments and perhaps from within a method of this
    /// type, when [`Self::turn`] has something to do; `progress` with how many messages of how many are indexed,
    /// where that takes long.
    ///
    /// # Errors
    /// JSON with `code` and `detail`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        storage: &Storage,
        key: &str,
        passphrase: Option<String>,
        wake: Function,
        progress: &Function,
    ) -> Result<Core, JsValue> {
        let passphrase = passphrase.map(Zeroizing::new);
        let wake = move || {
            let _ = wake.call0(&JsValue::NULL);
        };
        let mut said = |how: Indexing| {
            let (done, total) = (JsValue::from(how.done as f64), JsValue::from(how.total as f64));
            let _ = progress.call2(&JsValue::NULL, &done, &total);
        };
        let passphrase = passphrase.as_ref().map(|text| text.as_str());
        let app = App::open(&storage.0, key, passphrase, wake, &mut said);
        Ok(Self { app: Rc::new(RefCell::new(app.map_err(|error| not_opened(&error))?)) })
    }

    /// Hands over a command, as JSON, under a number of the caller's; [`Self::turn`] does it.
    ///
    /// # Errors
    /// JSON of a failure, when it is no command.
    pub fn send(&self, id: f64, command: &str) -> Result<(), JsValue> {
        let command: Command = serde_json::from_str(command).map_err(|error| senseless(&error))?;
        self.app.borrow().send(id as u64, command);
        Ok(())
    }

    /// Asks for something, in JSON both ways.
    ///
    /// # Errors
    /// JSON of a failure.
    pub fn query(&self, query: &str) -> Result<String, JsValue> {
        let query: Query = serde_json::from_str(query).map_err(|error| senseless(&error))?;
        let answer = self.app.borrow().query(query).map_err(|failure| failed(&failure))?;
        serde_json::to_string(&answer).map_err(|error| senseless(&error))
    }

    /// Makes a file that the page was given ready to be sent, under a number of the caller's. `about`: JSON of what it
    /// is; `pixels`: 32 by 32 of a small picture of it, four bytes each.
    ///
    /// # Errors
    /// JSON of a failure, when `about` is none.
    pub fn attach(
        &self,
        id: f64,
        content: web_sys::Blob,
        about: &str,
        pixels: Vec<u8>,
        thumbnail: Vec<u8>,
        waveform: Vec<u8>,
    ) -> Result<(), JsValue> {
        let about = serde_json::from_str(about).map_err(|error| senseless(&error))?;
        let given = Given { content, about, pixels, thumbnail, waveform };
        self.app.borrow_mut().attach(id as u64, given);
        Ok(())
    }

    /// What the command of this number has made of a file, once.
    #[wasm_bindgen(js_name = takeFile)]
    #[must_use]
    pub fn take_file(&self, id: f64) -> Option<web_sys::Blob> {
        self.app.borrow().take_file(id as u64)
    }

    /// Does what is to be done now. What happened, each as JSON.
    #[must_use]
    pub fn turn(&self) -> Vec<String> {
        let events = self.app.borrow_mut().turn();
        events.iter().filter_map(|event| serde_json::to_string(event).ok()).collect()
    }

    /// After how many milliseconds [`Self::turn`] has something to do by itself.
    #[must_use]
    pub fn patience(&self) -> f64 {
        self.app.borrow().patience().as_millis() as f64
    }
}

fn failed(failure: &Failure) -> JsValue {
    JsValue::from_str(&serde_json::to_string(failure).unwrap_or_default())
}

fn senseless(error: &serde_json::Error) -> JsValue {
    failed(&Failure::new(Fault::User, "malformed", format!("the interface does not know this: {error}")))
}

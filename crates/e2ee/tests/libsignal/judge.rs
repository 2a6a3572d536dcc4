//! The official library in a child process, spoken to in JSON lines.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};
use waxwing_e2ee::{Address, Ciphertext, PreKeyBundle, PublicKey};

pub struct Judge {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

pub type Verdict = Result<Value, String>;

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop"))
}

/// Installs the pinned packages once, unless they are there.
fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        if directory().join("node_modules/@signalapp/libsignal-client/package.json").exists() {
            return;
        }
        let status = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(directory())
            .stdout(Stdio::null())
            .status()
            .expect("npm is needed to install the official Signal library: install Node.js 20");
        assert!(status.success(), "`npm ci --prefix tests/interop` failed");
    });
}

impl Judge {
    pub fn start() -> Self {
        install();
        let mut child = Command::new("node")
            .arg("libsignal.mjs")
            .current_dir(directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is needed to run the official Signal library: install Node.js 20");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    pub fn call(&mut self, ops: Vec<Value>) -> Vec<Verdict> {
        let count = ops.len();
        writeln!(self.input, "{}", json!({ "ops": ops })).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).expect("the judge died; see stderr");
        let results = answer["results"].as_array_mut().unwrap();
        assert_eq!(results.len(), count);
        results
            .iter_mut()
            .map(|result| match result.get("error") {
                Some(name) => Err(format!("{} {}", name, result["message"])),
                None => Ok(result["ok"].take()),
            })
            .collect()
    }

    pub fn one(&mut self, op: Value) -> Verdict {
        self.call(vec![op]).pop().unwrap()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A party of the official library.
#[derive(Clone)]
pub struct Party {
    pub name: &'static str,
    pub address: Address,
    pub identity: PublicKey,
}

impl Party {
    pub fn new(judge: &mut Judge, name: &'static str, address: Address) -> Self {
        let op = json!({
            "op": "party", "party": name, "self": json_address(address), "registration_id": 77,
        });
        let identity = PublicKey::deserialize(&unhex(&judge.one(op).unwrap())).unwrap();
        Self { name, address, identity }
    }

    pub fn bundle(&self, judge: &mut Judge, one_time: bool) -> PreKeyBundle {
        let op = json!({ "op": "bundle", "party": self.name, "one_time": one_time });
        let bundle = judge.one(op).unwrap();
        let id = bundle["id"].as_u64().unwrap() as u32;
        let key = |name: &str| PublicKey::deserialize(&unhex(&bundle[name])).unwrap();
        let signature = |name: &str| unhex(&bundle[name]).try_into().unwrap();
        PreKeyBundle {
            registration_id: bundle["registration_id"].as_u64().unwrap() as u32,
            device_id: self.address.device.into(),
            identity: key("identity"),
            signed_prekey: (id, key("signed"), signature("signed_signature")),
            kyber_prekey: (id, unhex(&bundle["kyber"]), signature("kyber_signature")),
            one_time: one_time.then(|| (id, key("one_time"))),
        }
    }

    pub fn start(&self, judge: &mut Judge, with: Address, bundle: &PreKeyBundle, now_ms: u64) {
        let (signed_id, signed, signed_signature) = &bundle.signed_prekey;
        let (kyber_id, kyber, kyber_signature) = &bundle.kyber_prekey;
        let mut wire = json!({
            "registration_id": bundle.registration_id,
            "identity": hex::encode(bundle.identity.serialize()),
            "signed_id": signed_id,
            "signed": hex::encode(signed.serialize()),
            "signed_signature": hex::encode(signed_signature),
            "kyber_id": kyber_id,
            "kyber": hex::encode(kyber),
            "kyber_signature": hex::encode(kyber_signature),
        });
        if let Some((id, key)) = &bundle.one_time {
            wire["one_time_id"] = json!(id);
            wire["one_time"] = json!(hex::encode(key.serialize()));
        }
        let op = json!({
            "op": "start", "party": self.name, "peer": json_address(with), "bundle": wire,
            "now_ms": now_ms,
        });
        judge.one(op).unwrap();
    }

    pub fn encrypt_op(&self, to: Address, body: &[u8], now_ms: u64) -> Value {
        json!({
            "op": "encrypt", "party": self.name, "peer": json_address(to),
            "body": hex::encode(body), "now_ms": now_ms,
        })
    }

    pub fn decrypt_op(&self, from: Address, message: &Ciphertext) -> Value {
        json!({
            "op": "decrypt", "party": self.name, "peer": json_address(from),
            "prekey": matches!(message, Ciphertext::PreKey(_)),
            "body": hex::encode(message.as_bytes()),
        })
    }

    pub fn peer_op(&self, op: &str, peer: Address) -> Value {
        json!({ "op": op, "party": self.name, "peer": json_address(peer) })
    }

    pub fn encrypt(&self, judge: &mut Judge, to: Address, body: &[u8], now_ms: u64) -> Ciphertext {
        ciphertext(&judge.one(self.encrypt_op(to, body, now_ms)).unwrap())
    }

    pub fn decrypt(&self, judge: &mut Judge, from: Address, message: &Ciphertext) -> Result<Vec<u8>, String> {
        judge.one(self.decrypt_op(from, message)).map(|body| unhex(&body))
    }
}

pub fn ciphertext(value: &Value) -> Ciphertext {
    let body = unhex(&value["body"]);
    match value["prekey"].as_bool().unwrap() {
        true => Ciphertext::PreKey(body),
        false => Ciphertext::Whisper(body),
    }
}

pub fn json_address(address: Address) -> Value {
    json!({ "account": hex::encode(address.account), "device": address.device })
}

pub fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

//! A device of ours with everything it stores, for tests that read as stories.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use waxwing_e2ee::{
    Address, Ciphertext, Error, IdentityKeyPair, KyberPreKey, Local, OneTimePreKey, PreKeyBundle, PreKeys,
    Session, SignedPreKey, decrypt_prekey, decrypt_whisper, encrypt, initiate, peek_prekey,
};

pub struct Device {
    pub identity: IdentityKeyPair,
    pub registration_id: u32,
    pub address: Address,
    pub rng: ChaCha20Rng,
    pub now_ms: u64,
    /// Encoded, so that every step also passes through storage.
    pub sessions: BTreeMap<Address, Vec<u8>>,
    prekeys: Stored,
    next_id: u32,
}

#[derive(Default)]
struct Stored {
    one_time: BTreeMap<u32, Vec<u8>>,
    signed: BTreeMap<u32, Vec<u8>>,
    kyber: BTreeMap<u32, Vec<u8>>,
}

impl PreKeys for Stored {
    fn one_time(&self, id: u32) -> Option<OneTimePreKey> {
        self.one_time.get(&id).map(|record| OneTimePreKey::decode(record).unwrap())
    }

    fn signed(&self, id: u32) -> Option<SignedPreKey> {
        self.signed.get(&id).map(|record| SignedPreKey::decode(record).unwrap())
    }

    fn kyber(&self, id: u32) -> Option<KyberPreKey> {
        self.kyber.get(&id).map(|record| KyberPreKey::decode(record).unwrap())
    }
}

#[allow(dead_code, reason = "each test binary uses its part")]
impl Device {
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let identity = IdentityKeyPair::generate(&mut rng);
        let mut account = [0; 16];
        rng.fill_bytes(&mut account);
        Self {
            identity,
            registration_id: rng.next_u32() % 16_380 + 1,
            address: Address { account, device: 1 + (seed % 100) as u8 },
            rng,
            now_ms: 1_800_000_000_000,
            sessions: BTreeMap::new(),
            prekeys: Stored::default(),
            next_id: 1,
        }
    }

    pub fn bundle(&mut self, one_time: bool) -> PreKeyBundle {
        let id = self.next_id;
        self.next_id += 1;
        let signed = SignedPreKey::generate(&self.identity, id, self.now_ms, &mut self.rng);
        let kyber = KyberPreKey::generate(&self.identity, id, self.now_ms, &mut self.rng);
        let bundle = PreKeyBundle {
            registration_id: self.registration_id,
            device_id: self.address.device.into(),
            identity: self.identity.public(),
            signed_prekey: (id, signed.public(), signed.signature),
            kyber_prekey: (id, kyber.public().to_vec(), kyber.signature),
            one_time: one_time.then(|| {
                let key = OneTimePreKey::generate(id, &mut self.rng);
                self.prekeys.one_time.insert(id, key.encode().to_vec());
                (id, key.public())
            }),
        };
        self.prekeys.signed.insert(id, signed.encode().to_vec());
        self.prekeys.kyber.insert(id, kyber.encode().to_vec());
        bundle
    }

    pub fn session(&self, with: Address) -> Option<Session> {
        self.sessions.get(&with).map(|record| Session::decode(record).unwrap())
    }

    pub fn start(&mut self, with: Address, bundle: &PreKeyBundle) -> Result<(), Error> {
        let existing = self.session(with);
        let local = local(&self.identity, self.registration_id, self.address, with);
        let session = initiate(existing, &local, bundle, self.now_ms, &mut self.rng)?;
        self.sessions.insert(with, session.encode().to_vec());
        Ok(())
    }

    pub fn send(&mut self, to: Address, body: &[u8]) -> Result<Ciphertext, Error> {
        let mut session = self.session(to).ok_or(Error::NoSession)?;
        let local = local(&self.identity, self.registration_id, self.address, to);
        let result = encrypt(&mut session, &local, body, self.now_ms, &mut self.rng);
        self.keep(to, session, result.is_err());
        result
    }

    pub fn receive(&mut self, from: Address, message: &Ciphertext) -> Result<Vec<u8>, Error> {
        let existing = self.session(from);
        let local = local(&self.identity, self.registration_id, self.address, from);
        match message {
            Ciphertext::Whisper(bytes) => {
                let mut session = existing.ok_or(Error::NoSession)?;
                let result = decrypt_whisper(&mut session, &local, bytes, &mut self.rng);
                self.keep(from, session, result.is_err());
                result.map(|body| body.to_vec())
            }
            Ciphertext::PreKey(bytes) => {
                let header = peek_prekey(bytes)?;
                let (session, body, used) =
                    decrypt_prekey(existing, &local, &self.prekeys, bytes, self.now_ms, &mut self.rng)?;
                assert_eq!((header.signed, header.kyber), (used.signed, used.kyber));
                assert_eq!(session.remote_identity(), header.identity);
                if let Some(id) = used.one_time {
                    let removed = self.prekeys.one_time.remove(&id).is_some();
                    assert_eq!(removed, used.new_session, "a one-time prekey makes one session");
                }
                self.keep(from, session, false);
                Ok(body.to_vec())
            }
        }
    }

    pub fn archive(&mut self, with: Address) {
        let mut session = self.session(with).unwrap();
        session.archive_current();
        self.keep(with, session, false);
    }

    /// Stores a session; one that failed must be what was stored before.
    fn keep(&mut self, with: Address, session: Session, failed: bool) {
        let record = session.encode().to_vec();
        let before = self.sessions.insert(with, record.clone());
        if failed {
            assert!(before == Some(record), "a failed step changed the session");
        }
    }
}

fn local(identity: &IdentityKeyPair, registration_id: u32, address: Address, remote: Address) -> Local<'_> {
    Local { identity, registration_id, address: Some(address), remote_address: Some(remote) }
}

//! What this device publishes so that others can begin sessions with it, and the private halves it keeps.

use rand_core::CryptoRng;
use waxwing_e2ee::{self as e2ee, IdentityKeyPair, KyberPreKey, OneTimePreKey, SignedPreKey, UsedPreKeys};
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::limits::{MAX_KYBER_PREKEYS_PER_UPLOAD, MAX_ONE_TIME_PREKEYS};
use waxwing_wire::{
    Bytes, KyberPrekey, OneTimePrekey, PrekeyUpload, PrekeysLeft, Reject, SignedPrekey as WireSigned,
};

use crate::Time;
use crate::client::{Client, Error, Keys};
use crate::connection::Asked;
use crate::db::{Key, Table};
use crate::limits::{
    KYBER_PREKEYS, KYBER_PREKEYS_LOW, MAX_PREKEYS_KEPT, OLD_PREKEY_KEPT_MS, ONE_TIME_PREKEYS,
    ONE_TIME_PREKEYS_LOW, SIGNED_PREKEY_AGE_MS,
};
use crate::outbox::hold_ms;
use crate::overlay::Overlay;
use crate::record::{Counters, PrekeyRow, Record as _};
use crate::turn::Turn;

/// Kinds in [`Key::Prekey`]. Ids are drawn from one counter, so that no id names two keys of any kind.
pub(crate) const ONE_TIME: u8 = 1;
/// One-time Kyber prekeys.
pub(crate) const KYBER: u8 = 2;
/// Signed prekeys, the published one and former ones.
pub(crate) const SIGNED: u8 = 3;
/// Kyber prekeys of last resort, likewise.
pub(crate) const LAST_RESORT: u8 = 4;

/// More than signed prekeys are kept of either kind.
const MAX_ROTATED: usize = 256;

/// Makes and stores prekeys.
pub(crate) struct Maker<'a, 'db> {
    pub identity: &'a IdentityKeyPair,
    pub counters: &'a mut Counters,
    pub store: &'a mut Overlay<'db>,
    pub now: Time,
    pub rng: &'a mut dyn CryptoRng,
}

impl Maker<'_, '_> {
    fn next_id(&mut self) -> u32 {
        let id = self.counters.next_prekey;
        self.counters.next_prekey = id.wrapping_add(1);
        id
    }

    fn keep(&mut self, kind: u8, id: u32, record: &[u8]) {
        self.store.save(Key::Prekey(kind, id), &PrekeyRow { record: record.to_vec(), retired_at_ms: 0 });
    }

    /// Adds one-time prekeys to an upload.
    pub(crate) fn one_time(&mut self, upload: &mut PrekeyUpload, x25519: u32, kyber: u32) {
        for _ in 0..x25519 {
            let id = self.next_id();
            let prekey = OneTimePreKey::generate(id, self.rng);
            self.keep(ONE_TIME, id, &prekey.encode());
            upload.one_time.push(public_one_time(&prekey));
        }
        for _ in 0..kyber {
            let id = self.next_id();
            let prekey = KyberPreKey::generate(self.identity, id, self.now.0, self.rng);
            self.keep(KYBER, id, &prekey.encode());
            upload.one_time_kyber.push(public_kyber(&prekey));
        }
    }

    /// A new signed prekey and one of last resort, to be published.
    pub(crate) fn rotate(&mut self) -> Result<(), Error> {
        let retiring = [(SIGNED, self.counters.signed), (LAST_RESORT, self.counters.last_resort)];
        for (kind, id) in retiring {
            if let Some(mut row) = self.store.load::<PrekeyRow>(&Key::Prekey(kind, id))? {
                row.retired_at_ms = self.now.0.max(1);
                self.store.save(Key::Prekey(kind, id), &row);
            }
        }
        let id = self.next_id();
        let signed = SignedPreKey::generate(self.identity, id, self.now.0, self.rng);
        self.keep(SIGNED, id, &signed.encode());
        self.counters.signed = id;
        let id = self.next_id();
        let last_resort = KyberPreKey::generate(self.identity, id, self.now.0, self.rng);
        self.keep(LAST_RESORT, id, &last_resort.encode());
        self.counters.last_resort = id;
        self.counters.signed_made_at_ms = self.now.0;
        self.counters.signed_unpublished = true;
        Ok(())
    }

    /// Deletes what nobody can need any more: replaced keys after their time, and the oldest one-time keys
    /// beyond a bound (somebody took them from the server and never wrote).
    fn prune(&mut self) -> Result<(), Error> {
        for kind in [SIGNED, LAST_RESORT] {
            for (key, value) in self.store.rows(Table::Prekey, &[kind], &[kind + 1], MAX_ROTATED)? {
                let row = PrekeyRow::unpack(&value)?;
                let kept = self.now.0.saturating_sub(row.retired_at_ms) < OLD_PREKEY_KEPT_MS;
                if row.retired_at_ms > 0 && !kept {
                    self.store.delete(prekey_key(&key)?);
                }
            }
        }
        for kind in [ONE_TIME, KYBER] {
            let max = MAX_PREKEYS_KEPT + MAX_ONE_TIME_PREKEYS;
            let rows = self.store.rows(Table::Prekey, &[kind], &[kind + 1], max)?;
            let excess = rows.len().saturating_sub(MAX_PREKEYS_KEPT);
            for (key, _) in rows.iter().take(excess) {
                self.store.delete(prekey_key(key)?);
            }
        }
        Ok(())
    }
}

impl Client {
    fn maker<'a, 'db>(&'a mut self, turn: &'a mut Turn<'db>) -> Maker<'a, 'db> {
        Maker {
            identity: &self.keys.identity,
            counters: &mut self.counters,
            store: &mut turn.store,
            now: turn.now,
            rng: turn.rng,
        }
    }

    /// Everything that is published at registration.
    pub(crate) fn whole_upload(&self, turn: &Turn<'_>) -> Result<PrekeyUpload, Error> {
        let mut upload = PrekeyUpload::default();
        add_signed(&turn.store, &self.counters, &mut upload)?;
        let rows = |kind: u8, max| turn.store.rows(Table::Prekey, &[kind], &[kind + 1], max);
        for (_, value) in rows(ONE_TIME, MAX_ONE_TIME_PREKEYS)? {
            let prekey = OneTimePreKey::decode(&PrekeyRow::unpack(&value)?.record).map_err(damaged)?;
            upload.one_time.push(public_one_time(&prekey));
        }
        for (_, value) in rows(KYBER, MAX_KYBER_PREKEYS_PER_UPLOAD)? {
            let prekey = KyberPreKey::decode(&PrekeyRow::unpack(&value)?.record).map_err(damaged)?;
            upload.one_time_kyber.push(public_kyber(&prekey));
        }
        Ok(upload)
    }

    /// Other prekeys instead of all that were offered with a grant which came to nothing: the server may have taken the
    /// device in, given some of them away and let it go before its answer came.
    pub(crate) fn renew_prekeys(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        for kind in [ONE_TIME, KYBER] {
            let max = MAX_PREKEYS_KEPT + MAX_ONE_TIME_PREKEYS;
            for (key, _) in turn.store.rows(Table::Prekey, &[kind], &[kind + 1], max)? {
                turn.store.delete(prekey_key(&key)?);
            }
        }
        let mut maker = self.maker(turn);
        maker.rotate()?;
        maker.one_time(&mut PrekeyUpload::default(), ONE_TIME_PREKEYS, KYBER_PREKEYS);
        Ok(())
    }

    /// Publishes what is missing on the server. After a lost answer the server's next count says what is
    /// missing still; one-time prekeys are never offered twice.
    pub(crate) fn maintain_prekeys(&mut self, turn: &mut Turn<'_>) -> Result<(), Error> {
        let Some(up) = self.link.online() else { return Ok(()) };
        let busy = up.is_busy() || up.has_asked(|asked| matches!(asked, Asked::Publish));
        if self.publish_after.is_some() || busy {
            return Ok(());
        }
        let left = up.prekeys_left;
        let age_ms = turn.now.0.abs_diff(self.counters.signed_made_at_ms);
        let replace = self.counters.replace_prekeys;
        let old = age_ms >= SIGNED_PREKEY_AGE_MS && !self.counters.signed_unpublished;
        let missing = |left: u32, low: u32, full: u32| {
            if replace {
                full
            } else if left < low {
                full - left
            } else {
                0
            }
        };
        let x25519 = missing(left.one_time, ONE_TIME_PREKEYS_LOW, ONE_TIME_PREKEYS);
        let kyber = missing(left.one_time_kyber, KYBER_PREKEYS_LOW, KYBER_PREKEYS);
        let mut upload = PrekeyUpload { replace, ..PrekeyUpload::default() };
        let mut maker = self.maker(turn);
        if old || replace {
            maker.rotate()?;
        }
        maker.one_time(&mut upload, x25519, kyber);
        if old || x25519 + kyber > 0 {
            maker.prune()?;
        }
        if self.counters.signed_unpublished {
            add_signed(&turn.store, &self.counters, &mut upload)?;
        }
        if upload != PrekeyUpload::default() {
            let what = RequestBody::PublishPrekeys(Box::new(upload));
            let _asked = self.link.ask(turn, what, Asked::Publish);
        }
        Ok(())
    }

    /// One-time prekeys go with the commit that stores their session; the others stay.
    pub(crate) fn use_up(&mut self, turn: &mut Turn<'_>, used: &UsedPreKeys) {
        if !used.new_session {
            return;
        }
        turn.store.delete(Key::Prekey(KYBER, used.kyber));
        if let Some(id) = used.one_time {
            turn.store.delete(Key::Prekey(ONE_TIME, id));
        }
        // The server counts only when it is asked, and a connection may last for months. One that was used
        // before this connection is counted twice: then more are published a little early.
        if let Some(up) = self.link.online() {
            let left = &mut up.prekeys_left;
            left.one_time = left.one_time.saturating_sub(1);
            left.one_time_kyber = left.one_time_kyber.saturating_sub(1);
        }
    }

    /// When the signed prekey is to be replaced.
    pub(crate) fn rotate_at(&self, now: Time) -> Option<Time> {
        let due = Time(self.counters.signed_made_at_ms).plus(SIGNED_PREKEY_AGE_MS);
        (due > now).then_some(due)
    }

    pub(crate) fn published(&mut self, left: PrekeysLeft) {
        self.counters.signed_unpublished = false;
        self.counters.replace_prekeys = false;
        if let Some(up) = self.link.online() {
            // A count that is low right after an upload would make an upload loop.
            up.prekeys_left = PrekeysLeft {
                one_time: left.one_time.max(ONE_TIME_PREKEYS_LOW),
                one_time_kyber: left.one_time_kyber.max(KYBER_PREKEYS_LOW),
            };
        }
    }

    pub(crate) fn publish_refused(&mut self, turn: &Turn<'_>, reject: &Reject) {
        self.publish_after = Some(turn.now.plus(hold_ms(reject)));
    }
}

/// Adds the signed prekey and the last resort that are in use.
fn add_signed(store: &Overlay<'_>, counters: &Counters, upload: &mut PrekeyUpload) -> Result<(), Error> {
    let load = |kind, id| -> Result<PrekeyRow, Error> {
        store.load(&Key::Prekey(kind, id))?.ok_or(Error::Damaged(PrekeyRow::NAME))
    };
    let signed = SignedPreKey::decode(&load(SIGNED, counters.signed)?.record).map_err(damaged)?;
    let last_resort =
        KyberPreKey::decode(&load(LAST_RESORT, counters.last_resort)?.record).map_err(damaged)?;
    upload.signed =
        Some(WireSigned { id: signed.id, key: signed.public().serialize(), signature: signed.signature });
    upload.last_resort = Some(public_kyber(&last_resort));
    Ok(())
}

fn public_one_time(prekey: &OneTimePreKey) -> OneTimePrekey {
    OneTimePrekey { id: prekey.id, key: prekey.public().serialize() }
}

fn public_kyber(prekey: &KyberPreKey) -> KyberPrekey {
    KyberPrekey { id: prekey.id, key: Bytes::copy_from_slice(prekey.public()), signature: prekey.signature }
}

fn prekey_key(bytes: &[u8]) -> Result<Key, Error> {
    match bytes {
        [kind, a, b, c, d] => Ok(Key::Prekey(*kind, u32::from_be_bytes([*a, *b, *c, *d]))),
        _ => Err(Error::Damaged(PrekeyRow::NAME)),
    }
}

fn damaged(_: e2ee::Error) -> Error {
    Error::Damaged(PrekeyRow::NAME)
}

impl Keys {
    /// Draws the keys of a new device.
    pub(crate) fn generate(rng: &mut dyn CryptoRng) -> Self {
        let identity = IdentityKeyPair::generate(rng);
        let noise = waxwing_wire::handshake::StaticKey::generate(rng);
        // 14 bits, as the Signal Protocol has it, and not 0, which reads as absent.
        let registration_id = u16::try_from(rng.next_u32() % 0x3fff).unwrap_or(0) + 1;
        Self { identity, noise, registration_id }
    }
}

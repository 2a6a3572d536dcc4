// The official Signal library behind JSON lines on stdio, for crates/e2ee/tests/libsignal.rs.
//
// A line in is {"ops": [{"op": name, ...}, ...]}; a line out is {"results": [...]} in the same
// order, each {"ok": ...} or {"error": name}. Bytes are hexadecimal. Parties live as long as the
// process; nothing touches the disk.

import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import * as signal from '@signalapp/libsignal-client';

const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (array) => Buffer.from(array).toString('hex');
const address = ({ account, device }) =>
  signal.ProtocolAddress.new(signal.Aci.fromUuidBytes(bytes(account)), device);

class Sessions extends signal.SessionStore {
  records = new Map();
  async saveSession(name, record) {
    this.records.set(name.toString(), record.serialize());
  }
  async getSession(name) {
    const record = this.records.get(name.toString());
    return record ? signal.SessionRecord.deserialize(record) : null;
  }
  async getExistingSessions(names) {
    return Promise.all(names.map((name) => this.getSession(name)));
  }
}

class Identities extends signal.IdentityKeyStore {
  known = new Map();
  constructor(pair, registrationId) {
    super();
    this.pair = pair;
    this.registrationId = registrationId;
  }
  async getIdentityKey() {
    return this.pair.privateKey;
  }
  async getIdentityKeyPair() {
    return this.pair;
  }
  async getLocalRegistrationId() {
    return this.registrationId;
  }
  async saveIdentity(name, key) {
    const before = this.known.get(name.toString());
    this.known.set(name.toString(), key);
    return before && !before.equals(key)
      ? signal.IdentityChange.ReplacedExisting
      : signal.IdentityChange.NewOrUnchanged;
  }
  async isTrustedIdentity(name, key) {
    const before = this.known.get(name.toString());
    return before === undefined || before.equals(key);
  }
  async getIdentity(name) {
    return this.known.get(name.toString()) ?? null;
  }
}

const found = (map, id) => {
  const record = map.get(id);
  if (record === undefined) throw new Error('no prekey');
  return record;
};

class PreKeys extends signal.PreKeyStore {
  records = new Map();
  async savePreKey(id, record) {
    this.records.set(id, record);
  }
  async getPreKey(id) {
    return found(this.records, id);
  }
  async removePreKey(id) {
    this.records.delete(id);
  }
}

class SignedPreKeys extends signal.SignedPreKeyStore {
  records = new Map();
  async saveSignedPreKey(id, record) {
    this.records.set(id, record);
  }
  async getSignedPreKey(id) {
    return found(this.records, id);
  }
}

class KyberPreKeys extends signal.KyberPreKeyStore {
  records = new Map();
  async saveKyberPreKey(id, record) {
    this.records.set(id, record);
  }
  async getKyberPreKey(id) {
    return found(this.records, id);
  }
  async markKyberPreKeyUsed() {}
}

class SenderKeys extends signal.SenderKeyStore {
  records = new Map();
  async saveSenderKey(sender, distribution, record) {
    this.records.set(`${sender} ${distribution}`, record);
  }
  async getSenderKey(sender, distribution) {
    return this.records.get(`${sender} ${distribution}`) ?? null;
  }
}

class Party {
  sessions = new Sessions();
  prekeys = new PreKeys();
  signed = new SignedPreKeys();
  kyber = new KyberPreKeys();
  senderKeys = new SenderKeys();
  nextId = 1;
  constructor(self, registrationId) {
    this.self = address(self);
    this.identity = signal.IdentityKeyPair.generate();
    this.identities = new Identities(this.identity, registrationId);
  }
  // Makes prekeys and publishes them.
  async bundle(oneTime) {
    const id = this.nextId++;
    const sign = (key) => this.identity.privateKey.sign(key.serialize());
    const signed = signal.PrivateKey.generate();
    const signedSignature = sign(signed.getPublicKey());
    await this.signed.saveSignedPreKey(
      id,
      signal.SignedPreKeyRecord.new(id, 0, signed.getPublicKey(), signed, signedSignature)
    );
    const kyber = signal.KEMKeyPair.generate();
    const kyberSignature = sign(kyber.getPublicKey());
    await this.kyber.saveKyberPreKey(
      id,
      signal.KyberPreKeyRecord.new(id, 0, kyber, kyberSignature)
    );
    const out = {
      identity: hex(this.identity.publicKey.serialize()),
      registration_id: this.identities.registrationId,
      id,
      signed: hex(signed.getPublicKey().serialize()),
      signed_signature: hex(signedSignature),
      kyber: hex(kyber.getPublicKey().serialize()),
      kyber_signature: hex(kyberSignature),
    };
    if (oneTime) {
      const key = signal.PrivateKey.generate();
      await this.prekeys.savePreKey(id, signal.PreKeyRecord.new(id, key.getPublicKey(), key));
      out.one_time = hex(key.getPublicKey().serialize());
    }
    return out;
  }
}

const parties = new Map();
const party = ({ party: name }) => parties.get(name);

const operations = {
  version: async () => process.version,
  party: async ({ party: name, self, registration_id }) => {
    const made = new Party(self, registration_id);
    parties.set(name, made);
    return hex(made.identity.publicKey.serialize());
  },
  bundle: async (op) => party(op).bundle(op.one_time),
  start: async (op) => {
    const { bundle } = op;
    const parsed = signal.PreKeyBundle.new(
      bundle.registration_id,
      op.peer.device,
      bundle.one_time ? bundle.one_time_id : null,
      bundle.one_time ? signal.PublicKey.deserialize(bytes(bundle.one_time)) : null,
      bundle.signed_id,
      signal.PublicKey.deserialize(bytes(bundle.signed)),
      bytes(bundle.signed_signature),
      signal.PublicKey.deserialize(bytes(bundle.identity)),
      bundle.kyber_id,
      signal.KEMPublicKey.deserialize(bytes(bundle.kyber)),
      bytes(bundle.kyber_signature)
    );
    const { self, sessions, identities } = party(op);
    const now = new Date(op.now_ms);
    await signal.processPreKeyBundle(parsed, address(op.peer), self, sessions, identities, now);
    return null;
  },
  encrypt: async (op) => {
    const { self, sessions, identities } = party(op);
    const message = await signal.signalEncrypt(
      bytes(op.body), address(op.peer), self, sessions, identities, new Date(op.now_ms)
    );
    return { prekey: message.type() === signal.CiphertextMessageType.PreKey, body: hex(message.serialize()) };
  },
  decrypt: async (op) => {
    const { self, sessions, identities, prekeys, signed, kyber } = party(op);
    const peer = address(op.peer);
    const body = bytes(op.body);
    return hex(
      op.prekey
        ? await signal.signalDecryptPreKey(
            signal.PreKeySignalMessage.deserialize(body),
            peer, self, sessions, identities, prekeys, signed, kyber
          )
        : await signal.signalDecrypt(
            signal.SignalMessage.deserialize(body), peer, self, sessions, identities
          )
    );
  },
  // A hash of the stored session: equal before and after means untouched.
  session: async (op) => {
    const record = party(op).sessions.records.get(address(op.peer).toString());
    return record ? { hash: createHash('sha256').update(record).digest('hex'), bytes: record.length } : null;
  },
  pq_ratchet: async (op) => hex(signal.SignalMessage.deserialize(bytes(op.body)).pqRatchet()),
  forget: async (op) => {
    party(op).sessions.records.delete(address(op.peer).toString());
    return null;
  },
  archive: async (op) => {
    const { sessions } = party(op);
    const record = await sessions.getSession(address(op.peer));
    record.archiveCurrentState();
    await sessions.saveSession(address(op.peer), record);
    return null;
  },
  sender_key_create: async (op) => {
    const { self, senderKeys } = party(op);
    const message = await signal.SenderKeyDistributionMessage.create(self, op.distribution, senderKeys);
    return hex(message.serialize());
  },
  sender_key_process: async (op) => {
    const message = signal.SenderKeyDistributionMessage.deserialize(bytes(op.body));
    await signal.processSenderKeyDistributionMessage(address(op.peer), message, party(op).senderKeys);
    return null;
  },
  sender_key_encrypt: async (op) => {
    const { self, senderKeys } = party(op);
    const message = await signal.groupEncrypt(self, op.distribution, senderKeys, bytes(op.body));
    return hex(message.serialize());
  },
  sender_key_decrypt: async (op) =>
    hex(await signal.groupDecrypt(address(op.peer), party(op).senderKeys, bytes(op.body))),
  safety_number: async (op) => {
    const fingerprint = signal.Fingerprint.new(
      5200, 2,
      bytes(op.local_id), signal.PublicKey.deserialize(bytes(op.local_key)),
      bytes(op.remote_id), signal.PublicKey.deserialize(bytes(op.remote_key))
    );
    return {
      numeric: fingerprint.displayableFingerprint().toString(),
      scannable: hex(fingerprint.scannableFingerprint().toBuffer()),
    };
  },
  sign: async (op) => hex(party(op).identity.privateKey.sign(bytes(op.body))),
  verify: async (op) =>
    signal.PublicKey.deserialize(bytes(op.key)).verify(bytes(op.body), bytes(op.signature)),
  agree: async (op) =>
    hex(party(op).identity.privateKey.agree(signal.PublicKey.deserialize(bytes(op.key)))),
  identity: async (op) => hex(party(op).identity.serialize()),
};

async function answer(op) {
  try {
    return { ok: await operations[op.op](op) };
  } catch (error) {
    const name = signal.ErrorCode[error.code] ?? error.name;
    return { error: name, message: String(error.message) };
  }
}

signal.initLogger(signal.LogLevel.Error, () => {});
for await (const line of createInterface({ input: process.stdin })) {
  const results = [];
  for (const op of JSON.parse(line).ops) results.push(await answer(op));
  process.stdout.write(JSON.stringify({ results }) + '\n');
}

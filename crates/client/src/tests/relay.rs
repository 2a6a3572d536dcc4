//! A relay for stories: plain queues and no checks but those a client has to live with. Not the server core.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use waxwing_wire::client_frame::{ClientFrame, Hello, Register, RequestBody, Send};
use waxwing_wire::devices::SignedDeviceList;
use waxwing_wire::server_frame::{
    Bundle, DeviceMismatch, Entry, Envelope, Item, Receipt, Refused, Response, ResponseBody, ServerFrame,
    Welcome,
};
use waxwing_wire::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeKind, KyberPrekey, MessageId, OneTimePrekey,
    PrekeyUpload, PrekeysLeft, Reject, RejectCode, SignedPrekey,
};

#[derive(Clone)]
pub struct Device {
    pub registration_id: u16,
    pub identity: [u8; 33],
    pub signed: SignedPrekey,
    pub last_resort: KyberPrekey,
    pub one_time: VecDeque<OneTimePrekey>,
    pub kyber: VecDeque<KyberPrekey>,
    pub mailbox: BTreeMap<u64, Item>,
    pub last: u64,
    /// Entries up to this one were put on the connection.
    pushed: u64,
    pub acknowledged: u64,
    pub lease: u64,
    pub accepted_in_lease: Option<u64>,
    pub seen: BTreeSet<(MessageId, u32)>,
}

#[derive(Default)]
pub struct Relay {
    pub devices: BTreeMap<DeviceAddress, Device>,
    usernames: BTreeMap<String, AccountId>,
    /// Registered clients by the names of the story.
    pub names: BTreeMap<&'static str, DeviceAddress>,
    /// What is to be sent down, in order.
    pub down: Vec<(&'static str, ServerFrame)>,
    /// Refuses the next sends, each once.
    pub refuse: VecDeque<Reject>,
    /// One-time prekeys that were handed out.
    pub issued: BTreeSet<[u8; 33]>,
    pub online: BTreeSet<DeviceAddress>,
    pub fetches: usize,
    /// Every message that came up, as it came.
    pub sends: Vec<Send>,
    /// Spoils every ciphertext from this device.
    pub spoils: Option<DeviceAddress>,
    /// Says nothing at all any more.
    pub mute: bool,
    pub leases: BTreeMap<DeviceAddress, Vec<u64>>,
    pub lists: BTreeMap<AccountId, SignedDeviceList>,
}

fn unknown_account() -> ResponseBody {
    ResponseBody::Reject(Reject::new(RejectCode::UnknownAccount, "no such account"))
}

impl Relay {
    pub fn frame(&mut self, name: &'static str, frame: ClientFrame) {
        if self.mute {
            return;
        }
        let mut answer = ServerFrame::default();
        for request in frame.requests {
            let what = self.request(name, request.what);
            answer.responses.push(Response { id: request.id, what });
        }
        let Some(&own) = self.names.get(name) else {
            self.down.push((name, answer));
            return;
        };
        if let Some(hello) = frame.hello {
            answer.welcome = Some(self.hello(own, hello));
            self.stored(own, hello.stored, &[]);
        }
        if let Some(stored) = frame.stored {
            self.stored(own, stored.up_to, &stored.undecryptable);
        }
        for send in frame.sends {
            let id = send.id;
            match self.send(own, send) {
                Ok(()) => answer.accepted.push(id),
                Err((reject, mismatch)) => answer.refused.push(Refused { id, reject, mismatch, group: None }),
            }
        }
        answer.pong = frame.ping;
        if answer != ServerFrame::default() {
            self.down.push((name, answer));
        }
        self.push_all();
    }

    fn hello(&mut self, own: DeviceAddress, hello: Hello) -> Welcome {
        self.leases.entry(own).or_default().push(hello.lease);
        self.online.insert(own);
        let device = self.devices.get_mut(&own).unwrap();
        let welcome = Welcome {
            address: own,
            server_time_ms: 0,
            previous_lease: device.lease,
            acknowledged: device.acknowledged,
            accepted_in_lease: device.accepted_in_lease,
            prekeys_left: left(device),
            list_version: 0,
            devices: 1,
            skipped: 0,
        };
        device.lease = device.lease.max(hello.lease);
        device.accepted_in_lease = Some(0);
        device.pushed = 0;
        welcome
    }

    pub fn gone(&mut self, name: &'static str) {
        if let Some(own) = self.names.get(name) {
            self.online.remove(own);
        }
    }

    fn request(&mut self, name: &'static str, what: RequestBody) -> ResponseBody {
        match what {
            RequestBody::Register(register) => self.register(name, *register),
            RequestBody::FindAccount(username) => match self.usernames.get(&username) {
                Some(&account) => {
                    let primary = DeviceAddress { account, device: DeviceId::PRIMARY };
                    ResponseBody::Found { account, identity: self.devices[&primary].identity }
                }
                None => unknown_account(),
            },
            RequestBody::FetchBundles(account, _) => self.bundles(account),
            RequestBody::PublishPrekeys(upload) => {
                let own = self.names[name];
                let device = self.devices.get_mut(&own).unwrap();
                publish(device, *upload);
                ResponseBody::Published(left(device))
            }
            _ => ResponseBody::Reject(Reject::new(RejectCode::Unavailable, "not in this relay")),
        }
    }

    fn register(&mut self, name: &'static str, register: Register) -> ResponseBody {
        if let Some(known) = self.names.get(name)
            && self.devices[known].identity == register.identity
        {
            return ResponseBody::Registered(*known);
        }
        let taken = self.usernames.contains_key(&register.username);
        if taken && register.username != name {
            return ResponseBody::Reject(Reject::new(RejectCode::UsernameTaken, "choose another"));
        }
        // A story may let somebody begin anew under the same account: another phone, say.
        let account = self.usernames.get(&register.username).copied().unwrap_or_else(|| {
            let mut account = [0; 16];
            account[..name.len()].copy_from_slice(name.as_bytes());
            AccountId(account)
        });
        let address = DeviceAddress { account, device: DeviceId::PRIMARY };
        let former = self.devices.remove(&address);
        let mut device = Device {
            registration_id: register.registration_id,
            identity: register.identity,
            signed: register.prekeys.signed.clone().unwrap(),
            last_resort: register.prekeys.last_resort.clone().unwrap(),
            one_time: VecDeque::new(),
            kyber: VecDeque::new(),
            mailbox: BTreeMap::new(),
            last: former.map_or(0, |former| former.last),
            pushed: 0,
            acknowledged: 0,
            lease: 0,
            accepted_in_lease: None,
            seen: BTreeSet::new(),
        };
        publish(&mut device, register.prekeys);
        self.devices.insert(address, device);
        self.lists.insert(account, register.list);
        self.usernames.insert(register.username, account);
        self.names.insert(name, address);
        ResponseBody::Registered(address)
    }

    pub fn bundles(&mut self, account: AccountId) -> ResponseBody {
        self.fetches += 1;
        let mut bundles = Vec::new();
        for (address, device) in &mut self.devices {
            if address.account == account {
                let one_time = device.one_time.pop_front();
                if let Some(prekey) = &one_time {
                    assert!(self.issued.insert(prekey.key), "a one-time prekey is issued once");
                }
                bundles.push(Bundle {
                    device: address.device,
                    registration_id: device.registration_id,
                    identity: device.identity,
                    signed: device.signed.clone(),
                    kyber: device.kyber.pop_front().unwrap_or(device.last_resort.clone()),
                    one_time,
                    countersignature: None,
                });
            }
        }
        if bundles.is_empty() {
            unknown_account()
        } else {
            ResponseBody::Bundles { list: self.lists[&account].clone(), bundles }
        }
    }

    fn send(&mut self, from: DeviceAddress, send: Send) -> Result<(), (Reject, DeviceMismatch)> {
        self.sends.push(send.clone());
        let sender = self.devices.get_mut(&from).unwrap();
        sender.accepted_in_lease = sender.accepted_in_lease.map(|n| n + 1);
        if let Some(reject) = self.refuse.pop_front() {
            return Err((reject, DeviceMismatch::default()));
        }
        let account = send.to;
        let there: BTreeMap<DeviceId, u16> = self
            .devices
            .iter()
            .filter(|(address, _)| address.account == account)
            .map(|(address, device)| (address.device, device.registration_id))
            .collect();
        if there.is_empty() {
            return Err((Reject::new(RejectCode::UnknownAccount, "none"), DeviceMismatch::default()));
        }
        let has = |device: &DeviceId| send.copies.iter().any(|copy| copy.device == *device);
        let mismatch = DeviceMismatch {
            missing: there.keys().filter(|device| !has(device)).copied().collect(),
            extra: send.copies.iter().map(|copy| copy.device).filter(|id| !there.contains_key(id)).collect(),
            stale: send
                .copies
                .iter()
                .filter(|copy| there.get(&copy.device).is_some_and(|id| *id != copy.registration_id))
                .map(|copy| copy.device)
                .collect(),
        };
        if mismatch != DeviceMismatch::default() {
            return Err((Reject::new(RejectCode::DeviceMismatch, "devices"), mismatch));
        }
        let sender = self.devices.get_mut(&from).unwrap();
        if !sender.seen.insert((send.id, send.attempt)) {
            return Ok(());
        }
        for mut copy in send.copies {
            if self.spoils == Some(from) && copy.kind != EnvelopeKind::Plaintext {
                copy.ciphertext = spoilt(&copy.ciphertext);
            }
            let envelope = Envelope {
                from,
                id: send.id,
                kind: copy.kind,
                ciphertext: copy.ciphertext,
                accepted_at_ms: 0,
                silent: send.silent,
                group: None,
            };
            self.put(DeviceAddress { account, device: copy.device }, Item::Envelope(envelope));
        }
        Ok(())
    }

    pub fn put(&mut self, to: DeviceAddress, item: Item) {
        if let Some(device) = self.devices.get_mut(&to) {
            device.last += 1;
            device.mailbox.insert(device.last, item);
        }
    }

    fn stored(&mut self, own: DeviceAddress, up_to: u64, undecryptable: &[u64]) {
        let device = self.devices.get_mut(&own).unwrap();
        device.acknowledged = device.acknowledged.max(up_to);
        let kept = device.mailbox.split_off(&(up_to + 1));
        let gone = std::mem::replace(&mut device.mailbox, kept);
        for (seq, item) in gone {
            if let Item::Envelope(envelope) = item
                && !envelope.silent
                && !undecryptable.contains(&seq)
            {
                let receipt = Receipt {
                    by: own,
                    sent_by: envelope.from.device,
                    ids: vec![envelope.id],
                    at_ms: 0,
                    expired: false,
                };
                self.put(envelope.from, Item::Receipt(receipt));
            }
        }
    }

    /// Puts everything that waits on the connections that are there.
    pub fn push_all(&mut self) {
        if self.mute {
            return;
        }
        for (name, own) in self.names.iter().filter(|(_, own)| self.online.contains(*own)) {
            let Some(device) = self.devices.get_mut(own) else { continue };
            let entries: Vec<Entry> = device
                .mailbox
                .range(device.pushed + 1..)
                .take(256)
                .map(|(seq, item)| Entry { seq: *seq, item: item.clone() })
                .collect();
            if let Some(last) = entries.last() {
                device.pushed = last.seq;
                self.down.push((*name, ServerFrame { entries, ..ServerFrame::default() }));
            }
        }
    }
}

fn left(device: &Device) -> PrekeysLeft {
    PrekeysLeft { one_time: device.one_time.len() as u32, one_time_kyber: device.kyber.len() as u32 }
}

fn publish(device: &mut Device, upload: PrekeyUpload) {
    if upload.replace {
        device.one_time.clear();
        device.kyber.clear();
    }
    device.one_time.extend(upload.one_time);
    device.kyber.extend(upload.one_time_kyber);
    device.signed = upload.signed.unwrap_or(device.signed.clone());
    device.last_resort = upload.last_resort.unwrap_or(device.last_resort.clone());
}

/// With its last byte, which is of a code over the whole, changed.
pub fn spoilt(ciphertext: &Bytes) -> Bytes {
    let mut bytes = ciphertext.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Bytes::from(bytes)
}

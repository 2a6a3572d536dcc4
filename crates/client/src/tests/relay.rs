//! A relay for stories: plain queues and no checks but those a client has to live with. Not the server core.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::file_relay::FileRelay;
use super::group_relay::GroupRelay;
use super::light_relay::LightRelay;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use waxwing_wire::client_frame::{
    ApproveLink, ClientFrame, CompleteLink, Hello, Register, RequestBody, Send,
};
use waxwing_wire::devices::{LinkOffer, LinkReference, ListedDevice, SignedDeviceList};
use waxwing_wire::directory::{Address, DirectoryKey};
use waxwing_wire::server_frame::{
    Bundle, DeviceMismatch, DeviceState, Entry, Envelope, Item, Receipt, Refused, Response, ResponseBody,
    ServerFrame, Welcome,
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
    pub received_in_lease: Option<u64>,
    pub seen: BTreeSet<(DeviceAddress, MessageId, u32)>,
    pub countersignature: Option<[u8; 64]>,
}

/// A device that wants to be linked.
struct Offer {
    name: &'static str,
    request: u32,
    offer: Bytes,
    approved: Option<(SignedDeviceList, Bytes)>,
    completed: Option<DeviceAddress>,
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
    /// What is said to be an account's list instead.
    pub false_lists: BTreeMap<AccountId, SignedDeviceList>,
    /// What is said to be offered instead.
    pub false_offer: Option<Bytes>,
    offers: BTreeMap<LinkReference, Offer>,
    /// Milliseconds since 1970.
    pub now: u64,
    /// Devices that it says are there although no list names them.
    pub ghosts: BTreeMap<DeviceAddress, u16>,
    pub device_fetches: usize,
    pub groups: GroupRelay,
    pub username_fetches: usize,
    pub lights: LightRelay,
    pub files: FileRelay,
    /// Refuses look-ups of contacts while there is none.
    pub directory: Option<DirectoryKey>,
    pub findable: Vec<(Address, AccountId)>,
    /// Addresses in each request.
    pub evaluated: Vec<usize>,
    pub buckets: Vec<u32>,
    pub found_by_addresses: bool,
    /// Answers to these are lost.
    pub swallow: Option<fn(&RequestBody) -> bool>,
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
        let light = ClientFrame {
            lights: frame.lights,
            announcement: frame.announcement,
            watch: frame.watch,
            ..ClientFrame::default()
        };
        for request in frame.requests {
            let lost = self.swallow.is_some_and(|swallow| swallow(&request.what));
            if let Some(what) = self.request(name, request.id, request.what)
                && !lost
            {
                answer.responses.push(Response { id: request.id, what });
            }
        }
        let Some(&own) = self.names.get(name) else {
            answer.pong = frame.ping;
            if frame.hello.is_some() {
                answer.goodbye = Some(Reject::new(RejectCode::NotRegistered, "link it again"));
            }
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
            if let Some(refused) = self.files.refusal(id, &send.files) {
                answer.refused.push(refused);
                continue;
            }
            match self.send(own, send) {
                Ok(()) => answer.accepted.push(id),
                Err((reject, mismatch)) => {
                    answer.refused.push(Refused { id, reject, mismatch, group: None, files_gone: Vec::new() })
                }
            }
        }
        for send in frame.group_sends {
            if let Some(refused) = self.files.refusal(send.id, &send.files) {
                answer.refused.push(refused);
                continue;
            }
            match self.group_send(own, &send) {
                Ok(()) => answer.accepted.push(send.id),
                Err(refused) => answer.refused.push(*refused),
            }
        }
        answer.pong = frame.ping;
        if answer != ServerFrame::default() {
            self.down.push((name, answer));
        }
        self.light(own, &light);
        self.push_all();
    }

    fn hello(&mut self, own: DeviceAddress, hello: Hello) -> Welcome {
        self.leases.entry(own).or_default().push(hello.lease);
        self.online.insert(own);
        let there = self.there(own.account).len();
        let list_version = self.lists[&own.account].decode_list().unwrap().version;
        let device = self.devices.get_mut(&own).unwrap();
        let welcome = Welcome {
            address: own,
            server_time_ms: 0,
            previous_lease: device.lease,
            acknowledged: device.acknowledged,
            received_in_lease: device.received_in_lease,
            prekeys_left: left(device),
            list_version,
            devices: there as u32,
            skipped: 0,
        };
        device.lease = device.lease.max(hello.lease);
        device.received_in_lease = Some(0);
        device.pushed = 0;
        welcome
    }

    pub fn gone(&mut self, name: &'static str) {
        if let Some(own) = self.names.get(name).copied() {
            self.online.remove(&own);
            self.light_gone(own);
        }
    }

    /// Devices that the account's list vouches for and that are there, with their registration ids.
    pub fn there(&self, account: AccountId) -> BTreeMap<DeviceId, u16> {
        let Some(list) = self.lists.get(&account) else { return BTreeMap::new() };
        let list = list.decode_list().unwrap();
        let listed: BTreeSet<DeviceId> = list.valid_at(self.now).map(|device| device.device).collect();
        let devices = self.devices.iter().filter(|(address, _)| listed.contains(&address.device));
        let devices = devices.map(|(address, device)| (address, &device.registration_id));
        let all = devices.chain(&self.ghosts).filter(|(address, _)| address.account == account);
        all.map(|(address, registration_id)| (address.device, *registration_id)).collect()
    }

    /// Takes a device away.
    pub fn cut_off(&mut self, address: DeviceAddress) {
        self.devices.remove(&address);
        self.online.remove(&address);
        let name = self.names.iter().find(|(_, other)| **other == address).map(|(name, _)| *name);
        if let Some(name) = name {
            self.names.remove(name);
            let goodbye = Some(Reject::new(RejectCode::NotRegistered, "link it again"));
            self.down.push((name, ServerFrame { goodbye, ..ServerFrame::default() }));
        }
    }

    fn said_list(&self, account: AccountId) -> SignedDeviceList {
        self.false_lists.get(&account).unwrap_or(&self.lists[&account]).clone()
    }

    fn devices_of(&mut self, account: AccountId) -> ResponseBody {
        self.device_fetches += 1;
        if !self.lists.contains_key(&account) {
            return unknown_account();
        }
        let devices = self.there(account).into_iter().map(|(device, registration_id)| DeviceState {
            device,
            registration_id,
            countersignature: self
                .devices
                .get(&DeviceAddress { account, device })
                .and_then(|device| device.countersignature),
            last_seen_ms: 3_600_000,
            place: "192.0.2.1".into(),
            linked_at_ms: 1,
        });
        ResponseBody::Devices { devices: devices.collect(), list: self.said_list(account) }
    }

    fn publish_list(&mut self, own: DeviceAddress, list: SignedDeviceList) -> ResponseBody {
        assert_eq!(own.device, DeviceId::PRIMARY, "only the primary signs");
        let (old, new) = (self.lists[&own.account].decode_list().unwrap(), list.decode_list().unwrap());
        if new.version <= old.version {
            return ResponseBody::Reject(Reject::new(RejectCode::ListOutdated, "fetch the newer one"));
        }
        let known = |listed: &ListedDevice| {
            let address = DeviceAddress { account: own.account, device: listed.device };
            self.devices.get(&address).is_some_and(|device| device.identity == listed.identity)
        };
        if !new.devices.iter().all(known) || new.next < old.next {
            return ResponseBody::Reject(Reject::new(RejectCode::Malformed, "a device is not there"));
        }
        self.lists.insert(own.account, list);
        let gone: Vec<DeviceAddress> = self
            .devices
            .keys()
            .filter(|address| address.account == own.account && new.find(address.device).is_none())
            .copied()
            .collect();
        for address in gone {
            self.cut_off(address);
        }
        ResponseBody::Done
    }

    fn approve(&mut self, account: AccountId, approve: ApproveLink) -> ResponseBody {
        let list = approve.list.decode_list().unwrap();
        let named = |(device, registration_id): (DeviceId, u16)| {
            list.find(device).is_some_and(|listed| listed.registration_id == registration_id)
        };
        if !self.there(account).into_iter().all(named) {
            let reject = Reject::new(RejectCode::Malformed, "a device of the account is missing");
            return ResponseBody::Reject(reject);
        }
        let Some(offer) = self.offers.get_mut(&approve.reference) else { return unknown_link() };
        offer.approved = Some((approve.list.clone(), approve.sealed.clone()));
        let what = ResponseBody::Linked { list: approve.list, sealed: approve.sealed };
        let responses = vec![Response { id: offer.request, what }];
        self.down.push((offer.name, ServerFrame { responses, ..ServerFrame::default() }));
        ResponseBody::Done
    }

    fn complete(&mut self, name: &'static str, complete: CompleteLink) -> ResponseBody {
        let Some(offer) = self.offers.get_mut(&complete.reference) else { return unknown_link() };
        if let Some(address) = offer.completed {
            return ResponseBody::Registered(address);
        }
        let Some((list, _)) = offer.approved.clone() else { return unknown_link() };
        let identity = LinkOffer::decode(&offer.offer).unwrap().identity;
        let content = list.decode_list().unwrap();
        let listed = content.devices.iter().find(|device| device.identity == identity).unwrap();
        let primary = content.find(DeviceId::PRIMARY).unwrap().identity;
        let account = *self
            .lists
            .iter()
            .find(|(_, list)| {
                list.decode_list().unwrap().find(DeviceId::PRIMARY).unwrap().identity == primary
            })
            .unwrap()
            .0;
        let address = DeviceAddress { account, device: listed.device };
        let outdated = content.version <= self.lists[&account].decode_list().unwrap().version;
        if outdated || self.devices.contains_key(&address) {
            return ResponseBody::Reject(Reject::new(RejectCode::ListOutdated, "a newer list is there"));
        }
        offer.completed = Some(address);
        let mut device = new_device(complete.registration_id, identity, &complete.prekeys);
        device.countersignature = Some(complete.countersignature);
        publish(&mut device, complete.prekeys);
        self.devices.insert(address, device);
        self.lists.insert(account, list);
        self.names.insert(name, address);
        ResponseBody::Registered(address)
    }

    fn request(&mut self, name: &'static str, id: u32, what: RequestBody) -> Option<ResponseBody> {
        Some(match what {
            RequestBody::OfferLink(reference, offer) => {
                let (approved, completed) = match self.offers.remove(&reference) {
                    Some(before) => (before.approved, before.completed),
                    None => (None, None),
                };
                let answer = approved.clone();
                self.offers.insert(reference, Offer { name, request: id, offer, approved, completed });
                let (list, sealed) = answer?;
                ResponseBody::Linked { list, sealed }
            }
            RequestBody::FetchLink(reference) => match (&self.false_offer, self.offers.get(&reference)) {
                (Some(lie), _) => ResponseBody::LinkOffered(lie.clone()),
                (None, Some(offer)) => ResponseBody::LinkOffered(offer.offer.clone()),
                (None, None) => unknown_link(),
            },
            RequestBody::ApproveLink(approve) => self.approve(self.names[name].account, *approve),
            RequestBody::CompleteLink(complete) => self.complete(name, *complete),
            RequestBody::FetchDevices(account) => self.devices_of(account),
            RequestBody::PublishDeviceList(list) => self.publish_list(self.names[name], list),
            RequestBody::RemoveDevice(device) => {
                let account = self.names[name].account;
                self.cut_off(DeviceAddress { account, device });
                ResponseBody::Done
            }
            RequestBody::EvaluateAddresses(blinded) => {
                self.evaluated.push(blinded.len());
                let mut rng = ChaCha12Rng::seed_from_u64(self.evaluated.len() as u64);
                match &self.directory {
                    Some(key) => {
                        ResponseBody::Evaluated(Box::new(key.evaluate(&blinded, 2, &mut rng).unwrap()))
                    }
                    None => ResponseBody::Reject(Reject::later(RejectCode::RateLimited, "tomorrow", 1_000)),
                }
            }
            RequestBody::FetchBucket(bucket) => {
                self.buckets.push(bucket);
                let mut rng = ChaCha12Rng::seed_from_u64(0);
                let places = self
                    .findable
                    .iter()
                    .map(|(address, of)| (self.directory.as_ref().unwrap().place(address).unwrap(), *of));
                let there = places.filter(|(place, _)| place.bucket(2) == bucket);
                ResponseBody::Bucket(there.map(|(place, of)| place.seal(of, &mut rng)).collect())
            }
            RequestBody::Findable(set) => {
                self.found_by_addresses = set.unwrap_or(self.found_by_addresses);
                ResponseBody::Findable { on: self.found_by_addresses, addresses: 0 }
            }
            RequestBody::RedeemAddress(_) => ResponseBody::Findable { on: false, addresses: 1 },
            RequestBody::FindUsername(account) => {
                self.username_fetches += 1;
                match self.usernames.iter().find(|(_, of)| **of == account) {
                    Some((username, _)) => ResponseBody::Username(username.clone()),
                    None => unknown_account(),
                }
            }
            RequestBody::Register(register) => self.register(name, *register),
            RequestBody::FindAccount(username) => match self.usernames.get(&username) {
                Some(&account) => {
                    let primary = DeviceAddress { account, device: DeviceId::PRIMARY };
                    ResponseBody::Found { account, identity: self.devices[&primary].identity }
                }
                None => unknown_account(),
            },
            RequestBody::FetchBundles(account, devices) => self.bundles(account, &devices),
            RequestBody::PublishPrekeys(upload) => {
                let own = self.names[name];
                let device = self.devices.get_mut(&own).unwrap();
                publish(device, *upload);
                ResponseBody::Published(left(device))
            }
            RequestBody::FindGroup(group, token) => self.find_group(group, token),
            RequestBody::FetchGroupEpoch(group) => self.group_epoch(self.names[name].account, group),
            RequestBody::File(request) => self.files.request(name, request, self.now),
        })
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
        let mut device = new_device(register.registration_id, register.identity, &register.prekeys);
        device.last = former.map_or(0, |former| former.last);
        publish(&mut device, register.prekeys);
        self.devices.insert(address, device);
        self.lists.insert(account, register.list);
        self.usernames.insert(register.username, account);
        self.names.insert(name, address);
        ResponseBody::Registered(address)
    }

    pub fn bundles(&mut self, account: AccountId, wanted: &[DeviceId]) -> ResponseBody {
        self.fetches += 1;
        let there = self.there(account);
        let mut bundles = Vec::new();
        for (address, device) in &mut self.devices {
            let meant = wanted.is_empty() || wanted.contains(&address.device);
            if address.account == account && meant && there.contains_key(&address.device) {
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
                    countersignature: device.countersignature,
                });
            }
        }
        if self.lists.contains_key(&account) {
            ResponseBody::Bundles { list: self.said_list(account), bundles }
        } else {
            unknown_account()
        }
    }

    fn send(&mut self, from: DeviceAddress, send: Send) -> Result<(), (Reject, DeviceMismatch)> {
        self.sends.push(send.clone());
        let sender = self.devices.get_mut(&from).unwrap();
        sender.received_in_lease = sender.received_in_lease.map(|n| n + 1);
        if let Some(reject) = self.refuse.pop_front() {
            return Err((reject, DeviceMismatch::default()));
        }
        let account = send.to;
        let mut there = self.there(account);
        if account == from.account {
            there.remove(&from.device);
        } else if there.is_empty() {
            return Err((Reject::new(RejectCode::UnknownAccount, "none"), DeviceMismatch::default()));
        }
        let copied = send.copies.iter().map(|copy| (copy.device, copy.registration_id));
        let known: BTreeMap<DeviceId, u16> = copied.chain(send.others.iter().copied()).collect();
        assert_eq!(known.len(), send.copies.len() + send.others.len(), "each device is named once");
        let mismatch = DeviceMismatch {
            missing: there.keys().filter(|device| !known.contains_key(device)).copied().collect(),
            extra: known.keys().filter(|device| !there.contains_key(device)).copied().collect(),
            stale: known
                .iter()
                .filter(|(device, id)| there.get(device).is_some_and(|there| there != *id))
                .map(|(device, _)| *device)
                .collect(),
        };
        if mismatch != DeviceMismatch::default() {
            return Err((Reject::new(RejectCode::DeviceMismatch, "devices"), mismatch));
        }
        for mut copy in send.copies {
            let to = DeviceAddress { account, device: copy.device };
            let sender = self.devices.get_mut(&from).unwrap();
            if !sender.seen.insert((to, send.id, send.attempt)) {
                continue;
            }
            if self.spoils == Some(from) && copy.kind != EnvelopeKind::Plaintext {
                copy.ciphertext = spoilt(&copy.ciphertext);
            }
            let envelope = Envelope {
                from,
                id: send.id,
                kind: copy.kind,
                ciphertext: copy.ciphertext,
                accepted_at_ms: self.now,
                silent: send.silent,
                group: None,
            };
            self.put(to, Item::Envelope(envelope));
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
                let account = envelope.from.account;
                for device in self.there(account).into_keys() {
                    self.put(DeviceAddress { account, device }, Item::Receipt(receipt.clone()));
                }
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
            let mut bytes = 0;
            let entries: Vec<Entry> = device
                .mailbox
                .range(device.pushed + 1..)
                .take(256)
                .map(|(seq, item)| Entry { seq: *seq, item: item.clone() })
                .take_while(|entry| {
                    bytes += entry.item.encode().len() + 20;
                    bytes <= 60_000
                })
                .collect();
            if let Some(last) = entries.last() {
                device.pushed = last.seq;
                self.down.push((*name, ServerFrame { entries, ..ServerFrame::default() }));
            }
        }
    }
}

fn new_device(registration_id: u16, identity: [u8; 33], prekeys: &PrekeyUpload) -> Device {
    Device {
        registration_id,
        identity,
        signed: prekeys.signed.clone().unwrap(),
        last_resort: prekeys.last_resort.clone().unwrap(),
        one_time: VecDeque::new(),
        kyber: VecDeque::new(),
        mailbox: BTreeMap::new(),
        last: 0,
        pushed: 0,
        acknowledged: 0,
        lease: 0,
        received_in_lease: None,
        seen: BTreeSet::new(),
        countersignature: None,
    }
}

fn unknown_link() -> ResponseBody {
    ResponseBody::Reject(Reject::new(RejectCode::LinkUnknown, "no such offer"))
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

//! A server that lies. The nodes still run the real server core; what goes to and fro between it and the
//! devices is changed here, by attacks with names. The liar has an account of its own, with a real client core,
//! into whose mailbox it puts whatever it has seen: that device must learn nothing.
//!
//! Entries that devices get are numbered anew, because a liar replays, withholds and reorders them. What a
//! device says it has stored is translated back.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::memory::MemoryDb;
use waxwing_client::{Key, Read as _};
use waxwing_e2ee::IdentityKeyPair;
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::devices::{SignedDeviceList, countersigned_bytes};
use waxwing_wire::limits::{DELIVERY_WINDOW_ENTRIES, MAX_PLAINTEXT_BYTES};
use waxwing_wire::server_frame::{
    Bundle, DeviceState, Entry, Envelope, Item, Receipt, ResponseBody, ServerFrame,
};
use waxwing_wire::{AccountId, Bytes, DeviceAddress, DeviceId, MessageId};

use crate::dice::Dice;
use crate::mutant::Mutant;
use crate::signal::nested;
use crate::world::{World, note};

/// Entries that the liar remembers.
const REMEMBERED: usize = 400;
/// What an entry takes in a frame beside its item, at most.
const ENTRY_BYTES: usize = 20;
/// The number of the device that is added to accounts.
const FALSE_DEVICE: u8 = 77;

/// A way to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// Delivers entries again, as new ones.
    Replay,
    /// Delivers entries in another order.
    Reorder,
    /// Keeps envelopes back: for good, or for a while.
    Withhold,
    /// Answers with lists that nobody signed, or with older ones.
    ForgeList,
    /// Says that accounts have one device more.
    AddDevice,
    /// Says that groups have one member more.
    AddMember,
    /// Answers with prekeys that were given out before, or that nobody signed.
    OldPrekeys,
    /// Passes off one envelope's ciphertext as another's, or one device's envelope as that of another.
    SwapCiphertexts,
    /// Says that messages arrived that did not.
    ForgeReceipts,
}

impl Attack {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::Replay,
        Self::Reorder,
        Self::Withhold,
        Self::ForgeList,
        Self::AddDevice,
        Self::AddMember,
        Self::OldPrekeys,
        Self::SwapCiphertexts,
        Self::ForgeReceipts,
    ];
}

/// What the liar remembers.
pub struct Liar {
    dice: Dice,
    numbers: BTreeMap<usize, Numbers>,
    /// Envelopes that it has seen, for whomever.
    seen: Vec<Envelope>,
    /// Entries that it will deliver later, if at all.
    kept: BTreeMap<usize, Vec<Item>>,
    /// Lists that accounts once had; the owners do not matter to a liar.
    lists: Vec<SignedDeviceList>,
    bundles: Vec<Bundle>,
    /// Ids of messages that devices have sent.
    sent: BTreeMap<usize, Vec<MessageId>>,
    /// How often each lie was told.
    pub told: BTreeMap<Attack, u64>,
}

/// How the entries of one device are numbered.
#[derive(Default)]
struct Numbers {
    /// The last number given out.
    last: u64,
    /// The server's number of an entry, with the one under which the device got it last.
    outer: BTreeMap<u64, u64>,
    /// Up to which of the server's numbers the device has stored everything.
    stored: u64,
    /// As the device said it.
    said: u64,
}

impl Liar {
    /// It has seen nothing yet.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            dice,
            numbers: BTreeMap::new(),
            seen: Vec::new(),
            kept: BTreeMap::new(),
            lists: Vec::new(),
            bundles: Vec::new(),
            sent: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }
}

impl Numbers {
    /// What the device has stored, in the server's numbers.
    fn inner(&mut self, said: u64) -> u64 {
        self.said = self.said.max(said);
        for (inner, outer) in self.outer.range(self.stored + 1..) {
            // The server deletes in order; what was skipped will be there again.
            if *outer > said {
                break;
            }
            self.stored = *inner;
        }
        self.stored
    }

    fn give(&mut self, inner: Option<u64>) -> u64 {
        self.last += 1;
        if let Some(inner) = inner {
            self.outer.insert(inner, self.last);
        }
        self.last
    }
}

impl World {
    fn lies(&mut self, attack: Attack, per_10k: u32) -> bool {
        let lies = !self.healed && self.plan.attacks.contains(&attack) && self.liar.dice.chance(per_10k);
        if lies {
            *self.liar.told.entry(attack).or_default() += 1;
        }
        lies
    }

    /// The liar's own device.
    fn accomplice(&self) -> Option<usize> {
        self.plan.accomplice()
    }

    fn accomplice_account(&self) -> Option<AccountId> {
        Some(self.oracle.address(self.accomplice()?)?.account)
    }

    // ------------------------------------------------------------ up

    /// What becomes of a device's frame before the server core reads it.
    pub(crate) fn bend_up(&mut self, client: usize, frame: &mut ClientFrame) {
        let numbers = self.liar.numbers.entry(client).or_default();
        if let Some(hello) = &mut frame.hello {
            hello.stored = numbers.inner(hello.stored);
        }
        if let Some(stored) = &mut frame.stored {
            let of: BTreeMap<u64, u64> =
                numbers.outer.iter().map(|(inner, outer)| (*outer, *inner)).collect();
            stored.undecryptable =
                stored.undecryptable.iter().filter_map(|seq| of.get(seq)).copied().collect();
            stored.undecryptable.sort_unstable();
            stored.up_to = numbers.inner(stored.up_to);
        }
        let sent = self.liar.sent.entry(client).or_default();
        sent.extend(
            frame.sends.iter().map(|send| send.id).chain(frame.group_sends.iter().map(|send| send.id)),
        );
        for index in 0..frame.group_sends.len() {
            let lies =
                frame.group_sends.get(index).is_some_and(|send| send.change.is_some() && send.epoch > 0)
                    && self.lies(Attack::AddMember, 5_000);
            let own = self.accomplice_account();
            let change = frame.group_sends.get_mut(index).and_then(|send| send.change.as_mut());
            if let (true, Some(own), Some(change)) = (lies, own, change) {
                note!(self, "the liar joins a group");
                change.add.push(own);
            }
        }
        for index in 0..frame.sends.len() {
            let several = frame.sends.get(index).is_some_and(|send| send.copies.len() > 1);
            if several && self.lies(Attack::SwapCiphertexts, 1_000) {
                note!(self, "the liar swaps two copies of c{client}");
                let copies = frame.sends.get_mut(index).map(|send| send.copies.as_mut_slice());
                if let Some([one, two, ..]) = copies {
                    std::mem::swap(&mut one.ciphertext, &mut two.ciphertext);
                }
            }
        }
    }

    // ------------------------------------------------------------ down

    /// The frames that a device gets instead of what the server core said.
    pub(crate) fn bend_down(&mut self, client: usize, plain: &[u8]) -> Vec<Vec<u8>> {
        let Ok(mut frame) = ServerFrame::decode(Bytes::copy_from_slice(plain)) else {
            return vec![plain.to_vec()];
        };
        if let Some(welcome) = &mut frame.welcome {
            welcome.acknowledged = self.liar.numbers.entry(client).or_default().said;
            if self.lies(Attack::ForgeList, 2_000) {
                welcome.list_version += 1;
                welcome.devices += 1;
            }
        }
        frame.entries = self.bend_entries(client, std::mem::take(&mut frame.entries));
        for index in 0..frame.responses.len() {
            let lie = frame.responses.get(index).map(|response| self.bend_response(&response.what));
            if let (Some(response), Some(Some(lie))) = (frame.responses.get_mut(index), lie) {
                note!(self, "the liar answers c{client} in its own way");
                response.what = lie;
            }
        }
        for index in 0..frame.refused.len() {
            let lies = (self.lies(Attack::AddDevice, 5_000), self.lies(Attack::AddMember, 5_000));
            let own = self.accomplice_account();
            let Some(refused) = frame.refused.get_mut(index) else { continue };
            if lies.0 {
                refused.mismatch.missing.extend(DeviceId::new(FALSE_DEVICE));
            }
            if let (true, Some(view), Some(account)) = (lies.1, refused.group.as_mut(), own)
                && let Err(place) = view.members.binary_search_by_key(&account, |member| member.account)
            {
                let member = waxwing_wire::group::MemberView { account, digest: [7; 8], admin: true };
                view.members.insert(place, member);
            }
        }
        in_frames(frame)
    }

    fn bend_entries(&mut self, client: usize, entries: Vec<Entry>) -> Vec<Entry> {
        if entries.is_empty() {
            return entries;
        }
        let mut items: Vec<(Option<u64>, Item)> =
            entries.into_iter().map(|entry| (Some(entry.seq), entry.item)).collect();
        self.liar.seen.extend(items.iter().filter_map(|(_, item)| match item {
            Item::Envelope(envelope) => Some(envelope.clone()),
            Item::Receipt(_) => None,
        }));
        let surplus = self.liar.seen.len().saturating_sub(REMEMBERED);
        self.liar.seen.drain(..surplus);
        self.withhold(client, &mut items);
        self.swap(&mut items);
        if items.len() > 1 && self.lies(Attack::Reorder, 5_000) {
            let place = self.liar.dice.index(items.len());
            items.rotate_left(place);
        }
        self.add_entries(client, &mut items);
        let numbers = self.liar.numbers.entry(client).or_default();
        items.into_iter().map(|(inner, item)| Entry { seq: numbers.give(inner), item }).collect()
    }

    /// Takes envelopes out, and perhaps puts some in that were taken out before.
    fn withhold(&mut self, client: usize, items: &mut Vec<(Option<u64>, Item)>) {
        let mut left = Vec::new();
        for (seq, item) in std::mem::take(items) {
            let is_envelope = matches!(item, Item::Envelope(_));
            if is_envelope && self.lies(Attack::Withhold, 1_000) {
                note!(self, "the liar keeps something from c{client}");
                // It is as if the device had stored it.
                let last = self.liar.numbers.entry(client).or_default().last;
                self.liar.numbers.entry(client).or_default().outer.extend(seq.map(|seq| (seq, last)));
                self.liar.kept.entry(client).or_default().push(item);
            } else {
                left.push((seq, item));
            }
        }
        let later = self.liar.kept.get(&client).is_some_and(|kept| !kept.is_empty());
        if later && self.liar.dice.chance(1_000) {
            let kept = self.liar.kept.remove(&client).unwrap_or_default();
            left.extend(kept.into_iter().map(|item| (None, item)));
        }
        *items = left;
    }

    /// Passes one envelope off as another.
    fn swap(&mut self, items: &mut [(Option<u64>, Item)]) {
        for index in 0..items.len() {
            if !self.lies(Attack::SwapCiphertexts, 1_500) {
                continue;
            }
            let other = self.liar.dice.index(self.liar.seen.len());
            let Some(other) = self.liar.seen.get(other).cloned() else { continue };
            let kind = self.liar.dice.below(4);
            let Some((_, Item::Envelope(envelope))) = items.get_mut(index) else { continue };
            match kind {
                0 => (envelope.ciphertext, envelope.kind) = (other.ciphertext, other.kind),
                1 => envelope.from = other.from,
                2 => envelope.id = other.id,
                _ => envelope.group = other.group,
            }
        }
    }

    /// Entries that nobody has sent so.
    fn add_entries(&mut self, client: usize, items: &mut Vec<(Option<u64>, Item)>) {
        if self.lies(Attack::Replay, 3_000) {
            let (own, count) = (self.oracle.address(client), 1 + self.liar.dice.index(4));
            // Its own, mostly; otherwise what is for others.
            let own_only = self.liar.dice.chance(7_000);
            let seen: Vec<Envelope> = (self.liar.seen.iter())
                .filter(|envelope| !own_only || Some(envelope.from) != own)
                .cloned()
                .collect();
            for _ in 0..count {
                let again = seen.get(self.liar.dice.index(seen.len())).cloned();
                items.extend(again.map(|envelope| (None, Item::Envelope(envelope))));
            }
        }
        if self.accomplice() == Some(client) {
            // Whatever it has seen, in the hope that some of it can be read.
            let seen = self.liar.seen.iter().rev().take(8).cloned();
            items.extend(seen.map(|envelope| (None, Item::Envelope(envelope))));
        }
        if self.lies(Attack::ForgeReceipts, 4_000) {
            let ids = self.liar.sent.get(&client).cloned().unwrap_or_default();
            let by = self.liar.dice.index(self.devices.count());
            let id = ids.get(self.liar.dice.index(ids.len())).copied();
            let expired = self.liar.dice.chance(2_000);
            if let (Some(by), Some(own), Some(id)) =
                (self.oracle.address(by), self.oracle.address(client), id)
            {
                let receipt = Receipt { by, sent_by: own.device, ids: vec![id], at_ms: 1, expired };
                items.push((None, Item::Receipt(receipt)));
            }
        }
    }

    /// Another answer, if the liar has one.
    fn bend_response(&mut self, what: &ResponseBody) -> Option<ResponseBody> {
        let (list, mut bundles, mut devices) = match what {
            ResponseBody::Bundles { list, bundles } => (list.clone(), bundles.clone(), None),
            ResponseBody::Devices { list, devices } => (list.clone(), Vec::new(), Some(devices.clone())),
            _ => return None,
        };
        self.liar.lists.push(list.clone());
        self.liar.bundles.extend(bundles.iter().cloned());
        let mut lie = list.clone();
        let mut lied = false;
        if self.lies(Attack::ForgeList, 4_000) {
            lied = true;
            lie = self.false_list(&list);
        }
        if self.lies(Attack::AddDevice, 4_000) {
            lied = true;
            let device = DeviceId::new(FALSE_DEVICE)?;
            if self.liar.dice.chance(5_000) {
                lie = with_device(&list, device);
            }
            if let Some(first) = bundles.first().cloned() {
                bundles.push(Bundle { device, countersignature: Some([3; 64]), ..first });
            }
            if let Some(devices) = &mut devices {
                let state = DeviceState {
                    device,
                    registration_id: 1,
                    countersignature: Some([3; 64]),
                    last_seen_ms: 0,
                    place: String::new(),
                    linked_at_ms: 0,
                };
                devices.push(state);
            }
        }
        if !bundles.is_empty() && self.lies(Attack::OldPrekeys, 5_000) {
            lied = true;
            self.false_prekeys(&mut bundles);
        }
        if lied && self.mutant == Some(Mutant::UnsignedLists) {
            self.sign_lies(&mut lie, &mut bundles, devices.as_mut());
        }
        lied.then_some(match devices {
            Some(devices) => ResponseBody::Devices { list: lie, devices },
            None => ResponseBody::Bundles { list: lie, bundles },
        })
    }

    /// A list that is not the account's newest.
    fn false_list(&mut self, list: &SignedDeviceList) -> SignedDeviceList {
        let other = self.liar.lists.get(self.liar.dice.index(self.liar.lists.len())).cloned();
        match (self.liar.dice.below(3), other) {
            // Perhaps another account's, perhaps an older one of the same.
            (0, Some(other)) => other,
            (1, _) => {
                let mut forged = list.clone();
                forged.signature[5] ^= 1;
                forged
            }
            _ => match list.decode_list() {
                Ok(mut shorter) => {
                    shorter.devices.truncate(1);
                    shorter.version += 5;
                    SignedDeviceList { list: shorter.encode(), signature: list.signature }
                }
                Err(_) => list.clone(),
            },
        }
    }

    /// To a device that checks no signature it is as if the owner had signed.
    fn sign_lies(
        &mut self,
        list: &mut SignedDeviceList,
        bundles: &mut [Bundle],
        devices: Option<&mut Vec<DeviceState>>,
    ) {
        let decoded = list.decode_list().ok();
        let primary = decoded.and_then(|list| list.find(DeviceId::PRIMARY).map(|listed| listed.identity));
        let (Some(primary), Some(device)) = (primary, DeviceId::new(FALSE_DEVICE)) else { return };
        let mut owners = self.devices.iter().filter_map(|device| identity_of(&device.db));
        let Some(keys) = owners.find(|keys| keys.public().serialize() == primary) else { return };
        let rng = self.liar.dice.rng();
        list.signature = keys.sign(&SignedDeviceList::signed_bytes(&list.list), rng);
        let word = keys.sign(&countersigned_bytes(&primary, device), rng);
        for bundle in bundles.iter_mut().filter(|bundle| bundle.device == device) {
            bundle.countersignature = Some(word);
        }
        for state in devices.into_iter().flatten().filter(|state| state.device == device) {
            state.countersignature = Some(word);
        }
    }

    fn false_prekeys(&mut self, bundles: &mut [Bundle]) {
        let kind = self.liar.dice.below(4);
        for bundle in bundles {
            let same = |older: &&Bundle| older.identity == bundle.identity;
            let older = self.liar.bundles.iter().find(same).cloned();
            match kind {
                0 => bundle.signed.signature[7] ^= 1,
                1 => bundle.kyber.signature[7] ^= 1,
                2 => bundle.one_time = None,
                _ => *bundle = older.unwrap_or_else(|| bundle.clone()),
            }
        }
    }

    /// The liar's device must have learned nothing; nobody's may have let itself be told more than there is.
    pub(crate) fn judge_liar(&mut self) {
        let Some(accomplice) = self.accomplice() else { return };
        let texts = self.devices[accomplice]
            .db
            .messages()
            .filter(|message| matches!(message.body, waxwing_client::Body::Post(_)));
        let read = texts.count();
        if read > 0 {
            self.oracle.fail("8", format!("the liar's device has read {read} messages"));
        }
        let joined: BTreeSet<DeviceAddress> =
            self.devices.iter().filter_map(|device| self.oracle.address(device.number)).collect();
        if joined.len() < 2 {
            self.oracle.fail("client", "hardly anybody got an account from the liar".into());
        }
    }
}

/// A device's identity, from its database.
fn identity_of(db: &MemoryDb) -> Option<IdentityKeyPair> {
    let row = db.row(&Key::Profile).ok()??;
    IdentityKeyPair::deserialize(nested(row.get(1..)?, &[1, 1])?).ok()
}

/// What was added may need more frames than one.
fn in_frames(mut frame: ServerFrame) -> Vec<Vec<u8>> {
    let entries = std::mem::take(&mut frame.entries);
    let mut frames = Vec::new();
    let mut bytes = frame.encode().len();
    for entry in entries {
        let more = entry.item.encode().len() + ENTRY_BYTES;
        if bytes + more > MAX_PLAINTEXT_BYTES || frame.entries.len() >= DELIVERY_WINDOW_ENTRIES {
            frames.push(std::mem::take(&mut frame).encode());
            bytes = 0;
        }
        bytes += more;
        frame.entries.push(entry);
    }
    frames.push(frame.encode());
    frames
}

/// A list as if it had one device more; its signature is that of the list without it.
fn with_device(list: &SignedDeviceList, device: DeviceId) -> SignedDeviceList {
    let Ok(mut longer) = list.decode_list() else { return list.clone() };
    let Some(first) = longer.devices.first().copied() else { return list.clone() };
    longer.devices.push(waxwing_wire::devices::ListedDevice { device, ..first });
    longer.next = FALSE_DEVICE + 1;
    longer.version += 1;
    SignedDeviceList { list: longer.encode(), signature: list.signature }
}

//! What the primary device of an account signs.

use std::time::{SystemTime, UNIX_EPOCH};

use rand_chacha::ChaCha20Rng;
use waxwing_e2ee::IdentityKeyPair;
use waxwing_wire::client_frame::{CompleteLink, Register};
use waxwing_wire::devices::{
    DeviceList, LinkOffer, LinkReference, ListedDevice, SignedDeviceList, countersigned_bytes,
};
use waxwing_wire::group::member_digest;
use waxwing_wire::invitation::Invitation;
use waxwing_wire::limits::{KYBER_KEY_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use waxwing_wire::{DeviceId, KyberPrekey, PrekeyUpload, SignedPrekey};

/// Of every device here.
pub const REGISTRATION_ID: u16 = 4_711;

const LIST_MS: u64 = 60 * 24 * 3_600_000;

/// An account's identity key, and the devices that it vouches for.
pub struct Account {
    identity: IdentityKeyPair,
    /// The last list.
    pub list: DeviceList,
    signed: SignedDeviceList,
}

impl Account {
    /// With its primary only.
    pub fn new(rng: &mut ChaCha20Rng) -> anyhow::Result<Self> {
        let identity = IdentityKeyPair::generate(rng);
        let issued_at_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let primary = ListedDevice {
            device: DeviceId::PRIMARY,
            registration_id: REGISTRATION_ID,
            identity: identity.public().serialize(),
        };
        let expires_at_ms = issued_at_ms + LIST_MS;
        let list = DeviceList { version: 1, issued_at_ms, expires_at_ms, devices: vec![primary], next: 2 };
        let signed = sign(&identity, &list, rng);
        Ok(Self { identity, list, signed })
    }

    /// What makes the account.
    pub fn registration(&self, invitation: &Invitation, username: String) -> Register {
        Register {
            invitation: invitation.token,
            username,
            identity: self.identity.public().serialize(),
            registration_id: REGISTRATION_ID,
            prekeys: prekeys(),
            list: self.signed.clone(),
        }
    }

    /// Takes one more device in; gives the list that says so.
    pub fn add(
        &mut self,
        identity: &IdentityKeyPair,
        rng: &mut ChaCha20Rng,
    ) -> anyhow::Result<SignedDeviceList> {
        let device = DeviceId::new(self.list.next).ok_or_else(|| anyhow::anyhow!("too many devices"))?;
        let identity = identity.public().serialize();
        self.list.devices.push(ListedDevice { device, registration_id: REGISTRATION_ID, identity });
        self.list.version += 1;
        self.list.next += 1;
        self.signed = sign(&self.identity, &self.list, rng);
        Ok(self.signed.clone())
    }

    /// What a new device says about belonging to the account, as the one that was added last.
    pub fn completion(
        &self,
        reference: LinkReference,
        companion: &IdentityKeyPair,
        rng: &mut ChaCha20Rng,
    ) -> Option<CompleteLink> {
        let device = self.list.devices.last()?.device;
        let said = countersigned_bytes(&self.identity.public().serialize(), device);
        let countersignature = companion.sign(&said, rng);
        Some(CompleteLink {
            reference,
            registration_id: REGISTRATION_ID,
            countersignature,
            prekeys: prekeys(),
            device: Some(device),
        })
    }

    /// Names its devices to the server.
    pub fn digest(&self) -> [u8; 8] {
        let devices = self.list.devices.iter().map(|device| (device.device, device.registration_id));
        member_digest(self.list.version, devices)
    }
}

/// What a new device offers. The account's secret is made up: the server cannot tell.
pub fn offer(companion: &IdentityKeyPair) -> LinkOffer {
    LinkOffer {
        identity: companion.public().serialize(),
        registration_id: REGISTRATION_ID,
        name: vec![0; 32].into(),
        mac: [0; 32],
    }
}

fn sign(identity: &IdentityKeyPair, list: &DeviceList, rng: &mut ChaCha20Rng) -> SignedDeviceList {
    let list = list.encode();
    let signature = identity.sign(&SignedDeviceList::signed_bytes(&list), rng);
    SignedDeviceList { list, signature }
}

fn prekeys() -> PrekeyUpload {
    let kyber = KyberPrekey { id: 2, key: vec![8; KYBER_KEY_BYTES].into(), signature: [0; SIGNATURE_BYTES] };
    let signed = SignedPrekey { id: 1, key: [5; PUBLIC_KEY_BYTES], signature: [0; SIGNATURE_BYTES] };
    PrekeyUpload { signed: Some(signed), last_resort: Some(kyber), ..PrekeyUpload::default() }
}

use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::{DeviceAddress, DeviceKey};

use super::{Command, DirectoryCommand, FileCommand, Origin};

impl Command {
    /// For a request of a connection that speaks for a device. `None`: only one that speaks for none may ask that.
    #[must_use]
    pub fn of_device(origin: Origin, from: DeviceAddress, what: RequestBody) -> Option<Self> {
        let account = from.account;
        Some(match what {
            RequestBody::Register(_) | RequestBody::OfferLink(..) | RequestBody::CompleteLink(_) => {
                return None;
            }
            RequestBody::FindAccount(username) => Self::FindAccount { origin, username },
            RequestBody::FindUsername(account) => Self::FindUsername { origin, account },
            RequestBody::FetchBundles(account, named) => {
                Self::FetchBundles { origin, asker: from, account, named }
            }
            RequestBody::FetchDevices(account) => Self::FetchDevices { origin, asker: from, account },
            RequestBody::PublishPrekeys(upload) => Self::PublishPrekeys { origin, address: from, upload },
            RequestBody::PublishDeviceList(list) => {
                Self::PublishDeviceList { origin, from, list: Box::new(list) }
            }
            RequestBody::RemoveDevice(device) => Self::RemoveDevice { origin, from, device },
            RequestBody::FetchLink(reference) => Self::FetchLink { origin, reference },
            RequestBody::ApproveLink(approve) => Self::ApproveLink { origin, from, approve },
            RequestBody::FindGroup(group, token) => Self::FindGroup { origin, group, token },
            RequestBody::FetchGroupEpoch(group) => Self::FetchGroupEpoch { origin, account, group },
            RequestBody::EvaluateAddresses(blinded) => {
                Self::Directory(DirectoryCommand::Evaluate { origin, account, blinded })
            }
            RequestBody::FetchBucket(bucket) => {
                Self::Directory(DirectoryCommand::FetchBucket { origin, account, bucket })
            }
            RequestBody::Findable(set) => {
                Self::Directory(DirectoryCommand::Findable { origin, account, set })
            }
            RequestBody::RedeemAddress(code) => {
                let hash = DirectoryCommand::hash(code);
                Self::Directory(DirectoryCommand::Redeem { origin: Some(origin), account, hash })
            }
            RequestBody::File(request) => Self::File(FileCommand::of_device(origin, from, request)),
        })
    }

    /// For a request of a connection that has proven a key and need not speak for a device: to get an account, or to
    /// be linked to one.
    ///
    /// # Errors
    /// Gives the request back if it takes a device.
    pub fn of_stranger(origin: Origin, key: DeviceKey, what: RequestBody) -> Result<Self, RequestBody> {
        match what {
            RequestBody::Register(register) => Ok(Self::Register { origin, key, register }),
            RequestBody::OfferLink(reference, offer) => Ok(Self::OfferLink { origin, key, reference, offer }),
            RequestBody::CompleteLink(complete) => Ok(Self::CompleteLink { origin, key, complete }),
            what => Err(what),
        }
    }
}

//! What people tell of themselves, and who may know it.

use waxwing_client as core;
use waxwing_wire::AccountId;

use super::{accounts_of, picture, picture_of};
use crate::api::{Audience, Failure, Privacy, PrivacySetting, Profile, ProfileChange};

/// What the user tells.
pub fn own_profile(profile: &core::OwnProfile) -> Profile {
    Profile {
        name: profile.name.clone(),
        about: profile.about.clone(),
        picture: picture(&profile.picture),
        no_groups: false,
        presence: true,
    }
}

/// What somebody else has told.
pub fn peer_profile(profile: &core::PeerProfile) -> Profile {
    Profile {
        name: profile.name.clone(),
        about: profile.about.clone(),
        picture: picture(&profile.picture),
        no_groups: profile.no_groups,
        presence: profile.presence,
    }
}

/// What the user wants to tell.
pub fn profile_change_of(change: ProfileChange) -> Result<core::ProfileChange, Failure> {
    Ok(match change {
        ProfileChange::Name(name) => core::ProfileChange::Name(name),
        ProfileChange::About(about) => core::ProfileChange::About(about),
        ProfileChange::Picture(picture) => core::ProfileChange::Picture(picture_of(&picture)?.to_vec()),
    })
}

/// What can be set.
pub fn setting_of(setting: PrivacySetting) -> core::Setting {
    match setting {
        PrivacySetting::Picture => core::Setting::Picture,
        PrivacySetting::About => core::Setting::About,
        PrivacySetting::LastSeen => core::Setting::LastSeen,
        PrivacySetting::Online => core::Setting::Online,
        PrivacySetting::Groups => core::Setting::Groups,
        PrivacySetting::Receipts => core::Setting::Receipts,
        PrivacySetting::Status => core::Setting::Status,
    }
}

/// For whom.
pub fn audience_of(audience: &Audience) -> Result<core::Audience, Failure> {
    Ok(match audience {
        Audience::Everyone => core::Audience::Everyone,
        Audience::Contacts => core::Audience::Contacts,
        Audience::ContactsExcept { accounts } => core::Audience::ContactsExcept(accounts_of(accounts)?),
        Audience::Nobody => core::Audience::Nobody,
        Audience::LikeLastSeen => core::Audience::LikeLastSeen,
        Audience::Only { accounts } => core::Audience::Only(accounts_of(accounts)?),
    })
}

fn audience(audience: &core::Audience) -> Audience {
    let named = |accounts: &[AccountId]| accounts.iter().map(|account| account.to_hex()).collect();
    match audience {
        core::Audience::Everyone => Audience::Everyone,
        core::Audience::Contacts => Audience::Contacts,
        core::Audience::ContactsExcept(accounts) => Audience::ContactsExcept { accounts: named(accounts) },
        core::Audience::Only(accounts) => Audience::Only { accounts: named(accounts) },
        core::Audience::Nobody => Audience::Nobody,
        core::Audience::LikeLastSeen => Audience::LikeLastSeen,
    }
}

/// Who may know what.
pub fn privacy(privacy: &core::Privacy) -> Privacy {
    Privacy {
        picture: audience(&privacy.picture),
        about: audience(&privacy.about),
        last_seen: audience(&privacy.last_seen),
        online: audience(&privacy.online),
        groups: audience(&privacy.groups),
        receipts: privacy.receipts,
        status: audience(&privacy.status),
    }
}

//! The directory of contacts: who has which vouched address, who wants to be found by it, and how much anybody
//! may look up.
//!
//! No address stands in any row: only its [`Place`], which comes from it under the directory's key. The operator
//! names an address once, when it is vouched for.

use rand_core::CryptoRng;
use waxwing_wire::directory::{DirectoryKey, Element, Place};
use waxwing_wire::limits::MAX_BUCKET_ENTRIES;
use waxwing_wire::server_frame::ResponseBody;
use waxwing_wire::{AccountId, Reject, RejectCode};

use super::respond;
use crate::limits::{ADDRESSES_PER_DAY, BUCKET_BITS, BUCKETS_PER_DAY, MAX_ADDRESSES};
use crate::row::{BucketEntry, DirectoryRow, FindableRow, Row, VoucherRow, sha256};
use crate::{
    Batch, Command, DirectoryCommand as Asked, Effect, Key, Keys, Origin, Shard, Step, Time, View, rejects,
};

const DAY_MS: u64 = 24 * 3_600_000;

pub(super) fn reads(command: &Asked) -> Keys {
    let rows = match command {
        Asked::Open | Asked::Invite { .. } => vec![Key::Directory],
        Asked::Vouch { hash, .. } => vec![Key::Directory, Key::Voucher(*hash)],
        Asked::Redeem { hash, .. } | Asked::Redeemed { hash, .. } => vec![Key::Voucher(*hash)],
        Asked::AddAddress { account, .. }
        | Asked::Findable { account, .. }
        | Asked::Evaluate { account, .. } => vec![Key::Directory, Key::Findable(*account)],
        Asked::Own { account, bucket, .. }
        | Asked::Show { account, bucket, .. }
        | Asked::FetchBucket { account, bucket, .. } => {
            vec![Key::Directory, Key::Findable(*account), Key::Bucket(*bucket)]
        }
    };
    Keys { rows, ..Keys::default() }
}

/// A registration does not fail because its address has no place any more.
pub(super) fn decide(
    command: &Asked,
    view: &View,
    now: Time,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    let decided = decide_one(command, view, now, rng);
    match command {
        Asked::AddAddress { origin: None, .. } | Asked::Own { origin: None, .. } => {
            Ok(decided.unwrap_or_default())
        }
        _ => decided,
    }
}

fn decide_one(command: &Asked, view: &View, now: Time, rng: &mut dyn CryptoRng) -> Result<Step, Reject> {
    match command {
        Asked::Open => Ok(open(view, rng)),
        Asked::Invite { token, expires_at_ms, address } => {
            let expires_at_ms = *expires_at_ms;
            let invitation = Command::CreateInvitation { token: *token, uses: Some(1), expires_at_ms };
            let (hash, address) = (sha256(&token.0), address.clone());
            let vouch = Command::Directory(Asked::Vouch { hash, expires_at_ms, address });
            Ok(Step::only(vec![Effect::Continue(invitation), Effect::Continue(vouch)]))
        }
        Asked::Vouch { hash, expires_at_ms, address } => {
            let place = key(view)?.place(address).map_err(|_| rejects::unavailable())?;
            let row = VoucherRow { place, expires_at_ms: *expires_at_ms, claimed_by: None, done: false };
            let batch = view.voucher(*hash).is_none().then(|| voucher(*hash, row));
            Ok(Step { batch, effects: Vec::new() })
        }
        Asked::Redeem { origin, account, hash } => redeem(*origin, *account, *hash, view, now),
        Asked::AddAddress { origin, account, hash, place } => {
            add_address(*origin, *account, *hash, *place, view)
        }
        Asked::Own { origin, account, hash, place, bucket } => {
            let next = Asked::Redeemed { origin: *origin, account: *account, hash: *hash };
            let step = own(*account, *place, *bucket, view, rng)?;
            Ok(Step { effects: vec![Effect::Continue(Command::Directory(next))], ..step })
        }
        Asked::Redeemed { origin, account, hash } => {
            let row = view.voucher(*hash).filter(|row| !row.done);
            let batch = row.map(|row| voucher(*hash, VoucherRow { done: true, ..row.clone() }));
            Ok(Step { batch, effects: told(*origin, *account) })
        }
        Asked::Findable { origin, account, set } => findable(*origin, *account, *set, view),
        Asked::Show { account, place, bucket } => Ok(show(*account, *place, *bucket, view, rng)),
        Asked::Evaluate { origin, account, blinded } => evaluate(*origin, *account, blinded, view, now, rng),
        Asked::FetchBucket { origin, account, bucket } => fetch(*origin, *account, *bucket, view, now),
    }
}

fn open(view: &View, rng: &mut dyn CryptoRng) -> Step {
    if view.directory().is_some() {
        return Step::default();
    }
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let row = Row::Directory(DirectoryRow { seed, bits: BUCKET_BITS });
    let batch = Batch::of_rows(Shard::Directory, vec![(Key::Directory, Some(row))]);
    Step { batch: Some(batch), effects: Vec::new() }
}

fn key(view: &View) -> Result<DirectoryKey, Reject> {
    view.directory().and_then(DirectoryRow::key).ok_or_else(rejects::unavailable)
}

fn bits(view: &View) -> Result<u8, Reject> {
    view.directory().map(|row| row.bits).ok_or_else(rejects::unavailable)
}

fn voucher(hash: [u8; 32], row: VoucherRow) -> Batch {
    Batch::of_rows(Shard::Invitation(hash), vec![(Key::Voucher(hash), Some(Row::Voucher(row)))])
}

fn of_account(account: AccountId, row: FindableRow) -> Batch {
    let rows = vec![(Key::Findable(account), Some(Row::Findable(row)))];
    Batch::of_rows(Shard::Account(account), rows)
}

/// What the account is told at the end.
fn told(origin: Option<Origin>, account: AccountId) -> Vec<Effect> {
    let tell = |origin| Command::Directory(Asked::Findable { origin, account, set: None });
    origin.map(|origin| Effect::Continue(tell(origin))).into_iter().collect()
}

/// A code is claimed once. Whoever has claimed it and did not get through begins again.
fn redeem(
    origin: Option<Origin>,
    account: AccountId,
    hash: [u8; 32],
    view: &View,
    now: Time,
) -> Result<Step, Reject> {
    let good = |row: &&VoucherRow| match row.claimed_by {
        Some(by) => by == account,
        None => row.expires_at_ms.is_none_or(|end| now.0 < end),
    };
    let Some(row) = view.voucher(hash).filter(good) else {
        return match origin {
            Some(_) => Err(Reject::new(
                RejectCode::InvitationInvalid,
                "the code is unknown, used up or expired: ask the operator for a new one",
            )),
            None => Ok(Step::default()),
        };
    };
    if row.done {
        return Ok(Step::only(told(origin, account)));
    }
    let claimed = VoucherRow { claimed_by: Some(account), ..row.clone() };
    let batch = (*row != claimed).then(|| voucher(hash, claimed));
    let next = Asked::AddAddress { origin, account, hash, place: row.place };
    Ok(Step { batch, effects: vec![Effect::Continue(Command::Directory(next))] })
}

fn add_address(
    origin: Option<Origin>,
    account: AccountId,
    hash: [u8; 32],
    place: Place,
    view: &View,
) -> Result<Step, Reject> {
    let bucket = place.bucket(bits(view)?);
    let mut row = view.findable(account);
    let mut batch = None;
    if !row.places.contains(&place) {
        if row.places.len() >= MAX_ADDRESSES {
            return Err(Reject::new(RejectCode::TooMany, "the account has as many addresses as it may have"));
        }
        row.places.push(place);
        batch = Some(of_account(account, row));
    }
    let next = Asked::Own { origin, account, hash, place, bucket };
    Ok(Step { batch, effects: vec![Effect::Continue(Command::Directory(next))] })
}

/// Whoever had the address before is not found by it any more.
fn own(
    account: AccountId,
    place: Place,
    bucket: u32,
    view: &View,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    let mut row = view.bucket(bucket);
    let shown = view.findable(account).on.then(|| place.seal(account, rng));
    let entry = BucketEntry { tag: place.tag, account, shown };
    match row.at(&place.tag) {
        Ok(at) => {
            if let Some(there) = row.entries.get_mut(at).filter(|there| there.account != account) {
                *there = entry;
            } else {
                return Ok(Step::default());
            }
        }
        Err(_) if row.entries.len() >= MAX_BUCKET_ENTRIES => {
            return Err(Reject::new(RejectCode::StorageFull, "the server's directory of contacts is full"));
        }
        Err(at) => row.entries.insert(at, entry),
    }
    let rows = vec![(Key::Bucket(bucket), Some(Row::Bucket(row)))];
    Ok(Step { batch: Some(Batch::of_rows(Shard::Bucket(bucket), rows)), effects: Vec::new() })
}

/// What the account wants comes first, and then its addresses: each looks at what it wants. Answered when all have.
fn findable(origin: Origin, account: AccountId, set: Option<bool>, view: &View) -> Result<Step, Reject> {
    let mut row = view.findable(account);
    let Some(on) = set else {
        let addresses = u32::try_from(row.places.len()).unwrap_or(u32::MAX);
        return Ok(Step::only(vec![respond(origin, ResponseBody::Findable { on: row.on, addresses })]));
    };
    let bits = bits(view)?;
    let show = |place: &Place| {
        let (place, bucket) = (*place, place.bucket(bits));
        Effect::Continue(Command::Directory(Asked::Show { account, place, bucket }))
    };
    let mut effects: Vec<Effect> = row.places.iter().map(show).collect();
    effects.extend(told(Some(origin), account));
    let changed = row.on != on;
    row.on = on;
    Ok(Step { batch: changed.then(|| of_account(account, row)), effects })
}

fn show(account: AccountId, place: Place, bucket: u32, view: &View, rng: &mut dyn CryptoRng) -> Step {
    let on = view.findable(account).on;
    let mut row = view.bucket(bucket);
    let own = row.at(&place.tag).ok().and_then(|at| row.entries.get_mut(at));
    let Some(entry) = own.filter(|entry| entry.account == account && entry.shown.is_some() != on) else {
        return Step::default();
    };
    entry.shown = on.then(|| place.seal(account, rng));
    let rows = vec![(Key::Bucket(bucket), Some(Row::Bucket(row)))];
    Step { batch: Some(Batch::of_rows(Shard::Bucket(bucket), rows)), effects: Vec::new() }
}

/// Takes from the account's allowance of the day. It is durable before the answer leaves, so that neither
/// connecting anew nor a server that starts again gives more of it.
fn spend(account: AccountId, addresses: u32, buckets: u32, view: &View, now: Time) -> Result<Batch, Reject> {
    let mut row = view.findable(account);
    let today = now.0 / DAY_MS;
    // A clock that went back a little does not begin a new day.
    if today > row.day || row.day - today > 1 {
        (row.day, row.addresses, row.buckets) = (today, 0, 0);
    }
    row.addresses = row.addresses.saturating_add(addresses);
    row.buckets = row.buckets.saturating_add(buckets);
    if row.addresses > ADDRESSES_PER_DAY || row.buckets > BUCKETS_PER_DAY {
        let tomorrow = row.day.saturating_add(1).saturating_mul(DAY_MS);
        return Err(Reject::later(
            RejectCode::RateLimited,
            "as many contacts were looked up as may be in one day: go on tomorrow",
            tomorrow.saturating_sub(now.0),
        ));
    }
    Ok(of_account(account, row))
}

fn evaluate(
    origin: Origin,
    account: AccountId,
    blinded: &[Element],
    view: &View,
    now: Time,
    rng: &mut dyn CryptoRng,
) -> Result<Step, Reject> {
    let addresses = u32::try_from(blinded.len()).unwrap_or(u32::MAX);
    let batch = spend(account, addresses, 0, view, now)?;
    let evaluated = key(view)?.evaluate(blinded, bits(view)?, rng);
    let evaluated = evaluated.map_err(|_| {
        Reject::new(RejectCode::Malformed, "what was sent are no blinded addresses: update this program")
    })?;
    let answer = respond(origin, ResponseBody::Evaluated(Box::new(evaluated)));
    Ok(Step { batch: Some(batch), effects: vec![answer] })
}

fn fetch(origin: Origin, account: AccountId, bucket: u32, view: &View, now: Time) -> Result<Step, Reject> {
    if bucket >> bits(view)? != 0 {
        return Err(Reject::new(RejectCode::Malformed, "the directory has no such bucket: look up again"));
    }
    let batch = spend(account, 0, 1, view, now)?;
    let entries = view.bucket(bucket).entries.iter().filter_map(|entry| entry.shown).collect();
    Ok(Step { batch: Some(batch), effects: vec![respond(origin, ResponseBody::Bucket(entries))] })
}

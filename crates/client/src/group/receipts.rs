//! How far own messages have come: to groups for each member, and with the one furthest behind; to a contact
//! since when.

use waxwing_wire::content::Conversation;
use waxwing_wire::group::GroupId;
use waxwing_wire::limits::MAX_GROUP_MEMBERS;
use waxwing_wire::{AccountId, MessageId};

use super::record::{GroupRow, LogRow, ReceiptRow, TallyRow};
use super::rules;
use super::send::load_state;
use crate::client::{Client, Error};
use crate::command::Event;
use crate::db::{Key, Read, Table};
use crate::limits::MAX_CHANGES_LOGGED;
use crate::overlay::Overlay;
use crate::record::Record as _;
use crate::row::{Delivery, Direction, MemberReceipt, Message, MessageKey};
use crate::turn::Turn;

/// Where an account stood in a group at some epoch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stood {
    pub member: bool,
    /// It could write.
    pub spoke: bool,
    pub admin: bool,
}

impl Client {
    /// The own account, or one that nobody has.
    pub(crate) fn own_account(&self) -> AccountId {
        self.address().map_or(AccountId([0; 16]), |own| own.account)
    }

    /// Where an account stood in a group at an epoch that is not ahead of this device's.
    pub(crate) fn stood(
        &self,
        turn: &Turn<'_>,
        group: GroupId,
        account: AccountId,
        epoch: u64,
    ) -> Result<Stood, Error> {
        stood(&turn.store, group, account, epoch)
    }

    /// The server has taken an own message, of this device or another one of the account.
    pub(crate) fn group_sent(
        &mut self,
        turn: &mut Turn<'_>,
        group: GroupId,
        key: MessageKey,
        epoch: u64,
    ) -> Result<(), Error> {
        let slot = Key::Receipt(key.id, self.own_account());
        let mut tally: TallyRow = turn.store.load(&slot)?.unwrap_or_default();
        tally.group = group.0.to_vec();
        (tally.epoch, tally.early) = (epoch, false);
        self.count(turn, key.id, &mut tally)?;
        tally.state = self.hash_at(turn, group, epoch)?.unwrap_or_default();
        turn.store.save(slot, &tally);
        self.show_tally(turn, key, &tally)
    }

    /// Counts those anew who were members in the tally's epoch.
    fn count(&self, turn: &Turn<'_>, id: MessageId, tally: &mut TallyRow) -> Result<(), Error> {
        let group = tally.group.as_slice().try_into().map_err(|_| Error::Damaged("receipts"))?;
        (tally.members, tally.delivered, tally.read) = (0, 0, 0);
        for account in members_at(&turn.store, GroupId(group), tally.epoch)? {
            if account == self.own_account() {
                continue;
            }
            let row: Option<ReceiptRow> = turn.store.load(&Key::Receipt(id, account))?;
            let delivery = row.map_or(Delivery::Sent, |row| read_delivery(row.delivery));
            tally.members += 1;
            tally.delivered += u32::from(is_there(delivery));
            tally.read += u32::from(delivery == Delivery::Read);
        }
        Ok(())
    }

    fn show_tally(&mut self, turn: &mut Turn<'_>, key: MessageKey, tally: &TallyRow) -> Result<(), Error> {
        let Some(mut message) = turn.store.message(&key)? else { return Ok(()) };
        let all = |count: u32| tally.members > 0 && count >= tally.members;
        let delivery = match (all(tally.read), all(tally.delivered)) {
            (true, _) => Delivery::Read,
            (_, true) => Delivery::Delivered,
            _ => Delivery::Sent,
        };
        let given_up = message.delivery == Delivery::Failed;
        if message.delivery < delivery || given_up {
            message.delivery = delivery;
            turn.event(Event::Delivery { message: key, with: message.with, delivery });
            turn.store.write_message(message);
        }
        Ok(())
    }

    /// A device of an account has stored or seen an own message to a group, or it expired there.
    pub(crate) fn group_raised(
        &mut self,
        turn: &mut Turn<'_>,
        message: Message,
        by: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        let (Conversation::Group(group), own) = (message.with, self.own_account()) else { return Ok(()) };
        if by == own {
            return Ok(());
        }
        let slot = Key::Receipt(message.key.id, own);
        // Before the server's own word that it has taken the message: it must have, as it left last.
        let epoch = match self.epoch_under_way(turn, message.key)? {
            Some(epoch) => epoch,
            None => load_state(turn, group)?.map_or(0, |state| state.epoch),
        };
        let early = TallyRow { group: group.0.to_vec(), epoch, early: true, ..TallyRow::default() };
        let known = turn.store.load(&slot)?.filter(|tally: &TallyRow| !tally.early || tally.epoch == epoch);
        let mut tally = match known {
            Some(tally) => tally,
            None => {
                let mut tally = early;
                self.count(turn, message.key.id, &mut tally)?;
                tally
            }
        };
        let counts = stood(&turn.store, group, by, tally.epoch)?.member;
        if !tally.early && !counts {
            return Ok(());
        }
        let key = Key::Receipt(message.key.id, by);
        let known: Option<ReceiptRow> = turn.store.load(&key)?;
        let before = known.as_ref().map_or(Delivery::Sent, |row| read_delivery(row.delivery));
        if !is_further(before, delivery) {
            return Ok(());
        }
        tally.delivered += u32::from(counts && is_there(delivery) && !is_there(before));
        tally.read += u32::from(counts && delivery == Delivery::Read);
        turn.store.save(key, &known.unwrap_or_default().further(delivery, turn.now.0));
        turn.store.save(slot, &tally);
        self.show_tally(turn, message.key, &tally)
    }

    /// In which epoch a message of this device, that waits in the outbox, was last encrypted.
    fn epoch_under_way(&self, turn: &Turn<'_>, message: MessageKey) -> Result<Option<u64>, Error> {
        let order = self.outbox.order_of(message.id).filter(|_| self.address() == Some(message.from));
        let Some(order) = order else { return Ok(None) };
        Ok(self.outbox_row(turn, order)?.last_epoch())
    }

    /// An own message to a contact has come further.
    pub(crate) fn note_receipt(
        &self,
        turn: &mut Turn<'_>,
        id: MessageId,
        with: AccountId,
        delivery: Delivery,
    ) -> Result<(), Error> {
        if with == self.own_account() || delivery <= Delivery::Sent {
            return Ok(());
        }
        let key = Key::Receipt(id, with);
        let known: Option<ReceiptRow> = turn.store.load(&key)?;
        turn.store.save(key, &known.unwrap_or_default().further(delivery, turn.now.0));
        Ok(())
    }

    /// How far an own message has come with the contact, or with each other member of the group.
    ///
    /// # Errors
    /// When the database cannot be read or is damaged.
    pub fn receipts(&self, db: &dyn Read, message: MessageKey) -> Result<Vec<MemberReceipt>, Error> {
        let store = Overlay::new(db);
        let own = self.own_account();
        let written = store.message(&message)?;
        match written.as_ref().map(|written| (written, written.with)) {
            Some((_, Conversation::Status(_))) => {
                return crate::status::receipts(&store, message.id, own);
            }
            Some((written, Conversation::Account(account))) => {
                let outgoing = written.direction == Direction::Outgoing && account != own;
                let row: Option<ReceiptRow> = store.load(&Key::Receipt(message.id, account))?;
                let receipt = row.unwrap_or_default().receipt(account, written.delivery);
                return Ok(if outgoing { vec![receipt] } else { Vec::new() });
            }
            Some((_, Conversation::Group(_))) | None => {}
        }
        let Some(tally) = store.load::<TallyRow>(&Key::Receipt(message.id, own))? else {
            return Ok(Vec::new());
        };
        let group = tally.group.as_slice().try_into().map_err(|_| Error::Damaged("receipts"))?;
        let mut receipts = Vec::new();
        for account in members_at(&store, GroupId(group), tally.epoch)? {
            if account == own {
                continue;
            }
            let row: Option<ReceiptRow> = store.load(&Key::Receipt(message.id, account))?;
            let row = row.unwrap_or_default();
            receipts.push(row.receipt(account, read_delivery(row.delivery)));
        }
        Ok(receipts)
    }

    /// A message is deleted: forgets how far it had come.
    pub(crate) fn forget_receipts(&self, turn: &mut Turn<'_>, id: MessageId) -> Result<(), Error> {
        let own = self.own_account();
        for (account, row) in receipt_rows(&turn.store, id, own)? {
            if row.envelope > 0 {
                turn.store.delete(Key::Sent(MessageId(row.envelope)));
            }
            turn.store.delete(Key::Receipt(id, account));
        }
        turn.store.delete(Key::Receipt(id, own));
        Ok(())
    }
}

/// How far a message of this device has come with each account. The row under the own account is another: a tally.
pub(crate) fn receipt_rows(
    store: &Overlay<'_>,
    id: MessageId,
    own: AccountId,
) -> Result<Vec<(AccountId, ReceiptRow)>, Error> {
    let from = id.0.to_be_bytes().to_vec();
    let to = [&from[..], &[0xff; 17]].concat();
    let mut found = Vec::new();
    for (key, value) in store.rows(Table::Receipt, &from, &to, MAX_GROUP_MEMBERS * 2)? {
        let account = key.get(8..).and_then(|bytes| bytes.try_into().ok()).map(AccountId);
        if let Some(account) = account.filter(|account| *account != own) {
            found.push((account, ReceiptRow::unpack(&value)?));
        }
    }
    Ok(found)
}

impl ReceiptRow {
    /// What has been seen is there.
    pub(crate) fn further(self, delivery: Delivery, now_ms: u64) -> Self {
        let first = |known: u64, now: bool| if known == 0 && now { now_ms } else { known };
        Self {
            envelope: self.envelope,
            delivery: write_delivery(delivery),
            at_ms: now_ms,
            delivered_at_ms: first(self.delivered_at_ms, is_there(delivery)),
            read_at_ms: first(self.read_at_ms, delivery == Delivery::Read),
        }
    }

    /// Rows of earlier versions have only the time of what came last.
    pub(crate) fn receipt(&self, account: AccountId, delivery: Delivery) -> MemberReceipt {
        let last = |known: u64, of: Delivery| match known {
            0 if read_delivery(self.delivery) == of => self.at_ms,
            known => known,
        };
        MemberReceipt {
            account,
            delivery,
            at_ms: self.at_ms,
            delivered_at_ms: last(self.delivered_at_ms, Delivery::Delivered),
            read_at_ms: last(self.read_at_ms, Delivery::Read),
        }
    }
}

/// Whether a message has come further than that. What was given up and arrived all the same has arrived.
pub(crate) fn is_further(before: Delivery, after: Delivery) -> bool {
    match (before, after) {
        (before, Delivery::Failed) => before < Delivery::Delivered,
        (Delivery::Failed, Delivery::Delivered | Delivery::Read) => true,
        (before, after) => before < after,
    }
}

fn is_there(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::Delivered | Delivery::Read)
}

pub(crate) fn read_delivery(number: u32) -> Delivery {
    match number {
        2 => Delivery::Delivered,
        3 => Delivery::Read,
        4 => Delivery::Failed,
        _ => Delivery::Sent,
    }
}

fn write_delivery(delivery: Delivery) -> u32 {
    match delivery {
        Delivery::Pending | Delivery::Sent => 1,
        Delivery::Delivered => 2,
        Delivery::Read => 3,
        Delivery::Failed => 4,
    }
}

/// Where an account stood: the first change after the epoch that concerned it says so, or else nothing has
/// changed since.
fn stood(store: &Overlay<'_>, group: GroupId, account: AccountId, epoch: u64) -> Result<Stood, Error> {
    let Some(row) = store.load::<GroupRow>(&Key::Group(group))? else {
        return Ok(Stood { member: false, spoke: false, admin: false });
    };
    let state = row.state()?;
    let now = state.member(account);
    let mut standing = now.map_or(0, |member| 1 + u32::from(member.admin));
    let mut everybody = rules::everybody_sends(&state);
    let mut found = false;
    for later in changes_after(&state, epoch) {
        let Some(log) = store.load::<LogRow>(&Key::GroupLog(group, later))? else { continue };
        if later == epoch.saturating_add(1) {
            everybody = log.everybody_sent;
        }
        let before = log.before.iter().find(|before| before.account == account.0);
        if let Some(before) = before.filter(|_| !found) {
            standing = before.standing;
            found = true;
        }
    }
    Ok(Stood {
        member: standing > 0,
        spoke: standing > 1 || (standing == 1 && everybody),
        admin: standing > 1,
    })
}

fn changes_after(state: &waxwing_wire::group::GroupState, epoch: u64) -> std::ops::RangeInclusive<u64> {
    let logged = state.epoch.saturating_sub(MAX_CHANGES_LOGGED);
    epoch.max(logged).saturating_add(1)..=state.epoch
}

/// Members at an epoch.
fn members_at(store: &Overlay<'_>, group: GroupId, epoch: u64) -> Result<Vec<AccountId>, Error> {
    let Some(row) = store.load::<GroupRow>(&Key::Group(group))? else { return Ok(Vec::new()) };
    let state = row.state()?;
    let mut members: std::collections::BTreeMap<AccountId, bool> =
        state.members.iter().map(|member| (member.account, true)).collect();
    // Backwards, so that what was before comes last.
    for later in changes_after(&state, epoch).rev() {
        let Some(log) = store.load::<LogRow>(&Key::GroupLog(group, later))? else { continue };
        for before in &log.before {
            if let Ok(account) = before.account.as_slice().try_into() {
                members.insert(AccountId(account), before.standing > 0);
            }
        }
    }
    Ok(members.into_iter().filter(|(_, member)| *member).map(|(account, _)| account).collect())
}

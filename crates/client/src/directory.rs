//! Which people of an address book have an account, without telling the server whom one looks for. See
//! [`waxwing_wire::directory`].
//!
//! A look-up lives in memory as long as it takes: blinded addresses go up in parts; when all are answered, the
//! buckets that they fall into are fetched, each once and in ascending order, so that neither how many of the
//! addresses fall into one nor their order is said.

use std::collections::{BTreeMap, BTreeSet};

use waxwing_wire::AccountId;
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::directory::{Address, Blinded, ENTRY_BYTES, Element, Evaluated, Place};
use waxwing_wire::limits::MAX_ADDRESSES_PER_REQUEST;
use waxwing_wire::server_frame::ResponseBody;

use crate::client::{Client, Error};
use crate::command::{BookEntry, CommandId, Event, Failure};
use crate::connection::as_reject;
use crate::limits::{MAX_BOOK_ADDRESSES, MAX_CONTACT_NAME_BYTES};
use crate::own::{Wanted, Wish};
use crate::state::StateKey;
use crate::turn::Turn;

/// A look-up under way.
pub(crate) struct Search {
    /// As the book calls people.
    names: Vec<String>,
    addresses: usize,
    /// Each address once, with whom it belongs to.
    waiting: Vec<(Address, usize)>,
    /// What was asked last, and waits for its answer.
    asked: Vec<(Blinded, usize)>,
    places: Vec<(Place, usize)>,
    /// Still to be fetched; the first is asked for. `None` until all places are known.
    buckets: Option<BTreeSet<u32>>,
    bits: u8,
    found: BTreeMap<AccountId, usize>,
}

impl Search {
    /// Without doubles. The order in which addresses are asked for is not the book's.
    fn new(entries: Vec<BookEntry>) -> Self {
        let mut names = Vec::new();
        let mut waiting: BTreeMap<Address, usize> = BTreeMap::new();
        for BookEntry { name, addresses } in entries {
            for address in addresses {
                waiting.entry(address).or_insert(names.len());
            }
            names.push(shortened(name));
        }
        Self {
            names,
            addresses: waiting.len(),
            waiting: waiting.into_iter().collect(),
            asked: Vec::new(),
            places: Vec::new(),
            buckets: None,
            bits: 0,
            found: BTreeMap::new(),
        }
    }

    /// What is to be asked next. Until it is on its way it stays the same.
    pub(crate) fn next(&mut self, turn: &mut Turn<'_>) -> RequestBody {
        if let Some(buckets) = &self.buckets {
            return RequestBody::FetchBucket(buckets.first().copied().unwrap_or(0));
        }
        if self.asked.is_empty() {
            let rest = self.waiting.len().saturating_sub(MAX_ADDRESSES_PER_REQUEST);
            for (address, who) in self.waiting.split_off(rest) {
                self.asked.extend(Blinded::new(address, turn.rng).ok().map(|blinded| (blinded, who)));
            }
        }
        RequestBody::EvaluateAddresses(self.asked.iter().map(|(blinded, _)| blinded.element()).collect())
    }

    fn evaluated(&mut self, evaluated: &Evaluated, known: Option<&Element>) -> Result<(), Failure> {
        let (blinded, who): (Vec<_>, Vec<_>) = std::mem::take(&mut self.asked).into_iter().unzip();
        let places = Blinded::places(&blinded, evaluated, known).map_err(|_| Failure::FalseDirectory)?;
        self.places.extend(places.into_iter().zip(who));
        self.bits = evaluated.bits;
        if self.waiting.is_empty() {
            self.buckets = Some(self.places.iter().map(|(place, _)| place.bucket(self.bits)).collect());
        }
        Ok(())
    }

    fn bucket(&mut self, entries: &[[u8; ENTRY_BYTES]]) {
        let bucket = self.buckets.as_mut().and_then(BTreeSet::pop_first);
        let of_bucket = self.places.iter().filter(|(place, _)| Some(place.bucket(self.bits)) == bucket);
        let by_tag: BTreeMap<_, _> = of_bucket.map(|(place, who)| (place.tag, (place, *who))).collect();
        for entry in entries {
            let tag = entry.first_chunk().and_then(|tag| by_tag.get(tag));
            if let Some((place, who)) = tag
                && let Some(account) = place.open(entry)
            {
                self.found.entry(account).or_insert(*who);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.buckets.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

impl Client {
    pub(crate) fn look_up_contacts(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        entries: Vec<BookEntry>,
    ) {
        let search = Search::new(entries);
        if search.addresses > MAX_BOOK_ADDRESSES {
            turn.failed(command, Failure::TooManyAddresses { limit: MAX_BOOK_ADDRESSES });
        } else if search.addresses == 0 {
            turn.failed(command, Failure::Empty);
        } else {
            self.wish(turn, command, Wanted::LookUp(Box::new(search)));
        }
    }

    /// The server has answered a part of a look-up.
    pub(crate) fn looked_up(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        mut search: Box<Search>,
        answer: ResponseBody,
    ) -> Result<(), Error> {
        let went_on = match (&answer, &search.buckets) {
            (ResponseBody::Evaluated(evaluated), None) => {
                let known: Option<Element> = self.counters.directory_key.as_slice().try_into().ok();
                let went_on = search.evaluated(evaluated, known.as_ref());
                if went_on.is_ok() {
                    // Pinned with the first answer that proves it.
                    self.counters.directory_key = evaluated.key.to_vec();
                }
                went_on
            }
            (ResponseBody::Bucket(entries), Some(_)) => {
                search.bucket(entries);
                Ok(())
            }
            _ => Err(Failure::Rejected(as_reject(answer))),
        };
        match went_on {
            Err(failure) => turn.failed(command, failure),
            Ok(()) if search.is_over() => return self.contacts_found(turn, command, *search),
            Ok(()) => self.wishes.push_front(Wish { command, what: Wanted::LookUp(search) }),
        }
        Ok(())
    }

    /// Whoever was found is a contact from now on. A name that the user has given before stays. The server is not
    /// asked for anything about them, or it would learn who was found: aliases come with the first message.
    fn contacts_found(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        search: Search,
    ) -> Result<(), Error> {
        let Search { names, addresses, found, .. } = search;
        let mut told = Vec::new();
        let mut changes = Vec::new();
        for (account, who) in found {
            if self.is_own(account) {
                continue;
            }
            if self.peer_row(turn, account)?.is_none() {
                break;
            }
            let name = names.get(who).cloned().unwrap_or_default();
            let key = StateKey::ContactName(account);
            if !name.is_empty() && crate::state::text(&turn.store, &key)?.is_none() {
                changes.push((key, Some(name.clone().into_bytes())));
            }
            self.keep_contact(turn, account)?;
            told.push((account, name));
        }
        turn.event(Event::ContactsFound { command, addresses, found: told });
        self.set_by(turn, command, &changes)
    }
}

pub(crate) fn findable(turn: &mut Turn<'_>, command: CommandId, answer: ResponseBody) {
    match answer {
        ResponseBody::Findable { on, addresses } => {
            turn.event(Event::Findable { command, on, addresses });
            turn.done(command);
        }
        answer => turn.failed(command, Failure::Rejected(as_reject(answer))),
    }
}

fn shortened(mut name: String) -> String {
    let end =
        name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_CONTACT_NAME_BYTES);
    let end = end.last().unwrap_or(0);
    name.truncate(end);
    name
}

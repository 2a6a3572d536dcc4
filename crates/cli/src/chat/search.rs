//! Searching from the chat screen, and going where a message stands.

use jiff::tz::TimeZone;
use waxwing_app::api::{Hit, Query};

use super::results::{Place, Results, Row};
use super::{PAGE, Talk};
use crate::commands::place;
use crate::output::Error;
use crate::text;

/// Shown at once; more come as one walks.
const RESULTS: usize = 100;

impl Talk {
    /// In all conversations, or in one.
    pub(super) fn search(&mut self, words: &str, with: Option<String>) -> Result<(), Error> {
        let title = match &with {
            Some(_) => format!("“{words}” in this conversation, newest first"),
            None => format!("“{words}” in all conversations, newest first"),
        };
        let (since_ms, until_ms) = (None, None);
        let text = words.to_owned();
        let query = Query::Search {
            text,
            with,
            from: None,
            since_ms,
            until_ms,
            kind: None,
            before: None,
            limit: RESULTS,
        };
        let (rows, next) = self.rows(query.clone())?;
        if rows.is_empty() {
            self.screen.notice = Some(format!("nothing found for “{words}”"));
            return Ok(());
        }
        self.query = Some(query);
        self.screen.results = Some(Results::new(title, rows, next));
        Ok(())
    }

    /// The next ones.
    pub(super) fn more_results(&mut self) -> Result<(), Error> {
        let next = self.screen.results.as_ref().and_then(|results| results.next);
        let (Some(next), Some(mut query)) = (next, self.query.clone()) else { return Ok(()) };
        if let Query::Search { before, .. } = &mut query {
            *before = Some(next);
        }
        let (rows, next) = self.rows(query)?;
        if let Some(results) = &mut self.screen.results {
            results.rows.extend(rows);
            results.next = next;
        }
        Ok(())
    }

    /// What is found next, also where the app stops now and then on its way there.
    fn rows(&mut self, mut query: Query) -> Result<(Vec<Row>, Option<u64>), Error> {
        loop {
            let (hits, next) = self.session.search(query.clone())?;
            if !hits.is_empty() || next.is_none() {
                let rows = hits.iter().map(|hit| self.row(hit)).collect::<Result<_, _>>()?;
                return Ok((rows, next));
            }
            if let Query::Search { before, .. } = &mut query {
                *before = next;
            }
        }
    }

    fn row(&mut self, hit: &Hit) -> Result<Row, Error> {
        let message = &hit.message;
        self.screen.names.learn(&self.session, message)?;
        let time = text::date_and_clock(message.stored_at_ms, &TimeZone::system());
        let head = format!("{time} {}", place(hit, None, &self.screen.names));
        let place = Place { conversation: message.with.clone(), order: message.order };
        Ok(Row { place, head, snippet: hit.snippet.clone() })
    }

    /// Shows a message where it stands, in its conversation.
    pub(super) fn open(&mut self, place: &Place) -> Result<(), Error> {
        if place.conversation != self.screen.conversation() && !self.switch(&place.conversation)? {
            return Ok(());
        }
        let older = self.page(Some(place.order.saturating_add(1)), PAGE)?;
        let newer = self.page_after(place.order)?;
        self.screen.begin_at(place.order, older, newer, PAGE);
        Ok(())
    }
}

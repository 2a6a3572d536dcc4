//! Messages that are more than text, as lines with a slash.

use waxwing_app::api::{Card, Command, Deed, Place, Post};

use super::Talk;
use crate::arguments;
use crate::commands::{e7, moment, typed};
use crate::output::Error;

impl Talk {
    /// `None`: another command than those for writing something. `Some` says why not, if it cannot be done.
    pub(super) fn compose(&mut self, word: &str, rest: &str) -> Result<Option<Result<(), String>>, Error> {
        let with = self.screen.conversation().to_owned();
        let parts: Vec<&str> = rest.split('|').map(str::trim).filter(|part| !part.is_empty()).collect();
        let made = match word {
            "once" if rest.is_empty() => Err("a text has to follow".to_owned()),
            "once" => Ok(Post { once: true, ..typed(&self.session, rest, false)? }),
            "poll" => poll(&parts, false),
            "poll-any" => poll(&parts, true),
            "event" => event(&parts),
            "place" => place(rest),
            "card" => match self.session.contact(rest)? {
                None => Err(format!("{rest:?} is no contact")),
                Some(contact) => {
                    let person = contact.person;
                    let name = person.name.or(person.username).unwrap_or_else(|| rest.to_owned());
                    let card = Card::Contact { name, account: Some(person.account), details: String::new() };
                    Ok(Post { card: Some(card), ..Post::default() })
                }
            },
            "disappear" => return Ok(Some(self.disappear(rest))),
            _ => return Ok(None),
        };
        Ok(Some(made.map(|post| {
            let command = self.session.app.send(Command::Send { to: with, post: Box::new(post) });
            self.screen.sending(command, format!("/{word} {rest}"));
        })))
    }

    fn disappear(&mut self, time: &str) -> Result<(), String> {
        let seconds = match time {
            "off" => 0,
            time => u32::try_from(arguments::span(time)?.as_secs()).map_err(|_| "that is too long")?,
        };
        let with = self.screen.conversation().to_owned();
        let deed = Deed::Lifetime { seconds };
        let command = self.session.app.send(Command::Act { with, message: None, deed });
        self.doing.insert(command, "set");
        Ok(())
    }
}

fn why(error: Error) -> String {
    match error {
        Error::Failed(failure) => failure.detail,
        Error::OutputClosed => String::new(),
    }
}

fn poll(parts: &[&str], several: bool) -> Result<Post, String> {
    let [question, options @ ..] = parts else {
        return Err("write /poll QUESTION | OPTION | OPTION".to_owned());
    };
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    Ok(Post { card: Some(Card::Poll { options, several }), ..Post::plain(*question) })
}

fn event(parts: &[&str]) -> Result<Post, String> {
    let [title, time, place @ ..] = parts else {
        return Err("write /event TITLE | 2030-12-24T18:00 | PLACE".to_owned());
    };
    let starts_at_ms = moment(time).map_err(why)?;
    let card = Card::Event { starts_at_ms, ends_at_ms: 0, place: place.join(" ") };
    Ok(Post { card: Some(card), ..Post::plain(*title) })
}

fn place(rest: &str) -> Result<Post, String> {
    let wrong = || "write /place LATITUDE LONGITUDE NAME".to_owned();
    let mut words = rest.splitn(3, ' ');
    let mut degrees = |most| {
        let degrees: f64 = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        e7(degrees, most).map_err(why)
    };
    let (latitude_e7, longitude_e7) = (degrees(90)?, degrees(180)?);
    let name = words.next().unwrap_or_default().to_owned();
    let place = Place { latitude_e7, longitude_e7, accuracy_m: 0, name, live_s: 0 };
    Ok(Post { card: Some(Card::Place { place }), ..Post::default() })
}

//! Reading address books: vCards (RFC 6350 and its forerunners, as far as names, e-mail addresses and telephone
//! numbers go) and tables with a heading. Whatever bytes there are, something comes out or a plain error; what is
//! not understood is passed over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use waxwing_app::api::BookEntry;

use crate::output::Error;

/// A file that is larger is no address book.
const MAX_BOOK_BYTES: u64 = 16 * 1024 * 1024;
/// Entries of one book that are looked at.
const MAX_ENTRIES: usize = 50_000;
/// Columns of a table that are looked at.
const MAX_COLUMNS: usize = 512;

pub fn read(file: &Path, country_code: Option<&str>) -> Result<Vec<BookEntry>, Error> {
    let code = country_code.map(|code| code.trim_start_matches('+'));
    if code.is_some_and(|code| code.is_empty() || code.len() > 3 || !code.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(Error::user("malformedCountryCode", "a country code has 1 to 3 digits, such as 49"));
    }
    let mut bytes = Vec::new();
    let opened = File::open(file).and_then(|file| file.take(MAX_BOOK_BYTES + 1).read_to_end(&mut bytes));
    opened
        .map_err(|error| Error::user("unreadable", format!("{} cannot be read: {error}", file.display())))?;
    if bytes.len() as u64 > MAX_BOOK_BYTES {
        return Err(Error::user("tooLong", "the address book is larger than 16 MB; export less of it"));
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let entries = entries(text, code);
    if entries.iter().all(|entry| entry.addresses.is_empty()) {
        let detail = "no e-mail address and no telephone number was found in it; is it an address book?";
        return Err(Error::user("empty", detail));
    }
    Ok(entries)
}

fn entries(text: &str, code: Option<&str>) -> Vec<BookEntry> {
    let is_card = text.lines().take(64).any(|line| line.trim().eq_ignore_ascii_case("BEGIN:VCARD"));
    if is_card { cards(text, code) } else { table(text, code) }
}

/// A telephone number as it is looked up: with its country code, if it can be told.
fn phone(text: &str, code: Option<&str>) -> Option<String> {
    let text = text.trim();
    let international = text.starts_with('+') || text.starts_with("00");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let other = |c: char| !c.is_ascii_digit() && !c.is_whitespace() && !"+-./()\u{a0}\u{2011}".contains(c);
    if digits.len() < 5 || text.chars().any(other) {
        return None;
    }
    match (international, code) {
        (true, _) => Some(format!("+{}", digits.strip_prefix("00").unwrap_or(&digits))),
        (false, Some(code)) => Some(format!("+{code}{}", digits.strip_prefix('0').unwrap_or(&digits))),
        (false, None) => None,
    }
}

// ---------------------------------------------------------------- vCards

#[derive(Default)]
struct Card {
    full_name: String,
    parts: String,
    organisation: String,
    addresses: Vec<String>,
}

fn cards(text: &str, code: Option<&str>) -> Vec<BookEntry> {
    let mut entries = Vec::new();
    let mut card = Card::default();
    for line in unfolded(text) {
        let Some((name, parameters, value)) = property(&line) else { continue };
        let quoted = parameters.contains("QUOTED-PRINTABLE");
        let value = if quoted { quoted_printable(value) } else { value.to_owned() };
        match name.as_str() {
            "BEGIN" => card = Card::default(),
            "END" if entries.len() < MAX_ENTRIES => entries.push(std::mem::take(&mut card).entry()),
            "FN" => card.full_name = unescaped(&value),
            "N" => card.parts = name_of_parts(&value),
            "ORG" => card.organisation = unescaped(&value).replace(';', " "),
            "EMAIL" => {
                let value = unescaped(&value);
                card.addresses.push(without_scheme(&value, "mailto:").trim().to_owned());
            }
            "TEL" => {
                let value = unescaped(&value);
                let number = without_scheme(&value, "tel:");
                let number = number.split(';').next().unwrap_or(number);
                card.addresses.extend(phone(number, code));
            }
            _ => {}
        }
    }
    entries
}

impl Card {
    fn entry(self) -> BookEntry {
        let names = [self.full_name, self.parts, self.organisation];
        let name = names.into_iter().map(|name| name.trim().to_owned()).find(|name| !name.is_empty());
        BookEntry { name: name.unwrap_or_default(), addresses: self.addresses }
    }
}

/// Lines as they were before they were folded: a line that begins with a blank belongs to the one before, and so
/// does one after a soft line break.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mut quoted, mut soft) = (false, false);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let folded = line.strip_prefix([' ', '\t']);
        match (lines.last_mut(), folded) {
            (Some(last), _) if soft => {
                last.pop();
                last.push_str(line);
            }
            (Some(last), Some(more)) => last.push_str(more),
            _ => {
                quoted = line.to_ascii_uppercase().contains("QUOTED-PRINTABLE");
                lines.push(line.to_owned());
            }
        }
        soft = quoted && line.ends_with('=');
    }
    lines
}

/// Name and parameters in upper case, without the group; and the value.
fn property(line: &str) -> Option<(String, String, &str)> {
    let mut in_quotes = false;
    let colon = line.char_indices().find(|(_, c)| {
        in_quotes ^= *c == '"';
        *c == ':' && !in_quotes
    });
    let (head, value) = line.split_at_checked(colon?.0)?;
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    let name = name.rsplit('.').next().unwrap_or(name).trim().to_ascii_uppercase();
    Some((name, parameters.to_ascii_uppercase(), value.strip_prefix(':')?))
}

/// Family; given; additional; prefixes; suffixes.
fn name_of_parts(value: &str) -> String {
    let mut parts = value.split(';').map(unescaped);
    let (family, given) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{given} {family}").trim().to_owned()
}

fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push(' '),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}

fn quoted_printable(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.split_at_checked(2).filter(|_| *first == b'=');
        let byte = hex.and_then(|(hex, _)| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, hex) {
            (Some(byte), Some((_, after))) => {
                bytes.push(byte);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn without_scheme<'a>(value: &'a str, scheme: &str) -> &'a str {
    match value.split_at_checked(scheme.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(scheme) => rest,
        _ => value,
    }
}

// ---------------------------------------------------------------- tables

/// What stands in a column.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Name,
    Given,
    Family,
    Phone,
    Other,
}

fn table(text: &str, code: Option<&str>) -> Vec<BookEntry> {
    let heading = text.lines().next().unwrap_or("");
    let count = |separator: char| heading.matches(separator).count();
    let separators = [b',', b';', b'\t'];
    let separator = separators.into_iter().max_by_key(|separator| count(char::from(*separator)));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .flexible(true)
        .from_reader(text.as_bytes());
    let columns: Vec<Column> = match reader.headers() {
        Ok(headers) => headers.iter().take(MAX_COLUMNS).map(column).collect(),
        Err(_) => return Vec::new(),
    };
    let records = reader.records().filter_map(Result::ok).take(MAX_ENTRIES);
    records.map(|record| row(&record, &columns, code)).collect()
}

fn column(heading: &str) -> Column {
    let heading = heading.trim().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| heading.contains(word));
    if has(&["phone", "tel", "mobil", "fax", "handy"]) {
        Column::Phone
    } else if has(&["yomi", "phonetic", "nick", "user"]) {
        Column::Other
    } else if has(&["first name", "given name", "vorname", "first_name"]) {
        Column::Given
    } else if has(&["last name", "family name", "nachname", "surname", "last_name"]) {
        Column::Family
    } else if matches!(heading.as_str(), "name" | "full name" | "display name" | "anzeigename" | "contact") {
        Column::Name
    } else {
        Column::Other
    }
}

fn row(record: &csv::StringRecord, columns: &[Column], code: Option<&str>) -> BookEntry {
    let mut names: BTreeMap<u8, &str> = BTreeMap::new();
    let mut addresses = Vec::new();
    for (value, column) in record.iter().zip(columns) {
        // Several values in one cell, as one well-known address book writes them.
        for value in value.split(":::").map(str::trim).filter(|value| !value.is_empty()) {
            match column {
                Column::Name => drop(names.entry(0).or_insert(value)),
                Column::Given => drop(names.entry(1).or_insert(value)),
                Column::Family => drop(names.entry(2).or_insert(value)),
                Column::Phone => addresses.extend(phone(value, code)),
                Column::Other if value.contains('@') => addresses.push(value.to_owned()),
                Column::Other if value.starts_with('+') => addresses.extend(phone(value, None)),
                Column::Other => {}
            }
        }
    }
    let name = match names.get(&0) {
        Some(name) => (*name).to_owned(),
        None => names.into_values().collect::<Vec<_>>().join(" "),
    };
    BookEntry { name, addresses }
}

#[cfg(test)]
mod tests;

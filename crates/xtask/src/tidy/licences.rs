//! Whether the licences of what we depend on go with ours: the list is in `deny.toml`.

use toml::{Table, Value};

use super::{File, Finding, Package};

const LIST: &str = "deny.toml";

/// What `deny.toml` allows: everywhere, and to single packages.
struct Allowed {
    everywhere: Vec<String>,
    exceptions: Vec<(String, Vec<String>)>,
}

pub fn check(packages: &[Package], files: &[File]) -> Vec<Finding> {
    let Some(file) = files.iter().find(|file| file.path == LIST) else {
        return vec![Finding::new(LIST, 1, "there is no list of allowed licences", "write it")];
    };
    let Some(allowed) = Allowed::read(&file.text) else {
        return vec![Finding::new(LIST, 1, "no [licenses] allow = […]", "write it")];
    };
    let refused = packages.iter().filter_map(|package| refusal(package, &allowed));
    let line = file.line_of("allow = [");
    refused
        .map(|what| Finding::new(LIST, line, what, "replace the dependency, or allow the licence"))
        .collect()
}

impl Allowed {
    fn read(text: &str) -> Option<Self> {
        let table = text.parse::<Table>().ok()?;
        let licenses = table.get("licenses")?;
        let everywhere = strings(licenses.get("allow")?)?;
        let mut exceptions = Vec::new();
        for exception in licenses.get("exceptions").and_then(Value::as_array).into_iter().flatten() {
            let name = exception.get("crate").or_else(|| exception.get("name"))?.as_str()?;
            exceptions.push((name.to_owned(), strings(exception.get("allow")?)?));
        }
        Some(Self { everywhere, exceptions })
    }

    fn has(&self, package: &str, licence: &str) -> bool {
        let own =
            self.exceptions.iter().filter(|(name, _)| name == package).flat_map(|(_, licences)| licences);
        self.everywhere.iter().chain(own).any(|allowed| allowed == licence)
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
}

fn refusal(package: &Package, allowed: &Allowed) -> Option<String> {
    let Package { name, version, licence } = package;
    let Some(expression) = licence else {
        return Some(format!("{name} {version} names no licence"));
    };
    match satisfied(expression, &|licence| allowed.has(name, licence)) {
        Some(true) => None,
        Some(false) => Some(format!("{name} {version} is licensed {expression}, which is not allowed")),
        None => Some(format!("{name} {version} has a licence that cannot be read: {expression}")),
    }
}

/// Whether an SPDX expression can be met with the licences that `allowed` accepts; nothing when it is malformed.
/// The older `MIT/Apache-2.0` means a choice.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = choice(&words, allowed)?;
    rest.is_empty().then_some(met)
}

type Parsed<'a, 'b> = Option<(bool, &'a [&'b str])>;

fn choice<'a, 'b>(words: &'a [&'b str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a, 'b> {
    let (mut met, mut words) = both(words, allowed)?;
    while let ["OR", rest @ ..] = words {
        let (other, rest) = both(rest, allowed)?;
        (met, words) = (met | other, rest);
    }
    Some((met, words))
}

fn both<'a, 'b>(words: &'a [&'b str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a, 'b> {
    let (mut met, mut words) = single(words, allowed)?;
    while let ["AND", rest @ ..] = words {
        let (other, rest) = single(rest, allowed)?;
        (met, words) = (met & other, rest);
    }
    Some((met, words))
}

fn single<'a, 'b>(words: &'a [&'b str], allowed: &dyn Fn(&str) -> bool) -> Parsed<'a, 'b> {
    match words {
        ["(", rest @ ..] => match choice(rest, allowed)? {
            (met, [")", rest @ ..]) => Some((met, rest)),
            _ => None,
        },
        [")" | "OR" | "AND" | "WITH", ..] | [] => None,
        [licence, "WITH", exception, rest @ ..] => {
            Some((allowed(&format!("{licence} WITH {exception}")), rest))
        }
        [licence, rest @ ..] => Some((allowed(licence), rest)),
    }
}

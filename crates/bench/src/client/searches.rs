//! What is looked for.

use anyhow::{Context, bail};
use rand_chacha::ChaCha20Rng;
use serde_json::{Map, Value, json};
use waxwing_app::App;
use waxwing_app::api::{Answer, MessageKind, Query};

use super::texts::{Language, below};
use super::{BEGIN_MS, Plan, SPAN_MS, World, ask, timed};
use crate::measure::{Latencies, fields, rounded};

/// What fills a screen, and more.
pub const HITS: usize = 50;
const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// What narrows a search down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    /// In the largest conversation.
    LargeChat,
    /// In one of the smallest.
    SmallChat,
    /// By the contact who wrote the least.
    RarePerson,
    /// By the owner of the profile.
    Own,
    Day,
    Month,
    FirstYear,
    Links,
}

/// What is looked for, by its name in the report.
type Text = fn(&World, &mut ChaCha20Rng) -> String;

const KINDS: [(&str, Text, Filter); 24] = [
    ("frequent", |w, r| word(latin(w), 0, 20, r), Filter::None),
    ("common", |w, r| word(any(w, r), 100, 2_000, r), Filter::None),
    ("rare", |w, r| word(any(w, r), 9_000, 15_000, r), Filter::None),
    ("absent", |_, r| format!("zzqx{}", below(r, 1_000_000)), Filter::None),
    (
        "two_words",
        |w, r| format!("{} {}", word(latin(w), 20, 500, r), word(latin(w), 20, 500, r)),
        Filter::None,
    ),
    (
        "frequent_and_rare",
        |w, r| format!("{} {}", word(latin(w), 0, 20, r), word(latin(w), 9_000, 15_000, r)),
        Filter::None,
    ),
    ("phrase", |w, r| format!("\"{}\"", part(w, r, "latin", 12, ' ')), Filter::None),
    ("prefix_1", |w, r| first(&word(latin(w), 0, 5_000, r), 1), Filter::None),
    ("prefix_2", |w, r| first(&word(latin(w), 0, 5_000, r), 2), Filter::None),
    ("prefix_3", |w, r| first(&word(latin(w), 0, 5_000, r), 3), Filter::None),
    ("prefix_4", |w, r| first(&word(latin(w), 0, 5_000, r), 4), Filter::None),
    ("han_1", |w, r| part(w, r, "han", 1, '\0'), Filter::None),
    ("han_2", |w, r| part(w, r, "han", 2, '\0'), Filter::None),
    ("han_4", |w, r| part(w, r, "han", 4, '\0'), Filter::None),
    ("japanese", |w, r| part(w, r, "japanese", 3, '\0'), Filter::None),
    ("thai", |w, r| part(w, r, "thai", 5, '\0'), Filter::None),
    ("hangul", |w, r| part(w, r, "hangul", 2, '\0'), Filter::None),
    (
        "emoji",
        |_, r| ["😂", "❤", "👍", "🇫🇷"].get(below(r, 4)).copied().unwrap_or("😂").to_owned(),
        Filter::None,
    ),
    ("frequent_by_rare_person", |w, r| word(latin(w), 0, 20, r), Filter::RarePerson),
    ("common_by_oneself", |w, r| word(any(w, r), 100, 2_000, r), Filter::Own),
    ("frequent_in_small_chat", |w, r| word(latin(w), 0, 20, r), Filter::SmallChat),
    ("rare_in_large_chat", |w, r| word(latin(w), 2_000, 9_000, r), Filter::LargeChat),
    ("frequent_in_first_year", |w, r| word(latin(w), 0, 20, r), Filter::FirstYear),
    ("common_on_a_day", |w, r| word(latin(w), 20, 500, r), Filter::Day),
];
const WITHOUT_TEXT: [(&str, Filter); 3] =
    [("all_of_a_month", Filter::Month), ("all_of_rare_person", Filter::RarePerson), ("links", Filter::Links)];

/// Each kind by itself, all of them together, and pages of conversations, which read as many messages without
/// looking for them.
pub fn measure(
    world: &World,
    plan: &Plan,
    rng: &mut ChaCha20Rng,
) -> anyhow::Result<(Map<String, Value>, Latencies, Latencies)> {
    let app = App::open(&world.options())?;
    let (mut all, mut floor) = (Latencies::new(), Latencies::new());
    let mut kinds = Map::new();
    let none: Text = |_, _| String::new();
    for (name, text, filter) in
        KINDS.into_iter().chain(WITHOUT_TEXT.map(|(name, filter)| (name, none, filter)))
    {
        let (mut latencies, mut hits) = (Latencies::new(), 0);
        for _ in 0..plan.searches {
            let text = text(world, rng);
            let query = query(world, text, filter, rng)?;
            let mut once = Latencies::new();
            hits += timed(&mut once, || search(&app, query))?;
            let took = std::time::Duration::from_secs_f64(once.percentile_ms(100.0) / 1_000.0);
            latencies.record(took);
            all.record(took);
        }
        kinds.insert(
            name.to_owned(),
            Value::Object(fields(json!({
                "p50_ms": rounded(latencies.percentile_ms(50.0)),
                "p99_ms": rounded(latencies.percentile_ms(99.0)),
                "max_ms": rounded(latencies.percentile_ms(100.0)),
                "hits": rounded(hits as f64 / plan.searches as f64),
            }))),
        );
    }
    for _ in 0..plan.searches.max(20) {
        let with = world.contacts.get(below(rng, 20)).context("a contact")?.to_hex();
        let before = Some(below(rng, plan.messages) as u64);
        let query = Query::History { with, before, after: None, limit: HITS };
        timed(&mut floor, || ask(&app, query))?;
    }
    app.close();
    Ok((kinds, all, floor))
}

/// Until there is a screenful, or nothing more; how many there were.
fn search(app: &App, mut query: Query) -> anyhow::Result<usize> {
    let mut count = 0;
    loop {
        let Answer::Hits { hits, next } = ask(app, query.clone())? else { bail!("hits were asked for") };
        count += hits.len();
        let Query::Search { before, .. } = &mut query else { bail!("a search") };
        if count >= HITS || next.is_none() {
            return Ok(count);
        }
        *before = next;
    }
}

fn query(world: &World, text: String, filter: Filter, rng: &mut ChaCha20Rng) -> anyhow::Result<Query> {
    let contact =
        |number: usize| world.contacts.get(number).map(|account| account.to_hex()).context("a contact");
    let last = world.contacts.len().saturating_sub(1);
    // Small ones that speak Latin languages like the words that are looked for.
    let mut small =
        (0..=last).rev().filter(|number| world.language(*number).is_some_and(|l| l.name == "latin"));
    let with = match filter {
        Filter::LargeChat => Some(contact(0)?),
        Filter::SmallChat => Some(contact(small.nth(below(rng, 5)).unwrap_or(last))?),
        _ => None,
    };
    let from = match filter {
        Filter::RarePerson => Some(contact(small.nth(below(rng, 5)).unwrap_or(last))?),
        Filter::Own => Some(world.own.to_hex()),
        _ => None,
    };
    let mut span = |days: u64| {
        let since = BEGIN_MS + below(rng, 3_600) as u64 * DAY_MS;
        (Some(since), Some(since + days * DAY_MS))
    };
    let (since_ms, until_ms) = match filter {
        Filter::Day => span(1),
        Filter::Month => span(30),
        Filter::FirstYear => (None, Some(BEGIN_MS + SPAN_MS / 10)),
        _ => (None, None),
    };
    let kind = (filter == Filter::Links).then_some(MessageKind::Link);
    Ok(Query::Search { text, with, from, since_ms, until_ms, kind, before: None, limit: HITS })
}

fn latin(world: &World) -> Option<&Language> {
    world.languages.first()
}

fn any<'a>(world: &'a World, rng: &mut ChaCha20Rng) -> Option<&'a Language> {
    world.languages.get(below(rng, world.languages.len()))
}

fn word(language: Option<&Language>, from: usize, to: usize, rng: &mut ChaCha20Rng) -> String {
    let words = language.map(|language| language.ranks(from, to)).unwrap_or_default();
    words.get(below(rng, words.len())).cloned().unwrap_or_default()
}

fn first(word: &str, count: usize) -> String {
    word.chars().take(count).collect()
}

/// So many characters out of a message that is there, from where a word begins (`after`) or from anywhere.
fn part(world: &World, rng: &mut ChaCha20Rng, language: &str, count: usize, after: char) -> String {
    for _ in 0..1_000 {
        let Some((conversation, message)) = world.samples.get(below(rng, world.samples.len())) else { break };
        if world.language(*conversation).is_none_or(|known| known.name != language) {
            continue;
        }
        let Some(text) = message.body.text() else { continue };
        let chars: Vec<char> = text.chars().collect();
        let start = below(rng, chars.len());
        let begins = after == '\0' || start == 0 || chars.get(start - 1) == Some(&after);
        let Some(found) = chars.get(start..start + count).filter(|_| begins) else { continue };
        if found.iter().all(|c| !c.is_ascii() || after != '\0') && found.first() != Some(&' ') {
            return found.iter().collect();
        }
    }
    String::new()
}

//! A client with a long history: searching it, and starting with it.

mod searches;
mod texts;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::{Map, Value, json};
use waxwing_app::api::{Answer, Command, Event, Query};
use waxwing_app::measure::Bare;
use waxwing_app::{App, KeyChoice, ProfileOptions};
use waxwing_client::{Body, Conversation, Delivery, Direction, Message, MessageKey};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, MessageId};

use crate::Common;
use crate::fleet::Fleet;
use crate::limits::{MAX_CONTACTS, MAX_MESSAGES, STALL};
use crate::measure::{Latencies, fields, report, rounded};
use crate::server::{Server, scratch};
use texts::{Language, below};

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Messages of the history.
    pub messages: usize,
    /// Contacts, each with a conversation; the first has many messages, the last few.
    pub conversations: usize,
    /// Searches of each kind.
    pub searches: usize,
}

impl Plan {
    /// Within the limits.
    pub fn checked(self) -> anyhow::Result<Self> {
        ensure!((1_000..=MAX_MESSAGES).contains(&self.messages), "--messages must be 1000 to {MAX_MESSAGES}");
        ensure!(
            (20..=MAX_CONTACTS).contains(&self.conversations),
            "--conversations must be 20 to {MAX_CONTACTS}"
        );
        ensure!((1..=10_000).contains(&self.searches), "--searches must be 1 to 10000");
        Ok(self)
    }
}

/// Messages written in one transaction while the history is made.
const PAGE: usize = 5_000;
/// How often the screen is started.
const STARTS: usize = 15;
/// Messages that are written, rewritten and deleted one by one.
const SINGLE: usize = 100;
/// The history began then, and takes ten years.
const BEGIN_MS: u64 = 1_480_000_000_000;
const SPAN_MS: u64 = 10 * 365 * 24 * 3_600 * 1_000;

/// A profile with its people and its languages.
pub struct World {
    /// Where the profile is.
    pub folder: PathBuf,
    /// The own account.
    pub own: AccountId,
    /// Those of the contacts, by the size of their conversations.
    pub contacts: Vec<AccountId>,
    /// What they are called.
    pub names: Vec<String>,
    /// What is spoken.
    pub languages: Vec<Language>,
    /// Some messages as they were written, with the number of their conversation.
    pub samples: Vec<(usize, Message)>,
}

impl World {
    fn options(&self) -> ProfileOptions {
        options(self.folder.clone())
    }

    /// The language of a conversation.
    pub fn language(&self, conversation: usize) -> Option<&Language> {
        texts::of_conversation(&self.languages, conversation)
    }
}

fn options(data_dir: PathBuf) -> ProfileOptions {
    ProfileOptions { data_dir, key: KeyChoice::default() }
}

/// Makes the profile and measures it.
pub fn run(common: &Common, plan: &Plan) -> anyhow::Result<Value> {
    let folder = scratch(common)?;
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let mut world = with_contacts(common, plan, folder.path().join("profile"), &mut rng)?;
    let began = Instant::now();
    fill(&mut world, plan, &mut rng)?;
    let filled = began.elapsed();
    let indexing = index_anew(&world)?;
    let single = one_by_one(&world, plan, &mut rng)?;
    let sizes = Bare::open(&world.options())?.sizes()?;
    let start = starts(&world)?;
    let (searches, all, floor) = searches::measure(&world, plan, &mut rng)?;
    let scans = scans(&world, plan)?;
    let history_ms = floor.percentile_ms(50.0);
    Ok(report(
        "client",
        [fields(json!({
            "messages": sizes.messages,
            "conversations": plan.conversations,
            "fill_seconds": rounded(filled.as_secs_f64()),
            "index_seconds": rounded(indexing.as_secs_f64()),
            "bytes": {"database": sizes.database, "index": sizes.index, "texts": sizes.texts},
            "index_bytes_per_message": rounded(sizes.index as f64 / sizes.messages.max(1) as f64),
            "one_by_one": single,
            "start": start,
            "searches": all.count(),
            "p50_ms": rounded(all.percentile_ms(50.0)),
            "p99_ms": rounded(all.percentile_ms(99.0)),
            "max_ms": rounded(all.percentile_ms(100.0)),
            "by_kind": searches,
            "floor": {
                "history_page_p50_ms": rounded(history_ms),
                "scan_p50_ms": rounded(scans.percentile_ms(50.0)),
            },
            "ratio": {
                "to_history_page": ratio(all.percentile_ms(50.0), history_ms),
                "to_scan": ratio(all.percentile_ms(50.0), scans.percentile_ms(50.0)),
            },
        }))],
    ))
}

fn ratio(ours: f64, theirs: f64) -> Value {
    if theirs > 0.0 { rounded(ours / theirs).into() } else { Value::Null }
}

/// An account on a server of its own, and contacts there.
fn with_contacts(
    common: &Common,
    plan: &Plan,
    folder: PathBuf,
    rng: &mut ChaCha20Rng,
) -> anyhow::Result<World> {
    let server = Server::start(common)?;
    let invitation = server.invite()?;
    let text = invitation.to_text();
    let fleet = Fleet::register(server.address, invitation, plan.conversations)?;
    let app = App::open(&options(folder.clone()))?;
    let address = server.address.to_string();
    done(&app, Command::Register { server: address, invitation: text, username: "history".to_owned() })?;
    let (mut contacts, mut names) = (Vec::new(), Vec::new());
    for device in 0..plan.conversations {
        let username = fleet.username(device);
        let account = done(&app, Command::AddContact { username: username.clone() })?.context("a contact")?;
        contacts.push(AccountId::from_hex(&account).context("an account")?);
        names.push(username);
    }
    let Answer::Status(status) = ask(&app, Query::Status)? else { bail!("a status was asked for") };
    let own = status.account.as_deref().and_then(AccountId::from_hex).context("an own account")?;
    app.close();
    let languages = texts::languages(rng);
    Ok(World { folder, own, contacts, names, languages, samples: Vec::new() })
}

/// Gives a command and waits for its end; the account of a contact that it named.
fn done(app: &App, command: Command) -> anyhow::Result<Option<String>> {
    let id = app.send(command);
    loop {
        match app.events().recv_timeout(STALL).context("the client does not answer")? {
            Event::Done { command, contact, .. } if command == id => {
                return Ok(contact.map(|contact| contact.person.account));
            }
            Event::Failed { command, failure } if command == id => bail!("{}", failure.detail),
            _ => {}
        }
    }
}

/// Asks a profile.
pub fn ask(app: &App, query: Query) -> anyhow::Result<Answer> {
    app.query(query).map_err(|failure| anyhow::anyhow!("{}", failure.detail))
}

fn fill(world: &mut World, plan: &Plan, rng: &mut ChaCha20Rng) -> anyhow::Result<()> {
    let mut store = Bare::open(&world.options())?;
    let mut samples = Vec::new();
    let sample_every = (plan.messages / 20_000).max(1);
    for page in (0..plan.messages).collect::<Vec<_>>().chunks(PAGE) {
        let mut messages = Vec::with_capacity(PAGE);
        for number in page {
            // The first conversations have most of it.
            let spread = below(rng, plan.conversations) + 1;
            let conversation = below(rng, spread);
            let message = message(world, plan, conversation, *number, rng)?;
            if number % sample_every == 0 {
                samples.push((conversation, message.clone()));
            }
            messages.push(message);
        }
        store.write(messages)?;
    }
    world.samples = samples;
    Ok(())
}

fn message(
    world: &World,
    plan: &Plan,
    conversation: usize,
    number: usize,
    rng: &mut ChaCha20Rng,
) -> anyhow::Result<Message> {
    let contact = *world.contacts.get(conversation).context("a contact")?;
    let mine = below(rng, 2) == 0;
    let unread = number + 300 > plan.messages;
    let order = number as u64 + 1;
    let at_ms = BEGIN_MS + SPAN_MS / plan.messages as u64 * number as u64;
    let text = world.language(conversation).context("a language")?.text(rng);
    Ok(Message {
        key: MessageKey {
            from: DeviceAddress {
                account: if mine { world.own } else { contact },
                device: DeviceId::PRIMARY,
            },
            id: MessageId(order),
        },
        with: Conversation::Account(contact),
        order,
        direction: if mine { Direction::Outgoing } else { Direction::Incoming },
        sent_at_ms: at_ms,
        stored_at_ms: at_ms,
        body: Body::plain(text),
        delivery: if unread && !mine { Delivery::Delivered } else { Delivery::Read },
        position: order,
        missing_before: 0,
        edited_at_ms: 0,
        expires_at_ms: 0,
    })
}

/// What somebody waits for who comes from a version without the index.
fn index_anew(world: &World) -> anyhow::Result<Duration> {
    Bare::open(&world.options())?.forget_index()?;
    let began = Instant::now();
    drop(Bare::open(&world.options())?);
    Ok(began.elapsed())
}

/// Messages that come, change and go alone, each in a transaction that is durable.
fn one_by_one(world: &World, plan: &Plan, rng: &mut ChaCha20Rng) -> anyhow::Result<Map<String, Value>> {
    let mut store = Bare::open(&world.options())?;
    let (mut written, mut rewritten, mut deleted) = (Latencies::new(), Latencies::new(), Latencies::new());
    let mut messages = Vec::new();
    for number in 0..SINGLE {
        let message = message(world, plan, number % plan.conversations, plan.messages + number, rng)?;
        timed(&mut written, || Ok(store.write(vec![message.clone()])?))?;
        let edited =
            Message { body: Body::plain(world.language(0).context("a language")?.text(rng)), ..message };
        timed(&mut rewritten, || Ok(store.write(vec![edited.clone()])?))?;
        messages.push(edited);
    }
    // New ones, and some that have long been part of the index.
    let old = world.samples.iter().map(|(_, message)| message.clone()).step_by(191).take(SINGLE);
    for message in old.chain(messages) {
        timed(&mut deleted, || Ok(store.delete(std::slice::from_ref(&message))?))?;
    }
    Ok(fields(json!({
        "write_p50_ms": rounded(written.percentile_ms(50.0)),
        "rewrite_p50_ms": rounded(rewritten.percentile_ms(50.0)),
        "delete_p50_ms": rounded(deleted.percentile_ms(50.0)),
        "delete_p99_ms": rounded(deleted.percentile_ms(99.0)),
    })))
}

/// Does something and notes how long it took.
pub fn timed<T>(latencies: &mut Latencies, act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let began = Instant::now();
    let done = act()?;
    latencies.record(began.elapsed());
    Ok(done)
}

/// What the chat screen does until it draws for the first time: open the profile, look at its status and the
/// conversation, read the newest messages and the names of those who wrote them.
fn starts(world: &World) -> anyhow::Result<Map<String, Value>> {
    let (mut opened, mut drawn, mut listed) = (Latencies::new(), Latencies::new(), Latencies::new());
    let name = world.names.first().context("a name")?;
    for _ in 0..STARTS {
        let began = Instant::now();
        let app = App::open(&world.options())?;
        opened.record(began.elapsed());
        ask(&app, Query::Status)?;
        let Answer::Chat { chat: Some(chat) } = ask(&app, Query::Chat { name: name.clone() })? else {
            bail!("there is a conversation")
        };
        ask(&app, Query::Status)?;
        let limit = usize::try_from(chat.unread).unwrap_or(0) + 100;
        let history = Query::History { with: chat.conversation, before: None, after: None, limit };
        let Answer::Messages { messages } = ask(&app, history)? else { bail!("messages were asked for") };
        ensure!(messages.len() >= 100, "a page of messages");
        ask(&app, Query::Contact { name: messages.first().context("a message")?.with.clone() })?;
        drawn.record(began.elapsed());
        timed(&mut listed, || ask(&app, Query::Chats))?;
        app.close();
    }
    Ok(fields(json!({
        "open_p50_ms": rounded(opened.percentile_ms(50.0)),
        "first_drawing_p50_ms": rounded(drawn.percentile_ms(50.0)),
        "first_drawing_max_ms": rounded(drawn.percentile_ms(100.0)),
        "list_of_chats_p50_ms": rounded(listed.percentile_ms(50.0)),
    })))
}

/// The same without an index: all texts are read.
fn scans(world: &World, plan: &Plan) -> anyhow::Result<Latencies> {
    let store = Bare::open(&world.options())?;
    let mut latencies = Latencies::new();
    let words = world.languages.iter().flat_map(|language| language.ranks(8_000, 8_002));
    for word in words.take(plan.searches.min(8)) {
        timed(&mut latencies, || Ok(store.scan(word, searches::HITS)?))?;
    }
    Ok(latencies)
}

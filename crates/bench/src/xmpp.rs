//! The same load on an XMPP server, to compare with: Debian's ejabberd, with the same promise as far as XMPP
//! has it. XEP-0198 acknowledges what the server took and what a client took, XEP-0184 tells the sender that
//! the recipient has it. No TLS. The text goes as it is, not encrypted, which is in the rival's favour.

mod ejabberd;
mod stanza;

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::Common;
use crate::limits::{CONNECTING_AT_ONCE, STALL};
use crate::measure::{Latencies, Measured, Start};
use crate::net::{Happened, Sockets};
use crate::online::{Plan, TEXT_BYTES};
use ejabberd::Ejabberd;
use stanza::Splitter;

const STREAM: &str = "<stream:stream to='localhost' xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// Where a client is on its way to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Away,
    Opening,
    Registering,
    Authenticating,
    Reopening,
    Binding,
    Enabling,
    Ready,
}

struct Client {
    step: Step,
    input: Splitter,
    /// Stanzas taken in since stream management began (XEP-0198, section 4).
    taken: u32,
    /// Stanzas sent since then.
    sent: u32,
    /// An acknowledgement is to be asked for with the next round.
    ask: bool,
    flights: Vec<Flight>,
    recipients_seen: u64,
}

#[derive(Debug)]
struct Flight {
    id: u64,
    /// Its number among the stanzas sent.
    number: u32,
    since: Instant,
    acknowledged: bool,
    received: bool,
}

/// Client 2n sends to client 2n + 1.
struct Load {
    sockets: Sockets,
    server: Ejabberd,
    plan: Plan,
    clients: Vec<Client>,
    next_id: u64,
    latencies: Latencies,
    refilling: bool,
    text: String,
}

/// Starts ejabberd, measures it, stops it.
pub fn measure(common: &Common, plan: Plan) -> anyhow::Result<Measured> {
    let server = Ejabberd::start(common)?;
    let client = || Client {
        step: Step::Away,
        input: Splitter::default(),
        taken: 0,
        sent: 0,
        ask: false,
        flights: Vec::new(),
        recipients_seen: 0,
    };
    let mut load = Load {
        sockets: Sockets::new()?,
        server,
        plan,
        clients: (0..2 * plan.pairs).map(|_| client()).collect(),
        next_id: 0,
        latencies: Latencies::new(),
        refilling: true,
        text: "x".repeat(TEXT_BYTES),
    };
    load.attach()?;
    for pair in 0..plan.pairs {
        for _ in 0..plan.window {
            load.send(2 * pair)?;
        }
    }
    load.pump(Duration::from_secs_f64(plan.warm_up_seconds))?;
    load.latencies = Latencies::new();
    let pid = load.server.pid();
    let begin = Start::now(pid, None, load.sockets.bytes())?;
    load.pump(Duration::from_secs_f64(plan.seconds))?;
    let end = Start::now(pid, None, load.sockets.bytes())?;
    let latencies = std::mem::replace(&mut load.latencies, Latencies::new());
    let messages = latencies.count();
    ensure!(messages > 0, "ejabberd delivered not one message");
    load.finish()?;
    Ok(begin.until(end, messages, latencies))
}

impl Load {
    /// Registers and connects everybody, some at a time.
    fn attach(&mut self) -> anyhow::Result<()> {
        let (mut begun, mut last_news) = (0, Instant::now());
        loop {
            let ready = self.clients.iter().filter(|client| client.step == Step::Ready).count();
            if ready == self.clients.len() {
                return Ok(());
            }
            while begun < self.clients.len() && begun - ready < CONNECTING_AT_ONCE / 4 {
                self.sockets.connect(begun, self.server.address)?;
                begun += 1;
            }
            if self.round()? > 0 {
                last_news = Instant::now();
            }
            ensure!(last_news.elapsed() < STALL, "{ready} of {begun} XMPP clients got in");
        }
    }

    fn pump(&mut self, time: Duration) -> anyhow::Result<()> {
        let (end, mut last_news) = (Instant::now() + time, Instant::now());
        while Instant::now() < end {
            if self.round()? > 0 {
                last_news = Instant::now();
            }
            ensure!(last_news.elapsed() < STALL, "ejabberd has fallen silent");
        }
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.refilling = false;
        let deadline = Instant::now() + STALL;
        while self.clients.iter().any(|client| !client.flights.is_empty()) {
            self.round()?;
            ensure!(Instant::now() < deadline, "ejabberd lost messages");
        }
        let sent = self.clients.iter().step_by(2).map(|client| u64::from(client.sent)).sum::<u64>();
        let seen = self.clients.iter().map(|client| client.recipients_seen).sum::<u64>();
        // Each sender also sent one presence.
        ensure!(seen + self.plan.pairs as u64 == sent, "{seen} messages came of {sent} stanzas");
        Ok(())
    }

    fn round(&mut self) -> anyhow::Result<usize> {
        for (number, client) in self.clients.iter_mut().enumerate() {
            if std::mem::take(&mut client.ask) {
                self.sockets.send(number, |out| out.extend_from_slice(b"<r xmlns='urn:xmpp:sm:3'/>"));
            }
        }
        let mut news = Vec::new();
        self.sockets.round(Duration::from_millis(100), &mut news)?;
        let count = news.len();
        for (client, happened) in news {
            match happened {
                Happened::Connected => {
                    self.client(client)?.step = Step::Opening;
                    self.say(client, STREAM);
                }
                Happened::Bytes(bytes) => {
                    let state = self.client(client)?;
                    state.input.push(&bytes);
                    while let Some(stanza) = self.client(client)?.input.next_stanza()? {
                        self.take_in(client, &stanza)?;
                    }
                }
                Happened::Closed(why) => bail!("XMPP client {client} lost its connection: {why}"),
            }
        }
        Ok(count)
    }

    fn client(&mut self, client: usize) -> anyhow::Result<&mut Client> {
        self.clients.get_mut(client).context("a client")
    }

    fn say(&mut self, client: usize, text: &str) {
        self.sockets.send(client, |out| out.extend_from_slice(text.as_bytes()));
    }

    fn take_in(&mut self, client: usize, stanza: &str) -> anyhow::Result<()> {
        let step = self.client(client)?.step;
        if step == Step::Ready {
            return self.take_in_ready(client, stanza);
        }
        let (answer, next) = match step {
            Step::Opening if stanza.starts_with("<stream:features") => (
                format!(
                    "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>u{client}</username>\
                     <password>p</password></query></iq>"
                ),
                Step::Registering,
            ),
            Step::Registering if stanza.contains("'result'") || stanza.contains("\"result\"") => (
                format!(
                    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{}</auth>",
                    stanza::base64(format!("\0u{client}\0p").as_bytes())
                ),
                Step::Authenticating,
            ),
            Step::Authenticating if stanza.starts_with("<success") => (STREAM.to_string(), Step::Reopening),
            Step::Reopening if stanza.starts_with("<stream:features") => (
                "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>b</resource>\
                 </bind></iq>"
                    .to_string(),
                Step::Binding,
            ),
            Step::Binding if stanza.contains("<jid>") => {
                ("<enable xmlns='urn:xmpp:sm:3'/>".to_string(), Step::Enabling)
            }
            Step::Enabling if stanza.starts_with("<enabled") => {
                self.client(client)?.sent = 1;
                ("<presence/>".to_string(), Step::Ready)
            }
            _ => bail!("XMPP client {client} at {step:?} got {stanza}"),
        };
        self.client(client)?.step = next;
        self.say(client, &answer);
        Ok(())
    }

    fn take_in_ready(&mut self, client: usize, stanza: &str) -> anyhow::Result<()> {
        if stanza.starts_with("<r ") {
            let taken = self.client(client)?.taken;
            self.say(client, &format!("<a xmlns='urn:xmpp:sm:3' h='{taken}'/>"));
        } else if stanza.starts_with("<a ") {
            let upto: u32 = stanza::attribute(stanza, "h").context("h")?.parse()?;
            self.mark(client, |flight| {
                flight.acknowledged |= flight.number <= upto;
            })?;
        } else if stanza.starts_with("<message") {
            self.client(client)?.taken += 1;
            ensure!(!stanza.contains("type='error'"), "{stanza}");
            if let Some((_, received)) = stanza.split_once("<received") {
                let id: u64 = stanza::attribute(received, "id").context("id")?.parse()?;
                self.mark(client, |flight| flight.received |= flight.id == id)?;
            } else {
                let id = stanza::attribute(stanza, "id").context("id")?.to_string();
                let recipient = self.client(client)?;
                recipient.recipients_seen += 1;
                recipient.sent += 1;
                let answer = format!(
                    "<message to='u{}@localhost/b' type='chat'><received xmlns='urn:xmpp:receipts' \
                     id='{id}'/></message>",
                    client - 1
                );
                self.say(client, &answer);
            }
        } else if stanza.starts_with("<presence") || stanza.starts_with("<iq") {
            self.client(client)?.taken += 1;
        } else {
            bail!("XMPP client {client} got {stanza}");
        }
        Ok(())
    }

    fn send(&mut self, client: usize) -> anyhow::Result<()> {
        self.next_id += 1;
        let id = self.next_id;
        let message = format!(
            "<message to='u{}@localhost/b' type='chat' id='{id}'><body>{}</body>\
             <request xmlns='urn:xmpp:receipts'/></message>",
            client + 1,
            self.text
        );
        self.say(client, &message);
        let state = self.client(client)?;
        state.sent += 1;
        state.ask = true;
        let (number, since) = (state.sent, Instant::now());
        state.flights.push(Flight { id, number, since, acknowledged: false, received: false });
        Ok(())
    }

    fn mark(&mut self, client: usize, change: impl Fn(&mut Flight)) -> anyhow::Result<()> {
        let flights = &mut self.client(client)?.flights;
        flights.iter_mut().for_each(change);
        let (done, under_way) =
            std::mem::take(flights).into_iter().partition(|flight| flight.acknowledged && flight.received);
        *flights = under_way;
        let done: Vec<Flight> = done;
        for flight in done {
            self.latencies.record(flight.since.elapsed());
            if self.refilling {
                self.send(client)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs Debian's ejabberd"]
    fn ejabberd_delivers() {
        let common = Common { server: None, scratch: None, smoke: true };
        let plan = Plan { pairs: 4, window: 4, warm_up_seconds: 0.5, seconds: 2.0 };
        let measured = measure(&common, plan).unwrap();
        println!("{:?}", measured.to_json());
        assert!(measured.messages > 0);
    }
}

//! Messages to a group, against the same messages sent to each member by itself.

mod bystander;
mod exchange;

use anyhow::ensure;
use rand_core::Rng;
use serde_json::{Map, Value, json};
use waxwing_wire::client_frame::GroupSend;
use waxwing_wire::group::{PublicChange, view_digest};
use waxwing_wire::limits::{MAX_DEVICES, MAX_GROUP_MEMBERS};
use waxwing_wire::{AccountId, GroupId, MessageId};

use crate::fleet::{Fleet, entropy};
use crate::limits::{MAX_GROUP_MESSAGES, QUIET, SETTLE};
use crate::measure::{Latencies, fields, report, rounded};
use crate::online::TEXT_BYTES;
use crate::server::Server;
use crate::{Common, ciphertext};
use exchange::{Exchange, Way};

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Sizes of groups, one after the other.
    pub members: Vec<usize>,
    /// Devices of each member.
    pub devices: usize,
    /// Messages of each way.
    pub messages: usize,
}

impl Plan {
    /// Within the limits.
    pub fn checked(self) -> anyhow::Result<Self> {
        let sizes = 2..=MAX_GROUP_MEMBERS;
        ensure!(!self.members.is_empty(), "--members must name a size");
        ensure!(
            self.members.iter().all(|size| sizes.contains(size)),
            "--members must be 2 to {MAX_GROUP_MEMBERS}"
        );
        ensure!((1..=MAX_DEVICES).contains(&self.devices), "--devices must be 1 to {MAX_DEVICES}");
        let messages = 1..=MAX_GROUP_MESSAGES;
        ensure!(messages.contains(&self.messages), "--messages must be 1 to {MAX_GROUP_MESSAGES}");
        Ok(self)
    }
}

/// Measures each size on a server of its own.
pub fn run(common: &Common, plan: &Plan) -> anyhow::Result<Value> {
    let rng = &mut entropy()?;
    let group_bytes = ciphertext::bytes_of_group_text(TEXT_BYTES, rng)?;
    let pairwise_bytes = ciphertext::bytes_of_text(TEXT_BYTES, rng)?;
    let mut sizes = Vec::new();
    for members in &plan.members {
        sizes.push(measure(common, plan, *members, group_bytes, pairwise_bytes)?);
    }
    let head = fields(json!({
        "text_bytes": TEXT_BYTES,
        "group_ciphertext_bytes": group_bytes,
        "ciphertext_bytes": pairwise_bytes,
        "devices_per_member": plan.devices,
        "sizes": sizes,
    }));
    Ok(report("group", [head]))
}

/// As a table, for people.
pub fn table(report: &Value) -> String {
    let mut text = String::from("members way       ");
    for (name, _) in COLUMNS {
        text += &format!(" {name:>15}");
    }
    for size in report.get("sizes").and_then(Value::as_array).into_iter().flatten() {
        for way in ["group", "pairwise", "ratio"] {
            let members = size.get("members").and_then(Value::as_u64).unwrap_or_default();
            text += &format!("\n{members:>7} {way:<10}");
            for (_, field) in COLUMNS {
                let number = size.get(way).and_then(|way| way.get(field)).and_then(Value::as_f64);
                text += &number.map_or_else(|| format!(" {:>15}", "-"), |number| format!(" {number:>15.3}"));
            }
        }
        let between = |name| size.get("bystander").and_then(|it| it.get(name)).and_then(Value::as_f64);
        text += "\n        bystander ";
        for name in ["alone_p50_ms", "alone_p99_ms", "during_p50_ms", "during_p99_ms"] {
            text += &format!(" {name} {:.3}", between(name).unwrap_or_default());
        }
    }
    text
}

/// Head of a column and the field that stands in it.
const COLUMNS: [(&str, &str); 8] = [
    ("sender B up", "sender_bytes_up_per_message"),
    ("stored B", "stored_bytes_per_message"),
    ("log B", "log_bytes_per_message"),
    ("CPU us/msg", "server_cpu_us_per_message"),
    ("CPU us/rcpt", "server_cpu_us_per_recipient"),
    ("fsyncs/msg", "fsyncs_per_message"),
    ("accepted p50 ms", "accepted_p50_ms"),
    ("last p50 ms", "last_online_p50_ms"),
];

/// Of the server's counters, in this order.
const COUNTED: [&str; 5] = ["process_cpu_us", "fsyncs", "log_bytes", "kept_bytes", "blob_bytes"];

/// What the server counted, and what the sender has uploaded.
struct Counts {
    server: [u64; COUNTED.len()],
    sent: u64,
}

fn measure(
    common: &Common,
    plan: &Plan,
    members: usize,
    group_bytes: usize,
    pairwise_bytes: usize,
) -> anyhow::Result<Value> {
    let server = Server::start(common)?;
    let mut fleet = Fleet::register(server.address, server.invite()?, members)?;
    for _ in 1..plan.devices {
        fleet.link(0..members)?;
    }
    let devices = members * plan.devices;
    // Everybody was here before: with mailboxes, and in the server's memory.
    fleet.attach(0..devices)?;
    let online = members.div_ceil(2).max(2);
    (0..devices)
        .filter(|device| device % members >= online)
        .try_for_each(|device| fleet.disconnect(device))?;
    let group = make_group(&mut fleet, members)?;
    let mut exchange = Exchange::new(fleet, members, devices, online);
    // Makes the group, and takes what is on its way from the registrations out of the count.
    exchange.send_change(group.change.clone())?;
    let mut ways = Vec::new();
    let to_group = Way::Group(Box::new(group.message));
    for (way, bytes) in [(&to_group, group_bytes), (&Way::Pairwise, pairwise_bytes)] {
        let before = count(&server, &exchange)?;
        let (mut accepted, mut last) = (Latencies::new(), Latencies::new());
        for _ in 0..plan.messages {
            let times = exchange.send(way, bytes)?;
            accepted.record(times.accepted);
            last.record(times.last_online);
        }
        let after = count(&server, &exchange)?;
        let recipients = match way {
            Way::Group(_) => devices - 1,
            Way::Pairwise => devices - plan.devices,
        };
        ways.push(figures(plan.messages, recipients, &before, &after, &accepted, &last));
    }
    let [group, pairwise] = &ways[..] else { anyhow::bail!("two ways") };
    let mut bystanders = Fleet::register(server.address, server.invite()?, 2)?;
    bystanders.attach(0..2)?;
    let alone = bystander::watch(&mut bystanders, pairwise_bytes, || {
        std::thread::sleep(QUIET);
        Ok(())
    })?;
    let during = bystander::watch(&mut bystanders, pairwise_bytes, || {
        (0..plan.messages).try_for_each(|_| exchange.send(&to_group, group_bytes).map(drop))
    })?;
    Ok(json!({
        "members": members,
        "devices": devices,
        "online_devices": (0..devices).filter(|device| device % members < online).count(),
        "group": group,
        "pairwise": pairwise,
        "ratio": ratios(group, pairwise),
        // Accepted messages of two who have nothing to do with the group, while it is quiet and while one message
        // to it follows the other.
        "bystander": {
            "alone_p50_ms": rounded(alone.percentile_ms(50.0)),
            "alone_p99_ms": rounded(alone.percentile_ms(99.0)),
            "during_p50_ms": rounded(during.percentile_ms(50.0)),
            "during_p99_ms": rounded(during.percentile_ms(99.0)),
        },
    }))
}

fn count(server: &Server, exchange: &Exchange) -> anyhow::Result<Counts> {
    // What a message leads to goes on for a moment after the last receipt.
    std::thread::sleep(SETTLE);
    Ok(Counts { server: server.counters(COUNTED)?, sent: exchange.sent() })
}

fn figures(
    messages: usize,
    recipients: usize,
    before: &Counts,
    after: &Counts,
    accepted: &Latencies,
    last: &Latencies,
) -> Map<String, Value> {
    let each = |count: u64| rounded(count as f64 / messages as f64);
    let mut deltas = after.server;
    for (delta, before) in deltas.iter_mut().zip(before.server) {
        *delta -= before;
    }
    let [cpu_us, fsyncs, log_bytes, kept_bytes, blob_bytes] = deltas;
    fields(json!({
        "messages": messages,
        "recipients": recipients,
        "sender_bytes_up_per_message": each(after.sent - before.sent),
        "stored_bytes_per_message": each(kept_bytes + blob_bytes),
        "stored_once_bytes_per_message": each(blob_bytes),
        "log_bytes_per_message": each(log_bytes),
        "server_cpu_us_per_message": each(cpu_us),
        "server_cpu_us_per_recipient": rounded(cpu_us as f64 / (messages * recipients) as f64),
        "fsyncs_per_message": each(fsyncs),
        "accepted_p50_ms": rounded(accepted.percentile_ms(50.0)),
        "accepted_p99_ms": rounded(accepted.percentile_ms(99.0)),
        "last_online_p50_ms": rounded(last.percentile_ms(50.0)),
        "last_online_p99_ms": rounded(last.percentile_ms(99.0)),
    }))
}

/// The group's figure for each of the pairwise one.
fn ratios(group: &Map<String, Value>, pairwise: &Map<String, Value>) -> Map<String, Value> {
    let ratio = |(name, value): (&String, &Value)| {
        let (ours, theirs) = (value.as_f64()?, pairwise.get(name)?.as_f64().filter(|number| *number > 0.0)?);
        Some((name.clone(), rounded(ours / theirs).into()))
    };
    group
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "messages" | "recipients"))
        .filter_map(ratio)
        .collect()
}

/// A group's first change, and a message to it.
struct Group {
    change: GroupSend,
    message: GroupSend,
}

fn make_group(fleet: &mut Fleet, members: usize) -> anyhow::Result<Group> {
    let mut id = [0; 16];
    fleet.rng.fill_bytes(&mut id);
    let mut views: Vec<(AccountId, [u8; 8])> =
        (0..members).map(|member| fleet.view_of(member)).collect::<Result<_, _>>()?;
    views.sort_unstable();
    let message = GroupSend {
        id: MessageId(0),
        group: GroupId(id),
        epoch: 1,
        view: view_digest(views.iter().copied()),
        ciphertext: vec![0xc1; 256].into(),
        silent: false,
        attempt: 0,
        change: None,
        files: Vec::new(),
    };
    let add = views.iter().map(|(account, _)| *account).collect();
    let change = PublicChange { add, promote: vec![fleet.account(0)?], ..PublicChange::default() };
    let change =
        GroupSend { id: MessageId(fleet.rng.next_u64()), epoch: 0, change: Some(change), ..message.clone() };
    Ok(Group { change, message })
}

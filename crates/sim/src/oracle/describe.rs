//! Frames in short, for the trace: kinds and numbers, never what people wrote.

use waxwing_wire::client_frame::{ClientFrame, RequestBody};
use waxwing_wire::server_frame::{ResponseBody, ServerFrame};

/// What is light in a frame.
const LIGHT: &str = "light";

/// Whether there is more in a frame than keep-alive and what is light: these two go on for ever.
#[must_use]
pub fn says_something(summary: &str) -> bool {
    summary.split([',', ' ']).any(|part| !matches!(part, "" | "ping" | "pong" | LIGHT))
}

/// A frame to the server, in short.
pub(super) fn client_frame(frame: &ClientFrame) -> String {
    let mut parts = Vec::new();
    parts.extend(frame.hello.map(|hello| format!("hello lease {} stored {}", hello.lease, hello.stored)));
    parts.extend(
        frame
            .stored
            .as_ref()
            .map(|stored| format!("stored {} ({} undecryptable)", stored.up_to, stored.undecryptable.len())),
    );
    if !frame.sends.is_empty() {
        let silent = frame.sends.iter().filter(|send| send.silent).count();
        let again = frame.sends.iter().filter(|send| send.attempt > 0).count();
        let ids: Vec<String> = frame.sends.iter().map(|send| format!(" {:08x}", send.id.0 >> 32)).collect();
        parts.push(format!("{} sends ({silent} silent, {again} anew):{}", frame.sends.len(), ids.concat()));
    }
    for send in &frame.group_sends {
        let what = if send.change.is_some() { "change" } else { "message" };
        parts.push(format!("{what} {:08x} to {:?} in epoch {}", send.id.0 >> 32, send.group, send.epoch));
    }
    for request in &frame.requests {
        parts.push(match &request.what {
            RequestBody::Register(_) => "register".into(),
            RequestBody::FindAccount(_) => "find".into(),
            RequestBody::FetchBundles(..) => "fetch".into(),
            RequestBody::PublishPrekeys(upload) => format!("publish (replace {})", upload.replace),
            RequestBody::FetchDevices(_) => "devices?".into(),
            RequestBody::PublishDeviceList(_) => "list".into(),
            RequestBody::RemoveDevice(device) => format!("remove device {}", device.number()),
            RequestBody::OfferLink(..) => "offer".into(),
            RequestBody::FetchLink(_) => "offer?".into(),
            RequestBody::ApproveLink(_) => "approve".into(),
            RequestBody::CompleteLink(_) => "complete".into(),
            RequestBody::FindGroup(..) => "group?".into(),
            RequestBody::FetchGroupEpoch(group) => format!("epoch of {group:?}?"),
            RequestBody::FindUsername(_) => "username?".into(),
            RequestBody::EvaluateAddresses(_) => "addresses?".into(),
            RequestBody::FetchBucket(_) => "bucket?".into(),
            RequestBody::Findable(_) => "findable".into(),
            RequestBody::RedeemAddress(_) => "redeem".into(),
            RequestBody::File(request) => format!("{request:?}"),
        });
    }
    parts.extend(frame.ping.map(|_| "ping".into()));
    parts.extend(frame.has_light().then(|| LIGHT.into()));
    parts.join(", ")
}

/// A frame to a client, in short.
pub(super) fn server_frame(frame: &ServerFrame) -> String {
    let mut parts = Vec::new();
    let mut count = |number: usize, what: &str| {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    };
    count(frame.entries.len(), "entries");
    count(frame.accepted.len(), "accepted");
    count(frame.refused.len(), "refused");
    count(frame.responses.len(), "responses");
    count(frame.welcome.iter().count(), "welcome");
    if let (Some(first), Some(last)) = (frame.entries.first(), frame.entries.last()) {
        parts.push(format!("(entries {}..{})", first.seq, last.seq));
    }
    parts.extend(frame.refused.first().map(|refused| format!("({})", refused.reject.code.name())));
    for response in &frame.responses {
        parts.push(match &response.what {
            ResponseBody::Reject(reject) => format!("(reject {})", reject.code.name()),
            ResponseBody::Registered(_) => "(registered)".into(),
            ResponseBody::Found { .. } => "(found)".into(),
            ResponseBody::Bundles { bundles, .. } => format!("({} bundles)", bundles.len()),
            ResponseBody::Published(_) => "(published)".into(),
            ResponseBody::Devices { devices, .. } => format!("({} devices)", devices.len()),
            ResponseBody::Done => "(done)".into(),
            ResponseBody::LinkOffered(_) => "(offer)".into(),
            ResponseBody::Linked { .. } => "(linked)".into(),
            ResponseBody::GroupFound(_) => "(group)".into(),
            ResponseBody::GroupEpoch(_) => "(epoch)".into(),
            ResponseBody::Username(_) => "(username)".into(),
            ResponseBody::Evaluated(_) => "(addresses)".into(),
            ResponseBody::Bucket(_) => "(bucket)".into(),
            ResponseBody::Findable { .. } => "(findable)".into(),
            ResponseBody::UploadTicket(_) => "(ticket)".into(),
            ResponseBody::Segments(_) => "(segments)".into(),
            ResponseBody::Download(_) => "(download)".into(),
        });
    }
    parts.extend(frame.goodbye.as_ref().map(|reject| format!("goodbye {}", reject.code.name())));
    parts.extend(frame.pong.map(|_| "pong".into()));
    let light = !frame.lights.is_empty() || !frame.presences.is_empty();
    parts.extend(light.then(|| LIGHT.into()));
    parts.join(" ")
}

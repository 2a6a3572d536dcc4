//! From frames to commands.

use waxwing_server::{Command, CommitError, ConnId, Effect, FileCommand, Origin, Piece, refuse, rejects};
use waxwing_wire::client_frame::{ClientFrame, GroupSend, Request, RequestBody, Send};
use waxwing_wire::server_frame::{DeviceMismatch, Refused, Response, ResponseBody};
use waxwing_wire::{DeviceAddress, MessageId, Reject, RejectCode};

use super::chain::Chain;
use super::group::Group;
use super::{Engine, Failed};
use crate::message::{Job, Peer};
use crate::store::Room;

impl Engine {
    /// Carries out a frame, in the order that [`ClientFrame`] states. What stands beside a `Hello` waits until
    /// the connection speaks for its device.
    pub(super) fn take_in_frame(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        peer: Option<Peer>,
        frame: ClientFrame,
    ) -> Result<(), Failed> {
        if let Some(hello) = frame.hello {
            let Some(peer) = peer.filter(|_| self.links.device(conn).is_none()) else {
                let reject = Reject::new(RejectCode::Malformed, "a second Hello: connect anew to say it");
                let piece = Piece::Goodbye(reject);
                group.say(vec![Effect::Reply { conn, piece }, Effect::Close { conn }]);
                return Ok(());
            };
            let place = peer.ip.to_canonical().to_string();
            self.decide(group, Command::Attach { conn, key: peer.key, hello, place })?;
            let rest = ClientFrame { hello: None, ..frame };
            if group.attached.contains(&conn) {
                defer(group, conn, Some(peer), rest);
                return Ok(());
            }
            return self.take_in_rest(group, conn, Some(peer), rest);
        }
        self.take_in_rest(group, conn, peer, frame)
    }

    fn take_in_rest(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        peer: Option<Peer>,
        frame: ClientFrame,
    ) -> Result<(), Failed> {
        let ClientFrame { stored, sends, group_sends, requests, lights, announcement, watch, .. } = frame;
        let device = self.links.device(conn);
        if let Some(device) = device {
            self.take_in_light(group, (conn, device), lights, announcement, watch)?;
        }
        if let (Some(mailbox), Some(stored)) = (device, stored) {
            let mut undecryptable = stored.undecryptable;
            // What an earlier acknowledgement named still earns no receipt.
            if let Some(waits) = self.unsettled.take(mailbox) {
                undecryptable.extend(waits.undecryptable);
            }
            self.decide(group, Command::Stored { mailbox, up_to: stored.up_to, undecryptable })?;
        }
        for send in sends {
            self.take_in_send(group, conn, device, send)?;
        }
        let mut group_sends = group_sends.into_iter();
        while let Some(send) = group_sends.next() {
            self.take_in_group_send(group, conn, device, send)?;
            if self.busy.is(conn) {
                // It takes several commits: what comes after it must not overtake it.
                let rest =
                    ClientFrame { group_sends: group_sends.collect(), requests, ..ClientFrame::default() };
                if !rest.is_empty() {
                    // It is the first that waits, so there is room.
                    self.busy.wait(conn, Job::Frame { conn, peer, frame: Box::new(rest) });
                }
                return Ok(());
            }
        }
        for Request { id, what } in requests {
            self.take_in_request(group, Origin { conn, request: id }, peer, device, what)?;
        }
        Ok(())
    }

    fn take_in_send(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        device: Option<DeviceAddress>,
        send: Send,
    ) -> Result<(), Failed> {
        self.links.count_received(conn);
        if let Some(refused) = device.and_then(|from| self.links.overtakes(from, &send)) {
            say(group, conn, Piece::Refused(refused));
            return Ok(());
        }
        let to = send.to;
        let allowed = device.ok_or_else(not_registered).and_then(|from| {
            let allowed = self.links.allow_send(from, self.now, &self.settings);
            allowed.map(|()| from).map_err(rejects::rate_limited)
        });
        match allowed.and_then(|from| in_ample_room(group, from)) {
            Ok(from) => self.decide(group, Command::Send { conn, from, send })?,
            Err(reject) => say(group, conn, refused(send.id, reject)),
        }
        // What comes next may be decided before this is committed.
        if let (Some(from), Some(decided)) = (device, group.decided.last()) {
            self.links.note_refusals(from, to, &decided.effects);
        }
        Ok(())
    }

    fn take_in_group_send(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        device: Option<DeviceAddress>,
        send: GroupSend,
    ) -> Result<(), Failed> {
        self.links.count_received(conn);
        let allowed = device.ok_or_else(not_registered).and_then(|from| {
            let allowed = self.links.allow_group_send(from, self.now);
            allowed.map(|()| from).map_err(rejects::rate_limited)
        });
        match allowed.and_then(|from| in_ample_room(group, from)) {
            Ok(from) => {
                let command = Command::GroupSend { conn, from, send: Box::new(send) };
                self.go_on(group, Chain::of_conn(command, conn))
            }
            Err(reject) => {
                say(group, conn, refused(send.id, reject));
                Ok(())
            }
        }
    }

    fn take_in_request(
        &mut self,
        group: &mut Group,
        origin: Origin,
        peer: Option<Peer>,
        device: Option<DeviceAddress>,
        what: RequestBody,
    ) -> Result<(), Failed> {
        let command = match device {
            Some(from) => self.request_of_device(origin, from, what),
            None => self.request_of_stranger(origin, peer, what),
        };
        let command = match command {
            Ok(command) if group.room != Room::Ample && asks_for_room(&command) => {
                group.say(refuse(&command, rejects::commit_failed(&CommitError::Full)));
                return Ok(());
            }
            Ok(command) => command,
            Err(reject) => {
                let response = Response { id: origin.request, what: ResponseBody::Reject(reject) };
                say(group, origin.conn, Piece::Response(response));
                return Ok(());
            }
        };
        self.decide(group, command)
    }

    fn request_of_device(
        &mut self,
        origin: Origin,
        from: DeviceAddress,
        what: RequestBody,
    ) -> Result<Command, Reject> {
        self.links.allow_request(from, &what, self.now).map_err(rejects::rate_limited)?;
        Command::of_device(origin, from, what).ok_or_else(|| {
            Reject::new(
                RejectCode::Malformed,
                "this device has an account already: register or link another with another device key",
            )
        })
    }

    /// Of a connection that speaks for no device: to get an account, or to be linked to one.
    fn request_of_stranger(
        &mut self,
        origin: Origin,
        peer: Option<Peer>,
        what: RequestBody,
    ) -> Result<Command, Reject> {
        let Some(Peer { key, .. }) = peer else { return Err(not_registered()) };
        if matches!(what, RequestBody::OfferLink(..) | RequestBody::CompleteLink(_)) {
            self.links.allow_offer(origin.conn, self.now).map_err(rejects::rate_limited)?;
        }
        Command::of_stranger(origin, key, what).map_err(|_| not_registered())
    }
}

/// Whether it is refused at once while the disk is nearly full.
fn asks_for_room(command: &Command) -> bool {
    matches!(
        command,
        Command::Register { .. }
            | Command::PublishPrekeys { .. }
            | Command::OfferLink { .. }
            | Command::ApproveLink { .. }
            | Command::CompleteLink { .. }
            | Command::File(FileCommand::RequestUpload { .. })
    )
}

fn in_ample_room(group: &Group, from: DeviceAddress) -> Result<DeviceAddress, Reject> {
    if group.room == Room::Ample { Ok(from) } else { Err(rejects::commit_failed(&CommitError::Full)) }
}

/// What else the connection said waits for the next group.
fn defer(group: &mut Group, conn: ConnId, peer: Option<Peer>, frame: ClientFrame) {
    if !frame.is_empty() {
        group.deferred.push(Job::Frame { conn, peer, frame: Box::new(frame) });
    }
}

fn say(group: &mut Group, conn: ConnId, piece: Piece) {
    group.say(vec![Effect::Reply { conn, piece }]);
}

fn refused(id: MessageId, reject: Reject) -> Piece {
    Piece::Refused(Refused {
        id,
        reject,
        mismatch: DeviceMismatch::default(),
        group: None,
        files_gone: Vec::new(),
    })
}

fn not_registered() -> Reject {
    Reject::new(
        RejectCode::NotRegistered,
        "the server does not know this device: say Hello, register it, or have it linked first",
    )
}

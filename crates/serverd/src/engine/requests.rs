//! From frames to commands.

use waxwing_server::{Command, CommitError, ConnId, Effect, Origin, Piece, refuse, rejects};
use waxwing_wire::client_frame::{ClientFrame, Request, RequestBody, Send};
use waxwing_wire::server_frame::{DeviceMismatch, Refused, Response, ResponseBody};
use waxwing_wire::{DeviceAddress, DeviceKey, Reject, RejectCode};

use super::group::Group;
use super::{Engine, Failed};
use crate::message::Job;
use crate::store::Room;

impl Engine {
    /// Carries out a frame, in the order that [`ClientFrame`] states. What stands beside a `Hello` waits until
    /// the connection speaks for its device.
    pub(super) fn take_in_frame(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        key: Option<DeviceKey>,
        frame: ClientFrame,
    ) -> Result<(), Failed> {
        if let Some(hello) = frame.hello {
            let Some(key) = key.filter(|_| self.links.device(conn).is_none()) else {
                let reject = Reject::new(RejectCode::Malformed, "a second Hello: connect anew to say it");
                let piece = Piece::Goodbye(reject);
                group.say(vec![Effect::Reply { conn, piece }, Effect::Close { conn }]);
                return Ok(());
            };
            self.decide(group, Command::Attach { conn, key, hello }, None)?;
            let rest = ClientFrame { hello: None, ..frame };
            if rest.is_empty() {
                return Ok(());
            }
            if group.attached.contains(&conn) {
                group.deferred.push(Job::Frame { conn, key: Some(key), frame: rest });
                return Ok(());
            }
            return self.take_in_rest(group, conn, Some(key), rest);
        }
        self.take_in_rest(group, conn, key, frame)
    }

    fn take_in_rest(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        key: Option<DeviceKey>,
        frame: ClientFrame,
    ) -> Result<(), Failed> {
        let ClientFrame { hello: _, stored, sends, requests, ping: _ } = frame;
        let device = self.links.device(conn);
        if let (Some(mailbox), Some(stored)) = (device, stored) {
            let mut undecryptable = stored.undecryptable;
            // What an earlier acknowledgement named still earns no receipt.
            if let Some(waits) = self.unsettled.remove(&mailbox) {
                undecryptable.extend(waits.undecryptable);
            }
            let command = Command::Stored { mailbox, up_to: stored.up_to, undecryptable };
            self.decide(group, command, None)?;
        }
        for send in sends {
            match device {
                Some(from) => self.take_in_send(group, conn, from, send)?,
                None => say(group, conn, Piece::Refused(refused(&send, not_registered()))),
            }
        }
        for Request { id, what } in requests {
            self.take_in_request(group, Origin { conn, request: id }, key, device, what)?;
        }
        Ok(())
    }

    fn take_in_send(
        &mut self,
        group: &mut Group,
        conn: ConnId,
        from: DeviceAddress,
        send: Send,
    ) -> Result<(), Failed> {
        if let Err(retry_after_ms) = self.links.allow_send(from, self.now, &self.settings) {
            say(group, conn, Piece::Refused(refused(&send, rejects::rate_limited(retry_after_ms))));
            return Ok(());
        }
        if group.room != Room::Ample {
            say(group, conn, Piece::Refused(refused(&send, rejects::commit_failed(&CommitError::Full))));
            return Ok(());
        }
        self.decide(group, Command::Send { conn, from, send }, None)
    }

    fn take_in_request(
        &mut self,
        group: &mut Group,
        origin: Origin,
        key: Option<DeviceKey>,
        device: Option<DeviceAddress>,
        what: RequestBody,
    ) -> Result<(), Failed> {
        let command = match (what, key, device) {
            (RequestBody::Register(register), Some(key), None) => Command::Register { origin, key, register },
            (RequestBody::Register(_), _, _) => {
                let reject = "this device has an account already: register another with another device key";
                answer(group, origin, Reject::new(RejectCode::Malformed, reject));
                return Ok(());
            }
            (_, _, None) => {
                answer(group, origin, not_registered());
                return Ok(());
            }
            (RequestBody::FindAccount(username), _, Some(address)) => {
                if let Err(retry_after_ms) = self.links.allow_lookup(address, self.now) {
                    answer(group, origin, rejects::rate_limited(retry_after_ms));
                    return Ok(());
                }
                Command::FindAccount { origin, username }
            }
            (RequestBody::FetchBundles(account), _, Some(address)) => {
                if let Err(retry_after_ms) = self.links.allow_fetch(address, self.now) {
                    answer(group, origin, rejects::rate_limited(retry_after_ms));
                    return Ok(());
                }
                Command::FetchBundles { origin, account }
            }
            (RequestBody::PublishPrekeys(upload), _, Some(address)) => {
                Command::PublishPrekeys { origin, address, upload }
            }
        };
        let grows = matches!(command, Command::Register { .. } | Command::PublishPrekeys { .. });
        if grows && group.room != Room::Ample {
            group.say(refuse(&command, rejects::commit_failed(&CommitError::Full)));
            return Ok(());
        }
        self.decide(group, command, None)
    }
}

fn say(group: &mut Group, conn: ConnId, piece: Piece) {
    group.say(vec![Effect::Reply { conn, piece }]);
}

fn answer(group: &mut Group, origin: Origin, reject: Reject) {
    let response = Response { id: origin.request, what: ResponseBody::Reject(reject) };
    say(group, origin.conn, Piece::Response(response));
}

fn refused(send: &Send, reject: Reject) -> Refused {
    Refused { id: send.id, reject, mismatch: DeviceMismatch::default() }
}

fn not_registered() -> Reject {
    Reject::new(
        RejectCode::NotRegistered,
        "the server does not know this device: say Hello, or register it first",
    )
}

//! The connection of a browser: a WebSocket, whose events the worker hands on one after the other.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket, WorkerGlobalScope};

use crate::limits::{CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT, MAX_UNSENT_BYTES};
use crate::net::{NetEvent, NetFailure, NetFailureCode, Said, ServerAddress, Talk, Target};

/// What the events of a socket share.
struct Line {
    socket: WebSocket,
    talk: RefCell<Option<Talk>>,
    target: Target,
    report: Box<dyn Fn(NetEvent) -> bool>,
    /// The handshake is done.
    up: Cell<bool>,
    /// Nothing is reported any more.
    over: Cell<bool>,
}

/// A connection as the engine holds it; closed when dropped, after what was sent before has left.
pub struct Connection {
    line: Rc<Line>,
    /// Ends what takes too long; a handler that is gone must not be called any more.
    timer: Option<i32>,
    _handlers: Vec<Closure<dyn FnMut(Event)>>,
    _messages: Closure<dyn FnMut(MessageEvent)>,
    _closes: Closure<dyn FnMut(CloseEvent)>,
}

impl Connection {
    /// Starts to connect.
    ///
    /// # Errors
    /// When the address is none that a browser can connect to.
    pub fn open(target: Target, report: impl Fn(NetEvent) -> bool + 'static) -> io::Result<Self> {
        let ServerAddress::WebSocket { .. } = &target.address else {
            return Err(io::Error::other("a browser reaches a server by ws:// or wss:// only"));
        };
        let refused = |_| io::Error::other("the browser does not allow it");
        let socket = WebSocket::new(&target.address.to_string()).map_err(refused)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let report = Box::new(move |event| {
            let listened = report(event);
            super::wake();
            listened
        });
        let line = Rc::new(Line {
            socket,
            talk: RefCell::new(None),
            target,
            report,
            up: Cell::new(false),
            over: Cell::new(false),
        });
        let opened = {
            let line = Rc::clone(&line);
            Closure::new(move |_: Event| line.opened())
        };
        let timed_out = {
            let line = Rc::clone(&line);
            Closure::new(move |_: Event| {
                if !line.up.get() {
                    line.end(&line.unreachable("it did not answer in time"));
                }
            })
        };
        let messages = {
            let line = Rc::clone(&line);
            Closure::new(move |event: MessageEvent| line.came(&event))
        };
        let closes = {
            let line = Rc::clone(&line);
            Closure::new(move |_: CloseEvent| line.end(&line.why_closed()))
        };
        line.socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        line.socket.set_onmessage(Some(messages.as_ref().unchecked_ref()));
        line.socket.set_onclose(Some(closes.as_ref().unchecked_ref()));
        let patience = CONNECT_TIMEOUT + HANDSHAKE_TIMEOUT;
        let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        let timer = scope().and_then(|scope| {
            let timed_out = timed_out.as_ref().unchecked_ref();
            scope.set_timeout_with_callback_and_timeout_and_arguments_0(timed_out, millis).ok()
        });
        Ok(Self { line, timer, _handlers: vec![opened, timed_out], _messages: messages, _closes: closes })
    }

    /// Hands over the plaintext of a frame. `false` when the connection is gone or takes nothing any more.
    #[must_use]
    pub fn send(&mut self, plaintext: Vec<u8>) -> bool {
        if self.line.over.get() || self.line.socket.buffered_amount() as usize > 4 * MAX_UNSENT_BYTES {
            return false;
        }
        let mut sealed = Vec::new();
        let sealing = self.line.talk.borrow_mut().as_mut().map(|talk| talk.seal(&plaintext, &mut sealed));
        matches!(sealing, Some(Ok(()))) && self.line.socket.send_with_u8_array(&sealed).is_ok()
    }

    /// Takes nothing more, and closes when what was sent before has left.
    pub fn end(&mut self) {
        self.line.over.set(true);
        let _ = self.line.socket.close();
    }

    /// The same.
    pub fn close(mut self) {
        self.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
        self.line.socket.set_onopen(None);
        self.line.socket.set_onmessage(None);
        self.line.socket.set_onclose(None);
        if let (Some(timer), Some(scope)) = (self.timer, scope()) {
            scope.clear_timeout_with_handle(timer);
        }
    }
}

/// Where timers are set.
fn scope() -> Option<WorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

impl Line {
    fn opened(&self) {
        match Talk::start(&self.target) {
            Ok((talk, hello)) => {
                *self.talk.borrow_mut() = Some(talk);
                if self.socket.send_with_u8_array(&hello).is_err() {
                    self.end(&NetFailure::closed());
                }
            }
            Err(failure) => self.end(&failure),
        }
    }

    fn came(&self, event: &MessageEvent) {
        let Ok(bytes) = event.data().dyn_into::<ArrayBuffer>() else { return };
        if let Some(talk) = self.talk.borrow_mut().as_mut() {
            let buffer = talk.buffer();
            let start = buffer.len();
            let bytes = Uint8Array::new(&bytes);
            buffer.resize(start + bytes.length() as usize, 0);
            bytes.copy_to(buffer.get_mut(start..).unwrap_or_default());
        }
        while !self.over.get() {
            // What is reported may lead to something that is sent: the talk is free by then.
            let said = match self.talk.borrow_mut().as_mut().map(Talk::next) {
                Some(Ok(Some(said))) => said,
                Some(Ok(None)) | None => return,
                Some(Err(failure)) => return self.end(&failure),
            };
            match said {
                Said::Connected(server, rest) => {
                    if self.socket.send_with_u8_array(&rest).is_err() {
                        return self.end(&NetFailure::closed());
                    }
                    self.up.set(true);
                    (self.report)(NetEvent::Connected(server));
                }
                Said::Frame(frame) => {
                    (self.report)(NetEvent::Frame(frame));
                }
            }
        }
    }

    fn end(&self, failure: &NetFailure) {
        if !self.over.replace(true) {
            let _ = self.socket.close();
            (self.report)(NetEvent::Disconnected(failure.clone()));
        }
    }

    fn why_closed(&self) -> NetFailure {
        match self.talk.borrow().as_ref() {
            Some(talk) => talk.closed(),
            None => self.unreachable("nothing answers there, or this device is offline"),
        }
    }

    fn unreachable(&self, why: &str) -> NetFailure {
        let detail = format!("the server {} cannot be reached: {why}", self.target.address);
        NetFailure::new(NetFailureCode::Unreachable, detail)
    }
}

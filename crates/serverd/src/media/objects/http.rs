//! How OpenDAL reaches an object store: by the HTTP client that is in the house already. It waits in the thread that
//! asks; those threads are there for nothing else.

use futures_util::stream;
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, Result};
use ureq::Agent;
use ureq::http::{Request, Response};

use crate::limits::{MAX_OBJECT_ANSWER_BYTES, OBJECT_TIMEOUT};

/// See the module.
pub struct Http(Agent);

/// A client that says every status, and waits for no step longer than [`OBJECT_TIMEOUT`].
pub fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(OBJECT_TIMEOUT))
        .user_agent(concat!("waxwingd/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

impl Http {
    pub fn new() -> Self {
        Self(agent())
    }
}

fn unreachable(error: ureq::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the object store cannot be reached").set_source(error).set_temporary()
}

impl HttpTransport for Http {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>> {
        let (parts, body) = request.into_parts();
        let answer = if body.is_empty() {
            self.0.run(Request::from_parts(parts, ()))
        } else {
            self.0.run(Request::from_parts(parts, body.to_vec()))
        };
        let (parts, mut body) = answer.map_err(unreachable)?.into_parts();
        let bytes = body.with_config().limit(MAX_OBJECT_ANSWER_BYTES).read_to_vec().map_err(unreachable)?;
        let size = bytes.len() as u64;
        let body = HttpBody::new(stream::iter([Ok(Buffer::from(bytes))]), Some(size));
        Ok(Response::from_parts(parts, body))
    }
}

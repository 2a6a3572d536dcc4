//! Asking for files over the connection.

use waxwing_wire::RejectCode;
use waxwing_wire::client_frame::RequestBody;
use waxwing_wire::file::{FileRequest, UploadTicket};
use waxwing_wire::server_frame::ResponseBody;

use super::{Client, Server, run};

pub fn request(client: &mut Client, request: FileRequest) -> ResponseBody {
    client.ask(RequestBody::File(request))
}

pub fn ticket(client: &mut Client, bytes: u64) -> UploadTicket {
    match request(client, FileRequest::Upload(bytes)) {
        ResponseBody::UploadTicket(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

pub fn rejected(answer: &ResponseBody) -> RejectCode {
    match answer {
        ResponseBody::Reject(reject) => reject.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// What `waxwingd storage` says.
pub fn storage(server: &Server, flags: &[&str]) -> serde_json::Value {
    let place = server.data_dir.to_str().unwrap();
    let output = run(&[&["storage", "--json", "--data-dir", place], flags].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

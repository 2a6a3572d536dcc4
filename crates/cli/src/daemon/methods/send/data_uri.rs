//! Files that a program gives as they are: `data:image/png;filename=sea.png;base64,…` (RFC 2397, and the file's name as
//! signal-cli takes it).

use crate::commands::safe_name_of;
use crate::daemon::rpc::RpcError;

/// What stands behind `data:`: the name of a file, and what is in it, Base64. Whoever takes it looks at that.
pub fn parse(uri: &str) -> Result<(String, String), RpcError> {
    let wrong = |why| RpcError::user(format!("attachments: {why}; nothing was sent"));
    let (head, data) = uri.split_once(',').ok_or_else(|| wrong("a data URI has a comma before its data"))?;
    let mut words = head.split(';');
    let media_type = words.next().unwrap_or_default();
    let (mut name, mut encoded) = ("", false);
    for word in words {
        match word.split_once('=') {
            Some(("filename", value)) => name = value,
            None if word.eq_ignore_ascii_case("base64") => encoded = true,
            _ => {}
        }
    }
    if !encoded {
        return Err(wrong("a data URI must say ;base64"));
    }
    Ok((safe_name_of(name, media_type, "file"), data.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_uri_has_a_name_and_a_content() {
        let parsed = |uri| parse(uri).ok().map(|(name, data)| format!("{name} {data}"));
        let named = parsed("text/plain;filename=../../no te.txt;base64,aGVsbG8=");
        assert_eq!(named.as_deref(), Some("no te.txt aGVsbG8="));
        assert_eq!(parsed("image/png;base64,").as_deref(), Some("file.png "));
        for wrong in ["", ",", "text/plain,hello", "text/plain;charset=utf-8,hello"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}

use waxwing_app::api::{LinkedGroup, Person, Status};

use super::*;

fn names() -> Names {
    let status: Status = serde_json::from_value(serde_json::json!({
        "account": "me", "device": 1, "username": "carol", "server": null, "serverKey": null,
        "connection": {"state": "offline"}, "unread": 0, "pending": 0, "outbox": 0, "protection": "keyFile",
    }))
    .unwrap();
    let mut names = Names::new(&status);
    for (account, name) in [("a", "Anna"), ("b", "Ben")] {
        names.is(&Person {
            account: account.into(),
            username: None,
            name: Some(name.into()),
            profile_name: None,
        });
    }
    names
}

fn said(by: &str, actions: Vec<GroupAction>) -> String {
    let notice = Notice::GroupChanged { by: by.into(), device: 1, at_ms: 0, actions };
    notice_text(&notice, &names())
}

fn add(account: &str) -> GroupAction {
    GroupAction::Add { account: account.into(), admin: false }
}

#[test]
fn who_did_what_to_whom() {
    assert_eq!(said("a", vec![add("b")]), "Anna added Ben");
    assert_eq!(said("a", vec![add("me"), add("b")]), "Anna added you; Anna added Ben");
    assert_eq!(said("me", vec![add("b")]), "you added Ben");
    assert_eq!(said("b", vec![add("b")]), "Ben joined");
    assert_eq!(said("b", vec![GroupAction::Remove { account: "b".into() }]), "Ben left");
    assert_eq!(said("me", vec![GroupAction::Remove { account: "me".into() }]), "you left");
    assert_eq!(said("a", vec![GroupAction::Remove { account: "me".into() }]), "Anna removed you");
    assert_eq!(said("a", vec![GroupAction::Promote { account: "b".into() }]), "Anna made Ben an admin");
    assert_eq!(said("x12345678", vec![add("b")]), "someone unknown (x1234567…) added Ben");
}

#[test]
fn names_that_others_chose_stay_on_one_line_and_move_no_cursor() {
    let name = "up\n\u{1b}[2J\u{202e}".to_owned();
    for action in [
        GroupAction::Name { name: name.clone() },
        GroupAction::Create { name: name.clone(), kind: GroupKind::Group },
        GroupAction::Description { text: name.clone() },
        GroupAction::LinkGroup { linked: LinkedGroup { group: "g".into(), name, link: None } },
    ] {
        let said = said("a", vec![action]);
        assert!(!said.chars().any(|c| c.is_control() || c == '\u{202e}'), "{said:?}");
    }
}

#[test]
fn everything_else_that_happens() {
    let of = |notice| notice_text(&notice, &names());
    let changed = of(Notice::IdentityChanged { account: "b".into() });
    assert_eq!(changed, "the safety number of Ben has changed; compare it anew");
    assert!(of(Notice::Joined { by: "a".into() }).starts_with("Anna added you"));
    assert!(of(Notice::Joined { by: "me".into() }).starts_with("you joined"));
    assert!(of(Notice::GroupForked { account: "a".into() }).starts_with("warning: "));
    let lifetime = |by: &str, seconds| of(Notice::Lifetime { by: by.into(), seconds });
    assert_eq!(lifetime("a", 604_800), "Anna set messages to disappear after 7 days");
    assert_eq!(lifetime("me", 86_400), "you set messages to disappear after 1 day");
    assert_eq!(lifetime("a", 90), "Anna set messages to disappear after 90 seconds");
    assert_eq!(lifetime("a", 0), "Anna set messages to stay until somebody deletes them");
    let permissions =
        Permissions { send: Allowed::Admins, edit: Allowed::Everybody, add: Allowed::Admins, approve: true };
    assert_eq!(
        said("a", vec![GroupAction::Permissions { permissions }]),
        "Anna changed who may do what: admins write, everybody edit, admins add, an admin lets in who comes \
         by link"
    );
    assert_eq!(missing_text(1, "Ben"), "1 message of Ben is missing here");
}

#[test]
fn files_and_answers_to_them_on_a_line() {
    let file: Attachment = serde_json::from_value(serde_json::json!({
        "id": "00", "kind": "voice", "bytes": 1_600_000, "name": "a\u{1b}[31m\nb", "durationMs": 65_400,
    }))
    .unwrap();
    assert_eq!(file_text(&file), "[voice message, a␛[31m b, 1:05, 1.5 MB]");
    let post = Post { attachments: vec![file], ..Post::plain("listen") };
    assert_eq!(post_text(&post, &names()), "listen\n[voice message, a␛[31m b, 1:05, 1.5 MB]");
    let quote = |text: &str, attachments| Quote { message: String::new(), text: text.into(), attachments };
    assert_eq!(quote_text(&quote("", vec![AttachmentKind::Photo])), "[photo]");
    assert_eq!(quote_text(&quote("sea", vec![AttachmentKind::Photo; 2])), "[2 files] sea");
    assert_eq!(quote_text(&quote("sea", vec![])), "sea");
    assert_eq!(size_text(1_023), "1023 bytes");
    assert_eq!(size_text(2 << 30), "2.0 GB");
    assert_eq!(duration_text(3_600_000), "1:00:00");
}

#[test]
fn documents_are_called_what_they_are() {
    let of = |name: &str, media_type: &str| {
        let file = serde_json::json!({
            "id": "00", "kind": "document", "bytes": 3, "name": name, "mediaType": media_type, "pages": 2,
        });
        file_text(&serde_json::from_value(file).unwrap())
    };
    assert_eq!(of("plan", "application/pdf"), "[PDF, plan, 2 pages, 3 bytes]");
    assert_eq!(of("sums.XLSX", "application/zip"), "[table, sums.XLSX, 2 pages, 3 bytes]");
    assert_eq!(of("invoice.pdf.exe", ""), "[program, invoice.pdf.exe, 2 pages, 3 bytes]");
    assert_eq!(of("", ""), "[document, 2 pages, 3 bytes]");
}

#[test]
fn a_voice_message_is_seen() {
    assert_eq!(wave_text(""), "");
    assert_eq!(wave_text("not Base64"), "");
    let loud = |parts: &[u8]| wave_text(&data_encoding::BASE64.encode(parts));
    assert_eq!(loud(&[0, 255, 128]), "▁█▅");
    assert_eq!(loud(&[200; 64]).chars().count(), 16);
    assert_eq!(loud(&[9; 100_000]).chars().count(), 16, "whatever a stranger sends");
}

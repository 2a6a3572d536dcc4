use super::*;

fn parsed(line: &str) -> Command {
    match Arguments::try_parse_from(line.split_whitespace()) {
        Ok(arguments) => arguments.command,
        Err(error) => panic!("{line}: {error}"),
    }
}

fn refused(line: &str) {
    assert!(Arguments::try_parse_from(line.split_whitespace()).is_err(), "{line}");
}

#[test]
fn the_definition_is_consistent() {
    use clap::CommandFactory as _;
    Arguments::command().debug_assert();
}

#[test]
fn linking_and_devices() {
    let Command::Link(link) = parsed("waxwing link --server h:1#ab --name laptop") else { panic!() };
    assert_eq!((link.server.as_deref(), link.name.as_deref()), (Some("h:1#ab"), Some("laptop")));
    assert!(matches!(parsed("waxwing devices"), Command::Devices(Devices { command: None })));
    let Command::Devices(Devices { command: Some(DevicesCommand::Approve { code, history }) }) =
        parsed("waxwing devices approve aaaaa-bbbbb --history month")
    else {
        panic!()
    };
    assert_eq!(code, "aaaaa-bbbbb");
    assert!(matches!(history, HistoryRange::Month));
    refused("waxwing devices approve");
    refused("waxwing devices approve a --history forever");
    refused("waxwing devices remove laptop");
    refused("waxwing devices remove 300");
}

#[test]
fn groups() {
    let command = |line: &str| match parsed(line) {
        Command::Group(group) => group.command,
        _ => panic!("{line}"),
    };
    assert!(command("waxwing group").is_none());
    assert!(command("waxwing groups").is_none());
    let Some(GroupCommand::Create { name, members, community }) =
        command("waxwing group create hikes anna ben")
    else {
        panic!()
    };
    assert_eq!((name.as_str(), members.len(), community), ("hikes", 2, false));
    assert!(matches!(command("waxwing group create alone"), Some(GroupCommand::Create { .. })));
    let Some(GroupCommand::Permissions(permissions)) =
        command("waxwing group permissions hikes --send admins --approve on")
    else {
        panic!()
    };
    assert!(permissions.send == Some(Audience::Admins) && permissions.approve == Some(Switch::On));
    assert!(permissions.edit.is_none() && permissions.add.is_none());
    let share = command("waxwing group share-history hikes ben");
    assert!(matches!(share, Some(GroupCommand::ShareHistory { messages: 50, .. })));
    refused("waxwing group share-history hikes ben --messages 24");
    refused("waxwing group share-history hikes ben --messages 101");
    refused("waxwing group add hikes");
    refused("waxwing group picture hikes");
    refused("waxwing group picture hikes a.png --none");
    refused("waxwing group link hikes --new --off");
    refused("waxwing group permissions hikes --send nobody");
}

#[test]
fn chats_lists_and_messages() {
    let mute = |line: &str| match parsed(line) {
        Command::Chats(Chats { command: Some(ChatsCommand::Mute { span, .. }) }) => span,
        _ => panic!("{line}"),
    };
    assert_eq!(mute("waxwing chats mute bob"), None);
    assert_eq!(mute("waxwing chats mute bob --for 8h"), Some(Duration::from_secs(8 * 3_600)));
    assert_eq!(mute("waxwing chats mute bob --for 2w"), Some(Duration::from_secs(14 * 86_400)));
    for span in ["8", "h", "0h", "-1h", "8y", "18446744073709551615w", "1.5h", "8hh"] {
        refused(&format!("waxwing chats mute bob --for {span}"));
    }
    refused("waxwing list create friends");
    refused("waxwing messages");
    refused("waxwing messages delete");
    assert!(matches!(parsed("waxwing lists"), Command::List(List { command: None })));
}

#[test]
fn searches() {
    let Command::Search(search) =
        parsed("waxwing search new york --in hikes --from me --since 2026-03-07 --until 2w --kind link")
    else {
        panic!()
    };
    assert_eq!(search.text, ["new", "york"]);
    assert_eq!(
        (search.chat.as_deref(), search.from.as_deref(), search.limit),
        (Some("hikes"), Some("me"), 20)
    );
    assert_eq!(search.since, Some(When::Day(jiff::civil::date(2026, 3, 7))));
    assert_eq!(search.until, Some(When::Ago(Duration::from_secs(14 * 86_400))));
    assert!(search.kind == Some(Kind::Link));
    assert!(matches!(parsed("waxwing search --from bob"), Command::Search(_)));
    refused("waxwing search tea --since yesterday");
    refused("waxwing search tea --since 2026-02-30");
    refused("waxwing search tea --kind smoke");
}

#[test]
fn what_is_sent_may_look_like_an_option() {
    let Command::Send(send) = parsed("waxwing send hikes --follow me -- up") else { panic!() };
    assert_eq!(send.text, ["--follow", "me", "--", "up"]);
}

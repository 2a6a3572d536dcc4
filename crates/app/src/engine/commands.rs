//! What front ends want, as the core understands it. Names arrive as text and are parsed here, once.

use rand_core::Rng as _;
use waxwing_client::{self as core, Read as _};
use waxwing_wire::Username;
use waxwing_wire::devices::LinkCode;
use waxwing_wire::directory::{Address, AddressCode};
use waxwing_wire::invitation::Invitation;

use super::server::{Server, parse_address};
use super::{Engine, now, rng, storage_fails};
use crate::api::{self, Command, CommandId, Failure};

impl Engine {
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        self.open_commands.insert(id);
        if let Err(failure) = self.try_command(id, command) {
            self.failed(id, failure);
        }
    }

    fn try_command(&mut self, id: CommandId, command: Command) -> Result<(), Failure> {
        if self.client.is_none() {
            return Err(storage_fails());
        }
        let command = match command {
            Command::Once { key, command } => match self.begin_once(id, key, *command)? {
                Some(command) => simple(command)?,
                None => return Ok(()),
            },
            Command::KeepJournal => {
                let kept = self.profile.store.keep_journal(now().0);
                kept.map_err(|error| Failure::device(error.to_string()))?;
                self.keeps_journal = true;
                self.done(id);
                return Ok(());
            }
            Command::AcknowledgeJournal { up_to } => {
                let acknowledged = self.profile.store.acknowledge_journal(up_to);
                acknowledged.map_err(|error| Failure::device(error.to_string()))?;
                self.done(id);
                return Ok(());
            }
            Command::Register { server, invitation, username } => {
                self.register(&server, &invitation, &username)?
            }
            Command::OfferLink { server, name } => self.offer_link(&server, name)?,
            Command::AcknowledgeInbox { messages } => {
                let keys = message_keys(&messages)?;
                self.profile.store.acknowledge(&keys).map_err(|error| Failure::device(error.to_string()))?;
                self.done(id);
                return Ok(());
            }
            Command::MarkInboxRead { with, up_to } => {
                let with = api::conversation_of(&with)?;
                let first = self.profile.store.first_fresh(with, up_to);
                let first = first.map_err(|error| Failure::device(error.to_string()))?;
                let up_to = first.map_or(up_to, |order| order.saturating_sub(1));
                core::Command::MarkRead { with, up_to }
            }
            Command::GoOnline => {
                self.online = true;
                core::Command::GoOnline
            }
            Command::GoOffline => {
                self.online = false;
                core::Command::GoOffline
            }
            #[cfg(not(target_family = "wasm"))]
            Command::Attach { path, kind, hd } => {
                let from = crate::media::Origin::Path(std::path::PathBuf::from(path));
                return self.attach(id, from, kind, hd);
            }
            #[cfg(not(target_family = "wasm"))]
            Command::AttachContent { name, content, kind } => {
                return self.attach_content(id, name, &content, kind);
            }
            Command::FetchFile { message, index } => return self.want_file(id, &message, index, None),
            Command::SaveFile { message, index, path } => {
                return self.want_file(id, &message, index, Some(path));
            }
            Command::FetchByRules { on } => {
                self.auto_fetch = on.then(|| self.fetch_rules()).transpose()?;
                self.done(id);
                return Ok(());
            }
            Command::SetFetchRules { rules } => return self.set_fetch_rules(id, rules),
            Command::RemoveFile { message, index } => return self.remove_file(id, &message, index),
            Command::Offload { to, older_than_ms, larger_than_bytes } => {
                return self.offload(id, to, older_than_ms, larger_than_bytes);
            }
            Command::Open { message } => self.open(&message)?,
            other => simple(other)?,
        };
        self.handle(core::Input::Command(core::CommandId(id), command));
        Ok(())
    }

    /// Shows what is to be seen once. Whoever crashes now has seen it, or sees it again: not neither.
    fn open(&mut self, message: &str) -> Result<core::Command, Failure> {
        let key = api::message_key_of(message)?;
        let found = self.profile.store.message(&key).map_err(|error| Failure::device(error.to_string()))?;
        let unknown =
            || Failure::user("unknownMessage", "no message that is to be seen once; it may be gone");
        let found = found.filter(|found| found.direction == core::Direction::Incoming).ok_or_else(unknown)?;
        let core::Body::Post(post) = &found.body else { return Err(unknown()) };
        if !post.once {
            return Err(unknown());
        }
        self.tell(api::Event::Opened { message: message.to_owned(), post: Box::new(api::whole_post(post)) });
        Ok(core::Command::Act { with: found.with, target: Some(key), deed: core::post::Deed::Opened })
    }

    /// Notes where the server is and who it is; the core does the rest.
    fn register(
        &mut self,
        address: &str,
        invitation: &str,
        username: &str,
    ) -> Result<core::Command, Failure> {
        let address = parse_address(address)?;
        let invitation = Invitation::parse(invitation)
            .map_err(|error| Failure::user("malformedInvitation", error.to_string()))?;
        let username = alias(username)?;
        if !self.registered() {
            self.set_server(Server::invited(&address, invitation.server))?;
            self.online = true;
        }
        Ok(core::Command::Register { invitation: invitation.token, username })
    }

    /// Likewise.
    fn offer_link(&mut self, server: &str, name: String) -> Result<core::Command, Failure> {
        let server = Server::named(server)?;
        if !self.registered() {
            self.set_server(server)?;
            self.online = true;
        }
        Ok(core::Command::OfferLink { name })
    }

    fn registered(&self) -> bool {
        self.client.as_ref().is_some_and(|client| client.address().is_some())
    }
}

/// Commands that only have to be translated.
fn simple(command: Command) -> Result<core::Command, Failure> {
    use core::Command as Core;
    Ok(match command {
        Command::Register { .. }
        | Command::OfferLink { .. }
        | Command::AcknowledgeInbox { .. }
        | Command::MarkInboxRead { .. }
        | Command::KeepJournal
        | Command::AcknowledgeJournal { .. }
        | Command::Once { .. }
        | Command::Open { .. }
        | Command::Attach { .. }
        | Command::AttachContent { .. }
        | Command::FetchFile { .. }
        | Command::SaveFile { .. }
        | Command::FetchByRules { .. }
        | Command::SetFetchRules { .. }
        | Command::RemoveFile { .. }
        | Command::Offload { .. }
        | Command::GoOnline
        | Command::GoOffline => return Err(not_once()),
        Command::CancelLink => Core::CancelLink,
        Command::ApproveLink { code, history } => {
            Core::ApproveLink { code: link_code(&code)?, history: api::history_of(history) }
        }
        Command::RefreshDevices => Core::RefreshDevices,
        Command::RenameDevice { device, name } => {
            Core::RenameDevice { device: api::device_of(device)?, name }
        }
        Command::RemoveDevice { device } => Core::RemoveDevice { device: api::device_of(device)? },
        Command::SetActivity { activity } => Core::SetActivity(api::activity_of(activity)),
        Command::WatchPresence { accounts } => {
            Core::WatchPresence(api::accounts_of(&accounts)?.into_iter().collect())
        }
        Command::Compose { with, what } => {
            Core::Compose { with: api::conversation_of(&with)?, what: api::composing_of(what) }
        }
        Command::AddContact { username } => Core::AddContact { username: alias(&username)? },
        Command::LookUpContacts { entries } => Core::LookUpContacts { entries: book(entries) },
        Command::Findable { set } => Core::Findable { set },
        Command::RedeemAddress { code } => Core::RedeemAddress { code: address_code(&code)? },
        Command::SetContactName { account, name } => {
            Core::SetContactName { account: api::account_of(&account)?, name }
        }
        Command::SetBlocked { account, blocked } => {
            Core::SetBlocked { account: api::account_of(&account)?, blocked }
        }
        Command::RemoveContact { account } => Core::RemoveContact { account: api::account_of(&account)? },
        Command::Accept { account } => Core::Accept { account: api::account_of(&account)? },
        Command::AcceptGroup { group } => Core::AcceptGroup { group: api::group_of(&group)? },
        Command::SetProfile { change } => Core::SetProfile { change: api::profile_change_of(change)? },
        Command::SetPrivacy { setting, audience } => {
            Core::SetPrivacy { setting: api::setting_of(setting), audience: api::audience_of(&audience)? }
        }
        Command::SetVerified { account, verified } => {
            Core::SetVerified { account: api::account_of(&account)?, verified }
        }
        Command::Send { to, post } => {
            Core::Send { to: api::conversation_of(&to)?, post: Box::new(api::post_of(&post)?) }
        }
        Command::Forward { message, to } => Core::Forward {
            message: api::message_key_of(&message)?,
            to: to.iter().map(|to| api::conversation_of(to)).collect::<Result<_, _>>()?,
        },
        Command::Act { with, message, deed } => Core::Act {
            with: api::conversation_of(&with)?,
            target: message.as_deref().map(api::message_key_of).transpose()?,
            deed: api::deed_of(&deed)?,
        },
        Command::MarkRead { with, up_to } => Core::MarkRead { with: api::conversation_of(&with)?, up_to },
        Command::SetChat { conversation, change } => Core::SetChat {
            conversation: api::conversation_of(&conversation)?,
            change: api::chat_change_of(change),
        },
        Command::SetStarred { message, starred } => {
            Core::SetStarred { message: api::message_key_of(&message)?, starred }
        }
        Command::DeleteMessages { messages } => Core::DeleteMessages { messages: message_keys(&messages)? },
        Command::SetSetting { key, value } => Core::SetSetting { key, value },
        group @ (Command::CreateGroup { .. }
        | Command::ChangeGroup { .. }
        | Command::SetGroupLink { .. }
        | Command::JoinGroup { .. }
        | Command::AnswerJoin { .. }
        | Command::ShareHistory { .. }) => of_group(group)?,
        Command::SetList { list } => Core::SetList { list: list_of(&list)? },
        Command::DeleteList { list } => Core::DeleteList { list: api::list_id_of(&list)? },
        Command::PostStatus { post } => Core::Show { post: Box::new(api::post_of(&post)?) },
        Command::SendToList { list, post } => {
            Core::SendToList { list: api::list_id_of(&list)?, post: Box::new(api::post_of(&post)?) }
        }
    })
}

/// Those of groups.
fn of_group(command: Command) -> Result<core::Command, Failure> {
    use core::Command as Core;
    Ok(match command {
        Command::CreateGroup { name, kind, members } => {
            Core::CreateGroup { name, kind: kind.into(), members: api::accounts_of(&members)? }
        }
        Command::ChangeGroup { group, actions } => Core::ChangeGroup {
            group: api::group_of(&group)?,
            actions: actions.iter().map(api::action_of).collect::<Result<_, _>>()?,
        },
        Command::SetGroupLink { group, enabled } => {
            Core::SetGroupLink { group: api::group_of(&group)?, enabled }
        }
        Command::JoinGroup { link } => Core::JoinGroup { link: api::link_of(&link)? },
        Command::AnswerJoin { group, account, accept } => {
            Core::AnswerJoin { group: api::group_of(&group)?, account: api::account_of(&account)?, accept }
        }
        Command::ShareHistory { group, account, messages } => share(&group, &account, messages)?,
        _ => return Err(not_once()),
    })
}

/// What the engine does itself is sorted out before; so only what is said to be done once.
fn not_once() -> Failure {
    Failure::user("notOnce", "this cannot be done under a key; do it without one")
}

fn share(group: &str, account: &str, messages: u32) -> Result<core::Command, Failure> {
    let (group, account) = (api::group_of(group)?, api::account_of(account)?);
    Ok(core::Command::ShareHistory { group, account, messages })
}

fn address_code(text: &str) -> Result<AddressCode, Failure> {
    AddressCode::parse(text).map_err(|error| Failure::user("malformedCode", error.to_string()))
}

/// An address that is none is passed over.
fn book(entries: Vec<api::BookEntry>) -> Vec<core::BookEntry> {
    let entry = |entry: api::BookEntry| core::BookEntry {
        name: entry.name,
        addresses: entry.addresses.iter().filter_map(|text| Address::parse(text).ok()).collect(),
    };
    entries.into_iter().map(entry).collect()
}

fn message_keys(ids: &[String]) -> Result<Vec<core::MessageKey>, Failure> {
    ids.iter().map(|id| api::message_key_of(id)).collect()
}

/// A list without an id is a new one, and gets one here.
fn list_of(list: &api::BroadcastList) -> Result<core::BroadcastList, Failure> {
    let id = match &list.id {
        Some(id) => api::list_id_of(id)?,
        None => {
            let mut id = [0; 16];
            rng().fill_bytes(&mut id);
            id
        }
    };
    Ok(core::BroadcastList { id, name: list.name.clone(), members: api::accounts_of(&list.members)? })
}

fn link_code(text: &str) -> Result<LinkCode, Failure> {
    LinkCode::parse(text).map_err(|_| {
        let detail = "not a linking code; copy all 25 characters of it again from the new device";
        Failure::user("malformedCode", detail)
    })
}

fn alias(text: &str) -> Result<Username, Failure> {
    Username::parse(text).map_err(|_| {
        let rule = "a username has 2 to 32 of the characters a-z, 0-9, '_', '-' and '.', and begins with a \
                    letter or digit";
        Failure::user("malformedUsername", rule)
    })
}

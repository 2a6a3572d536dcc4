//! What messages say, in words.

#[cfg(test)]
mod tests;

use waxwing_app::api::{Allowed, Body, Delivery, GroupAction, GroupKind, Message, Notice, Permissions};

use crate::names::Names;
use crate::text::one_line;

/// Ticks as everybody knows them; colours are the screen's affair.
pub fn ticks(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "⏱",
        Delivery::Sent => "✓",
        Delivery::Delivered => "✓✓",
        Delivery::Read => "✓✓ read",
        Delivery::Failed => "✗ not sent",
    }
}

/// What a message says, or what is to be said about it.
pub fn body_text(body: &Body, names: &Names) -> String {
    match body {
        Body::Text { text } => text.clone(),
        Body::Waiting => "waiting for this message…".to_owned(),
        Body::Lost => "this message could not be decrypted; ask for it to be sent again".to_owned(),
        Body::Unknown => "this message needs a newer version of waxwing".to_owned(),
        Body::Notice { notice } => notice_text(notice, names),
    }
}

/// Whether nobody wrote it.
pub fn is_notice(message: &Message) -> bool {
    matches!(message.body, Body::Notice { .. })
}

/// So many messages are missing before the next one; `from`: of whom.
pub fn missing_text(missing: u64, from: &str) -> String {
    match missing {
        1 => format!("1 message of {from} is missing here"),
        _ => format!("{missing} messages of {from} are missing here"),
    }
}

/// What happened, in a sentence.
pub fn notice_text(notice: &Notice, names: &Names) -> String {
    match notice {
        Notice::IdentityChanged { account } => {
            format!("the safety number of {} has changed; compare it anew", names.of(account))
        }
        Notice::GroupChanged { by, actions, .. } => {
            let said: Vec<String> = actions.iter().map(|action| action_text(by, action, names)).collect();
            said.join("; ")
        }
        Notice::Joined { by } if names.is_own(by) => {
            "you joined the group; what was before is not known here".to_owned()
        }
        Notice::Joined { by } => {
            format!("{} added you to the group; what was before is not known here", names.of(by))
        }
        Notice::GroupForked { account } => format!(
            "warning: the server has told {} something else about this group than you; what you write now \
             may not reach everybody",
            names.of(account)
        ),
        Notice::ServerDisagrees { account } => format!(
            "warning: the server changed the group in another way than {} said; what they signed counts",
            names.of(account)
        ),
    }
}

fn action_text(by: &str, action: &GroupAction, names: &Names) -> String {
    let maker = names.of(by);
    let kind_name = |kind: &GroupKind| match kind {
        GroupKind::Group => "group",
        GroupKind::Community => "community",
    };
    match action {
        GroupAction::Create { name, kind } => {
            format!("{maker} made the {} “{}”", kind_name(kind), one_line(name))
        }
        GroupAction::Add { account, .. } if account == by => format!("{maker} joined"),
        GroupAction::Add { account, admin: false } => format!("{maker} added {}", names.of(account)),
        GroupAction::Add { account, admin: true } => {
            format!("{maker} added {} as an admin", names.of(account))
        }
        GroupAction::Remove { account } if account == by => format!("{maker} left"),
        GroupAction::Remove { account } => format!("{maker} removed {}", names.of(account)),
        GroupAction::Promote { account } => format!("{maker} made {} an admin", names.of(account)),
        GroupAction::Demote { account } => {
            format!("{maker} made {} an ordinary member", names.of(account))
        }
        GroupAction::Name { name } => format!("{maker} named the group “{}”", one_line(name)),
        GroupAction::Description { text } if text.is_empty() => {
            format!("{maker} took the description away")
        }
        GroupAction::Description { text } => format!("{maker} described the group: {}", one_line(text)),
        GroupAction::Picture { picture } if picture.is_empty() => format!("{maker} took the picture away"),
        GroupAction::Picture { .. } => format!("{maker} changed the picture"),
        GroupAction::Permissions { permissions } => {
            format!("{maker} changed who may do what: {}", permissions_text(*permissions))
        }
        GroupAction::Link { enabled: true } => format!("{maker} drew a new invitation link"),
        GroupAction::Link { enabled: false } => format!("{maker} ended the invitation link"),
        GroupAction::LinkGroup { linked } => {
            format!("{maker} put the group “{}” into the community", one_line(&linked.name))
        }
        GroupAction::UnlinkGroup { .. } => format!("{maker} took a group out of the community"),
        GroupAction::Community { community: Some(_) } => format!("{maker} put this group into a community"),
        GroupAction::Community { community: None } => {
            format!("{maker} took this group out of its community")
        }
    }
}

/// Who may do what, on one line.
pub fn permissions_text(permissions: Permissions) -> String {
    let who = |allowed| match allowed {
        Allowed::Everybody => "everybody",
        Allowed::Admins => "admins",
    };
    let approve = if permissions.approve { "an admin lets in who comes by link" } else { "the link lets in" };
    format!(
        "{} write, {} edit, {} add, {approve}",
        who(permissions.send),
        who(permissions.edit),
        who(permissions.add)
    )
}

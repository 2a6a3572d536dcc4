//! What files take here, and which come by themselves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use waxwing_client::{Body, Conversation, Message};
use waxwing_wire::attachment::Attachment;

use super::{Engine, storage_fails};
use crate::api::{self, Answer, CommandId, Failure, FetchRules, FileOrder, StoredFiles};
use crate::store::{Setting, StoreError};

/// The rules in the database, JSON.
const RULES: &str = "fetch rules";

fn device(error: StoreError) -> Failure {
    Failure::device(error.to_string())
}

/// The files of a message.
pub fn files_of(message: &Message) -> &[Attachment] {
    match &message.body {
        Body::Post(post) => &post.attachments,
        _ => &[],
    }
}

impl Engine {
    pub(in crate::engine) fn fetch_rules(&self) -> Result<FetchRules, Failure> {
        let kept = self.profile.store.setting(RULES).map_err(device)?;
        // What a newer version wrote is not guessed at.
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default())
    }

    pub(in crate::engine) fn set_fetch_rules(
        &mut self,
        id: CommandId,
        rules: FetchRules,
    ) -> Result<(), Failure> {
        let value = serde_json::to_vec(&rules).map_err(|_| storage_fails())?;
        let setting = Setting { name: RULES.to_owned(), value: Some(value) };
        self.profile.store.apply(&Vec::new(), &[setting]).map_err(device)?;
        self.auto_fetch = self.auto_fetch.map(|_| rules);
        self.done(id);
        Ok(())
    }

    /// Messages with files that take room here.
    pub(in crate::engine) fn kept_files(
        &self,
        with: Option<Conversation>,
        order: FileOrder,
        limit: usize,
    ) -> Result<Vec<Message>, Failure> {
        let here = |message: &Message| -> u64 {
            let files = files_of(message).iter().filter(|file| self.media.vault.has(&file.digest));
            files.map(|file| file.bytes).sum()
        };
        let all = self.profile.store.with_files(with, u64::MAX, usize::MAX).map_err(device)?;
        let mut kept: Vec<(u64, Message)> =
            all.into_iter().map(|message| (here(&message), message)).collect();
        kept.retain(|(bytes, _)| *bytes > 0);
        match order {
            FileOrder::Largest => kept.sort_by_key(|(bytes, message)| (Reverse(*bytes), message.order)),
            FileOrder::Oldest => kept.sort_by_key(|(_, message)| message.order),
        }
        Ok(kept.into_iter().take(limit).map(|(_, message)| message).collect())
    }

    pub(in crate::engine) fn stored_files(&self) -> Result<Answer, Failure> {
        let mut chats: BTreeMap<Conversation, StoredFiles> = BTreeMap::new();
        let mut counted = BTreeSet::new();
        for message in self.profile.store.with_files(None, u64::MAX, usize::MAX).map_err(device)? {
            let chat = chats.entry(message.with).or_insert_with(|| StoredFiles {
                with: api::conversation_name(message.with),
                files: 0,
                bytes: 0,
                bytes_here: 0,
                bytes_away: 0,
            });
            for file in files_of(&message) {
                if !counted.insert((message.with, file.digest)) {
                    continue;
                }
                chat.files += 1;
                chat.bytes = chat.bytes.saturating_add(file.bytes);
                if self.media.vault.has(&file.digest) {
                    chat.bytes_here = chat.bytes_here.saturating_add(file.bytes);
                } else if self.is_away(&file.digest) {
                    chat.bytes_away = chat.bytes_away.saturating_add(file.bytes);
                }
            }
        }
        let mut chats: Vec<StoredFiles> = chats.into_values().collect();
        chats.sort_by_key(|chat| (Reverse(chat.bytes_here), Reverse(chat.bytes)));
        Ok(Answer::StoredFiles { chats, bytes: self.media.vault.bytes().map_err(crate::media::disk)? })
    }
}

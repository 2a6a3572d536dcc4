// Made from crates/app/src/api by a test (crates/app/src/api/tests/typescript.rs). Do not edit.

/** What a user wants. Each is answered by [`Event::Done`] or [`Event::Failed`] exactly once. */
export type Command =
  /** Make an account on a server. Goes online. Done when the server has confirmed. */
  | {
      type: 'register';
      /** `host:port` or `ws://host:port`. */
      server: string;
      /** As the operator gave it. */
      invitation: string;
      /** Wanted alias. */
      username: string;
    }
  /**
   * Become a device of an existing account: shows a code ([`Event::LinkCode`]) and waits until the
   * account's first device approves. Goes online. Done when linked.
   */
  | {
      type: 'offerLink';
      /**
       * `host:port` or `ws://host:port`, where the account is; with the server's key behind a `#`
       * ([`Status::server_key`] of a device of the account) only that server is talked to, without it
       * whichever answers first is taken for it.
       */
      server: string;
      /** How the device calls itself at first, at most 64 bytes. */
      name: string;
    }
  /** Stop offering. */
  | {
      type: 'cancelLink';
    }
  /** Take a new device into the account. Only on the first device. Done when the server has the new list. */
  | {
      type: 'approveLink';
      /** As scanned or typed. */
      code: string;
      /** What of the past the new device gets. */
      history: HistoryRange;
    }
  /** Ask the server when and from where the account's devices were last there; then [`Event::Devices`]. */
  | {
      type: 'refreshDevices';
    }
  /** Name a device of the account. */
  | {
      type: 'renameDevice';
      /** Its number. */
      device: number;
      /** At most 64 bytes. */
      name: string;
    }
  /** Cut a device off; this one: log out. Not the first one. */
  | {
      type: 'removeDevice';
      /** Its number. */
      device: number;
    }
  /**
   * Learn which account has a username and keep it as a contact. At once when already known; otherwise
   * it needs a connection, or one that is being made.
   */
  | {
      type: 'addContact';
      /** The contact's alias. */
      username: string;
    }
  /**
   * Look up which people of an address book have an account and want to be found; they become contacts with
   * the book's names. The server learns no address; nothing of the book is kept. Then [`Event::ContactsFound`].
   */
  | {
      type: 'lookUpContacts';
      /**
       * What is neither an e-mail address nor a telephone number with its country code is passed over. At most
       * 2,000 addresses in all.
       */
      entries: BookEntry[];
    }
  /**
   * Whether the account is found by the addresses that the operator vouched for, and from now on if that is
   * said; then [`Event::Findable`].
   */
  | {
      type: 'findable';
      /** From now on. */
      set?: boolean | null;
    }
  /** The operator has vouched for an address of this account; then [`Event::Findable`]. */
  | {
      type: 'redeemAddress';
      /** As the operator gave it. */
      code: string;
    }
  /** Give a contact a name of one's own, the same on all devices; empty: none. */
  | {
      type: 'setContactName';
      /** The contact's account. */
      account: string;
      /** At most 256 bytes. */
      name: string;
    }
  /** Take nothing from an account any more, or do. */
  | {
      type: 'setBlocked';
      /** Whose account. */
      account: string;
      /** Block. */
      blocked: boolean;
    }
  /** Do not know an account any more. What was written stays. */
  | {
      type: 'removeContact';
      /** Whose account. */
      account: string;
    }
  /**
   * Say yes to what somebody has written whom the user does not know: see [`Chat::request`]. Writing to them
   * and adding them says so too.
   */
  | {
      type: 'accept';
      /** Whose account. */
      account: string;
    }
  /**
   * Say yes to being in a group into which somebody has brought the user who may not: see [`Group::asked_by`].
   * Writing there says so too; who does not want it leaves.
   */
  | {
      type: 'acceptGroup';
      /** Which. */
      group: string;
    }
  /** Tell others something else of oneself. */
  | {
      type: 'setProfile';
      /** What. */
      change: ProfileChange;
    }
  /** Say who may know something of the user, or do something. */
  | {
      type: 'setPrivacy';
      /** What. */
      setting: PrivacySetting;
      /** Who. */
      audience: Audience;
    }
  /** The user has compared safety numbers, or takes that back. */
  | {
      type: 'setVerified';
      /** The contact's account. */
      account: string;
      /** They match. */
      verified: boolean;
    }
  /** Write a message. Done as soon as it is durably in the outbox. */
  | {
      type: 'send';
      /** The conversation; the own account: a note to oneself. */
      to: string;
      /** What. */
      post: Post;
    }
  /** Pass a message on: to all of these conversations or to none. */
  | {
      type: 'forward';
      /** [`Message::id`]. */
      message: string;
      /** Conversations, at most 5; one, if the message was passed on often. */
      to: string[];
    }
  /** Do something about a message or a conversation. Done as soon as it is durably in the outbox. */
  | {
      type: 'act';
      /** The conversation. */
      with: string;
      /** [`Message::id`]; absent: about the conversation. */
      message?: string | null;
      /** What. */
      deed: Deed;
    }
  /** See what is to be seen once: [`Event::Opened`] shows it, and it is gone from all own devices. */
  | {
      type: 'open';
      /** [`Message::id`]. */
      message: string;
    }
  /** The user has seen every message of the conversation up to and with this one. */
  | {
      type: 'markRead';
      /** The conversation. */
      with: string;
      /** [`Message::order`] of the last one seen. */
      upTo: number;
    }
  /**
   * The same for a program that shows what [`Query::Inbox`] holds: no further than to the first message
   * that still stands in there, because its placeholder was filled in between.
   */
  | {
      type: 'markInboxRead';
      /** The conversation. */
      with: string;
      /** [`Message::order`] of the last one shown. */
      upTo: number;
    }
  /** A program has taken these messages out of [`Query::Inbox`]. */
  | {
      type: 'acknowledgeInbox';
      /** [`Message::id`]s. */
      messages: string[];
    }
  /** Set something of a conversation, on all devices. */
  | {
      type: 'setChat';
      /** The conversation. */
      conversation: string;
      /** What. */
      change: ChatChange;
    }
  /** Mark a message for oneself, on all devices. */
  | {
      type: 'setStarred';
      /** [`Message::id`]. */
      message: string;
      /** Or take the mark away. */
      starred: boolean;
    }
  /** Delete messages on all own devices; nobody else notices. */
  | {
      type: 'deleteMessages';
      /** [`Message::id`]s, at most 256. */
      messages: string[];
    }
  /** Set something of the program, on all devices. */
  | {
      type: 'setSetting';
      /** At most 32 bytes. */
      key: string;
      /** At most 4,096 bytes; `null`: as it was at first. */
      value?: string | null;
    }
  /** Make a group. Done when the server has it; [`Event::Group`] names it. */
  | {
      type: 'createGroup';
      /** Its name, at most 256 bytes. */
      name: string;
      /** A group or a community. */
      kind?: GroupKind;
      /** The other members' accounts. */
      members: string[];
    }
  /** Change a group: all of the actions or none. Removing oneself leaves. */
  | {
      type: 'changeGroup';
      /** Which. */
      group: string;
      /** In order. */
      actions: GroupAction[];
    }
  /** Draw another invitation link for a group (the former ends), or have none. [`Group::link`] has it. */
  | {
      type: 'setGroupLink';
      /** Which. */
      group: string;
      /** Or none. */
      enabled: boolean;
    }
  /** Ask to join a group. Done when the request is on its way. */
  | {
      type: 'joinGroup';
      /** The invitation link, `waxwing-group:…`. */
      link: string;
    }
  /** Answer somebody who wants to join; see [`Group::requests`]. */
  | {
      type: 'answerJoin';
      /** Which group. */
      group: string;
      /** Whose account. */
      account: string;
      /** Yes or no. */
      accept: boolean;
    }
  /** Send the last messages of a group to somebody who has joined. Admins only. */
  | {
      type: 'shareHistory';
      /** Which group. */
      group: string;
      /** Whose account. */
      account: string;
      /** 25 to 100. */
      messages: number;
    }
  /** Make or change a broadcast list. */
  | {
      type: 'setList';
      /** As it is to be; without `id` it is a new one, which [`Event::StateChanged`] brings. */
      list: BroadcastList;
    }
  /** Delete a broadcast list. */
  | {
      type: 'deleteList';
      /** Which. */
      list: string;
    }
  /** Write to everybody on a list, each alone. */
  | {
      type: 'sendToList';
      /** Which. */
      list: string;
      /** What. */
      post: Post;
    }
  /**
   * Keep a journal of what happens from now on, over restarts too: [`Query::Journal`]. It begins with what
   * stands in the inbox.
   */
  | {
      type: 'keepJournal';
    }
  /**
   * A program has dealt with the journal's entries up to and with this one; their messages leave the
   * inbox.
   */
  | {
      type: 'acknowledgeJournal';
      /** [`JournalEntry::id`]. */
      upTo: number;
    }
  /**
   * Do this if no command was done under the same key before; otherwise answer as then. The key is kept in
   * the same transaction as the message.
   */
  | {
      type: 'once';
      /** The caller's, at most 256 bytes. */
      key: string;
      /** What to do. */
      command: Command;
    }
  /**
   * Show something for a day to those whom [`PrivacySetting::Status`] names. Done as soon as it is durably in the
   * outbox.
   */
  | {
      type: 'postStatus';
      /** A text of at most 4,096 bytes, and what its link leads to. */
      post: Post;
    }
  /** Say whether the user is at this device. */
  | {
      type: 'setActivity';
      /** Or a program, or nobody. */
      activity: Activity;
    }
  /**
   * See whether these accounts are there: [`Event::Presence`] says it from now on, as far as it is to be known.
   * Replaces those before.
   */
  | {
      type: 'watchPresence';
      /** At most 256. */
      accounts: string[];
    }
  /** The user types or records, or does so no more. May be said with every key. */
  | {
      type: 'compose';
      /** In which conversation. */
      with: string;
      /** What. */
      what: Composing;
    }
  /**
   * Make a file of this device ready to be sent: encrypted, and uploaded while the user writes. Then
   * [`Event::Attached`]; a post names it by [`Attachment::id`].
   */
  | {
      type: 'attach';
      /** Where it is. */
      path: string;
      /**
       * As what it is sent; absent: as what it is. As a document it is sent as it is, with all that it holds; a
       * photo is made smaller, and nothing of it is kept but its pixels; as a voice message, any sound becomes
       * Opus of about 20 kbit/s, and nothing of it is kept but what is heard.
       */
      kind?: AttachmentKind | null;
      /** A photo as large as it makes sense, a film with its pictures and sounds as they are. */
      hd?: boolean;
    }
  /** The same with what is in memory, such as a recording. Then [`Event::Attached`]. */
  | {
      type: 'attachContent';
      /** Its name; empty: none. */
      name?: string;
      /** Base64, of at most 16 MiB. */
      content: string;
      /** As what it is sent; absent: as what it is. */
      kind?: AttachmentKind | null;
    }
  /** Fetch a file of a message. Done when it is here. */
  | {
      type: 'fetchFile';
      /** [`Message::id`]. */
      message: string;
      /** Which of its files, from 0. */
      index: number;
    }
  /**
   * Save a file of a message, and fetch it first if it is not here. Then [`Event::FileSaved`]. What is to be seen
   * once was seen then.
   */
  | {
      type: 'saveFile';
      /** [`Message::id`]. */
      message: string;
      /** Which of its files, from 0. */
      index: number;
      /** Where to; nothing may be there yet. */
      path: string;
    }
  /** Fetch files that arrive without being asked, by the rules, from now on and as long as the program runs. */
  | {
      type: 'fetchByRules';
      /** Whether. */
      on: boolean;
    }
  /** Set the rules, for good. */
  | {
      type: 'setFetchRules';
      /** From now on. */
      rules: FetchRules;
    }
  /**
   * Free what a file of a message takes on this device. As long as the server has it, or storage of the user's own,
   * it can be fetched again.
   */
  | {
      type: 'removeFile';
      /** [`Message::id`]. */
      message: string;
      /** Which of its files, from 0. */
      index: number;
    }
  /**
   * Move files to storage of the user's own, encrypted and under names that say nothing; each is deleted here when
   * what is there was read back. [`Event::FileOffloaded`] for each, then done. Commands that need one fetch it from
   * there.
   */
  | {
      type: 'offload';
      /** Where to; absent: where it was the last time. */
      to?: CloudPlace | null;
      /** Files of messages that came or were written longer ago. */
      olderThanMs: number;
      /** Files that are at least so large. */
      largerThanBytes: number;
    }
  /** Keep a connection from now on. */
  | {
      type: 'goOnline';
    }
  /** End the connection and make no new one. */
  | {
      type: 'goOffline';
    };

/** What a front end wants to know; answered at once. */
export type Query =
  /** What is in a file of a message that is on this device, and has at most 16 MiB. Not of what is to be seen once. */
  | {
      type: 'fileContent';
      /** [`Message::id`]. */
      message: string;
      /** Which of its files, from 0. */
      index: number;
    }
  /** Messages with files, newest first. */
  | {
      type: 'files';
      /** Only of this conversation. */
      with?: string | null;
      /** Only those whose [`Message::order`] is below this. */
      before?: number | null;
      /** Only those with files on this device, in another order; `before` does not count then. */
      order?: FileOrder | null;
      /** At most 1,000. */
      limit: number;
    }
  /** What files take, by conversation, the most first. */
  | {
      type: 'storedFiles';
    }
  /** Which files are fetched without being asked for, where a program has them fetched. */
  | {
      type: 'fetchRules';
    }
  /** This profile. */
  | {
      type: 'status';
    }
  /** The account's devices. */
  | {
      type: 'devices';
    }
  /** Everybody who is known or has written, newest conversation first. */
  | {
      type: 'contacts';
    }
  /** One contact. */
  | {
      type: 'contact';
      /** Username, account, or the user's own name for them. */
      name: string;
    }
  /** Every conversation that has messages or is a group's: pinned ones first, then by the newest message. */
  | {
      type: 'chats';
    }
  /** One conversation. */
  | {
      type: 'chat';
      /** A conversation, a username, the user's own name for a contact, or a group's name. */
      name: string;
    }
  /** Every group, by name. */
  | {
      type: 'groups';
    }
  /** One group. */
  | {
      type: 'group';
      /** Its name in the interface, or its name for people. */
      name: string;
    }
  /** A page of a conversation. */
  | {
      type: 'history';
      /** The conversation. */
      with: string;
      /** Only messages whose `order` is below this. */
      before?: number | null;
      /** Only messages whose `order` is above this. */
      after?: number | null;
      /** At most so many: with `after` and without `before` the oldest ones, otherwise the newest ones. */
      limit: number;
    }
  /** Messages of the whole history that are like this; newest first. What is left out does not matter. */
  | {
      type: 'search';
      /**
       * Words, in any order, of which the beginnings are enough; in double quotes: as it stands. Case and
       * accents do not matter.
       */
      text?: string;
      /** The conversation. */
      with?: string | null;
      /** The account that wrote it. */
      from?: string | null;
      /** [`Message::stored_at_ms`] is not before this. */
      sinceMs?: number | null;
      /** [`Message::stored_at_ms`] is before this. */
      untilMs?: number | null;
      /** What kind of message. */
      kind?: MessageKind | null;
      /** Only messages whose `order` is below this. */
      before?: number | null;
      /** At most so many. */
      limit: number;
    }
  /** One message. */
  | {
      type: 'message';
      /** [`Message::id`]. */
      id: string;
    }
  /** The message with this [`Message::order`]. */
  | {
      type: 'messageAt';
      /** Its place. */
      order: number;
    }
  /** The message that somebody sent at this time; of several the newest. */
  | {
      type: 'messageSentAt';
      /** The author's account. */
      from: string;
      /** [`Message::sent_at_ms`]. */
      sentAtMs: number;
      /** Only in this conversation. */
      with?: string | null;
    }
  /** How far a message has come with each member of the group, or who has seen a status update. */
  | {
      type: 'receipts';
      /** [`Message::id`] of an own message. */
      message: string;
    }
  /** Messages that the user has marked, oldest first. */
  | {
      type: 'starred';
    }
  /** Incoming messages that were neither read nor acknowledged, oldest first. */
  | {
      type: 'inbox';
      /** At most so many. */
      limit: number;
    }
  /** What happened, in order: see [`Command::KeepJournal`]. */
  | {
      type: 'journal';
      /** Only what came after this entry; `null`: what was not acknowledged. */
      after?: number | null;
      /** At most so many, the oldest ones. */
      limit: number;
    }
  /** The number to compare with a contact. */
  | {
      type: 'safetyNumber';
      /** The contact's account. */
      account: string;
    }
  /** Broadcast lists, by name. */
  | {
      type: 'lists';
    }
  /** What is set of the program, by key. */
  | {
      type: 'settings';
    }
  /** What somebody tells of themself. */
  | {
      type: 'profile';
      /** Whose account; absent: what the user tells. */
      account?: string | null;
    }
  /** Who may know what of the user. */
  | {
      type: 'privacy';
    }
  /**
   * What the user and contacts show for a day: the own first, then what was not seen, the newest first; muted
   * ones last. [`Query::Receipts`] says who has seen an own one.
   */
  | {
      type: 'statusUpdates';
    };

/** What happened. */
export type Event =
  /** A command succeeded. */
  | {
      type: 'done';
      /** Which. */
      command: CommandId;
      /** [`Message::id`] of the message that was written. */
      message?: string;
      /** The contact that was learned. */
      contact?: Contact;
    }
  /** A command did not succeed. */
  | {
      type: 'failed';
      /** Which. */
      command: CommandId;
      /** Why, and what to do. */
      failure: Failure;
    }
  /** The connection changed. */
  | {
      type: 'connection';
      /** As it is now. */
      connection: Connection;
    }
  /** This device has an account now. */
  | {
      type: 'registered';
      /** Which. */
      account: string;
      /** Which of its devices this is. */
      device: number;
    }
  /** Show this to the user, for the account's first device to scan or to be typed there. It serves once. */
  | {
      type: 'linkCode';
      /** To be typed: five groups of five letters and digits. */
      code: string;
      /** Content of a QR code. */
      qr: string;
    }
  /** The account's devices changed, or more is known of them. */
  | {
      type: 'devices';
      /** All of them. */
      devices: Device[];
    }
  /** This device is not the account's any more: it was removed from another one. */
  | {
      type: 'removed';
    }
  /** A history is on its way to or from another device of the account. */
  | {
      type: 'archive';
      /** The other device. */
      device: number;
      /** From this device to the other. */
      sending: boolean;
      /** Messages so far. */
      messages: number;
      /** Messages in all, as estimated. */
      total: number;
      /** That was the last of it. */
      done: boolean;
    }
  /**
   * A message is in the history now: written here or on another own device, arrived, or a placeholder
   * for one that could not be decrypted yet.
   */
  | {
      type: 'message';
      /** The message. */
      message: Message;
    }
  /** A message changed: its placeholder was filled or given up. */
  | {
      type: 'messageFilled';
      /** As it is now. */
      message: Message;
    }
  /** A message is another now: edited, deleted for everyone, or something was done about it. */
  | {
      type: 'messageChanged';
      /** As it is now. */
      message: Message;
      /** Who did what. */
      done?: Done;
    }
  /** What was to be seen once, for once. */
  | {
      type: 'opened';
      /** [`Message::id`]. */
      message: string;
      /** What it said. */
      post: Post;
    }
  /** The ticks of a message changed. */
  | {
      type: 'delivery';
      /** [`Message::id`]. */
      message: string;
      /** In which conversation. */
      with: string;
      /** As it is now. */
      delivery: Delivery;
    }
  /** Messages were deleted, here or on another own device. */
  | {
      type: 'deleted';
      /** [`Message::id`]s. */
      messages: string[];
    }
  /** A contact's identity key is another than before. */
  | {
      type: 'identityChanged';
      /** Whose. */
      account: string;
    }
  /** Messages are missing before the one that comes next from this device. */
  | {
      type: 'gap';
      /** Who sent them. */
      account: string;
      /** From which device. */
      device: number;
      /** How many. */
      missing: number;
    }
  /** So many messages were not kept for this device, because its mailbox was full. */
  | {
      type: 'skipped';
      /** How many. */
      messages: number;
    }
  /** What [`Command::LookUpContacts`] has come to. */
  | {
      type: 'contactsFound';
      /** Which. */
      command: CommandId;
      /** Addresses that were looked up. */
      addresses: number;
      /** Who was found. */
      found: FoundContact[];
    }
  /** How the account is found. */
  | {
      type: 'findable';
      /** Which command asked. */
      command: CommandId;
      /** By its addresses, or not. */
      on: boolean;
      /** Addresses that the operator vouched for. */
      addresses: number;
    }
  /** Something that the user sets is another now: conversations, contacts, stars, lists, settings. */
  | {
      type: 'stateChanged';
    }
  /** A group is new, or another than before. */
  | {
      type: 'group';
      /** Which. */
      group: string;
    }
  /** Somebody wants to join a group and waits for this account's word. */
  | {
      type: 'joinRequested';
      /** Which group. */
      group: string;
      /** Whose account. */
      account: string;
    }
  /** Somebody types or records, or does so no more. */
  | {
      type: 'composing';
      /** In which conversation. */
      with: string;
      /** Who. */
      account: string;
      /** What. */
      what: Composing;
    }
  /** Whether somebody is there who is watched is another than before; unknown at first. */
  | {
      type: 'presence';
      /** Who. */
      account: string;
      /** What is known. */
      presence: Presence;
    }
  /** The database is an older copy of itself: sessions are being renewed. */
  | {
      type: 'restoredCopy';
    }
  /** The database cannot be written or read; nothing is lost, commands fail, and it is tried again. */
  | {
      type: 'storageFailed';
      /** Why. */
      detail: string;
    }
  /** The database works again. */
  | {
      type: 'storageRecovered';
    }
  /** A file is still being made ready to be sent, since a film takes its time; said now and then. */
  | {
      type: 'preparing';
      /** Which command asked. */
      command: CommandId;
    }
  /** A file is ready to be sent. */
  | {
      type: 'attached';
      /** Which command asked. */
      command: CommandId;
      /** For the post. */
      attachment: Attachment;
    }
  /** A file is on its way; said now and then. */
  | {
      type: 'fileProgress';
      /** [`Attachment::id`]. */
      file: string;
      /** To the server; otherwise from it. */
      sending: boolean;
      /** Bytes so far, of its ciphertext. */
      done: number;
      /** Of it all. */
      total: number;
    }
  /** The server has all of a file. */
  | {
      type: 'fileUploaded';
      /** [`Attachment::id`]. */
      file: string;
    }
  /** A file cannot be uploaded; messages that waited for it have failed. */
  | {
      type: 'fileRefused';
      /** [`Attachment::id`]. */
      file: string;
      /** Why. */
      failure: Failure;
    }
  /** All of a file is on this device. */
  | {
      type: 'fileFetched';
      /** [`Attachment::id`]. */
      file: string;
    }
  /** A file is in storage of the user's own, and here no more. */
  | {
      type: 'fileOffloaded';
      /** Which command moves it. */
      command: CommandId;
      /** [`Attachment::id`]. */
      file: string;
      /** What it took here. */
      bytes: number;
    }
  /** A file is where it was to be saved. */
  | {
      type: 'fileSaved';
      /** Which command asked. */
      command: CommandId;
      /** Where. */
      path: string;
    }
  /** More happened than the front end took: ask for everything anew. */
  | {
      type: 'overrun';
    };

/** Answers, in the same order as [`Query`]. */
export type Answer =
  /** To [`Query::FileContent`]. */
  | {
      type: 'fileContent';
      /** Base64. */
      content: string;
    }
  /** To [`Query::Files`]. */
  | {
      type: 'files';
      /** Newest first. */
      messages: Message[];
      /** [`Attachment::id`] of those files of them that are on this device. */
      here: string[];
      /** Likewise of those that are only in storage of the user's own. */
      away?: string[];
    }
  /** To [`Query::StoredFiles`]. */
  | {
      type: 'storedFiles';
      /** Those with the most on this device first. */
      chats: StoredFiles[];
      /** What all files take on this device's disk. */
      bytes: number;
    }
  /** To [`Query::FetchRules`]. */
  | {
      type: 'fetchRules';
      /** As they are. */
      rules: FetchRules;
    }
  /** To [`Query::Status`]. */
  | ({
      type: 'status';
    } & Status)
  /** To [`Query::Devices`]. */
  | {
      type: 'devices';
      /** Ascending. */
      devices: Device[];
    }
  /** To [`Query::Contacts`]. */
  | {
      type: 'contacts';
      /** All of them. */
      contacts: Contact[];
    }
  /** To [`Query::Contact`]. */
  | {
      type: 'contact';
      /** `None`: not known here. */
      contact: Contact | null;
    }
  /** To [`Query::Chats`]. */
  | {
      type: 'chats';
      /** All of them. */
      chats: Chat[];
    }
  /** To [`Query::Chat`]. */
  | {
      type: 'chat';
      /** `None`: nothing is called so here. */
      chat: Chat | null;
    }
  /** To [`Query::Groups`]. */
  | {
      type: 'groups';
      /** All of them. */
      groups: Group[];
    }
  /** To [`Query::Group`]. */
  | {
      type: 'group';
      /** `None`: not known here. */
      group: Group | null;
    }
  /** To [`Query::History`], [`Query::Starred`] and [`Query::Inbox`]. */
  | {
      type: 'messages';
      /** Oldest first. */
      messages: Message[];
    }
  /** To [`Query::Search`]. */
  | {
      type: 'hits';
      /** Newest first. */
      hits: Hit[];
      /** There may be more, also where there are fewer than asked for: ask again with this as `before`. */
      next: number | null;
    }
  /** To [`Query::Message`], [`Query::MessageAt`] and [`Query::MessageSentAt`]. */
  | {
      type: 'message';
      /** `None`: not known here. */
      message: Message | null;
    }
  /** To [`Query::Receipts`]. */
  | {
      type: 'receipts';
      /** By account. */
      receipts: Receipt[];
    }
  /** To [`Query::Journal`]. */
  | {
      type: 'journal';
      /** The last entry that a program has acknowledged. */
      acknowledged: number;
      /** The newest entry; 0: none yet. */
      newest: number;
      /** Oldest first. */
      entries: JournalEntry[];
    }
  /** To [`Query::SafetyNumber`]. */
  | {
      type: 'safetyNumber';
      /** 60 digits; `None` until a look-up or a message has shown the contact's key. */
      number: string | null;
      /** What the user knows of the key. */
      trust: Trust;
    }
  /** To [`Query::Lists`]. */
  | {
      type: 'lists';
      /** All of them. */
      lists: BroadcastList[];
    }
  /** To [`Query::Settings`]. */
  | {
      type: 'settings';
      /** All of them. */
      settings: Setting[];
    }
  /** To [`Query::Profile`]. */
  | {
      type: 'profile';
      /** `None`: they have told nothing. */
      profile: Profile | null;
    }
  /** To [`Query::Privacy`]. */
  | ({
      type: 'privacy';
    } & Privacy)
  /** To [`Query::StatusUpdates`]. */
  | {
      type: 'statusUpdates';
      /** By author. */
      updates: StatusUpdates[];
    };

/** Why a command or query did not succeed. */
export type Failure = {
  /** For programs: a code of the server's (`usernameTaken`) or of this program's (`unknownContact`). */
  code: string;
  /** Whose fault it is. */
  fault: Fault;
  /** For people: what happened and what to do next. */
  detail: string;
  /** Milliseconds after which trying again makes sense; 0 if it does not. */
  retryAfterMs: number;
};

/** Whether the user is at this device. */
export type Activity =
  /** No: nobody is told that the user is there, and nobody's typing or presence comes. As it is at first. */
  | 'away'
  /** A program listens: typing and presence come, and nobody is told that the user is there. */
  | 'listening'
  /** Yes: those who may know are told. */
  | 'active';

/** To whom something is allowed. */
export type Allowed =
  /** Every member. */
  | 'everybody'
  /** Admins only. */
  | 'admins';

/** A file of a message, as its sender describes it. What does not fit the kind is absent. */
export type Attachment = {
  /** Names it on this device and in all messages that carry the same file: 64 hexadecimal digits. */
  id: string;
  /** What it is to people. */
  kind: AttachmentKind;
  /** Its content. */
  bytes: number;
  /** Media type; absent: not known. Nobody has checked it. */
  mediaType?: string;
  /** Its name, as the sender calls it. It may hold anything: it is no path. */
  name?: string;
  /** Pixels, as it is shown. */
  width?: number;
  /** Pixels, as it is shown. */
  height?: number;
  /** How long it plays. */
  durationMs?: number;
  /** Its colours, until it is here (see blurha.sh). */
  blurhash?: string;
  /** Loudness of equal parts, 0 to 255 each, Base64. */
  waveform?: string;
  /** A small image file, Base64. */
  thumbnail?: string;
  /** Of a document. */
  pages?: number;
};

/** What a file is to people. */
export type AttachmentKind =
  /** A file like any other. */
  | 'document'
  /** A picture that somebody took. */
  | 'photo'
  /** A film. */
  | 'video'
  /** Recorded to be said. */
  | 'voice'
  /** Music, and whatever else is listened to. */
  | 'audio'
  /** A small picture that stands for words. */
  | 'sticker'
  /** A film without sound that runs in a loop. */
  | 'gif';

/** For whom something is. */
export type Audience =
  /** Whom the user has written to, or has accepted. */
  | {
      who: 'everyone';
    }
  /** Whom the user has added, or given a name. */
  | {
      who: 'contacts';
    }
  /** Of them, all but these. */
  | {
      who: 'contactsExcept';
      /** At most 400. */
      accounts: string[];
    }
  /** Nobody. */
  | {
      who: 'nobody';
    }
  /** Who may know when the user was there last. */
  | {
      who: 'likeLastSeen';
    }
  /** These. */
  | {
      who: 'only';
      /** At most 400. */
      accounts: string[];
    };

/** What a message says. */
export type Body =
  /** What somebody wrote. */
  | ({
      kind: 'text';
    } & Post)
  /** Could not be decrypted yet; the sender has been asked to send it again. */
  | {
      kind: 'waiting';
    }
  /** Could not be decrypted, and asking again did not help. */
  | {
      kind: 'lost';
    }
  /** Needs a newer version of this program. */
  | {
      kind: 'unknown';
    }
  /** Nobody wrote it: something happened in the conversation. */
  | {
      kind: 'notice';
      /** What. */
      notice: Notice;
    }
  /** Deleted for everyone. */
  | {
      kind: 'deleted';
    }
  /** It was to be seen once, and was. */
  | {
      kind: 'opened';
    };

/** Somebody in an address book. */
export type BookEntry = {
  /** As the book calls them; what is longer than 256 bytes is cut. */
  name: string;
  /** E-mail addresses and telephone numbers. */
  addresses: string[];
};

/** People to whom one writes at once, each alone. */
export type BroadcastList = {
  /** Names it; `None` for one that is to be made. */
  id: string | null;
  /** For the user. */
  name: string;
  /** To whom: accounts. */
  members: string[];
};

/** What comes with a text. */
export type Card =
  /** Somebody. */
  | {
      kind: 'contact';
      /** Their name. */
      name: string;
      /** Their account, if it is known to be here. */
      account?: string;
      /** vCard 4.0; empty: none. */
      details: string;
    }
  /** Somewhere. */
  | ({
      kind: 'place';
    } & Place)
  /** A question. */
  | {
      kind: 'poll';
      /** 2 to 12. */
      options: string[];
      /** More than one may be chosen. */
      several: boolean;
    }
  /** Something that is going to happen. */
  | {
      kind: 'event';
      /** When it begins. */
      startsAtMs: number;
      /** When it ends; 0: open. */
      endsAtMs: number;
      /** Where. */
      place: string;
    };

/** A conversation as lists show it. */
export type Chat = {
  /** Its name in the interface. */
  conversation: string;
  /** With whom. */
  with: ChatWith;
  /**
   * Somebody has written whom the user has neither written to nor added nor accepted, or who may not has brought the
   * user into the group. Nothing in there counts as unread, and they do not hear what was read.
   */
  request?: boolean;
  /** Messages that were not read. */
  unread: number;
  /** The newest message. */
  lastMessage?: Message;
  /** Out of sight. */
  archived: boolean;
  /** Above the others. */
  pinned: boolean;
  /** No notifications until then; 18446744073709551615: for good; 0: not muted. */
  mutedUntilMs: number;
  /** What is written there disappears so many seconds later; absent: it stays. */
  lifetimeS?: number;
  /** What the user has begun to write, on whichever device. */
  draft?: string;
};

/** What can be set of a conversation. */
export type ChatChange =
  /** Out of sight, or back. */
  | {
      what: 'archived';
      value: boolean;
    }
  /** Above the others, or back. */
  | {
      what: 'pinned';
      value: boolean;
    }
  /** No notifications until then; 18446744073709551615: for good; 0: not muted. */
  | {
      what: 'mutedUntilMs';
      value: number;
    }
  /** Delete all messages so far. */
  | {
      what: 'cleared';
    }
  /** What the user has begun to write; empty: nothing. At most 4,096 bytes. */
  | {
      what: 'draft';
      value: string;
    };

/** With whom a conversation is. */
export type ChatWith =
  /** One other person. */
  | ({
      kind: 'contact';
      /** What the user knows of their key. */
      trust: Trust;
      /** The user takes nothing from them. */
      blocked: boolean;
    } & Person)
  /** A group. */
  | {
      kind: 'group';
      /** Its name for people. */
      name: string;
      /** A group or a community. */
      groupKind: GroupKind;
      /** So many are in it. */
      members: number;
      /** This account is one of them. */
      member: boolean;
    };

/** Storage of the user's own. */
export type CloudPlace =
  /** A folder of this machine, perhaps one that another program keeps in step with a cloud. */
  | {
      type: 'folder';
      /** Its whole path. */
      path: string;
    }
  /** A folder of a WebDAV server. */
  | {
      type: 'webDav';
      /** Where it is: `https://…`; `http://` takes a password on this machine only. */
      url: string;
      /** Who asks. */
      user?: string | null;
      /** Kept in the encrypted database. */
      password?: string | null;
    };

/** Names a command to whoever gave it. */
export type CommandId = number;

/** What somebody does who is about to say something. */
export type Composing =
  /** Nothing any more. */
  | 'stopped'
  /** Types. */
  | 'typing'
  /** Records. */
  | 'recording';

/** Whether the server can be reached. */
export type Connection =
  /** No connection, and none wanted. */
  | {
      state: 'offline';
    }
  /** No connection; trying again at this time. */
  | {
      state: 'waiting';
      /** When. */
      untilMs: number;
      /** Why there is none, if known. */
      reason?: NetFailure;
    }
  /** Being set up. */
  | {
      state: 'connecting';
    }
  /** Greeted by the server. */
  | {
      state: 'online';
    }
  /** The server does not want this device; trying again will not help. */
  | {
      state: 'refused';
      /** The server's word for why. */
      code: string;
    };

/** Somebody else. */
export type Contact = {
  /** The user takes nothing from them. */
  blocked: boolean;
  /** The user has added them, or given them a name. */
  contact?: boolean;
  /** They have written, and the user has not accepted them: see [`Chat::request`]. */
  request?: boolean;
  /** What the user knows of their identity key. */
  trust: Trust;
  /** Messages from them that were not read. */
  unread: number;
  /** The newest message of the conversation. */
  lastMessage?: Message;
} & Person;

/** What somebody does about a message or a conversation. */
export type Deed =
  /** Reacts. */
  | {
      what: 'react';
      /** Empty: takes the reaction back. */
      emoji: string;
    }
  /** The sender says it otherwise, within 15 minutes. */
  | {
      what: 'edit';
      /** Its text, spans and preview replace the former ones. */
      post: Post;
    }
  /** For everyone: the sender within 2 days, or an admin of the group. */
  | {
      what: 'delete';
    }
  /** Above the conversation. */
  | {
      what: 'pin';
      /** Until then; 0: not any more. */
      untilMs: number;
    }
  /** A message that would disappear stays. */
  | {
      what: 'keep';
      /** Or does not. */
      keep: boolean;
    }
  /** Votes in a poll. */
  | {
      what: 'vote';
      /** Numbers of options from 0; none: takes the vote back. */
      options: number[];
    }
  /** Answers an invitation to an event. */
  | {
      what: 'answer';
      /** What. */
      answer: Reply;
    }
  /** Says where the sender of a live location is now. */
  | {
      what: 'live';
      /** Where; with `liveS` 0 it has ended. */
      place: Place;
    }
  /** What was to be seen once was seen. */
  | {
      what: 'opened';
    }
  /** What is written in the conversation from now on disappears. */
  | {
      what: 'lifetime';
      /** So many seconds later; 0: it stays. */
      seconds: number;
    };

/** How far a message has come. Incoming ones are `delivered` (not read here) or `read`. */
export type Delivery =
  /** In the outbox. */
  | 'pending'
  /** Durably on the server: one tick. */
  | 'sent'
  /** Stored on a device of the recipient: two ticks. */
  | 'delivered'
  /** Seen by the recipient: two coloured ticks. */
  | 'read'
  /** Not taken by the server for good, or expired there. */
  | 'failed';

/** A device of the own account. */
export type Device = {
  /** Its number; 1 is the first one, which decides about the others. */
  device: number;
  /** It is this one. */
  this: boolean;
  /** As the user named it; empty: not named. */
  name: string;
  /** When it was last connected, to the hour, as the server said last; 0: unknown. */
  lastSeenMs: number;
  /** From which network address, as the server said last; empty: unknown. */
  place: string;
  /** When it was linked; 0: unknown. */
  linkedAtMs: number;
};

/** Which way a message goes. */
export type Direction =
  /** From this account. */
  | 'outgoing'
  /** To this account. */
  | 'incoming';

/** What has been done about a message and holds. */
export type Done = {
  /** Whose account. */
  by: string;
  /** When, by their clock. */
  atMs: number;
} & Deed;

/** Whose fault a failure is; the terminal program's exit codes follow from it. */
export type Fault =
  /** What was asked cannot be done. */
  | 'user'
  /** The server refused or cannot be reached. */
  | 'server'
  /** A key is not the expected one. */
  | 'trust'
  /** This device: its disk or its database. */
  | 'device';

/** Which files are fetched without being asked for. */
export type FetchRules = {
  /** Photos, stickers and loops. */
  photos: Fetching;
  /** Voice messages. */
  voice: Fetching;
  /** Films. */
  video: Fetching;
  /** Everything else. */
  documents: Fetching;
};

/** Whether files of a kind are fetched without being asked for. */
export type Fetching =
  /** However large they are. */
  | {
      fetch: 'always';
    }
  /** Only when somebody looks at them. */
  | {
      fetch: 'never';
    }
  /** If they are no larger. */
  | {
      fetch: 'upTo';
      /** Content. */
      bytes: number;
    };

/** In which order files are told. */
export type FileOrder =
  /** Of those on this device, the largest first. */
  | 'largest'
  /** Of those on this device, the oldest first. */
  | 'oldest';

/** Somebody of an address book who has an account. */
export type FoundContact = {
  /** Their account. */
  account: string;
  /** As the book calls them. */
  name: string;
};

/** A group or community, as this device knows it. */
export type Group = {
  /** Its name in the interface. */
  group: string;
  /** A group or a community. */
  kind: GroupKind;
  /** Its name for people. */
  name: string;
  /** What it is about. */
  description: string;
  /** A small image file, base64; empty: none. */
  picture: string;
  /** Changes so far. */
  epoch: number;
  /** This account is a member. */
  member: boolean;
  /** This account is an admin. */
  admin: boolean;
  /** Who is in it, by account. */
  members: Member[];
  /** Who may do what. */
  permissions: Permissions;
  /** The invitation link, if there is one. */
  link: string | null;
  /** Of a community: its groups. */
  linked: LinkedGroup[];
  /** The community that it belongs to. */
  community: string | null;
  /** Who wants to join, if this account may say yes. */
  requests: Person[];
  /**
   * Who has brought the user into it who may not, as long as the user has not said yes: it is not to be shown
   * until then.
   */
  askedBy?: Person;
};

/**
 * A change of a group. [`super::Command::ChangeGroup`] takes all but `create` and `link`, which have commands
 * of their own; [`Notice::GroupChanged`] tells all of them.
 */
export type GroupAction =
  /** The group was made. */
  | {
      what: 'create';
      /** Its first name. */
      name: string;
      /** A group or a community. */
      kind: GroupKind;
    }
  /** Another invitation link, or none. */
  | {
      what: 'link';
      /** There is one. */
      enabled: boolean;
    }
  /** A new member. */
  | {
      what: 'add';
      /** Whose account. */
      account: string;
      /** As an admin. */
      admin: boolean;
    }
  /** Somebody goes; the own account: leaves. */
  | {
      what: 'remove';
      /** Whose account. */
      account: string;
    }
  /** A member becomes an admin. */
  | {
      what: 'promote';
      /** Whose account. */
      account: string;
    }
  /** An admin becomes a member. */
  | {
      what: 'demote';
      /** Whose account. */
      account: string;
    }
  /** Another name. */
  | {
      what: 'name';
      /** At most 256 bytes. */
      name: string;
    }
  /** Another description. */
  | {
      what: 'description';
      /** At most 2,048 bytes. */
      text: string;
    }
  /** Another picture, or none. */
  | {
      what: 'picture';
      /** An image file of at most 8 KiB, base64; empty: none. */
      picture: string;
    }
  /** Other permissions. */
  | {
      what: 'permissions';
      /** All of them. */
      permissions: Permissions;
    }
  /** A community has one more group, or knows it by another name or link. */
  | {
      what: 'linkGroup';
      /** The group. */
      linked: LinkedGroup;
    }
  /** A community has one group less. */
  | {
      what: 'unlinkGroup';
      /** Which. */
      group: string;
    }
  /** The group belongs to this community from now on, or to none. */
  | {
      what: 'community';
      /** Which. */
      community: string | null;
    };

/** Kinds of group. */
export type GroupKind =
  /** People who write to each other. */
  | 'group'
  /** A group of groups; its own messages are announcements. */
  | 'community';

/** What the journal tells. */
export type Happened =
  /** A message arrived, or was written on another own device. */
  | {
      what: 'message';
      /** As it is now. */
      message: Message;
    }
  /** An own message has come further. */
  | {
      what: 'delivery';
      /** As it is now. */
      message: Message;
      /** How far it had come then. */
      delivery: Delivery;
    }
  /** Somebody, or another own device, did something about a message. */
  | {
      what: 'act';
      /** As it is now; of an edit, what it says now. */
      message: Message;
      /** From which of their devices. */
      device: number;
      /** Who did what. */
      done: Done;
      /**
       * So often have they done this kind of thing about it, this time included, as far as the journal reaches
       * back; absent: once.
       */
      times?: number;
    }
  /**
   * The message that this was about has been deleted since, or somebody did something else in its place,
   * which has an entry of its own.
   */
  | {
      what: 'gone';
    };

/** How much of the past a new device gets. */
export type HistoryRange =
  /** Nothing but names, settings and groups. */
  | 'none'
  /** The last 30 days. */
  | 'month'
  /** The last 365 days. */
  | 'year'
  /** Everything. */
  | 'all';

/** A message that was looked for. */
export type Hit = {
  /** The message. */
  message: Message;
  /**
   * The part of its text in which the first of what was looked for stands, in pieces that follow each other;
   * `…` where text was left out.
   */
  snippet: SnippetPiece[];
};

/** Something that happened. */
export type JournalEntry = {
  /** Its place: ascends, and is never used again. */
  id: number;
  /** This device's clock when it happened. */
  atMs: number;
} & Happened;

/** A group of a community. */
export type LinkedGroup = {
  /** Which. */
  group: string;
  /** Its name when it was linked. */
  name: string;
  /** Its invitation link then. */
  link: string | null;
};

/** A member of a group. */
export type Member = {
  /** May change everything. */
  admin: boolean;
} & Person;

/** A message of the history. */
export type Message = {
  /** Names it on this device: sender's account, device and number. */
  id: string;
  /** The conversation that it belongs to. */
  with: string;
  /** The account that wrote it. */
  from: string;
  /** From which of its devices. */
  device: number;
  /** Place in this device's history: ascends over all conversations. */
  order: number;
  /** Which way it went. */
  direction: Direction;
  /** The sender's clock. */
  sentAtMs: number;
  /** This device's clock when it was written or arrived. */
  storedAtMs: number;
  /** What it says. */
  body: Body;
  /** How far it has come; to a group: with the member that is furthest behind. */
  delivery: Delivery;
  /** So many messages of this device are missing right before it. */
  missingBefore?: number;
  /** When its sender said it otherwise, by their clock; absent: never. */
  editedAtMs?: number;
  /** When it disappears; absent: never. */
  expiresAtMs?: number;
  /** What has been done about it and holds: reactions, votes, answers, pins. */
  done?: Done[];
};

/** What kinds of messages can be looked for. */
export type MessageKind =
  /** Somebody wrote a text. */
  | 'text'
  /** A text with an address of the web in it. */
  | 'link'
  /** Somebody's card. */
  | 'contact'
  /** A place, live or not. */
  | 'place'
  /** A question with options. */
  | 'poll'
  /** Something that is going to happen. */
  | 'event'
  /** With a picture: a photo, a sticker, one that moves. */
  | 'photo'
  /** With a film. */
  | 'video'
  /** With a recording, or other sound. */
  | 'voice'
  /** With a file of another kind. */
  | 'document';

/** Why there is no connection, for people and programs. */
export type NetFailure = {
  /** Which kind. */
  code: NetFailureCode;
  /** In words, with what to do about it. Names the server, no person. */
  detail: string;
};

/** Kinds of [`NetFailure`]. */
export type NetFailureCode =
  /** The server's name could not be looked up. */
  | 'nameNotFound'
  /** No address of the server answers. */
  | 'unreachable'
  /** Something answers, but not a Waxwing server. */
  | 'notWaxwing'
  /** A Waxwing server answers, but not the one whose key is known. */
  | 'untrustedServer'
  /** The connection was closed or broke. */
  | 'closed'
  /** The server said something that makes no sense. */
  | 'protocol';

/** Something that happened in a conversation. */
export type Notice =
  /** The identity key of the contact, or of a member, is another than before. */
  | {
      what: 'identityChanged';
      /** Whose. */
      account: string;
    }
  /** A member changed the group. */
  | {
      what: 'groupChanged';
      /** Whose account. */
      by: string;
      /** From which device. */
      device: number;
      /** The maker's clock. */
      atMs: number;
      /** What was changed, in order. */
      actions: GroupAction[];
    }
  /** That member brought this account into the group; what was before is not known here. */
  | {
      what: 'joined';
      /** Whose account. */
      by: string;
    }
  /**
   * The server has told that member something else about the group than this device: one of both was
   * deceived.
   */
  | {
      what: 'groupForked';
      /** Whose account. */
      account: string;
    }
  /** The server changed the group in another way than the member signed; the signed change counts. */
  | {
      what: 'serverDisagrees';
      /** Whose account. */
      account: string;
    }
  /** Somebody has set how long what is written in the conversation stays. */
  | {
      what: 'lifetime';
      /** Whose account. */
      by: string;
      /** Then it disappears; 0: it stays for good. */
      seconds: number;
    };

/** Who may do what. */
export type Permissions = {
  /** Write messages. */
  send: Allowed;
  /** Change name, description and picture. */
  edit: Allowed;
  /** Add members. */
  add: Allowed;
  /** Whoever comes by link waits for an admin's word. */
  approve: boolean;
};

/** Whom an account belongs to, as far as is known. */
export type Person = {
  /** The account. */
  account: string;
  /** Alias when last looked up. */
  username: string | null;
  /** The user's own name for them. */
  name?: string;
  /** What they call themselves; nobody has checked that. */
  profileName?: string;
};

/** Somewhere on Earth. */
export type Place = {
  /** 10^-7 degrees, north positive. */
  latitudeE7: number;
  /** 10^-7 degrees, east positive. */
  longitudeE7: number;
  /** Metres; 0: not known. */
  accuracyM: number;
  /** What it is called. */
  name: string;
  /** Seconds after it was sent for which it is kept up to date; 0: it stays as it is. */
  liveS: number;
};

/** What somebody writes. Only `text` is common; whatever is absent is not there. */
export type Post = {
  /** As written; may hold control characters. Of a poll the question, of an event the title. */
  text: string;
  /** Formatting and mentions. */
  spans?: Span[];
  /** It answers another message. */
  quote?: Quote;
  /** How many times it was passed on; absent: written by its sender. */
  forwards?: number;
  /** Seconds after it was sent until it disappears everywhere; absent: as the conversation has it. */
  lifetimeS?: number;
  /** To be seen once: shown by [`super::Command::Open`] and never again. */
  once?: boolean;
  /** What a link in the text leads to. */
  preview?: Preview;
  /** What comes with the text. */
  card?: Card;
  /** Files; the text is their caption. Beside them there is neither a preview nor a card. */
  attachments?: Attachment[];
};

/** What is known of whether somebody is there. */
export type Presence =
  /** Nothing: it is not to be known, or not known now. */
  | {
      state: 'unknown';
    }
  /** At one of their devices, now. */
  | {
      state: 'online';
    }
  /** Not now. */
  | {
      state: 'lastSeen';
      /** When they were. */
      atMs: number;
    };

/** What a link leads to, as the sender found it. */
export type Preview = {
  /** The link. */
  url: string;
  /** Of the page. */
  title: string;
  /** Of the page. */
  description: string;
  /** A small image file, Base64; empty: none. */
  image?: string;
};

/** Who may know what of the user. */
export type Privacy = {
  /** See [`PrivacySetting::Picture`]. */
  picture: Audience;
  /** See [`PrivacySetting::About`]. */
  about: Audience;
  /** See [`PrivacySetting::LastSeen`]. */
  lastSeen: Audience;
  /** See [`PrivacySetting::Online`]. */
  online: Audience;
  /** See [`PrivacySetting::Groups`]. */
  groups: Audience;
  /** See [`PrivacySetting::Receipts`]. */
  receipts: boolean;
  /** See [`PrivacySetting::Status`]. */
  status: Audience;
};

/** What others may know of the user, or do. */
export type PrivacySetting =
  /** See the picture. */
  | 'picture'
  /** Read what the user says about themself. */
  | 'about'
  /** When the user was there last. */
  | 'lastSeen'
  /** That the user is there: `everyone` or `likeLastSeen`. */
  | 'online'
  /** Bring the user into groups. */
  | 'groups'
  /**
   * Between two people, that the user has read something: `everyone` or `nobody`, who does not hear either what
   * others have read.
   */
  | 'receipts'
  /** See the user's status updates: `contacts`, `contactsExcept` or `only`. */
  | 'status';

/** What somebody tells of themself. */
export type Profile = {
  /** What they call themselves; nobody has checked that. Empty: nothing. */
  name: string;
  /** What they say about themselves; empty: nothing, or not to the user. */
  about?: string;
  /** A small image file, base64; empty: none, or not for the user. */
  picture?: string;
  /** The user may not bring them into groups, but may send them an invitation link. */
  noGroups: boolean;
  /** The user may see when they are there. */
  presence: boolean;
};

/** What the user tells of themself. */
export type ProfileChange =
  /** At most 100 bytes; empty: none. */
  | {
      what: 'name';
      value: string;
    }
  /** At most 512 bytes; empty: nothing. */
  | {
      what: 'about';
      value: string;
    }
  /** An image file of at most 8 KiB, base64; empty: none. */
  | {
      what: 'picture';
      value: string;
    };

/** How a profile's key is protected. */
export type Protection =
  /** By the permissions of the key file. */
  | 'keyFile'
  /** By a passphrase. */
  | 'passphrase';

/** The message that another one answers. */
export type Quote = {
  /** [`super::Message::id`]. */
  message: string;
  /** What it said; filled in from the history when it is sent. */
  text: string;
  /** Kinds of its files; filled in likewise. */
  attachments?: AttachmentKind[];
};

/** How far an own message has come with the contact, or with one member of the group. */
export type Receipt = {
  /** How far. */
  delivery: Delivery;
  /** Since when; 0: unknown. */
  atMs: number;
  /** Since when it is on a device of theirs, as far as this device knows; absent: it is not, or unknown. */
  deliveredAtMs?: number;
  /** Since when they have seen it, likewise. */
  readAtMs?: number;
} & Person;

/** Whether somebody comes. */
export type Reply =
  /** Taken back. */
  | 'none'
  /** Comes. */
  | 'yes'
  /** Does not. */
  | 'no'
  /** Does not know yet. */
  | 'perhaps';

/** Who told the key that the server has to prove. */
export type ServerTrust =
  /** The invitation. */
  | 'invitation'
  /** The user. */
  | 'user'
  /** The server itself, at the first connection. */
  | 'firstUse';

/** Something that the user has set of the program. */
export type Setting = {
  /** What. */
  key: string;
  /** To what. */
  value: string;
};

/** A piece of a [`Hit::snippet`]. */
export type SnippetPiece = {
  /** As written; may hold control characters. */
  text: string;
  /** This is what was looked for. */
  marked?: boolean;
};

/** A part of a text. */
export type Span = {
  /** Its first byte in UTF-8. */
  start: number;
  /** Its bytes in UTF-8. */
  bytes: number;
} & Style;

/** A profile as it stands. */
export type Status = {
  /** This profile's account, once registered. */
  account: string | null;
  /** This device's number in the account. */
  device: number | null;
  /** Alias as registered. */
  username: string | null;
  /** The server's address. */
  server: string | null;
  /** The server's key, hexadecimal; `None` until a first connection where nothing else told it. */
  serverKey: string | null;
  /** Who told the server's key. */
  serverTrust?: ServerTrust;
  /** Whether the server can be reached. */
  connection: Connection;
  /** Incoming messages that were not read. */
  unread: number;
  /** Messages that the server does not have yet. */
  pending: number;
  /** Everything that waits for the server: messages, read receipts, requests to send again. */
  outbox: number;
  /** How the database key is protected. */
  protection: Protection;
};

/** What somebody shows for a day, which no chat holds. */
export type StatusUpdates = {
  /** Names them all, as [`Message::with`]: to be marked as read, or muted, or for acts about one of them. */
  conversation: string;
  /** Who shows it. */
  author: Person;
  /** The user. */
  own?: boolean;
  /** So many were not seen. */
  unseen: number;
  /** They are out of the way until then; 18446744073709551615: for good; 0: not muted. */
  mutedUntilMs: number;
  /** Oldest first; at most 128. */
  messages: Message[];
};

/** What the files of a conversation take. */
export type StoredFiles = {
  /** The conversation. */
  with: string;
  /** Files of its messages. */
  files: number;
  /** Content of all of them. */
  bytes: number;
  /** Of those that are on this device. A file that two conversations have is counted in both. */
  bytesHere: number;
  /** Of those that were moved to storage of the user's own and are not here. */
  bytesAway: number;
};

/** How a part of a text looks. */
export type Style =
  /** Heavier. */
  | {
      style: 'bold';
    }
  /** Slanted. */
  | {
      style: 'italic';
    }
  /** Struck through. */
  | {
      style: 'strike';
    }
  /** With letters of one width. */
  | {
      style: 'monospace';
    }
  /** Hidden until the reader asks for it. */
  | {
      style: 'spoiler';
    }
  /** Names somebody. */
  | {
      style: 'mention';
      /** Whose account. */
      account: string;
    };

/** What the user knows of a contact's identity key. */
export type Trust =
  /** As first seen. */
  | {
      state: 'firstUse';
    }
  /** Safety numbers were compared. */
  | {
      state: 'verified';
    }
  /** Another one than before, and not verified since. */
  | {
      state: 'changed';
      /** When it was noticed. */
      atMs: number;
    };

/** What kind of answer each kind of query gets. */
export type AnswerByQuery = {
  fileContent: Extract<Answer, { type: 'fileContent' }>;
  files: Extract<Answer, { type: 'files' }>;
  storedFiles: Extract<Answer, { type: 'storedFiles' }>;
  fetchRules: Extract<Answer, { type: 'fetchRules' }>;
  status: Extract<Answer, { type: 'status' }>;
  devices: Extract<Answer, { type: 'devices' }>;
  contacts: Extract<Answer, { type: 'contacts' }>;
  contact: Extract<Answer, { type: 'contact' }>;
  chats: Extract<Answer, { type: 'chats' }>;
  chat: Extract<Answer, { type: 'chat' }>;
  groups: Extract<Answer, { type: 'groups' }>;
  group: Extract<Answer, { type: 'group' }>;
  history: Extract<Answer, { type: 'messages' }>;
  search: Extract<Answer, { type: 'hits' }>;
  message: Extract<Answer, { type: 'message' }>;
  messageAt: Extract<Answer, { type: 'message' }>;
  messageSentAt: Extract<Answer, { type: 'message' }>;
  receipts: Extract<Answer, { type: 'receipts' }>;
  starred: Extract<Answer, { type: 'messages' }>;
  inbox: Extract<Answer, { type: 'messages' }>;
  journal: Extract<Answer, { type: 'journal' }>;
  safetyNumber: Extract<Answer, { type: 'safetyNumber' }>;
  lists: Extract<Answer, { type: 'lists' }>;
  settings: Extract<Answer, { type: 'settings' }>;
  profile: Extract<Answer, { type: 'profile' }>;
  privacy: Extract<Answer, { type: 'privacy' }>;
  statusUpdates: Extract<Answer, { type: 'statusUpdates' }>;
};

/** The answer to a query. */
export type AnswerOf<Q extends Query> = AnswerByQuery[Q['type']];

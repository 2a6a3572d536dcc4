// Preliminary: replaced by the generated types.
export type Command =
  | { type: 'register'; server: string; invitation: string; username: string }
  | { type: 'offerLink'; server: string; name: string }
  | { type: 'cancelLink' }
  | { type: 'approveLink'; code: string; history: HistoryRange }
  | { type: 'refreshDevices' }
  | { type: 'renameDevice'; device: number; name: string }
  | { type: 'removeDevice'; device: number }
  | { type: 'addContact'; username: string }
  | { type: 'lookUpContacts'; entries: Array<BookEntry> }
  | { type: 'findable'; set?: boolean | null }
  | { type: 'redeemAddress'; code: string }
  | { type: 'setContactName'; account: string; name: string }
  | { type: 'setBlocked'; account: string; blocked: boolean }
  | { type: 'removeContact'; account: string }
  | { type: 'accept'; account: string }
  | { type: 'acceptGroup'; group: string }
  | { type: 'setProfile'; change: ProfileChange }
  | { type: 'setPrivacy'; setting: PrivacySetting; audience: Audience }
  | { type: 'setVerified'; account: string; verified: boolean }
  | { type: 'send'; to: string; post: Post }
  | { type: 'forward'; message: string; to: Array<string> }
  | { type: 'act'; with: string; message?: string | null; deed: Deed }
  | { type: 'open'; message: string }
  | { type: 'markRead'; with: string; upTo: number }
  | { type: 'markInboxRead'; with: string; upTo: number }
  | { type: 'acknowledgeInbox'; messages: Array<string> }
  | { type: 'setChat'; conversation: string; change: ChatChange }
  | { type: 'setStarred'; message: string; starred: boolean }
  | { type: 'deleteMessages'; messages: Array<string> }
  | { type: 'setSetting'; key: string; value: string | null }
  | { type: 'createGroup'; name: string; kind?: GroupKind; members: Array<string> }
  | { type: 'changeGroup'; group: string; actions: Array<GroupAction> }
  | { type: 'setGroupLink'; group: string; enabled: boolean }
  | { type: 'joinGroup'; link: string }
  | { type: 'answerJoin'; group: string; account: string; accept: boolean }
  | { type: 'shareHistory'; group: string; account: string; messages: number }
  | { type: 'setList'; list: BroadcastList }
  | { type: 'deleteList'; list: string }
  | { type: 'sendToList'; list: string; post: Post }
  | { type: 'keepJournal' }
  | { type: 'acknowledgeJournal'; upTo: number }
  | { type: 'once'; key: string; command: Command }
  | { type: 'postStatus'; post: Post }
  | { type: 'setActivity'; activity: Activity }
  | { type: 'watchPresence'; accounts: Array<string> }
  | { type: 'compose'; with: string; what: Composing }
  | { type: 'attach'; path: string; kind?: AttachmentKind | null; hd?: boolean }
  | { type: 'attachContent'; name?: string; content: string; kind?: AttachmentKind | null }
  | { type: 'fetchFile'; message: string; index: number }
  | { type: 'saveFile'; message: string; index: number; path: string }
  | { type: 'fetchByRules'; on: boolean }
  | { type: 'setFetchRules'; rules: FetchRules }
  | { type: 'removeFile'; message: string; index: number }
  | { type: 'offload'; to?: CloudPlace | null; olderThanMs: number; largerThanBytes: number }
  | { type: 'goOnline' }
  | { type: 'goOffline' }
export type Event =
  | { type: 'done'; command: number; message?: string | null; contact?: Contact | null }
  | { type: 'failed'; command: number; failure: Failure }
  | { type: 'connection'; connection: Connection }
  | { type: 'registered'; account: string; device: number }
  | { type: 'linkCode'; code: string; qr: string }
  | { type: 'devices'; devices: Array<Device> }
  | { type: 'removed' }
  | { type: 'archive'; device: number; sending: boolean; messages: number; total: number; done: boolean }
  | { type: 'message'; message: Message }
  | { type: 'messageFilled'; message: Message }
  | { type: 'messageChanged'; message: Message; done?: Done | null }
  | { type: 'opened'; message: string; post: Post }
  | { type: 'delivery'; message: string; with: string; delivery: Delivery }
  | { type: 'deleted'; messages: Array<string> }
  | { type: 'identityChanged'; account: string }
  | { type: 'gap'; account: string; device: number; missing: number }
  | { type: 'skipped'; messages: number }
  | { type: 'contactsFound'; command: number; addresses: number; found: Array<FoundContact> }
  | { type: 'findable'; command: number; on: boolean; addresses: number }
  | { type: 'stateChanged' }
  | { type: 'group'; group: string }
  | { type: 'joinRequested'; group: string; account: string }
  | { type: 'composing'; with: string; account: string; what: Composing }
  | { type: 'presence'; account: string; presence: Presence }
  | { type: 'restoredCopy' }
  | { type: 'storageFailed'; detail: string }
  | { type: 'storageRecovered' }
  | { type: 'preparing'; command: number }
  | { type: 'attached'; command: number; attachment: Attachment }
  | { type: 'fileProgress'; file: string; sending: boolean; done: number; total: number }
  | { type: 'fileUploaded'; file: string }
  | { type: 'fileRefused'; file: string; failure: Failure }
  | { type: 'fileFetched'; file: string }
  | { type: 'fileOffloaded'; command: number; file: string; bytes: number }
  | { type: 'fileSaved'; command: number; path: string }
  | { type: 'overrun' }
export type Attachment = { id: string; kind: AttachmentKind; bytes: number; mediaType?: string; name?: string; width?: number; height?: number; durationMs?: number; blurhash?: string; waveform?: string; thumbnail?: string; pages?: number }
export type AttachmentKind =
  | 'document'
  | 'photo'
  | 'video'
  | 'voice'
  | 'audio'
  | 'sticker'
  | 'gif'
export type Group = { group: string; kind: GroupKind; name: string; description: string; picture: string; epoch: number; member: boolean; admin: boolean; members: Array<Member>; permissions: Permissions; link: string | null; linked: Array<LinkedGroup>; community: string | null; requests: Array<Person>; askedBy?: Person | null }
export type Member = { admin: boolean } & Person
export type GroupKind =
  | 'group'
  | 'community'
export type Permissions = { send: Allowed; edit: Allowed; add: Allowed; approve: boolean }
export type Allowed =
  | 'everybody'
  | 'admins'
export type LinkedGroup = { group: string; name: string; link?: string | null }
export type GroupAction =
  | { what: 'create'; name: string; kind: GroupKind }
  | { what: 'link'; enabled: boolean }
  | { what: 'add'; account: string; admin?: boolean }
  | { what: 'remove'; account: string }
  | { what: 'promote'; account: string }
  | { what: 'demote'; account: string }
  | { what: 'name'; name: string }
  | { what: 'description'; text: string }
  | { what: 'picture'; picture: string }
  | { what: 'permissions'; permissions: Permissions }
  | { what: 'linkGroup'; linked: LinkedGroup }
  | { what: 'unlinkGroup'; group: string }
  | { what: 'community'; community: string | null }
export type Notice =
  | { what: 'identityChanged'; account: string }
  | { what: 'groupChanged'; by: string; device: number; atMs: number; actions: Array<GroupAction> }
  | { what: 'joined'; by: string }
  | { what: 'groupForked'; account: string }
  | { what: 'serverDisagrees'; account: string }
  | { what: 'lifetime'; by: string; seconds: number }
export type Activity =
  | 'away'
  | 'listening'
  | 'active'
export type Composing =
  | 'stopped'
  | 'typing'
  | 'recording'
export type Presence =
  | { state: 'unknown' }
  | { state: 'online' }
  | { state: 'lastSeen'; atMs: number }
export type Status = { account: string | null; device: number | null; username: string | null; server: string | null; serverKey: string | null; serverTrust?: ServerTrust | null; connection: Connection; unread: number; pending: number; outbox: number; protection: Protection }
export type ServerTrust =
  | 'invitation'
  | 'user'
  | 'firstUse'
export type Device = { device: number; this: boolean; name: string; lastSeenMs: number; place: string; linkedAtMs: number }
export type HistoryRange =
  | 'none'
  | 'month'
  | 'year'
  | 'all'
export type Connection =
  | { state: 'offline' }
  | { state: 'waiting'; untilMs: number; reason?: NetFailure | null }
  | { state: 'connecting' }
  | { state: 'online' }
  | { state: 'refused'; code: string }
export type Person = { account: string; username: string | null; name?: string | null; profileName?: string | null }
export type Contact = { blocked?: boolean; contact?: boolean; request?: boolean; trust: Trust; unread: number; lastMessage?: Message | null } & Person
export type Chat = { conversation: string; with: ChatWith; request?: boolean; unread: number; lastMessage?: Message | null; archived: boolean; pinned: boolean; mutedUntilMs: number; lifetimeS?: number; draft?: string }
export type StatusUpdates = { conversation: string; author: Person; own?: boolean; unseen: number; mutedUntilMs: number; messages: Array<Message> }
export type ChatWith =
  | { kind: 'contact'; trust: Trust; blocked: boolean } & Person
  | { kind: 'group'; name: string; groupKind: GroupKind; members: number; member: boolean }
export type ChatChange =
  | { what: 'archived'; value: boolean }
  | { what: 'pinned'; value: boolean }
  | { what: 'mutedUntilMs'; value: number }
  | { what: 'cleared' }
  | { what: 'draft'; value: string }
export type BroadcastList = { id?: string | null; name: string; members: Array<string> }
export type Receipt = { delivery: Delivery; atMs?: number; deliveredAtMs?: number; readAtMs?: number } & Person
export type JournalEntry = { id: number; atMs: number } & Happened
export type Happened =
  | { what: 'message'; message: Message }
  | { what: 'delivery'; message: Message; delivery: Delivery }
  | { what: 'act'; message: Message; device: number; done: Done; times?: number }
  | { what: 'gone' }
export type Setting = { key: string; value: string }
export type Trust =
  | { state: 'firstUse' }
  | { state: 'verified' }
  | { state: 'changed'; atMs: number }
export type Message = { id: string; with: string; from: string; device: number; order: number; direction: Direction; sentAtMs: number; storedAtMs: number; body: Body; delivery: Delivery; missingBefore?: number; editedAtMs?: number; expiresAtMs?: number; done?: Array<Done> }
export type Direction =
  | 'outgoing'
  | 'incoming'
export type Body =
  | { kind: 'text' } & Post
  | { kind: 'waiting' }
  | { kind: 'lost' }
  | { kind: 'unknown' }
  | { kind: 'notice'; notice: Notice }
  | { kind: 'deleted' }
  | { kind: 'opened' }
export type MessageKind =
  | 'text'
  | 'link'
  | 'contact'
  | 'place'
  | 'poll'
  | 'event'
  | 'photo'
  | 'video'
  | 'voice'
  | 'document'
export type Hit = { message: Message; snippet: Array<SnippetPiece> }
export type SnippetPiece = { text: string; marked?: boolean }
export type Delivery =
  | 'pending'
  | 'sent'
  | 'delivered'
  | 'read'
  | 'failed'
export type Failure = { code: string; fault: Fault; detail: string; retryAfterMs?: number }
export type Fault =
  | 'user'
  | 'server'
  | 'trust'
  | 'device'
export type BookEntry = { name: string; addresses: Array<string> }
export type FoundContact = { account: string; name: string }
export type Post = { text: string; spans?: Array<Span>; quote?: Quote | null; forwards?: number; lifetimeS?: number; once?: boolean; preview?: Preview | null; card?: Card | null; attachments?: Array<Attachment> }
export type Span = { start: number; bytes: number } & Style
export type Style =
  | { style: 'bold' }
  | { style: 'italic' }
  | { style: 'strike' }
  | { style: 'monospace' }
  | { style: 'spoiler' }
  | { style: 'mention'; account: string }
export type Quote = { message: string; text?: string; attachments?: Array<AttachmentKind> }
export type Preview = { url: string; title?: string; description?: string; image?: string }
export type Card =
  | { kind: 'contact'; name: string; account?: string | null; details?: string }
  | { kind: 'place' } & Place
  | { kind: 'poll'; options: Array<string>; several?: boolean }
  | { kind: 'event'; startsAtMs: number; endsAtMs?: number; place?: string }
export type Place = { latitudeE7: number; longitudeE7: number; accuracyM?: number; name?: string; liveS?: number }
export type Deed =
  | { what: 'react'; emoji: string }
  | { what: 'edit'; post: Post }
  | { what: 'delete' }
  | { what: 'pin'; untilMs: number }
  | { what: 'keep'; keep: boolean }
  | { what: 'vote'; options: Array<number> }
  | { what: 'answer'; answer: Reply }
  | { what: 'live'; place: Place }
  | { what: 'opened' }
  | { what: 'lifetime'; seconds: number }
export type Reply =
  | 'none'
  | 'yes'
  | 'no'
  | 'perhaps'
export type Done = { by: string; atMs: number } & Deed
export type Profile = { name: string; about?: string; picture?: string; noGroups?: boolean; presence?: boolean }
export type ProfileChange =
  | { what: 'name'; value: string }
  | { what: 'about'; value: string }
  | { what: 'picture'; value: string }
export type PrivacySetting =
  | 'picture'
  | 'about'
  | 'lastSeen'
  | 'online'
  | 'groups'
  | 'receipts'
  | 'status'
export type Audience =
  | { who: 'everyone' }
  | { who: 'contacts' }
  | { who: 'contactsExcept'; accounts: Array<string> }
  | { who: 'nobody' }
  | { who: 'likeLastSeen' }
  | { who: 'only'; accounts: Array<string> }
export type Privacy = { picture: Audience; about: Audience; lastSeen: Audience; online: Audience; groups: Audience; receipts: boolean; status?: Audience }
export type Query =
  | { type: 'fileContent'; message: string; index: number }
  | { type: 'files'; with?: string | null; before?: number | null; order?: FileOrder | null; limit: number }
  | { type: 'storedFiles' }
  | { type: 'fetchRules' }
  | { type: 'status' }
  | { type: 'devices' }
  | { type: 'contacts' }
  | { type: 'contact'; name: string }
  | { type: 'chats' }
  | { type: 'chat'; name: string }
  | { type: 'groups' }
  | { type: 'group'; name: string }
  | { type: 'history'; with: string; before?: number | null; after?: number | null; limit: number }
  | { type: 'search'; text?: string; with?: string | null; from?: string | null; sinceMs?: number | null; untilMs?: number | null; kind?: MessageKind | null; before?: number | null; limit: number }
  | { type: 'message'; id: string }
  | { type: 'messageAt'; order: number }
  | { type: 'messageSentAt'; from: string; sentAtMs: number; with?: string | null }
  | { type: 'receipts'; message: string }
  | { type: 'starred' }
  | { type: 'inbox'; limit: number }
  | { type: 'journal'; after?: number | null; limit: number }
  | { type: 'safetyNumber'; account: string }
  | { type: 'lists' }
  | { type: 'settings' }
  | { type: 'profile'; account?: string | null }
  | { type: 'privacy' }
  | { type: 'statusUpdates' }
export type Answer =
  | { type: 'fileContent'; content: string }
  | { type: 'files'; messages: Array<Message>; here: Array<string>; away?: Array<string> }
  | { type: 'storedFiles'; chats: Array<StoredFiles>; bytes: number }
  | { type: 'fetchRules'; rules: FetchRules }
  | { type: 'status' } & Status
  | { type: 'devices'; devices: Array<Device> }
  | { type: 'contacts'; contacts: Array<Contact> }
  | { type: 'contact'; contact: Contact | null }
  | { type: 'chats'; chats: Array<Chat> }
  | { type: 'chat'; chat: Chat | null }
  | { type: 'groups'; groups: Array<Group> }
  | { type: 'group'; group: Group | null }
  | { type: 'messages'; messages: Array<Message> }
  | { type: 'hits'; hits: Array<Hit>; next: number | null }
  | { type: 'message'; message: Message | null }
  | { type: 'receipts'; receipts: Array<Receipt> }
  | { type: 'journal'; acknowledged: number; newest: number; entries: Array<JournalEntry> }
  | { type: 'safetyNumber'; number: string | null; trust: Trust }
  | { type: 'lists'; lists: Array<BroadcastList> }
  | { type: 'settings'; settings: Array<Setting> }
  | { type: 'profile'; profile: Profile | null }
  | { type: 'privacy' } & Privacy
  | { type: 'statusUpdates'; updates: Array<StatusUpdates> }
export type CloudPlace =
  | { type: 'folder'; path: string }
  | { type: 'webDav'; url: string; user?: string | null; password?: string | null }
export type Fetching =
  | { fetch: 'always' }
  | { fetch: 'never' }
  | { fetch: 'upTo'; bytes: number }
export type FetchRules = { photos: Fetching; voice: Fetching; video: Fetching; documents: Fetching }
export type StoredFiles = { with: string; files: number; bytes: number; bytesHere: number; bytesAway: number }
export type FileOrder =
  | 'largest'
  | 'oldest'
export type NetFailure = { code: NetFailureCode; detail: string }
export type NetFailureCode =
  | 'nameNotFound'
  | 'unreachable'
  | 'notWaxwing'
  | 'untrustedServer'
  | 'closed'
  | 'protocol'
export type Protection =
  | 'keyFile'
  | 'passphrase'

// What messages say, in words: for lists, quotes, notices and ears.
import type { Attachment, AttachmentKind, Body, GroupAction, Message, Notice, Post, Quote } from '../core/api'
import type { IconName } from '../parts/icons'
import { oneLine } from './segments'
import { t, type Key } from './text'
import { duration, span } from './times'

/** Who is who. */
export interface Names {
  readonly own: string
  /** `you` for the own account. */
  name(account: string): string
}

/** A message on one line, with a small picture of what it is. */
export interface Brief {
  icon?: IconName
  text: string
}

const KINDS: Record<AttachmentKind, readonly [IconName, Key]> = {
  photo: ['camera', 'photo'],
  video: ['video', 'video'],
  gif: ['video', 'gif'],
  voice: ['mic', 'voice'],
  audio: ['mic', 'audio'],
  sticker: ['sticker', 'sticker'],
  document: ['file', 'document'],
}

export function kindIcon(kind: AttachmentKind): IconName {
  return KINDS[kind][0]
}

export function kindName(kind: AttachmentKind): string {
  return t(KINDS[kind][1])
}

export function briefBody(body: Body, names: Names): Brief {
  switch (body.kind) {
    case 'text':
      return briefPost(body)
    case 'waiting':
      return { icon: 'clock', text: t('bodyWaiting') }
    case 'lost':
      return { icon: 'warn', text: t('bodyLost') }
    case 'unknown':
      return { icon: 'warn', text: t('bodyUnknown') }
    case 'deleted':
      return { icon: 'block', text: t('bodyDeleted') }
    case 'opened':
      return { icon: 'once', text: t('bodyOpened') }
    case 'notice':
      return { text: noticeText(body.notice, names) }
  }
}

export function briefPost(post: Post): Brief {
  if (post.once) return { icon: 'once', text: t('bodyOnce') }
  const text = oneLine(post.text, post.spans ?? [])
  const files = post.attachments ?? []
  const [first] = files
  if (first) return { icon: kindIcon(first.kind), text: text || filesName(files) }
  switch (post.card?.kind) {
    case 'contact':
      return { icon: 'person', text: text || post.card.name }
    case 'place':
      return { icon: 'place', text: text || post.card.name || t(post.card.liveS ? 'livePlace' : 'place') }
    case 'poll':
      return { icon: 'poll', text }
    case 'event':
      return { icon: 'calendar', text }
    case undefined:
      return { text }
  }
}

function filesName(files: readonly Attachment[]): string {
  const [first] = files
  if (!first) return ''
  if (files.length > 1) return t('files', { count: files.length })
  if (first.kind === 'document' && first.name) return oneLine(first.name)
  const name = kindName(first.kind)
  return first.durationMs ? `${name} (${duration(first.durationMs)})` : name
}

/** What was answered, on one line. */
export function briefQuote(quote: Quote): Brief {
  const text = oneLine(quote.text ?? '')
  const kinds = quote.attachments ?? []
  const [first] = kinds
  if (!first) return { text: text || t('message') }
  return { icon: kindIcon(first), text: text || (kinds.length > 1 ? t('files', { count: kinds.length }) : kindName(first)) }
}

/** Nobody wrote it. */
export function isNotice(message: Message): boolean {
  return message.body.kind === 'notice'
}

/** What happened, in a sentence or more. */
export function noticeText(notice: Notice, names: Names): string {
  switch (notice.what) {
    case 'identityChanged':
      return t('noticeIdentity', { name: names.name(notice.account) })
    case 'groupChanged':
      return notice.actions.map((action) => actionText(notice.by, action, names)).join(' ')
    case 'joined':
      return notice.by === names.own ? t('noticeJoinedYou') : t('noticeJoined', { name: names.name(notice.by) })
    case 'groupForked':
      return t('noticeForked', { name: names.name(notice.account) })
    case 'serverDisagrees':
      return t('noticeDisagrees', { name: names.name(notice.account) })
    case 'lifetime': {
      const values = { name: names.name(notice.by), time: span(notice.seconds) }
      if (notice.by === names.own) return t(notice.seconds === 0 ? 'noticeLifetimeOffYou' : 'noticeLifetimeYou', values)
      return t(notice.seconds === 0 ? 'noticeLifetimeOff' : 'noticeLifetime', values)
    }
  }
}

const ACTIONS = {
  create: ['actionCreateYou', 'actionCreate'],
  createCommunity: ['actionCreateCommunityYou', 'actionCreateCommunity'],
  join: ['actionJoinYou', 'actionJoin'],
  add: ['actionAddYou', 'actionAdd'],
  leave: ['actionLeaveYou', 'actionLeave'],
  remove: ['actionRemoveYou', 'actionRemove'],
  promote: ['actionPromoteYou', 'actionPromote'],
  demote: ['actionDemoteYou', 'actionDemote'],
  name: ['actionNameYou', 'actionName'],
  description: ['actionDescriptionYou', 'actionDescription'],
  picture: ['actionPictureYou', 'actionPicture'],
  permissions: ['actionPermissionsYou', 'actionPermissions'],
  link: ['actionLinkYou', 'actionLink'],
  noLink: ['actionNoLinkYou', 'actionNoLink'],
  linkGroup: ['actionLinkGroupYou', 'actionLinkGroup'],
  unlinkGroup: ['actionUnlinkGroupYou', 'actionUnlinkGroup'],
  community: ['actionCommunityYou', 'actionCommunity'],
  noCommunity: ['actionNoCommunityYou', 'actionNoCommunity'],
} as const satisfies Record<string, readonly [Key, Key]>

function actionText(by: string, action: GroupAction, names: Names): string {
  const own = by === names.own
  const say = (what: keyof typeof ACTIONS, more: { account?: string; title?: string } = {}) => {
    const other = more.account === undefined ? '' : more.account === names.own ? t('youObject') : names.name(more.account)
    return t(ACTIONS[what][own ? 0 : 1], { name: names.name(by), other, title: oneLine(more.title ?? '') })
  }
  switch (action.what) {
    case 'create':
      return say(action.kind === 'community' ? 'createCommunity' : 'create', { title: action.name })
    case 'add':
      return action.account === by ? say('join') : say('add', action)
    case 'remove':
      return action.account === by ? say('leave') : say('remove', action)
    case 'promote':
    case 'demote':
      return say(action.what, action)
    case 'name':
      return say('name', { title: action.name })
    case 'description':
    case 'picture':
    case 'permissions':
    case 'unlinkGroup':
      return say(action.what)
    case 'link':
      return say(action.enabled ? 'link' : 'noLink')
    case 'linkGroup':
      return say('linkGroup', { title: action.linked.name })
    case 'community':
      return say(action.community === null ? 'noCommunity' : 'community')
  }
}

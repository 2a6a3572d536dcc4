// What went wrong, in the words of the user's language where this program knows it; otherwise in the core's own.
import { t, type Key } from '../lib/text'
import { codeOf, reason } from './core.svelte'

const TEXTS: Record<string, Key> = {
  // Of the server.
  invitationInvalid: 'failInvitation',
  malformedInvitation: 'failInvitation',
  usernameTaken: 'failUsernameTaken',
  usernameInvalid: 'failUsername',
  malformedUsername: 'failUsername',
  linkUnknown: 'failLink',
  rateLimited: 'failRateLimited',
  storageFull: 'failServer',
  unavailable: 'failServer',
  shuttingDown: 'failServer',
  notRegistered: 'refusedNotRegistered',
  wireVersion: 'refusedVersion',
  replaced: 'refusedReplaced',
  // Of the connection.
  nameNotFound: 'failUnreachable',
  unreachable: 'failUnreachable',
  closed: 'failUnreachable',
  timeout: 'failUnreachable',
  notWaxwing: 'failNotWaxwing',
  untrustedServer: 'failUntrusted',
  unknownAccount: 'failUnknownAccount',
  notConnected: 'failNotConnected',
  quota: 'failQuota',
  fileGone: 'failFileGone',
  fileTooLarge: 'failTooLarge',
  tooLarge: 'failTooLarge',
  // Of this browser.
  keyMissing: 'failKeyMissing',
  keyWrong: 'failDamaged',
  keyMalformed: 'failDamaged',
  databaseDamaged: 'failDamaged',
  databaseNewer: 'refusedVersion',
  diskFull: 'failDiskFull',
  profileBusy: 'failBusy',
  interrupted: 'failInterrupted',
  files: 'failStorage',
  filesUnsupported: 'failPrivate',
  evicted: 'failEvicted',
  unsupported: 'failUnsupported',
  passphraseWrong: 'failPassphrase',
  storage: 'failStorage',
}

export function explain(thrown: unknown): string {
  return explainCode(codeOf(thrown), reason(thrown))
}

export function explainCode(code: string, detail: string): string {
  const key = TEXTS[code]
  return key === undefined ? detail : t(key)
}

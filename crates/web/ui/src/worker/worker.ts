// One worker for each tab; the one that holds the lock has the core, the others pass on what their pages ask. When its
// tab closes, the lock goes to the next.
import { Host } from './host'
import type { Ask, Between, Say, Tell } from './messages'

const LOCK = 'waxwing-core'
const me = crypto.randomUUID()
const channel = new BroadcastChannel('waxwing')
const page = (say: Say) => self.postMessage(say)

const host = new Host((to, say) => {
  if (to === 'all' || to === me) page(say)
  if (to !== me) channel.postMessage({ to, say } satisfies Between)
})
let leads = false
let expected = false

function told(tell: Tell) {
  if (tell.t === 'unlock') host.unlock(tell.passphrase)
  else if (tell.t === 'anew') void host.anew()
  else if (tell.t === 'memory') void host.memory()
  // Another tab has come, and wants to know how things are.
  else channel.postMessage({ to: 'all', say: { t: 'state', state: host.state } } satisfies Between)
}

channel.onmessage = ({ data }: MessageEvent<Between>) => {
  if (data.to === 'core') {
    if (!leads) return
    if ('ask' in data) void host.ask(data.from, data.ask)
    else if ('tell' in data) told(data.tell)
  } else if ('say' in data && (data.to === 'all' || data.to === me)) {
    page(data.say)
  }
}

self.onmessage = ({ data }: MessageEvent<Ask | Tell>) => {
  if (data.t === 'begin') {
    expected = data.expected
    if (!leads) channel.postMessage({ to: 'core', from: me, tell: data } satisfies Between)
    void lead()
  } else if ('id' in data) {
    if (leads) void host.ask(me, data)
    else channel.postMessage({ to: 'core', from: me, ask: data } satisfies Between)
  } else if (leads) told(data)
  else channel.postMessage({ to: 'core', from: me, tell: data } satisfies Between)
}

async function lead() {
  const hold = async (lock: Lock | null) => {
    if (lock === null) return false
    leads = true
    await host.begin(expected)
    // For as long as the tab is there.
    return new Promise<boolean>(() => {})
  }
  if (!(await navigator.locks.request(LOCK, { ifAvailable: true }, hold))) {
    host.inherits = true
    await navigator.locks.request(LOCK, hold)
  }
}

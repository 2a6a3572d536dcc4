// The main screens, with something on them.

/** Name, and where the user is then; `chat`: beside the conversation. */
export const SCREENS = [
  ['chats', { front: 'start', chat: '' }],
  ['conversation', { front: 'chat' }],
  ['new-chat', { start: ['newChat'] }],
  ['new-group', { start: ['newGroup'] }],
  ['status', { start: ['status'] }],
  ['starred', { start: ['starred'] }],
  ['settings', { start: ['settings'] }],
  ['profile', { start: ['settings', 'profile'] }],
  ['privacy', { start: ['settings', 'privacy'] }],
  ['notifications', { start: ['settings', 'notifications'] }],
  ['devices', { start: ['settings', 'devices'] }],
  ['storage', { start: ['settings', 'storage'] }],
  ['appearance', { start: ['settings', 'appearance'] }],
  ['language', { start: ['settings', 'language'] }],
  ['contact-info', { front: 'end', end: ['contactInfo'] }],
  ['safety-number', { front: 'end', end: ['contactInfo', 'safetyNumber'] }],
  ['help', { over: 'help' }],
];

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Goes to a screen as "back" and "forward" of the browser do. */
export async function goTo(person, account, { start = [], chat = account, end = [], over, front = 'start' }) {
  const screen = (name) => ({ name, props: { account, conversation: account } });
  const place = { start: start.map(screen), chat, at: 0, end: end.map(screen), over: over ? screen(over) : null, front };
  await person.page.evaluate((place) => {
    const state = { place, depth: 1 };
    history.pushState(state, '');
    dispatchEvent(new PopStateEvent('popstate', { state }));
  }, place);
  await person.page.waitForTimeout(400);
  await person.page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
}

/** A person who has talked with somebody; that one's account. */
export async function somebodyWhoTalks(visit, dial, options) {
  const bob = await dial('bob');
  const alice = await visit(options);
  await alice.register('alice');
  await alice.finds('bob');
  for (const text of ['Are you coming on Saturday?', 'We meet at *nine* at the station.', 'https://example.org/trail']) {
    await alice.writes(text);
    await bob.receives(text.replaceAll('*', '')).catch(() => {});
  }
  await bob.send('alice', 'Yes, with the dog 🐕');
  await alice.message('with the dog').waitFor();
  const account = await alice.page.evaluate(() => history.state.place.chat);
  return { alice, bob, account };
}

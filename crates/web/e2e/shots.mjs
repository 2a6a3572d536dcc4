// Pictures of the main screens for people to look at: `npm run shots` writes them to `shots/`.

import { mkdir } from 'node:fs/promises';

import { Person, startBrowser } from './support/browser.mjs';
import { Server, Terminal } from './support/programs.mjs';
import { DESKTOP, goTo, PHONE, SCREENS, somebodyWhoTalks } from './support/screens.mjs';

const SHOTS = new URL('shots/', import.meta.url).pathname;

await mkdir(SHOTS, { recursive: true });
const [server, browser] = await Promise.all([Server.start(), startBrowser()]);
const terminals = [];
const dial = async (name) => {
  terminals.push(await Terminal.register(server, name));
  return terminals.at(-1);
};
try {
  const { alice, account } = await somebodyWhoTalks((options) => Person.open(browser, server, options), dial);
  for (const [way, viewport] of [['desktop', DESKTOP], ['phone', PHONE]]) {
    await alice.page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await alice.page.emulateMedia({ colorScheme });
      for (const [name, place] of SCREENS) {
        await goTo(alice, account, place);
        await alice.page.screenshot({ path: `${SHOTS}${name}-${way}-${colorScheme}.png` });
      }
    }
  }
} finally {
  await Promise.all(terminals.map((terminal) => terminal.stop()));
  await browser.close();
  await server.stop();
}

// What axe, which knows the rules of WCAG, finds wrong with the main screens.

import assert from 'node:assert/strict';

import { scene } from '../support/scene.mjs';
import { DESKTOP, goTo, PHONE, SCREENS, somebodyWhoTalks } from '../support/screens.mjs';

const { visit, dial, witness } = scene();

witness('axe finds nothing wrong with any main screen, in light and dark, on a desktop and a phone', async () => {
  const { alice, account } = await somebodyWhoTalks(visit, dial);
  const wrongs = [];
  for (const [way, viewport, colorScheme] of [['desktop', DESKTOP, 'light'], ['phone', PHONE, 'dark']]) {
    await alice.page.setViewportSize(viewport);
    await alice.page.emulateMedia({ colorScheme });
    for (const [name, place] of SCREENS) {
      await goTo(alice, account, place);
      for (const wrong of await alice.wrongs()) wrongs.push(`${name}, ${way}, ${colorScheme}: ${wrong}`);
    }
  }
  assert.deepEqual(wrongs, []);
});

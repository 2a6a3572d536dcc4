// What the server sends to somebody who comes for the first time.

import assert from 'node:assert/strict';

import { scene } from '../support/scene.mjs';

/** All that comes before somebody can do something, compressed: what it is to be, and what it may be until then. */
const FIRST_LOAD_GOAL_BYTES = 1_000_000;
const FIRST_LOAD_BYTES = 1_450_000;

const { visit, witness, place } = scene();

let loaded = 0;

witness('the first load is small, comes from here alone, and breaks no policy', async () => {
  const person = await visit();
  const answers = [];
  person.page.on('response', (response) => answers.push(response));
  await person.page.goto(`${place.server.url}#invite=none`);
  await person.page.getByRole('heading', { level: 1 }).waitFor();
  await person.page.waitForLoadState('networkidle');
  for (const answer of answers) {
    const length = Number(answer.headers()['content-length'] ?? 0);
    assert.equal(new URL(answer.url()).host, place.server.address);
    if (/\.(js|css|wasm)$/.test(answer.url()) && length > 500) {
      assert.equal(answer.headers()['content-encoding'], 'br', answer.url());
    }
    loaded += length;
  }
  assert.ok(loaded > 10_000 && loaded <= FIRST_LOAD_BYTES, `${loaded} bytes`);
});

witness('the first load is as small as it is to be', async () => {
  assert.ok(loaded <= FIRST_LOAD_GOAL_BYTES, `${loaded} bytes`);
}, 'the core is too large');

for (const colorScheme of ['light', 'dark']) {
  witness(`axe finds nothing wrong with the first screen, ${colorScheme}`, async () => {
    const person = await visit({ colorScheme });
    await person.page.goto(place.server.url);
    await person.page.getByRole('heading', { level: 1 }).waitFor();
    assert.deepEqual(await person.wrongs(), []);
  });
}

// What the server sends to somebody who comes for the first time.

import assert from 'node:assert/strict';

import { scene } from '../support/scene.mjs';

/** All that comes before somebody can do something, compressed. */
const FIRST_LOAD_BYTES = 1_000_000;

const { visit, witness, place } = scene();

witness('the first load is small, comes from here alone, and breaks no policy', async () => {
  const person = await visit();
  const answers = [];
  person.page.on('response', (response) => answers.push(response));
  await person.page.goto(`${place.server.url}#invite=none`);
  await person.page.getByRole('heading', { level: 1 }).waitFor();
  await person.page.waitForLoadState('networkidle');
  let bytes = 0;
  for (const answer of answers) {
    const length = Number(answer.headers()['content-length'] ?? 0);
    assert.equal(new URL(answer.url()).host, place.server.address);
    if (/\.(js|css|wasm)$/.test(answer.url()) && length > 500) {
      assert.equal(answer.headers()['content-encoding'], 'br', answer.url());
    }
    bytes += length;
  }
  assert.ok(bytes > 10_000 && bytes <= FIRST_LOAD_BYTES, `${bytes} bytes`);
});

for (const colorScheme of ['light', 'dark']) {
  witness(`axe finds nothing wrong with the first screen, ${colorScheme}`, async () => {
    const person = await visit({ colorScheme });
    await person.page.goto(place.server.url);
    await person.page.getByRole('heading', { level: 1 }).waitFor();
    assert.deepEqual(await person.wrongs(), []);
  });
}

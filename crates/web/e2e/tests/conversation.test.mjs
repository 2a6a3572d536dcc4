// Somebody with a browser and somebody with a terminal talk, whatever happens to the network, the server and the page.

import assert from 'node:assert/strict';

import { PATIENCE, eventually } from '../support/programs.mjs';
import { scene } from '../support/scene.mjs';

const { visit, dial, witness, place } = scene();

/** How far an own message has come, as it is drawn. */
const tick = (person, text, word) =>
  person.message(text).getByRole('img', { name: word, exact: true }).waitFor({ timeout: PATIENCE });

witness('a browser registers, writes to a terminal, is answered, and sees the ticks', async () => {
  const bob = await dial('bob');
  const alice = await visit();
  await alice.register('alice');
  await alice.finds('bob');
  await alice.writes('hello from the browser');
  const heard = await bob.receives('hello from the browser');
  assert.equal(heard.source, 'alice');
  await tick(alice, 'hello from the browser', 'Delivered');
  // Who answers knows her, and lets her know what was read.
  await bob.send('alice', 'hello from the terminal');
  await alice.message('hello from the terminal').waitFor();
  await bob.reads(heard);
  await tick(alice, 'hello from the browser', 'Read');
});

witness('what is written without a server waits, and goes out when it is back after kill -9', async () => {
  const ben = await dial('ben');
  const anna = await visit();
  await anna.register('anna');
  await anna.finds('ben');
  await anna.writes('before');
  await ben.receives('before');
  await place.server.kill();
  await anna.writes('meanwhile');
  await tick(anna, 'meanwhile', 'Waiting to be sent');
  await place.server.startAgain();
  await ben.receives('meanwhile');
  await tick(anna, 'meanwhile', 'Delivered');
});

witness('a page that is loaded again in the middle of a send sends once', async () => {
  const dora = await dial('dora');
  const carl = await visit();
  await carl.register('carl');
  await carl.finds('dora');
  await carl.writes('first');
  await dora.receives('first');
  await place.server.kill();
  await carl.writes('in the middle');
  await tick(carl, 'in the middle', 'Waiting to be sent');
  await carl.page.reload().catch(() => {});
  await place.server.startAgain();
  // The loading that was begun without a server may get in the way of this one.
  await eventually('the page is there', () => carl.page.goto(place.server.url).then(Boolean, () => false));
  await carl.begun();
  await dora.receives('in the middle');
  await carl.opens('dora');
  await tick(carl, 'in the middle', 'Delivered');
  const times = dora.received.filter((envelope) => envelope.dataMessage?.message === 'in the middle');
  assert.equal(times.length, 1);
});

witness('two tabs show the same, and the second goes on when the first is closed', async () => {
  const fred = await dial('fred');
  const emma = await visit();
  await emma.register('emma');
  await emma.finds('fred');
  await emma.writes('one');
  await fred.receives('one');
  const first = emma.page;
  const second = await emma.context.newPage();
  await second.goto(place.server.url);
  await emma.begun(second);
  emma.page = second;
  await emma.opens('fred');
  await emma.message('one').waitFor();
  await emma.writes('two');
  await fred.receives('two');
  emma.page = first;
  await emma.message('two').waitFor();
  await first.close();
  emma.page = second;
  await emma.writes('three');
  await fred.receives('three');
  await fred.send('emma', 'four');
  await emma.message('four').waitFor();
});

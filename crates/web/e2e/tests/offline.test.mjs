// The app is installed, and is there without a network.

import assert from 'node:assert/strict';

import { eventually } from '../support/programs.mjs';
import { scene } from '../support/scene.mjs';

const { visit, dial, witness, place } = scene();

/** The app has come to stay. */
const kept = (person) =>
  eventually('the app is kept', () =>
    person.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === 'activated'),
  );

witness('it can be installed, and begins without a network', async () => {
  const alice = await visit();
  await alice.page.goto(place.server.url);
  const devtools = await alice.context.newCDPSession(alice.page);
  const { errors } = await devtools.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  // A context of a test is a private one for the browser, which installs nothing there.
  assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
  await kept(alice);
  await alice.context.setOffline(true);
  await alice.page.reload();
  await alice.page.getByRole('heading', { level: 1 }).waitFor();
});

witness('without a server everything that was said is there', async () => {
  const bob = await dial('bob');
  const alice = await visit();
  await alice.register('alice');
  await alice.finds('bob');
  await alice.writes('remember this');
  await bob.receives('remember this');
  await kept(alice);
  await place.server.kill();
  await alice.page.reload();
  await alice.begun();
  await alice.opens('bob');
  await alice.message('remember this').waitFor();
  await alice.page.getByText('No connection to the server').waitFor();
  await place.server.startAgain();
  await bob.send('alice', 'and this');
  await alice.message('and this').waitFor();
});

// Several browsers and a terminal: one account on two devices, and one conversation of three people.

import { scene } from '../support/scene.mjs';

const { visit, dial, witness, place } = scene();

witness('a browser becomes a device of an account that began in a terminal, and gets its history', async () => {
  const bob = await dial('bob');
  const carol = await dial('carol');
  await bob.send('carol', 'before the browser came');
  await carol.receives('before the browser came');
  const browser = await visit();
  await browser.page.goto(place.server.url);
  await browser.page.getByRole('button', { name: 'Link to an existing account' }).click();
  const code = await browser.page.getByLabel('Code to link this browser', { exact: true }).innerText();
  await bob.call('addDevice', { uri: code, history: 'all' });
  await browser.begun();
  await browser.opens('carol');
  await browser.message('before the browser came').waitFor();
  await carol.send('bob', 'to both of you');
  await browser.message('to both of you').waitFor();
  await bob.receives('to both of you');
  await browser.writes('from the browser');
  await carol.receives('from the browser');
});

witness('two browsers and a terminal talk in a group', async () => {
  const dave = await dial('dave');
  const [alice, emma] = await Promise.all([visit(), visit()]);
  await Promise.all([alice.register('alice'), emma.register('emma')]);
  for (const name of ['dave', 'emma']) await alice.finds(name);
  await alice.page.getByRole('button', { name: 'New chat' }).first().click();
  await alice.page.getByRole('button', { name: 'New group' }).click();
  for (const name of ['dave', 'emma']) await alice.page.getByRole('checkbox', { name }).click();
  await alice.page.getByRole('button', { name: 'Next', exact: true }).click();
  await alice.page.getByRole('textbox', { name: 'Name', exact: true }).fill('hikes');
  await alice.page.getByRole('button', { name: 'Create', exact: true }).click();
  await alice.page.getByRole('log').getByText('You created the group').waitFor();
  await alice.writes('who comes along?');
  await dave.receives('who comes along?');
  await emma.opens('hikes');
  await emma.message('who comes along?').waitFor();
  await emma.writes('I do');
  await dave.receives('I do');
  await alice.message('I do').waitFor();
});

// What people expect of a messenger in a browser: keys, settings, a second device, notifications, a chat as a file.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { scene } from '../support/scene.mjs';

const { visit, dial, witness, place } = scene();

/** Opens settings, and screens of them one after the other. */
async function settings(person, ...names) {
  await person.page.keyboard.press('Control+Alt+,');
  for (const name of names) await person.page.getByRole('button', { name }).click();
}

const heading = (person, name) => person.page.getByRole('heading', { level: 1, name, exact: true });

witness('keys open what they say, Escape closes it, and others can be chosen', async () => {
  const eve = await visit();
  await eve.register('eve');
  const { page } = eve;
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  const palette = page.getByRole('dialog', { name: 'Go to…' });
  await page.keyboard.press('?');
  await sheet.waitFor();
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  await settings(eve, 'Keyboard shortcuts');
  await page.getByRole('button', { name: 'Go to…' }).click();
  await page.keyboard.press('Control+Shift+K');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.keyboard.press('Control+Shift+K');
  await palette.waitFor();
  // The palette finds a command by the beginning of its name.
  await page.keyboard.type('starr');
  await page.keyboard.press('Enter');
  await heading(eve, 'Starred').waitFor();
  for (const name of ['Keyboard shortcuts', 'Settings']) {
    await page.keyboard.press('Escape');
    await heading(eve, name).waitFor();
  }
  await page.keyboard.press('Escape');
  await heading(eve, 'Settings').waitFor({ state: 'detached' });
});

witness('a browser is linked by a picture of its code, gets the history, and is told when it is removed', async () => {
  await dial('gil');
  const fay = await visit();
  await fay.register('fay');
  await fay.finds('gil');
  await fay.writes('of long ago');
  const second = await visit();
  await second.page.goto(place.server.url);
  await second.page.getByRole('button', { name: /existing account|already have an account/ }).first().click();
  const code = second.page.getByRole('img', { name: 'QR code to link this browser' });
  await code.waitFor();
  const picture = await second.page.screenshot();
  await settings(fay, 'Linked devices', 'Link a device');
  const chooser = fay.page.waitForEvent('filechooser');
  await fay.page.getByRole('button', { name: 'Use a picture' }).click();
  await (await chooser).setFiles({ name: 'code.png', mimeType: 'image/png', buffer: picture });
  await fay.page.getByRole('button', { name: 'Link this device' }).click();
  await fay.page.getByText('The device is linked.').waitFor();
  await second.opens('gil');
  await second.message('of long ago').waitFor();
  await fay.page.getByRole('button', { name: 'Done' }).click();
  await fay.page.getByRole('button', { name: /^Menu of/ }).last().click();
  await fay.page.getByRole('menuitem', { name: 'Remove' }).click();
  await fay.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await second.page.getByRole('heading', { name: 'This browser is no longer linked' }).waitFor();
});

witness('a message is notified while nobody looks, and not any more when it was read', async () => {
  const ida = await dial('ida');
  const hal = await visit({ permissions: ['notifications'] });
  await hal.register('hal');
  await hal.finds('ida');
  await hal.writes('hello');
  await ida.receives('hello');
  await hal.page.keyboard.press('Escape');
  const told = () => hal.page.evaluate(() => globalThis.told);
  // A browser without a window always has the keyboard, and shows no notification that could be looked at.
  await hal.page.evaluate(() => {
    globalThis.told = [];
    document.hasFocus = () => false;
    globalThis.Notification = class extends EventTarget {
      static permission = 'granted';
      constructor(title, { body }) {
        super();
        globalThis.told.push(`${title}: ${body}`);
      }
      close() {
        globalThis.told.push('closed');
      }
    };
    dispatchEvent(new Event('blur'));
  });
  await ida.send('hal', 'are you there?');
  await hal.list().getByText('are you').waitFor();
  await hal.page.waitForFunction(() => globalThis.told.length > 0);
  assert.deepEqual(await told(), ['ida: are you there?']);
  assert.match(await hal.page.title(), /^\(1\)/);
  await hal.page.evaluate(() => {
    document.hasFocus = () => true;
    dispatchEvent(new Event('focus'));
  });
  await hal.opens('ida');
  await hal.page.waitForFunction(() => globalThis.told.includes('closed'));
  assert.equal(await hal.page.title(), 'Waxwing');
});

witness('a chat is saved as a file with every message of it', async () => {
  const ken = await dial('ken');
  const jan = await visit();
  await jan.register('jan');
  await jan.finds('ken');
  for (let count = 1; count <= 12; count += 1) await jan.writes(`line ${count}`);
  await ken.receives('line 12');
  await jan.page.getByRole('button', { name: 'Menu' }).last().click();
  await jan.page.getByRole('menuitem', { name: 'Export chat' }).click();
  const download = jan.page.waitForEvent('download');
  await jan.page.getByRole('button', { name: 'Export', exact: true }).click();
  const lines = (await readFile(await (await download).path(), 'utf8')).trimEnd().split('\n');
  assert.deepEqual(lines.map((line) => line.replace(/^\[.*\] /, '')), Array.from({ length: 12 }, (_, at) => `You: line ${at + 1}`));
});

witness('axe finds nothing wrong with any screen of the settings', async () => {
  const lea = await visit();
  await lea.register('lea');
  const wrongs = [];
  const look = async (name) => {
    await heading(lea, name).waitFor();
    for (const wrong of await lea.wrongs()) wrongs.push(`${name}: ${wrong}`);
  };
  const back = () => lea.page.getByRole('button', { name: 'Back', exact: true }).click();
  await settings(lea);
  await look('Settings');
  for (const [name, ...below] of [
    ['lea'],
    ['Share your contact'],
    ['Privacy', 'Last seen', 'Default message timer', 'Being found', 'Blocked people', 'Passphrase for this browser'],
    ['Linked devices', 'Link a device'],
    ['Appearance'],
    ['Notifications'],
    ['Storage', 'All files'],
    ['Keyboard shortcuts'],
    ['Language'],
    ['About Waxwing'],
  ]) {
    await lea.page.getByRole('button', { name }).click();
    await look(name === 'lea' ? 'Profile' : name);
    for (const inner of below) {
      await lea.page.getByRole('button', { name: inner }).first().click();
      await look(inner);
      await back();
      await heading(lea, name).waitFor();
    }
    await back();
    await heading(lea, 'Settings').waitFor();
  }
  assert.deepEqual(wrongs, []);
});

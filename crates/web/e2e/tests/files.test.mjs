// Photos, documents and recordings, between a browser and a terminal.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { eventually } from '../support/programs.mjs';
import { scene } from '../support/scene.mjs';

const { visit, dial, witness, place } = scene();

/** Somebody with a browser who talks with somebody with a terminal. */
async function acquainted(here, there) {
  const bob = await dial(there);
  const alice = await visit({ permissions: ['microphone'] });
  await alice.register(here);
  await alice.finds(there);
  await alice.writes('hello');
  await bob.receives('hello');
  return { alice, bob };
}

/** The next file that comes to a terminal, and its content. */
async function comes(bob, contentType) {
  const envelope = await eventually(`${contentType} at ${bob.username}`, () =>
    bob.received.find(({ dataMessage }) => dataMessage?.attachments?.some((file) => file.contentType === contentType)),
  );
  const [file] = envelope.dataMessage.attachments;
  const { data } = await bob.call('getAttachment', { id: file.id, sender: envelope.source });
  return { file, content: Buffer.from(data, 'base64') };
}

/** A photo as a camera of the page makes it, with a place in it that nobody is to know. */
async function photo(alice, width, height) {
  const base64 = await alice.page.evaluate(
    async ([width, height]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      const slope = context.createLinearGradient(0, 0, width, height);
      slope.addColorStop(0, '#024');
      slope.addColorStop(1, '#fc8');
      context.fillStyle = slope;
      context.fillRect(0, 0, width, height);
      const blob = await canvas.convertToBlob({ type: 'image/jpeg' });
      return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
    },
    [width, height],
  );
  const plain = Buffer.from(base64, 'base64');
  const note = Buffer.from('Exif\0\0 48.2082N 16.3738E');
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, note.length + 2]), note]);
  const path = join(place.server.folder, `${width}x${height}.jpg`);
  await writeFile(path, Buffer.concat([plain.subarray(0, 2), segment, plain.subarray(2)]));
  return path;
}

async function attaches(alice, path) {
  await alice.page.getByRole('button', { name: 'Attach' }).click();
  const chosen = alice.page.waitForEvent('filechooser');
  await alice.page.getByRole('menuitem', { name: 'Photos, videos, files' }).click();
  await (await chosen).setFiles(path);
}

witness('a photo goes smaller and without its place, and one that comes is seen', async () => {
  const { alice, bob } = await acquainted('alice', 'bob');
  const path = await photo(alice, 2400, 1200);
  await attaches(alice, path);
  await alice.writes('the sea');
  const { file, content } = await comes(bob, 'image/jpeg');
  assert.deepEqual([file.width, file.height], [1600, 800]);
  assert.ok(content.subarray(0, 2).equals(Buffer.from([0xff, 0xd8])));
  assert.ok(!content.includes('48.2082N') && (await readFile(path)).includes('48.2082N'));
  await bob.call('send', { recipient: 'alice', message: 'and mine', attachments: [path] });
  const picture = alice.message('and mine').locator('img').first();
  await eventually('the picture is drawn', () =>
    picture.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth >= 1600).catch(() => false),
  );
  await alice.page.reload();
  await alice.begun();
  await alice.message('and mine').waitFor();
});

witness('a document goes as it is, also when the server dies in the middle', async () => {
  const { alice, bob } = await acquainted('carol', 'dave');
  const path = join(place.server.folder, 'plan.bin');
  const plan = randomBytes(9_000_000);
  await writeFile(path, plan);
  await attaches(alice, path);
  await alice.writes('the plan');
  await place.server.kill();
  await place.server.startAgain();
  const { file, content } = await comes(bob, 'application/octet-stream');
  assert.equal(file.filename, 'plan.bin');
  assert.ok(content.equals(plan));
});

witness('what is recorded is heard at a terminal', async () => {
  const { alice, bob } = await acquainted('emma', 'fred');
  await alice.page.getByRole('button', { name: 'Record a voice message' }).click();
  await alice.page.waitForTimeout(2_500);
  await alice.page.getByRole('button', { name: 'Send recording' }).click();
  const { content } = await comes(bob, 'audio/ogg');
  assert.ok(content.subarray(0, 4).equals(Buffer.from('OggS')) && content.includes('OpusHead'));
});

// Compresses what Vite has built and brings it where the server embeds it from: `node pack.mjs BUILT EMBEDDED`.
// Only what is another than before is written, so that nothing is compiled again for nothing. The service worker
// (`sw.js`) is told here what there is.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [built, embedded] = process.argv.slice(2);
/** These are compressed in themselves. */
const DENSE = /\.(png|jpe?g|webp|woff2|ico)$/;

async function names(folder, below = '') {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map((entry) => {
      const name = join(below, entry.name);
      return entry.isDirectory() ? names(folder, name) : [name];
    }),
  );
  return found.flat().sort();
}

function forms(name, content) {
  const forms = [[name, content]];
  if (DENSE.test(name)) return forms;
  const brotli = brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });
  const gzip = gzipSync(content, { level: 9 });
  if (brotli.length < content.length) forms.push([`${name}.br`, brotli]);
  if (gzip.length < content.length) forms.push([`${name}.gz`, gzip]);
  return forms;
}

/** The service worker of a build: the same build has the same one, to the byte. */
async function serviceWorker(contents) {
  const version = createHash('sha256');
  for (const [name, content] of contents) version.update(`${name} ${content.length} `).update(content);
  const files = [...contents.keys()].map((name) => (name === 'index.html' ? '/' : `/${name}`));
  const facts = { FILES: files, VERSION: version.digest('hex').slice(0, 16) };
  const told = Object.entries(facts).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`);
  return Buffer.from(told.join('') + (await readFile(new URL('sw.js', import.meta.url), 'utf8')));
}

const contents = new Map();
for (const name of await names(built)) contents.set(name, await readFile(join(built, name)));
contents.set('sw.js', await serviceWorker(contents));

const wanted = new Set();
for (const [name, content] of contents) {
  for (const [form, bytes] of forms(name, content)) {
    wanted.add(form);
    const path = join(embedded, form);
    if ((await readFile(path).catch(() => undefined))?.equals(bytes)) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
}
for (const name of await names(embedded)) {
  if (!wanted.has(name)) await rm(join(embedded, name));
}

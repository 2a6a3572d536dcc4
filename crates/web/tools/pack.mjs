// Compresses what Vite has built and brings it where the server embeds it from: `node pack.mjs BUILT EMBEDDED`.
// Only what is another than before is written, so that nothing is compiled again for nothing.

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

const wanted = new Set(['.gitignore']);
for (const name of await names(built)) {
  const content = await readFile(join(built, name));
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

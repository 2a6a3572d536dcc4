// Where a file of tests takes place: a server and a browser of its own, and people who come.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { Person, startBrowser } from './browser.mjs';
import { Server, Terminal } from './programs.mjs';

const FAILED = new URL('../failed/', import.meta.url).pathname;
/** For one test; it is a failure long before the suite's time is up. */
const TIMEOUT = 180_000;

/** Makes it, when the file's tests begin; `place.server` and `place.browser` are there from then on. */
export function scene() {
  const place = {};
  let people = [];
  let terminals = [];

  before(async () => {
    [place.server, place.browser] = await Promise.all([Server.start(), startBrowser()]);
  });
  after(async () => {
    await Promise.all(terminals.map((terminal) => terminal.stop()));
    await place.browser?.close();
    await place.server?.stop();
  });

  /** Somebody with a browser. */
  async function visit(options) {
    const person = await Person.open(place.browser, place.server, options);
    people.push(person);
    return person;
  }

  /** Somebody with a terminal, and an account. */
  async function dial(username) {
    const terminal = await Terminal.register(place.server, username);
    terminals.push(terminal);
    return terminal;
  }

  /**
   * A test at whose end nobody's browser has had anything to complain of; if it fails, screens are kept. `todo`: what
   * is known to be wrong; then its failure is shown, and does not count.
   */
  function witness(name, run, todo = false) {
    test(name, { timeout: TIMEOUT, todo }, async () => {
      try {
        await run();
        for (const person of people) assert.deepEqual(person.troubles, []);
      } catch (error) {
        await mkdir(FAILED, { recursive: true });
        for (const [index, { page, username }] of people.entries()) {
          const path = `${FAILED}${name} ${username ?? index}.png`.replaceAll(/[^\w/.]+/g, '-');
          await page.screenshot({ path }).catch(() => {});
        }
        throw error;
      } finally {
        await Promise.all(people.map((person) => person.close()));
        await Promise.all(terminals.map((terminal) => terminal.stop()));
        [people, terminals] = [[], []];
      }
    });
  }

  return { place, visit, dial, witness };
}

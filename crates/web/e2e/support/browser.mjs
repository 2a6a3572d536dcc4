// The browser of this machine, and people who use it: each has a context of their own, as if it were another computer.

import axe from 'axe-core';
import { chromium } from 'playwright-core';

import { PATIENCE } from './programs.mjs';

/** Starts the browser; `WAXWING_CHROMIUM` names another one than Debian's. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.WAXWING_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
  });
}

/** Somebody in front of a browser. */
export class Person {
  static async open(browser, server, options = {}) {
    const person = new Person();
    person.server = server;
    person.context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: 'en-GB',
      reducedMotion: 'reduce',
      ...options,
    });
    person.context.setDefaultTimeout(PATIENCE);
    /** What must not happen: errors that nobody caught, and what the policy forbids. */
    person.troubles = [];
    person.context.on('weberror', (error) => person.troubles.push(String(error.error())));
    person.context.on('console', (message) => {
      if (/Content Security Policy|Trusted|Permissions-Policy/.test(message.text())) {
        person.troubles.push(message.text());
      }
    });
    await person.context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    person.page = await person.context.newPage();
    return person;
  }

  /** Makes an account with an invitation, as the link says. */
  async register(username) {
    this.username = username;
    await this.page.goto(`${this.server.url}#invite=${await this.server.invite()}`);
    await this.page.getByRole('textbox', { name: 'Username' }).fill(username);
    await this.page.getByRole('button', { name: 'Create account' }).click();
    await this.begun();
  }

  /** The app has begun, with an account. */
  async begun(page = this.page) {
    await page.getByRole('button', { name: 'New chat' }).first().waitFor();
  }

  /** The list of conversations, once there is one. */
  list() {
    return this.page.getByRole('listbox', { name: 'Chats' });
  }

  /** Opens the conversation with somebody whom this browser knows by their username. */
  async opens(username) {
    await this.list().getByRole('option', { name: username }).first().click();
    await this.composer().waitFor();
  }

  /** Opens a conversation with somebody for the first time. */
  async finds(username) {
    await this.page.getByRole('button', { name: 'New chat' }).first().click();
    await this.page.getByRole('searchbox', { name: 'Name or username' }).fill(username);
    await this.page.keyboard.press('Enter');
    await this.composer().waitFor();
  }

  composer() {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  async writes(text) {
    await this.composer().fill(text);
    await this.composer().press('Enter');
  }

  /** A message of the conversation that is open, by its text. */
  message(text) {
    return this.page.getByRole('log').getByRole('article').filter({ hasText: text });
  }

  /** What axe finds wrong with what is shown. */
  async wrongs() {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`);
  }

  async close() {
    await this.context.close();
  }
}

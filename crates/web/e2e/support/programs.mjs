// A real server and a real client for the terminal, each a process of its own, in folders that go with them.

import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** Where `waxwing` and `waxwingd` are. */
const programs = process.env.WAXWING_PROGRAMS ?? new URL('../../../../target/debug', import.meta.url).pathname;
/** Patience with a machine that does other things too; no test that passes waits so long. */
export const PATIENCE = 30_000;

const run = promisify(execFile);

/** Resolves with what `look` gives when that is something; rejects after a while. */
export async function eventually(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A server with a store of its own. */
export class Server {
  static async start(flags = []) {
    const server = new Server();
    server.folder = await mkdtemp(join(tmpdir(), 'waxwing-e2e-'));
    server.flags = flags;
    server.address = '127.0.0.1:0';
    await server.startAgain();
    return server;
  }

  get data() {
    return join(this.folder, 'server');
  }

  get url() {
    return `http://${this.address}/`;
  }

  /** On the port of before. */
  async startAgain() {
    const flags = ['serve', '--listen', this.address, '--data-dir', this.data, ...this.flags];
    this.process = spawn(join(programs, 'waxwingd'), flags, { stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = createInterface({ input: this.process.stdout });
    for await (const line of lines) {
      const address = line.match(/^listening on (.*)$/)?.[1];
      if (address) {
        this.address = address.trim();
        return;
      }
    }
    throw new Error('waxwingd ended before it answered');
  }

  /** As a power cut would. */
  async kill() {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async invite() {
    const { stdout } = await run(join(programs, 'waxwingd'), ['invite', '--data-dir', this.data, '--reusable']);
    return stdout.trim();
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Somebody with a terminal: `waxwing daemon`, which tells of what comes as it comes. */
export class Terminal {
  static async register(server, username) {
    const terminal = new Terminal();
    terminal.username = username;
    terminal.profile = join(server.folder, username);
    const invitation = await server.invite();
    const flags = ['register', server.address, '--invite', invitation, '--username', username];
    await run(join(programs, 'waxwing'), ['--data-dir', terminal.profile, ...flags]);
    terminal.start();
    return terminal;
  }

  start() {
    this.received = [];
    this.answers = new Map();
    this.next = 1;
    this.process = spawn(join(programs, 'waxwing'), ['--data-dir', this.profile, 'daemon'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      const told = JSON.parse(line);
      if (told.method === 'receive') this.received.push(told.params.envelope);
      else this.answers.get(told.id)?.(told);
    });
  }

  /** Asks the daemon; rejects with its error. */
  async call(method, params = {}) {
    const id = this.next++;
    const answer = new Promise((resolve) => this.answers.set(id, resolve));
    this.process.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  send(recipient, message) {
    return this.call('send', { recipient, message });
  }

  /** The first message with this text, when it is there. */
  receives(text) {
    return eventually(`“${text}” at ${this.username}`, () =>
      this.received.find((envelope) => envelope.dataMessage?.message === text),
    );
  }

  /** Says of everything up to a message that it was read. */
  reads(envelope) {
    const params = { recipient: envelope.source, targetTimestamp: envelope.timestamp, type: 'read' };
    return this.call('sendReceipt', params);
  }

  async stop() {
    const ended = once(this.process, 'exit');
    this.process.stdin.end();
    setTimeout(() => this.process.kill('SIGKILL'), 5_000).unref();
    await ended;
  }
}

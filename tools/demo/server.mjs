// Runs the app in its own process, with an operator's two interfaces: the admin endpoints and the commands.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { root } from '../process.mjs';

const LISTENING = /^Listening on (\S+) /;

export class Server {
  log = '';

  constructor(storagePath, settings) {
    this.storagePath = storagePath;
    this.adminToken = randomBytes(32).toString('base64url');
    this.environment = {
      ...process.env,
      PORT: '0',
      HOST: '127.0.0.1',
      SESSION_STORAGE_PATH: storagePath,
      ADMIN_TOKEN: this.adminToken,
      ...settings,
    };
  }

  /** Resolves with the line that the server prints when it listens. */
  async start() {
    this.child = spawn(process.execPath, ['dist/main.js'], {
      cwd: root,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
    process.once('exit', () => this.child.kill('SIGKILL'));
    for await (const line of createInterface({ input: this.child.stdout })) {
      const listening = LISTENING.exec(line);
      if (!listening) continue;
      this.url = listening[1];
      this.child.stdout.resume();
      return line;
    }
    throw new Error(`The server did not start.\n${this.log}`);
  }

  /** Stops the server by SIGTERM. Resolves with its exit code. */
  async stop() {
    if (this.child.exitCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    return this.child.exitCode;
  }

  async admin(path = '') {
    const response = await fetch(`${this.url}/admin/sessions${path}`, {
      headers: { 'X-Admin-Token': this.adminToken },
    });
    if (!response.ok) throw new Error(`GET /admin/sessions${path} answered ${response.status}`);
    return response.json();
  }

  /** Runs a command beside the server. Resolves with its exit code and the JSON it prints. */
  async command(...args) {
    const child = spawn(process.execPath, ['libs/sessions/dist/program/bin.js', ...args, '--json'], {
      cwd: root,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
    await once(child, 'close');
    return { exitCode: child.exitCode, answer: printed === '' ? null : JSON.parse(printed) };
  }
}

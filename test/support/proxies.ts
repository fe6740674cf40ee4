import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, readPage } from '../docs/pages.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { selfSigned } from './certificate.js';

export type ProxyName = 'nginx' | 'haproxy';

/** How a test's proxy differs from the documented one. */
export interface ProxyParts {
  /** Where the server listens: `http://127.0.0.1:5005`, or `unix:/path`. */
  readonly upstream: string;
  /** Unencrypted, as on a developer's machine. */
  readonly isPlain?: boolean;
  /** Changes the documented configuration. */
  readonly change?: (configuration: string) => string;
}

/** The configuration that docs/proxies.md shows; the tests change nothing of it but addresses, ports and paths. */
export function documentedConfiguration(name: ProxyName): string {
  const blocks = blocksOf(readPage('docs/proxies.md')).filter(({ language }) => language === name);
  if (blocks.length !== 1) throw new Error(`docs/proxies.md has ${blocks.length} blocks of ${name}`);
  return blocks[0]!.text;
}

/** Replaces what occurs in `text` just once. */
export function replaced(text: string, part: string, by: string): string {
  const [before, after, ...more] = text.split(part);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`The configuration has not one "${part}":\n${text}`);
  return `${before}${by}${after}`;
}

/** A proxy of the documented configuration: a process of its own on a port that no browser leaves out. */
export class Proxy {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly name: ProxyName,
    private readonly folder: string,
    private readonly port: number,
    private readonly isPlain: boolean,
  ) {}

  static async start(name: ProxyName, parts: ProxyParts): Promise<Proxy> {
    const { isPlain = false, change = (text) => text } = parts;
    const folder = await mkdtemp(join(tmpdir(), `nest-sessions-${name}-`));
    const proxy = new Proxy(name, folder, await freePort(), isPlain);
    try {
      await proxy.configure(change(documentedConfiguration(name)), parts.upstream);
      await proxy.run();
      return proxy;
    } catch (error) {
      await proxy.stop();
      throw error;
    }
  }

  /** As a page names it. */
  get url(): string {
    return `${this.isPlain ? 'http' : 'https'}://localhost:${this.port}`;
  }

  /** Starts the process, anew after a pause. */
  async run(): Promise<void> {
    const file = join(this.folder, 'configuration');
    let output = '';
    const child =
      this.name === 'nginx'
        ? spawn('nginx', ['-p', this.folder, '-e', 'stderr', '-c', file], {
            stdio: ['ignore', 'ignore', 'pipe'],
          })
        : spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    this.child = child;
    await once(child, 'spawn');
    await eventually(`${this.name} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${this.name} did not start:\n${output}`);
      return this.listens();
    });
  }

  /** Stops the process; connections through it break. */
  async pause(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    await this.pause();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async configure(documented: string, upstream: string): Promise<void> {
    const { certificate, key } = selfSigned(this.folder);
    const text =
      this.name === 'nginx'
        ? this.nginx(documented, upstream, certificate, key)
        : await this.haproxy(documented, upstream, certificate, key);
    await writeFile(join(this.folder, 'configuration'), text);
  }

  private nginx(documented: string, upstream: string, certificate: string, key: string): string {
    const server = upstream.startsWith('unix:') ? upstream : new URL(upstream).host;
    const listen = `listen 127.0.0.1:${this.port}${this.isPlain ? '' : ' ssl'};`;
    let block = replaced(documented, 'listen 443 ssl;', listen);
    block = replaced(block, '{ server 127.0.0.1:5005; }', `{ server ${server}; }`);
    block = replaced(block, '/etc/ssl/certs/app.pem', certificate);
    block = replaced(block, '/etc/ssl/private/app.key', key);
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (of) => `${of}_temp_path ${of};`,
    );
    // One process, which needs no other user and leaves none behind.
    return `daemon off; master_process off; pid nginx.pid; error_log stderr;
events { worker_connections 256; }
http {
access_log off; ${folders.join(' ')}
${block}}
`;
  }

  private async haproxy(
    documented: string,
    upstream: string,
    certificate: string,
    key: string,
  ): Promise<string> {
    const both = join(this.folder, 'both.pem');
    await writeFile(both, (await readFile(certificate, 'utf8')) + (await readFile(key, 'utf8')));
    const server = upstream.startsWith('unix:') ? upstream.replace('unix:', 'unix@') : new URL(upstream).host;
    const bind = `bind 127.0.0.1:${this.port}${this.isPlain ? '' : ` ssl crt ${both}`}`;
    const block = replaced(documented, 'bind :443 ssl crt /etc/haproxy/app.pem', bind);
    return replaced(block, 'server app1 127.0.0.1:5005', `server app1 ${server}`);
  }

  private listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  }
}

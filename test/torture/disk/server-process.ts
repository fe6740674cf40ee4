import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { CleanupDone, FromServer, ServerPlan, ToServer } from './server-messages.ts';
import { Visitor } from './visitor.ts';

const ADMIN_TOKEN = 'the-admin-token-of-the-disk-campaign-0123456789';
const START_WITHIN_MS = 60_000;
const CLEAN_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;

/** A file server in a process of its own, and how to talk to it. */
export class ServerProcess {
  private readonly child: ChildProcess;
  readonly url: string;
  private readonly output: string[];

  private constructor(child: ChildProcess, url: string, output: string[]) {
    this.child = child;
    this.url = url;
    this.output = output;
  }

  static async start(plan: Omit<ServerPlan, 'adminToken'>): Promise<ServerProcess> {
    const output: string[] = [];
    const { PATH = '', HOME = '' } = process.env;
    const child = fork(
      new URL('file-server.ts', import.meta.url),
      [JSON.stringify({ ...plan, adminToken: ADMIN_TOKEN })],
      { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { PATH, HOME, NO_COLOR: '1' } },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
    }
    const answer = await Promise.race([
      messageOf(child, 'listening', START_WITHIN_MS),
      once(child, 'exit').then(() => null),
    ]);
    if (!answer) throw new Error(`The server did not start:\n${output.join('')}`);
    return new ServerProcess(child, `http://127.0.0.1:${answer.port}`, output);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Everything it printed so far. */
  get log(): string {
    return this.output.join('');
  }

  /** A browser of its own, with a session. */
  async visit(): Promise<Visitor> {
    const visitor = new Visitor(this.url);
    await visitor.arrive();
    return visitor;
  }

  advance(ms: number): void {
    this.tell({ kind: 'advance', ms });
  }

  /** One cleanup: every job once. */
  async cleanUp(graceMs = 600_000): Promise<readonly CleanupDone[]> {
    const done = messageOf(this.child, 'cleaned', CLEAN_WITHIN_MS);
    this.tell({ kind: 'cleanup', graceMs });
    const answer = await done;
    if (!answer) throw new Error(`The server died in a cleanup:\n${this.log.slice(-2000)}`);
    return answer.reports;
  }

  /** The status of an admin request, and what it answered. */
  async admin(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
    const headers = { 'X-Admin-Token': ADMIN_TOKEN };
    const response = await fetch(`${this.url}/admin/sessions${path}`, { ...init, headers });
    return { status: response.status, body: await response.json() };
  }

  /** What health says, no more than a second old. */
  async health(): Promise<{ status: number; sessions: Record<string, string> }> {
    const response = await fetch(`${this.url}/health`);
    const body = (await response.json()) as { details?: { sessions?: Record<string, string> } };
    return { status: response.status, sessions: body.details?.sessions ?? {} };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isAlive) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    const giveUp = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone;
    clearTimeout(giveUp);
  }

  private tell(message: ToServer): void {
    this.child.send(message);
  }
}

type MessageOf<Kind> = Extract<FromServer, { kind: Kind }>;

/** The next message of this kind; `null` if the process dies first. */
function messageOf<Kind extends FromServer['kind']>(
  child: ChildProcess,
  kind: Kind,
  withinMs: number,
): Promise<MessageOf<Kind> | null> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      child.off('message', listen).off('exit', die);
    };
    const listen = (message: FromServer): void => {
      if (message.kind !== kind) return;
      leave();
      resolve(message as MessageOf<Kind>);
    };
    const die = (): void => {
      leave();
      resolve(null);
    };
    const timer = setTimeout(() => {
      leave();
      reject(new Error(`The server has not said ${JSON.stringify(kind)} for ${withinMs} ms`));
    }, withinMs);
    child.on('message', listen).on('exit', die);
  });
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { CampaignContext } from '../campaign.ts';
import { ROOT, STACK, type AppServer } from './app-server.ts';
import { commandLines, type CommandLine } from './cases/command-lines.ts';
import { Chance } from './chance.ts';
import type { Secrets } from './secrets.ts';

const BIN = join(ROOT, 'libs/sessions/dist/program/bin.js');
const AT_ONCE = 2;
const WITHIN_MS = 10_000;
const MOST_COMPLAINT = 6000;
/** What a terminal would obey, or hide; but for the ends of lines. */
const UNSEEN = /[^\P{C}\n]/u;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Many bad command lines for the store of a server that runs. */
export class CliAttack {
  readonly #server: AppServer;
  readonly #context: CampaignContext;
  readonly #secrets: Secrets;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #exits = new Map<number | null, number>();

  constructor(
    server: AppServer,
    context: CampaignContext,
    secrets: Secrets,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#server = server;
    this.#context = context;
    this.#secrets = secrets;
    this.#environment = environment;
  }

  get exits(): string {
    return [...this.#exits]
      .map(([code, count]) => `exit ${code}: ${count}`)
      .toSorted()
      .join(', ');
  }

  /** `skipped` of the hand-written ones have been run elsewhere. */
  async run(count: number, skipped: number): Promise<number> {
    const source = commandLines(new Chance(this.#context.random));
    for (let number = 0; number < skipped; number += 1) source.next();
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const line = source.next().value as CommandLine;
        this.#judge(line, await this.#runOne(line));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return count;
  }

  #runOne({ args, script, environment }: CommandLine): Promise<Outcome> {
    const program = script === undefined ? [process.execPath, BIN, ...args] : ['bash', '-c', script];
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      CLI: `${process.execPath} ${BIN}`,
      SESSION_STORAGE_PATH: this.#server.storagePath,
      SESSION_BALLAST_BYTES: '0',
      ...this.#environment,
      ...environment,
    };
    const child = spawn(program[0] ?? '', program.slice(1), {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...output }));
    });
  }

  #judge(line: CommandLine, { code, stdout, stderr }: Outcome): void {
    this.#exits.set(code, (this.#exits.get(code) ?? 0) + 1);
    const fault = (what: string): void => this.#context.violation(`command line ${describe(line)}: ${what}`);
    const said = `: ${JSON.stringify(stderr.slice(0, 600))}`;
    if (code === null) return fault(`killed by a signal, or not done in ${WITHIN_MS / 1000} s${said}`);
    if (!line.exits.includes(code)) fault(`exit code ${code}, not ${line.exits.join(' or ')}${said}`);
    if (STACK.test(stdout + stderr)) fault(`a stack trace${said}`);
    if (this.#secrets.findIn(stdout) ?? this.#secrets.findIn(stderr)) fault('a secret in what it printed');
    if (UNSEEN.test(stdout))
      fault(`a control character on standard output: ${JSON.stringify(UNSEEN.exec(stdout))}`);
    if (UNSEEN.test(stderr)) fault(`a control character on standard error${said}`);
    if (stderr.length > MOST_COMPLAINT) fault(`${stderr.length} characters on standard error${said}`);
    if (
      code === 0 &&
      line.args.includes('--json') &&
      !line.args.some((arg) => /^(-h|--help|--version|-V)/.test(arg)) &&
      !isJson(stdout)
    )
      fault('--json without JSON');
  }
}

function describe({ args, script, environment }: CommandLine): string {
  return JSON.stringify({ ...(script === undefined ? { args } : { script }), environment }).slice(0, 400);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

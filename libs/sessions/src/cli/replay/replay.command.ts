import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isUuid } from '../../domain/ids.js';
import { readHar } from '../../operate/replay/har-reader.js';
import type { Recording } from '../../operate/replay/recording.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { counted, span } from '../output/format.js';
import type { Replayed, Replayer } from './replayer.js';
import { NoAnswer } from './no-answer.js';
import { replaySummary, replayTable, replayView, countsOf } from './replay-report.js';
import { targetOf } from './replay-target.js';
import { recordingOfSession } from './export.command.js';
import {
  argument,
  flag,
  value,
  type CommandDeclaration,
  type OptionsOf,
} from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { mayBeSessionId, resolveSessionId } from '../running/session-ids.js';
import { json } from '../running/shared-options.js';

const MAX_HAR_BYTES = 256 * 1024 * 1024;
const MAX_PACE = 1000;
const PACE = /^\d{1,4}(?:\.\d{1,3})?$/;
const FIELD = /^[^\p{C}"\\]{1,100}$/u;
/** Who waits longer than this is told beforehand. */
const LONG_MS = 5000;

const OPTIONS = {
  against: value('url', 'the server to send the requests to: http://127.0.0.1:5005'),
  unsafe: flag('sends all requests, not only GET and HEAD'),
  allowHost: value('host', 'allows this host in --against, beside those of this machine'),
  pace: value('factor', 'factor of the pauses between requests; 0: as fast as the answers come (default: 1)'),
  field: value('name', 'field of the file in forms (default: file)'),
  json: json(),
};

/** Sends the recorded requests of a session to a server again, and compares the statuses of its answers. */
export class ReplayCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'replay',
    description: 'sends recorded requests to a server again, and compares the answers',
    arguments: { '<source>': argument('a HAR file, or the id of a session') },
    example: 'fault.har --against http://127.0.0.1:5005',
    options: OPTIONS,
  };

  protected override async execute(
    [source = '']: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
    signal: AbortSignal,
  ): Promise<void> {
    const { target, settings } = settingsOf(options);
    const recording = await this.recordingOf(source);
    if (recording.requests.length === 0) throw usage('there are no requests to replay');
    this.announce(recording, target, settings.pace);
    // Imported here, so that other commands start without an HTTP client.
    const [{ ReplayClient }, { Replayer }] = await Promise.all([
      import('./replay-client.js'),
      import('./replayer.js'),
    ]);
    const replayer = new Replayer(await ReplayClient.create(target), recording, settings);
    const outcomes = await outcomesOf(replayer, target, signal);
    if (options.json) await this.terminal.printJson(replayView(recording.sessionId, target, outcomes));
    else await this.terminal.print(replayTable(this.terminal, outcomes));
    this.terminal.note(replaySummary(outcomes));
    refuseDifferences(outcomes, signal);
  }

  /** A file whose name looks like the beginning of an id is a file. */
  private async recordingOf(source: string): Promise<Recording> {
    if (!mayBeSessionId(source) || (!isUuid(source) && existsSync(source))) return readHarFile(source);
    const core = await this.access.open();
    return recordingOfSession(core, await resolveSessionId(core, source));
  }

  private announce({ requests }: Recording, target: URL, pace: number): void {
    const ms = ((requests.at(-1)?.at ?? 0) - (requests[0]?.at ?? 0)) * pace;
    if (ms < LONG_MS) return;
    this.terminal.note(
      `Replaying ${counted(requests.length, 'request')} against ${target.origin} in ${span(ms)}\n`,
    );
  }
}

function settingsOf({ against, unsafe, allowHost, pace = '1', field = 'file' }: OptionsOf<typeof OPTIONS>) {
  if (against === undefined) throw usage('replay requires --against, the URL of a server');
  if (!PACE.test(pace) || Number(pace) > MAX_PACE) {
    throw usage(`--pace must be a number from 0 to ${MAX_PACE}, with three decimals at most`);
  }
  if (!FIELD.test(field)) throw usage('--field must be the name of a form field, of 100 characters at most');
  return {
    target: targetOf(against, allowHost),
    settings: { isUnsafe: unsafe ?? false, pace: Number(pace), field },
  };
}

async function readHarFile(path: string): Promise<Recording> {
  let text: string;
  try {
    const found = await stat(path);
    if (!found.isFile()) throw usage(`${path} is no file`);
    if (found.size > MAX_HAR_BYTES) throw usage(`${path} is larger than ${MAX_HAR_BYTES / 1024 / 1024} MiB`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandFailure(
      EXIT.usage,
      `replay needs the id of a session, or a HAR file: cannot read ${path} (${code})`,
      { cause: error },
    );
  }
  return readHar(text);
}

async function outcomesOf(replayer: Replayer, target: URL, signal: AbortSignal): Promise<Replayed[]> {
  try {
    return await replayer.run(signal);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const message = `no server can be reached at ${target.origin}: ${error.reason}`;
    throw new CommandFailure(EXIT.notFound, message, { cause: error });
  }
}

function refuseDifferences(outcomes: readonly Replayed[], signal: AbortSignal): void {
  const { same, different } = countsOf(outcomes);
  if (different > 0)
    throw new CommandFailure(EXIT.failure, counted(different, 'answer differs', 'answers differ'));
  if (same > 0 || signal.aborted) return;
  const hint = outcomes.some(({ reason }) => reason === 'needs --unsafe') ? ': pass --unsafe' : '';
  throw usage(`nothing was sent${hint}`);
}

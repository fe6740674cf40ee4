import { readFile, stat } from 'node:fs/promises';
import { Option } from 'nest-commander';
import { isUuid } from '../../domain/ids.js';
import { readHar } from '../../operate/replay/har-reader.js';
import type { Recording } from '../../operate/replay/recording.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { counted, span } from '../output/format.js';
import type { Replayed, Replayer } from '../replay/replayer.js';
import { NoAnswer } from '../replay/no-answer.js';
import { replaySummary, replayTable, replayView, countsOf } from '../replay/replay-report.js';
import { targetOf } from '../replay/replay-target.js';
import { recordingOfSession } from './export.command.js';
import { gather, single, type Given } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';

const MAX_HAR_BYTES = 256 * 1024 * 1024;
const MAX_PACE = 1000;
const PACE = /^\d{1,4}(?:\.\d{1,3})?$/;
const FIELD = /^[^\p{C}"\\]{1,100}$/u;
/** Who waits longer than this is told beforehand. */
const LONG_MS = 5000;

interface ReplayOptions {
  readonly against?: Given;
  readonly unsafe?: boolean;
  readonly allowHost?: Given;
  readonly pace?: Given;
  readonly field?: Given;
  readonly json?: boolean;
}

/** Sends the recorded requests of a session to a server again, and compares the statuses of its answers. */
export abstract class ReplayCommand extends SessionsCommandRunner {
  @Option({
    flags: '--against <url>',
    description: 'the server to send the requests to: http://127.0.0.1:5005',
  })
  gatherAgainst(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--unsafe', description: 'sends all requests, not only GET and HEAD' })
  isUnsafe(): boolean {
    return true;
  }

  @Option({
    flags: '--allow-host <host>',
    description: 'allows this host in --against, beside those of this machine',
  })
  gatherHost(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({
    flags: '--pace <factor>',
    description: 'factor of the pauses between requests; 0: as fast as the answers come (default: 1)',
  })
  gatherPace(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--field <name>', description: 'field of the file in forms (default: file)' })
  gatherField(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--json', description: 'prints JSON' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(
    [source = '']: readonly string[],
    options: ReplayOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { target, settings } = settingsOf(options);
    const recording = isUuid(source)
      ? await recordingOfSession(this.access, source)
      : await readHarFile(source);
    if (recording.requests.length === 0) throw usage('there are no requests to replay');
    this.announce(recording, target, settings.pace);
    // Imported here, so that other commands start without an HTTP client.
    const [{ ReplayClient }, { Replayer }] = await Promise.all([
      import('../replay/replay-client.js'),
      import('../replay/replayer.js'),
    ]);
    const replayer = new Replayer(await ReplayClient.create(target), recording, settings);
    const outcomes = await outcomesOf(replayer, target, signal);
    if (options.json) await this.terminal.printJson(replayView(recording.sessionId, target, outcomes));
    else await this.terminal.print(replayTable(this.terminal, outcomes));
    this.terminal.note(replaySummary(outcomes));
    refuseDifferences(outcomes, signal);
  }

  private announce({ requests }: Recording, target: URL, pace: number): void {
    const ms = ((requests.at(-1)?.at ?? 0) - (requests[0]?.at ?? 0)) * pace;
    if (ms < LONG_MS) return;
    this.terminal.note(
      `Replaying ${counted(requests.length, 'request')} against ${target.origin} in ${span(ms)}\n`,
    );
  }
}

function settingsOf({ against, unsafe, allowHost, pace, field }: ReplayOptions) {
  const url = single('--against', against);
  if (url === undefined) throw usage('replay requires --against, the URL of a server');
  const factor = single('--pace', pace) ?? '1';
  if (!PACE.test(factor) || Number(factor) > MAX_PACE) {
    throw usage(`--pace must be a number from 0 to ${MAX_PACE}, with three decimals at most`);
  }
  const name = single('--field', field) ?? 'file';
  if (!FIELD.test(name)) throw usage('--field must be the name of a form field, of 100 characters at most');
  return {
    target: targetOf(url, single('--allow-host', allowHost)),
    settings: { isUnsafe: unsafe ?? false, pace: Number(factor), field: name },
  };
}

async function readHarFile(path: string): Promise<Recording> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_HAR_BYTES) throw usage(`${path} is larger than ${MAX_HAR_BYTES / 1024 / 1024} MiB`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandFailure(
      EXIT.usage,
      `replay needs the id of a session, in lower case, or a HAR file: cannot read ${path} (${code})`,
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

import { writeFile } from 'node:fs/promises';
import type { SessionsCore } from '../../core/core.js';
import type { Recording } from '../../operate/replay/recording.js';
import { readRecording } from '../../operate/replay/timeline-recording.js';
import { packageVersion } from '../../core/package-version.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { toEscapedJson } from '../output/escape-control.js';
import { counted } from '../output/format.js';
import { flag, value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { resolveSessionId, sessionIdText } from '../running/session-ids.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { EXAMPLE_ID, SESSION_ARGUMENT } from '../running/shared-options.js';

const OPTIONS = {
  har: flag('as HAR 1.2, which browsers open in their developer tools'),
  out: value('file', 'writes a new file that only its owner can read, and prints nothing'),
};

/** Prints what the journal has of a session's requests, as HAR 1.2. */
export class ExportCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'export',
    description: "prints what the journal has of a session's requests",
    arguments: SESSION_ARGUMENT,
    example: `${EXAMPLE_ID} --har --out fault.har`,
    options: OPTIONS,
  };

  protected override async execute(
    [given = '']: readonly string[],
    { har, out: path }: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const text = sessionIdText(given);
    if (!har) throw usage('export requires --har: there is no other format');
    const core = await this.access.open();
    const id = await resolveSessionId(core, text);
    const recording = await recordingOfSession(core, id);
    // Imported here, so that other commands start without Node's HTTP.
    const { harOf } = await import('../../operate/replay/har.js');
    const output = `${toEscapedJson(harOf(recording, packageVersion()))}\n`;
    if (path === undefined) await this.terminal.print(output);
    else await write(path, output);
    const { requests, withoutPath } = recording;
    const rest = withoutPath === 0 ? '' : `; ${withoutPath} left out, since the journal has no path of them`;
    this.terminal.note(`${counted(requests.length, 'request')} of session ${id}${rest}\n`);
  }
}

/** Rejects if the session is unknown, or its requests were not recorded. */
export async function recordingOfSession(core: SessionsCore, id: string): Promise<Recording> {
  const recording = await readRecording(core, id);
  if (!recording)
    throw new CommandFailure(EXIT.notFound, 'the journal has no timeline of a session with this id');
  return recording;
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'EEXIST') throw usage(`--out ${path} exists: choose another name, or delete it`);
    throw new CommandFailure(EXIT.failure, `cannot write ${path} (${code})`, { cause: error });
  }
}

import { SessionsError, staleSession } from '../../domain/errors.js';
import type { LentFile } from '../../ports/storage/ways-out.js';
import { requireFunction } from '../handles/arguments.js';
import type { CoreContext } from '../process/context.js';
import type { CloseReason, LiveConnection } from '../process/live-connections.js';
import { keyOf } from '../resources/file-writing.js';
import { describeError } from '../watch/log.js';
import { goneFile, type FileUse, type FileUses, type ResourceRef } from './file-uses.js';
import { extensionOf } from './media-extension.js';

/** Lends files to programs that need a path. */
export class FileLending {
  constructor(
    private readonly context: CoreContext,
    private readonly uses: FileUses,
  ) {}

  async lend<Result>(
    resource: ResourceRef,
    work: (path: string, signal: AbortSignal) => Result | Promise<Result>,
  ): Promise<Result> {
    requireFunction('The work of withFile', work);
    const session = await this.uses.sessionOf(resource);
    const cutOff = new AbortController();
    let use: FileUse | undefined;
    let lent: LentFile | undefined;
    const end = async (reason: CloseReason): Promise<void> => {
      // A shutdown waits for nobody: the next cleanup of this node removes what is left.
      if (reason === 'shutdown') return;
      cutOff.abort(reason === 'stale' ? staleSession() : endedMeanwhile());
      await this.takeBack(lent);
    };
    const live = this.context.connections.add(
      session,
      { suspend: () => cutOff.abort(staleSession()), close: end },
      {
        restore: async () => {
          if (use) await this.uses.restore(resource.id, session);
        },
      },
    );
    try {
      use = await this.uses.begin(resource.id, session);
      live.requireOpen();
      lent = await this.pathOf(use);
      live.requireOpen();
      return await untilCutOff(live, () => work(lent!.path, cutOff.signal));
    } finally {
      live.remove();
      await this.takeBack(lent);
      await use?.end();
    }
  }

  private async pathOf({ file }: FileUse): Promise<LentFile> {
    const { storage, storageRoot, thisProcess } = this.context;
    const name = { owner: thisProcess.id, extension: extensionOf(file.mediaType) };
    const lent = await storageRoot.lentFiles.lend(storage, keyOf(file), name);
    if (!lent) throw goneFile();
    return lent;
  }

  private async takeBack(lent: LentFile | undefined): Promise<void> {
    await lent?.takeBack().catch((error: unknown) => {
      this.context.failures.note(
        'Failed removals of lent paths',
        `Removing the path of a lent file failed, a cleanup after this process exits retries: ${describeError(error)}`,
        'warn',
      );
    });
  }
}

/** What was cut off has no result, and fails for that reason, whatever the program made of it. */
async function untilCutOff<Result>(
  live: LiveConnection,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } finally {
    live.requireOpen();
  }
}

function endedMeanwhile(): SessionsError {
  return new SessionsError('SESSION_GONE', 'The session ended while a program read the file.');
}

import type { SessionsCore } from '../../core/core.js';
import type { PendingFiles } from '../../core/endings/peer-wait.js';
import type { OperatorDeeds } from '../../operate/journal/operator-deeds.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { counted, size } from '../output/format.js';
import type { Terminal } from '../output/terminal.js';

/** What a cleanup works with. */
export interface CleanupContext {
  readonly core: SessionsCore;
  readonly deeds: OperatorDeeds;
  readonly terminal: Terminal;
}

/** Sessions have ended, but other nodes still have files of them. */
export function partlyDeleted({ resources, bytes, nodes }: PendingFiles): CommandFailure {
  const location = nodes.length === 1 ? `node ${nodes[0]}` : `${nodes.length} nodes`;
  return new CommandFailure(
    EXIT.partlyDone,
    `${counted(resources, 'resource')} (${size(bytes)}) left on ${location}: a node deletes its files when it is back`,
  );
}

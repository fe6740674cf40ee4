import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Damage } from './round.ts';

/** A session whose files lie on the disk. */
export interface VictimOfDisk {
  readonly id: string;
  readonly folder: string;
  /** The id of one of its files, and its path. */
  readonly file: { readonly id: string; readonly path: string };
  /** What a release of its file changes, by the beginning of its name in the dump. */
  readonly released: readonly string[];
}

/** What happens to files, whatever the store. */
export const FILE_DAMAGES: readonly Damage<object, VictimOfDisk>[] = [
  {
    name: 'a file is gone',
    plant(_ground, { file, released }) {
      unlinkSync(file.path);
      return { code: 'missing-file', subject: file.id, isMended: true, leaves: released };
    },
  },
  {
    name: 'a file is cut off',
    plant(_ground, { file }) {
      const content = readFileSync(file.path);
      chmodSync(file.path, 0o600);
      truncateSync(file.path, content.length - 1);
      const undo = (): void => {
        writeFileSync(file.path, content);
        chmodSync(file.path, 0o400);
      };
      return { code: 'short-file', subject: file.id, isMended: false, undo };
    },
  },
  ...['', '.part'].map((end): Damage<object, VictimOfDisk> => ({
    name: `a file${end} without a record`,
    plant(_ground, { id, folder }) {
      const name = idBeside(id).replaceAll('-', '');
      writeFileSync(join(folder, `${name}${end}`), 'orphan', { mode: 0o600 });
      return { code: 'orphans', subject: null, isMended: true };
    },
  })),
  {
    name: 'a file that others can read',
    plant(_ground, { file }) {
      chmodSync(file.path, 0o444);
      return { code: 'modes', subject: null, isMended: true };
    },
  },
  {
    name: 'a folder that others can enter',
    plant(_ground, { folder }) {
      chmodSync(folder, 0o755);
      return { code: 'modes', subject: null, isMended: true };
    },
  },
  {
    name: 'a foreign file',
    plant(_ground, { folder }) {
      const path = join(folder, 'notes of an operator');
      writeFileSync(path, 'mine');
      const undo = (): void => {
        if (!existsSync(path)) throw new Error(`${path} was deleted`);
        unlinkSync(path);
      };
      return { code: 'foreign-entries', subject: null, isMended: false, undo };
    },
  },
];

/** An id in the bucket of the session: its first three digits. */
export function idBeside(sessionId: string): string {
  return sessionId.slice(0, 3) + randomUUID().slice(3);
}

/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { randomUUID } from 'node:crypto';
import type { FileStorageCase } from './storage.case.js';
import { newKey, rejectsWith } from './storage.fixtures.js';

export const refusingCases: readonly FileStorageCase[] = [
  {
    name: 'every operation refuses an id that is not a UUID',
    async run(storage) {
      const hostile = [
        '',
        '.',
        '..',
        '../../etc/passwd',
        '%2e%2e',
        'a\0b',
        randomUUID().toUpperCase(),
        `${randomUUID()}/`,
      ];
      for (const id of hostile) {
        const keys = [
          { sessionId: id, resourceId: randomUUID() },
          { sessionId: randomUUID(), resourceId: id },
        ];
        const answers: Promise<unknown>[] = keys.flatMap((key): Promise<unknown>[] => [
          storage.create(key),
          storage.adopt(key, '/nowhere'),
          storage.read(key),
          storage.remove(key),
        ]);
        answers.push(storage.discardSession(id), storage.removeEmptyFolder(id, 0));
        await Promise.all(answers.map((answer) => rejectsWith('INVALID_ARGUMENT', answer)));
      }
    },
  },
  {
    name: 'a file outside the allowed folders is not adopted',
    async run(storage) {
      for (const path of ['', '/etc/hostname', 'relative', '/nowhere/at/all', 'a\0b']) {
        await rejectsWith('FILE_NOT_ADOPTABLE', storage.adopt(newKey(), path));
      }
    },
  },
];

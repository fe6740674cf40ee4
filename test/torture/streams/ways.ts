import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packed } from '../processes/database.ts';
import { endByAdmin } from '../processes/operator.ts';
import type { Scene } from './scene.ts';
import type { Subject } from './subject.ts';

const CLI = fileURLToPath(new URL('../../../libs/sessions/dist/program/bin.js', import.meta.url));
const LOOK_MS = 5;

/** One way to end a session from outside. */
export interface Way {
  readonly name: string;
  /** How soon its streams are closed, wherever they are. */
  readonly closesWithinMs: number;
  /** The process that ends it is the one that holds the streams. */
  readonly isHere: boolean;
  /** The server in whose process the session ends, which refuses its token at once; `null`: in neither. */
  readonly endsIn: 'here' | 'there' | null;
  /** Ends it; the instant of the end. */
  end(scene: Scene, subject: Subject): Promise<number>;
}

export const byItsUser: Way = {
  name: 'the service',
  closesWithinMs: 1000,
  isHere: true,
  endsIn: 'here',
  async end(scene, { visitor, sessionId }) {
    const { status } = await visitor.fetch('DELETE', '/session');
    if (status !== 204) throw new Error(`The end of a session was answered ${status}.`);
    return instantIn(scene.here, sessionId);
  },
};

export const byAdminHere: Way = {
  name: 'the admin route',
  closesWithinMs: 1000,
  isHere: true,
  endsIn: 'here',
  async end(scene, { sessionId }) {
    await endByAdmin(scene.ports.here, scene.adminToken, sessionId);
    return instantIn(scene.here, sessionId);
  },
};

export const byAdminThere: Way = {
  name: 'the admin route of another server',
  closesWithinMs: 1000,
  isHere: false,
  endsIn: 'there',
  async end(scene, { sessionId }) {
    await endByAdmin(scene.ports.there, scene.adminToken, sessionId);
    return instantIn(scene.there, sessionId);
  },
};

/** What the command line does, in a process that is there already. */
export const byCommandProcess: Way = {
  name: 'a command process',
  closesWithinMs: 2000,
  isHere: false,
  endsIn: null,
  async end(scene, { sessionId }) {
    const told = await scene.command.ask<{ endedAt: number; wasLive: boolean }>('end', sessionId);
    if (!told.wasLive) throw new Error('A command found the session over already.');
    return told.endedAt;
  },
};

export const byCommandLine: Way = {
  name: 'the command line',
  closesWithinMs: 2000,
  isHere: false,
  endsIn: null,
  async end(scene, { sessionId }) {
    let instant = 0;
    const looking = setInterval(() => {
      const sql = "SELECT count(*) FROM sessions WHERE id = ? AND state = 'open'";
      if (instant === 0 && scene.database.number(sql, packed(sessionId)) === 0) instant = Date.now();
    }, LOOK_MS);
    try {
      await commandLine(scene.root, ['cleanup', sessionId, '--yes']);
    } finally {
      clearInterval(looking);
    }
    return instant === 0 ? Date.now() : instant;
  },
};

async function instantIn(server: Scene['here'], sessionId: string): Promise<number> {
  const instant = await server.ask<number | null>('endedAt', sessionId);
  if (instant === null) throw new Error('The server did not tell of the end.');
  return instant;
}

function commandLine(root: string, args: readonly string[]): Promise<void> {
  const env = { PATH: process.env['PATH'], SESSION_STORAGE_PATH: root };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [CLI, ...args], { env }, (error, _stdout, stderr) =>
      error ? reject(new Error(`The command line failed: ${stderr}`)) : resolve(),
    );
  });
}

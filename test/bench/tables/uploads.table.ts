import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rotated } from '../harness/arena.ts';
import { CLIENT_CORE, SERVER_CORE, versionOf } from '../harness/machine.ts';
import { Program } from '../harness/program.ts';
import { goal } from '../harness/goal.ts';
import { say } from '../harness/progress.ts';
import { scratchFolder } from '../harness/scratch.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Table } from '../harness/table.ts';
import { ADAPTERS } from '../servers/server.ts';
import type { Scope } from '../tables.ts';
import type { UploadSetup } from '../uploads.program.ts';

const MIB = 1024 * 1024;
/** Of the peer's time, and of its CPU time. */
const MOST_OF_PEER = 1.1;

interface Batch {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  readonly together: number;
}

interface Side {
  readonly name: string;
  readonly server: Program;
  readonly samples: { readonly ms: number; readonly cpuMs: number }[];
}

/** 6. Files on their way in. */
export async function measureUploads({ short }: Scope): Promise<Table[]> {
  const batches: readonly Batch[] = [
    { name: '100 files of 1 MiB, 4 at a time', files: short ? 10 : 100, bytes: MIB, together: 4 },
    { name: 'one file of 90 MiB', files: 1, bytes: (short ? 9 : 90) * MIB, together: 1 },
  ];
  const rounds = short ? 2 : 9;
  const [rows, goals]: [string[][], string[]] = [[], []];
  for (const adapter of ADAPTERS) {
    for (const batch of batches) {
      const compared = await compare(adapter, batch, rounds);
      rows.push(...compared.rows);
      goals.push(...compared.goals);
    }
  }
  return [
    {
      title: 'Uploads',
      columns: ['', 'MB/s', 'CPU ms', 'time, of the peer', 'CPU, of the peer'],
      rows,
      notes: [
        ...goals,
        `${rounds} rounds, in turns; medians. ${['nest-sessions', '@nestjs/core', 'multer', '@fastify/multipart'].map(versionOf).join(', ')}.`,
        'What a crash can lose: nest-sessions: nothing once it has answered, each file is forced to the disk; the peers: whatever the system had not written yet.',
      ],
    },
  ];
}

async function compare(adapter: UploadSetup['adapter'], batch: Batch, rounds: number) {
  const scratch = scratchFolder();
  const client = await Program.start('upload-client.program.ts', null, { core: CLIENT_CORE });
  const peerName = adapter === 'express' ? 'multer, disk storage' : '@fastify/multipart to a file';
  const start = async (kind: UploadSetup['kind'], name: string): Promise<Side> => {
    const folder = join(scratch.path, kind);
    mkdirSync(folder, { mode: 0o700 });
    const setup: UploadSetup = { adapter, kind, folder };
    return {
      name,
      server: await Program.start('uploads.program.ts', setup, { core: SERVER_CORE }),
      samples: [],
    };
  };
  const sides = [await start('peer', peerName), await start('own', 'nest-sessions, SQLite')];
  try {
    say(`${adapter}: ${batch.name}`);
    for (let round = -1; round < rounds; round += 1) {
      for (const { server, samples } of rotated(sides, round + 1)) {
        const port = await server.ask<number>('port');
        const before = await server.ask<number>('cpu');
        const ms = await client.ask<number>('upload', port, batch.files, batch.bytes, batch.together);
        const cpuMs = ((await server.ask<number>('cpu')) - before) / 1000;
        // The first round warms up.
        if (round >= 0) samples.push({ ms, cpuMs });
        await server.ask('forget');
      }
    }
  } finally {
    await Promise.all([...sides.map(({ server }) => server.stop()), client.stop()]);
    scratch.remove();
  }
  const figures = sides.map(({ samples }) => ({
    ms: median(samples.map(({ ms }) => ms)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
  }));
  const nothing = { ms: Number.NaN, cpuMs: Number.NaN };
  const [peer = nothing, own = nothing] = figures;
  const title = `${adapter === 'express' ? 'Express' : 'Fastify'}, ${batch.name}`;
  const rows = sides.map(({ name }, index) => {
    const { ms, cpuMs } = figures[index] ?? nothing;
    return [
      `${title}: ${name}`,
      figure((batch.files * batch.bytes) / 1e6 / (ms / 1000)),
      figure(cpuMs),
      index === 0 ? '' : figure(ms / peer.ms, 2),
      index === 0 ? '' : figure(cpuMs / peer.cpuMs, 2),
    ];
  });
  const goals = [
    goal(`${title}, time`, own.ms / peer.ms, MOST_OF_PEER, { unit: 'times the peer', digits: 2 }),
    goal(`${title}, CPU`, own.cpuMs / peer.cpuMs, MOST_OF_PEER, { unit: 'times the peer', digits: 2 }),
  ];
  return { rows, goals };
}

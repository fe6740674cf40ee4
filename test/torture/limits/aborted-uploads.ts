import { once } from 'node:events';
import { connect } from 'node:net';
import type { CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { Database } from '../processes/database.ts';
import { allFiles } from '../processes/folder.ts';
import type { ServerSetUp } from '../processes/nest-server.ts';
import { holdsWithin, pause, withFolder } from '../processes/scratch.ts';
import { MULTIPART, multipart, Visitor } from '../processes/visitor.ts';

const SESSIONS = 16;
const AT_ONCE = 32;
const MAX_BYTES = 8 * 1024 * 1024;
const MOST_FILE_BYTES = 1024 * 1024;
const WARM_UP = 50;
const QUIET_WITHIN_MS = 20_000;

/** Uploads to a real server that are reset at a random byte, many at once; how many there were. */
export async function abortUploads(
  context: CampaignContext,
  adapter: ServerSetUp['adapter'],
  count: number,
): Promise<number> {
  return withFolder(async (root) => {
    const setUp: ServerSetUp = {
      adapter,
      options: {
        storagePath: root,
        maxBytes: MAX_BYTES,
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        minFreeBytes: 0,
        ballastBytes: 0,
      },
    };
    const server = await Child.start(new URL('../processes/nest-server.ts', import.meta.url), setUp);
    try {
      const port = await server.ask<number>('port');
      const visitors = await Promise.all(
        Array.from({ length: SESSIONS }, async (_, index) => {
          const { visitor } = await Visitor.begin(port, `198.51.100.${index + 1}`);
          visitor.close();
          return visitor;
        }),
      );
      const scene = { context, server, root, visitors, label: adapter };
      await abortMany(scene, WARM_UP);
      const descriptors = await lowestDescriptors(server);
      await abortMany(scene, count);
      await checkNothingLeft(scene, descriptors);
      await checkStillServes(scene);
      const how = await server.stop();
      if (how !== 'exit code 0')
        context.violation(`${adapter}: the server ended with ${how}:\n${server.errorOutput}`);
      return count;
    } finally {
      await server.kill();
    }
  });
}

interface Scene {
  readonly context: CampaignContext;
  readonly server: Child;
  readonly root: string;
  readonly visitors: readonly Visitor[];
  readonly label: string;
}

async function abortMany({ context, visitors, server }: Scene, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0 && !server.isGone) {
      left -= 1;
      await abortOne(visitors[Math.floor(context.random() * visitors.length)]!, context.random);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Sends an upload up to a random byte, never the last, and breaks it off with a reset. */
async function abortOne(visitor: Visitor, random: () => number): Promise<void> {
  const bytes = wholeUpload(visitor, random);
  // The ends of a request are where most can go wrong: they are hit more often.
  const place = random();
  const range = place < 0.2 ? 1000 : bytes.length;
  const stopAt =
    place > 0.9
      ? bytes.length - 1 - Math.floor(random() * 60)
      : Math.floor(random() * Math.min(range, bytes.length - 1));
  const socket = connect({ host: '127.0.0.1', port: visitor.port });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect').catch(() => {});
  for (let sent = 0; sent < stopAt && !socket.destroyed;) {
    const size = 1 + Math.floor(random() ** 2 * 200_000);
    const piece = bytes.subarray(sent, Math.min(stopAt, sent + size));
    await new Promise((resolve) => socket.write(piece, resolve));
    sent += piece.length;
  }
  if (random() < 0.5) await pause(random() * 20);
  socket.resetAndDestroy();
}

function wholeUpload(visitor: Visitor, random: () => number): Buffer {
  const body = multipart(Buffer.alloc(1 + Math.floor(random() ** 2 * MOST_FILE_BYTES), 1));
  const isChunked = random() < 0.5;
  const headers = {
    host: 'torture',
    ...visitor.headers,
    'content-type': MULTIPART,
    ...(isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = Buffer.from(['POST /files HTTP/1.1', ...lines, '', ''].join('\r\n'));
  return Buffer.concat(isChunked ? [head, ...inChunks(body)] : [head, body]);
}

function inChunks(body: Buffer): Buffer[] {
  const size = 65_536;
  const starts = Array.from({ length: Math.ceil(body.length / size) }, (_, index) => index * size);
  const chunks = starts.flatMap((start) => {
    const chunk = body.subarray(start, start + size);
    return [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')];
  });
  return [...chunks, Buffer.from('0\r\n\r\n')];
}

/** What the server has open when nobody asks anything of it. */
async function lowestDescriptors(server: Child): Promise<number> {
  let lowest = Infinity;
  for (let looks = 0; looks < 20; looks += 1) {
    await pause(100);
    lowest = Math.min(lowest, server.countDescriptors());
  }
  return lowest;
}

async function checkNothingLeft(scene: Scene, descriptors: number): Promise<void> {
  const { context, server, root, label } = scene;
  const database = new Database(root);
  const left = (): Record<string, number> => ({
    files: allFiles(root).length,
    'records of resources': database.number('SELECT count(*) FROM resources'),
    'reserved resources': database.number(
      'SELECT coalesce(sum(resource_count + incoming_count), 0) FROM sessions',
    ),
    'reserved bytes': database.number('SELECT coalesce(sum(bytes_used + incoming_bytes), 0) FROM sessions'),
    uses: database.number('SELECT count(*) FROM uses'),
    descriptors: Math.max(0, server.countDescriptors() - descriptors),
  });
  await holdsWithin(QUIET_WITHIN_MS, () => Object.values(left()).every((count) => count === 0));
  for (const [what, count] of Object.entries(left())) {
    if (count > 0) context.violation(`${label}: ${count} ${what} left of uploads that broke off`);
  }
  database.close();
  const begun = await server.ask<number>('released');
  if (begun === 0) context.violation(`${label}: no upload was broken off while it was written`);
  context.note(
    `${label}: ${begun} uploads were broken off while they were written, the others before; ` +
      `${descriptors} descriptors before, ${server.countDescriptors()} after`,
  );
}

async function checkStillServes({ context, visitors, label }: Scene): Promise<void> {
  for (const visitor of visitors) {
    const id = await visitor.upload(Buffer.alloc(1000, 1));
    if (typeof id === 'number') context.violation(`${label}: afterwards an upload is answered ${id}`);
    visitor.close();
  }
}

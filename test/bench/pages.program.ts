// The operators: a process of its own that reads admin pages, one after the other, with several connections.
import { get, type IncomingMessage } from 'node:http';
import { answer } from './harness/program.ts';
import { ADMIN_TOKEN } from './servers/contenders.ts';

let isReading = false;
let readers: Promise<number[]>[] = [];

/** Reads a page to its end, and answers its milliseconds. */
async function readPage(port: number): Promise<number> {
  const startedAt = performance.now();
  const headers = { 'X-Admin-Token': ADMIN_TOKEN };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/admin/sessions', headers }, resolve).once('error', reject);
  });
  let last = '';
  response.setEncoding('latin1');
  for await (const chunk of response) last = String(chunk).slice(-1);
  if (response.statusCode !== 200 || last !== '}') throw new Error(`A page answered ${response.statusCode}`);
  return performance.now() - startedAt;
}

async function readOn(port: number): Promise<number[]> {
  const times: number[] = [];
  while (isReading) times.push(await readPage(port));
  return times;
}

answer({
  begin(port: number, connections: number) {
    isReading = true;
    readers = Array.from({ length: connections }, () => readOn(port));
  },
  /** The milliseconds of every page that was read. */
  async end() {
    isReading = false;
    return (await Promise.all(readers)).flat();
  },
});

// The client: a process of its own, on a core of its own.
import { answer } from './harness/program.ts';
import { getRequest, RawConnection, type RawResponse } from './harness/raw-client.ts';
import { quantile } from './harness/statistics.ts';

const PATH = '/session';

export interface Visitor {
  readonly cookie: string;
  readonly id: string;
}

export interface Load {
  readonly requests: number;
  readonly ms: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Requests without a cookie: each begins a session, if the server knows such a thing. */
async function open(port: number, count: number, connections: number): Promise<Visitor[]> {
  const visitors: Visitor[] = [];
  const request = getRequest(PATH);
  await inParallel(
    port,
    count,
    connections,
    () => request,
    (response) => visitors.push(visitorOf(response)),
  );
  return visitors;
}

/** Each visitor comes back once, and must be known again. */
async function check(port: number, visitors: readonly Visitor[], connections: number): Promise<void> {
  const requests = visitors.map(({ cookie }) => getRequest(PATH, cookie));
  await inParallel(
    port,
    visitors.length,
    connections,
    (index) => requests[index] ?? '',
    ({ body }, index) => {
      if (!body.includes(visitors[index]?.id ?? '?'))
        throw new Error(`A visitor is not known again: ${body}`);
    },
  );
}

/** Visitors come back, one after the other, again and again. */
async function run(
  port: number,
  cookies: readonly (string | null)[],
  count: number,
  connections: number,
): Promise<Load> {
  const requests = cookies.map((cookie) => getRequest(PATH, cookie ?? undefined));
  const startedAt = performance.now();
  const latencies = await inParallel(
    port,
    count,
    connections,
    (index) => requests[index % requests.length] ?? '',
  );
  const ms = performance.now() - startedAt;
  return { requests: count, ms, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}

/** The milliseconds of each of the requests that fit into so much time. */
async function runFor(
  port: number,
  cookies: readonly string[],
  ms: number,
  connections: number,
): Promise<number[]> {
  const requests = cookies.map((cookie) => getRequest(PATH, cookie));
  const until = performance.now() + ms;
  return inParallel(
    port,
    () => performance.now() < until,
    connections,
    (index) => requests[index % requests.length] ?? '',
  );
}

async function inParallel(
  port: number,
  count: number | (() => boolean),
  connections: number,
  requestAt: (index: number) => string,
  onResponse: (response: RawResponse, index: number) => void = () => {},
): Promise<number[]> {
  const opened = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(port)));
  const latencies: number[] = [];
  let next = 0;
  const work = async (connection: RawConnection): Promise<void> => {
    while (typeof count === 'number' ? next < count : count()) {
      const index = next;
      next += 1;
      const sentAt = performance.now();
      const response = await connection.send(requestAt(index));
      latencies.push(performance.now() - sentAt);
      if (response.status !== 200) throw new Error(`${response.head}\n${response.body}`);
      onResponse(response, index);
    }
  };
  try {
    await Promise.all(opened.map(work));
  } finally {
    for (const connection of opened) connection.close();
  }
  return latencies;
}

function visitorOf({ head, body }: RawResponse): Visitor {
  const { id } = JSON.parse(body) as { id: string };
  return { id, cookie: /\r\nset-cookie: ([^;\r]+)/i.exec(head)?.[1] ?? '' };
}

answer({ open, check, run, runFor });

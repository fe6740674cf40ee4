import type { SessionsOptions } from 'nest-sessions';
import { eventually } from '../support/eventually.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';

const MIB = 1024 * 1024;

describe.each(ADAPTERS)('Refusals for a limit on %s', (adapter) => {
  let app: FileApp;
  let lines: string[];

  async function start(options: SessionsOptions): Promise<void> {
    lines = [];
    const keep = (message: unknown, ...rest: unknown[]): void => {
      if (['SessionResources', 'SessionService'].includes(String(rest.at(-1)))) lines.push(String(message));
    };
    const logger = { log: keep, warn: keep, error: keep };
    app = await FileApp.start(adapter, options, (created) => created.useLogger(logger));
  }

  afterEach(() => app.close());

  async function upload(bytes: number, path = '/upload'): Promise<number> {
    return (await app.upload(path, new File([Buffer.alloc(bytes)], 'a.wav'))).status;
  }

  /** The lines when there is one: it may be written after the answer. */
  async function logged(): Promise<string[]> {
    await eventually('it is logged', async () => lines.length > 0);
    expect(lines.join()).not.toContain(app.sessionId);
    return lines;
  }

  it.each([
    ['is declared too large', 12 * MIB],
    ['turns out too large', 2 * MIB + 1],
  ])('a file that %s: network, size and setting, once', async (_how, bytes) => {
    await start({ maxBytes: 2 * MIB });
    expect([await upload(bytes), await upload(bytes), await upload(bytes)]).toEqual([413, 413, 413]);
    const size =
      /^A file \((\d+) bytes\) of network 127\.0\.0\.1\/32 was refused: 2097152 bytes are allowed by /;
    expect(await logged()).toEqual([expect.stringMatching(size)]);
    expect(lines[0]).toContain('maxBytes (MAX_BYTES_PER_SESSION)');
    expect(Number(size.exec(lines[0] ?? '')?.[1])).toBeGreaterThan(2 * MIB);
  });

  it('one that is too many, and one too large, are told each', async () => {
    await start({ maxResources: 1, onLimit: 'reject', maxBytes: 2 * MIB });
    expect(await upload(10)).toBe(201);
    expect(await upload(10)).toBe(413);
    expect(await logged()).toEqual([expect.stringContaining('maxResources (MAX_RESOURCES_PER_SESSION) 1')]);
    expect(await upload(12 * MIB)).toBe(413);
    await eventually('both are logged', async () => lines.length === 2);
  });

  it('one for which the disk has no room', async () => {
    await start({ minFreeBytes: Number.MAX_SAFE_INTEGER });
    expect(await upload(10)).toBe(507);
    // The failed request has a line of its own, as any answer 5xx; which of them comes first, nobody promises.
    await eventually('both are logged', async () => lines.length === 2);
    expect((await logged()).toSorted()).toEqual([
      expect.stringContaining('was refused: the disk has less free space than minFreeBytes'),
      expect.stringContaining('fewer bytes than minFreeBytes are free'),
    ]);
  });

  it('a session for which there is no room', async () => {
    await start({ maxSessions: 1, maxSessionsPerNetwork: 0 });
    expect(await upload(10)).toBe(201);
    for (let client = 0; client < 3; client += 1) {
      expect((await fetch(`${app.url}/begin`, { method: 'POST' })).status).toBe(503);
    }
    expect(await logged()).toEqual([
      'Network 127.0.0.1/32 gets no session: maxSessions (MAX_SESSIONS) is 1, and none may be evicted.',
    ]);
  });

  it('a session for which its network has no room, as long as its own hold something', async () => {
    await start({ maxSessionsPerNetwork: 1 });
    // The cookie comes back with the second upload.
    for (let file = 0; file < 2; file += 1) expect(await upload(10)).toBe(201);
    const refused = await fetch(`${app.url}/begin`, { method: 'POST' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    expect(await logged()).toEqual([
      'Network 127.0.0.1/32 gets no session: maxSessionsPerNetwork (SESSION_MAX_SESSIONS_PER_NETWORK) is 1, and none of its own may be evicted.',
    ]);
  });

  it('a file that exceeds what the network may hold', async () => {
    await start({ maxBytesPerNetwork: 15 });
    expect(await upload(10)).toBe(201);
    expect(await upload(10)).toBe(413);
    expect(await logged()).toEqual([
      expect.stringContaining('it would exceed maxBytesPerNetwork (SESSION_MAX_BYTES_PER_NETWORK) 15'),
    ]);
  });
});

import { RedisSessionStore } from 'nest-sessions/redis';
import { freePort } from '../support/free-port.js';
import { RedisServer } from '../support/redis-servers.js';
import { spawnApp } from '../support/app-process.js';
import { resultOf } from '../cli/cli-process.js';

describe('A store on Redis', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
    await server.command('ACL', 'SETUSER', 'app', 'on', '>right', '~*', '&*', '+@all');
    await server.command('CONFIG', 'SET', 'requirepass', 'secret');
  });
  afterAll(() => server.stop());

  async function connectingTo(url: string): Promise<string> {
    const store = new RedisSessionStore({ url });
    try {
      await store.connect();
      await store.sessions.probe();
      return 'connected';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await store.close();
    }
  }

  it.each([
    ['an IPv4 address', '127.0.0.1'],
    ['an IPv6 address', '[::1]'],
    ['a name', 'localhost'],
  ])('connects to %s, with user, password and database', async (_name, host) => {
    await expect(connectingTo(`redis://app:right@${host}:${server.port}/3`)).resolves.toBe('connected');
  });

  it('tells a wrong password from a missing one, with host and port', async () => {
    const at = `127.0.0.1:${server.port}`;
    await expect(connectingTo(`redis://app:wrong@${at}`)).resolves.toMatch(
      new RegExp(`^Connecting to Redis at ${at} failed \\(WRONGPASS .*refused the user name or password`),
    );
    await expect(connectingTo(`redis://${at}`)).resolves.toMatch(
      new RegExp(`^Connecting to Redis at ${at} failed \\(NOAUTH .*requires a password`),
    );
  });

  it.each([
    ['a port where nobody listens', async () => `[::1]:${await freePort()}`, 'ECONNREFUSED'],
    ['a name that does not exist', () => Promise.resolve('nowhere.invalid:6379'), 'ENOTFOUND|EAI_AGAIN'],
  ])('tells host, port and cause of %s', async (_name, placeOf, cause) => {
    const place = await placeOf();
    const message = await connectingTo(`redis://user:secret@${place}`);
    expect(message.startsWith(`Connecting to Redis at ${place} failed (`)).toBe(true);
    expect(message).toMatch(new RegExp(`\\((?:${cause})\\): .*SESSION_REDIS_URL`));
    expect(message).not.toContain('secret');
  });

  it('of the app stops its boot with one sentence of host, port and cause', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const storagePath = `/tmp/never-made-${process.pid}`;
    const { code, stderr } = await resultOf(
      spawnApp({ SESSION_REDIS_URL: url, SESSION_STORAGE_PATH: storagePath }),
    );
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toContain(`Connecting to Redis at ${new URL(url).host} failed (ECONNREFUSED)`);
  });
});

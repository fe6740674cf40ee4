import type { SessionRef } from 'nest-sessions';
import { CLIENT, STORES, World } from '../support/world.js';

const NO_IDS: readonly unknown[] = [undefined, null, 7, 7n, '', '..', Symbol('x'), {}, Object.create(null)];
const NO_TEXTS: readonly unknown[] = [7, 7n, true, ['a'], { a: 1 }, Symbol('x'), Buffer.from('a')];

/** What a compiler would not let pass, but a handler hands on that checks nothing. */
describe.each(STORES)('Wrong arguments on %s', (store) => {
  let world: World;

  beforeEach(async () => (world = await World.create(store)));
  afterEach(() => world.close());

  it.each(NO_IDS.map((id) => [id]))('an id that is %p names no session', async (id) => {
    const { service } = world;
    const nobody = { id } as SessionRef;
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error;
    await expect(service.describe(nobody)).rejects.toThrow(refused);
    await expect(service.end(nobody)).rejects.toThrow(refused);
    await expect(service.createFile(nobody, { type: 'audio_file' })).rejects.toThrow(refused);
    await expect(service.trackStream(nobody, { close() {} })).rejects.toThrow(refused);
    await expect(service.openResource(nobody)).rejects.toThrow(refused);
    await expect(service.release(nobody)).rejects.toThrow(refused);
    expect(() => service.touch(nobody)).toThrow(refused);
    const { session } = await world.open();
    await expect(service.findResource(session, id as string)).resolves.toBeNull();
    await expect(service.identify(id as string, CLIENT)).resolves.toEqual({ kind: 'unknown' });
  });

  it('a touch of an unknown session does not block the others', async () => {
    const { session } = await world.open();
    expect(() => world.service.touch({ id: 7n } as object as SessionRef)).toThrow('UUID');
    world.clock.advance(1000);
    world.service.touch(session);
    const details = await world.service.describe(session);
    expect(details?.lastActivityAt).toBe(world.clock.now());
  });

  it.each(NO_TEXTS.map((text) => [text]))('a file name that is %p is refused', async (text) => {
    const { session } = await world.open();
    for (const name of ['fileName', 'purpose', 'mediaType']) {
      const creating = world.service.createFile(session, { type: 'audio_file', [name]: text });
      await expect(creating).rejects.toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          message: `Resource ${name} must be a string.`,
        }) as Error,
      );
    }
    expect((await world.service.describe(session))?.resourceCount).toBe(0);
  });
});

import type { SessionStore } from '#sessions/ports/session-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { RecentChanges } from '#sessions/stores/redis/feed/recent-changes';
import { anEnd, lease, newSession, NODE, NOW, tokenHash } from '#sessions/testing/store/store.fixtures';

const MINUTE_MS = 60_000;

/** A process whose changes a failover has lost. */
class Scene {
  readonly session = newSession();
  readonly tokens = [1, 2].map(() => tokenHash(this.session.id));
  elapsedMs = 0;

  private constructor(readonly store: SessionStore) {}

  static async open(): Promise<Scene> {
    const scene = new Scene(new MemorySessionStore());
    await scene.store.connect();
    await scene.store.sessions.open(scene.session, 10);
    return scene;
  }

  process(): RecentChanges {
    return new RecentChanges(this.store.sessions, this.store.endings, () => this.elapsedMs);
  }

  rotation(epoch: 0 | 1) {
    return { kind: 'rotate', epoch, tokenHash: this.tokens[epoch] ?? '', at: NOW } as const;
  }

  now() {
    return this.store.sessions.find(this.session.id);
  }
}

const BIND = { kind: 'bind', epoch: 0, userId: 'ada' } as const;

describe('The recent changes of a process', () => {
  let scene: Scene;
  let id: string;

  beforeEach(async () => {
    scene = await Scene.open();
    id = scene.session.id;
  });

  it('are not repeated without a doubt', async () => {
    const recent = scene.process();
    recent.note(id, { kind: 'end', end: anEnd() });
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ state: 'open' });
  });

  it('are repeated in order: a bind, a rotation', async () => {
    const recent = scene.process();
    recent.note(id, BIND);
    recent.note(id, scene.rotation(0));
    recent.note(id, scene.rotation(1));
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: 'ada', epoch: 2, tokenHash: scene.tokens[1] });
    const former = await scene.store.sessions.findByToken(scene.session.tokenHash);
    expect(former?.current ?? false).toBe(false);
  });

  it('repeat an end with its reason, and leave its files to the next cleanup', async () => {
    const recent = scene.process();
    recent.note(id, BIND);
    recent.note(id, { kind: 'end', end: anEnd({ reason: 'admin', at: NOW }) });
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ state: 'ending', endReason: 'admin', userId: null });
    const request = { at: NOW, lease: lease(NOW + MINUTE_MS, undefined, NODE), limit: 1 };
    await expect(scene.store.endings.leaseEnding(request)).resolves.toMatchObject([{ id }]);
  });

  it('change nothing if they were not lost', async () => {
    const recent = scene.process();
    await scene.store.sessions.bindUser(id, 0, 'ada');
    recent.note(id, BIND);
    await scene.store.sessions.rotate(id, 0, scene.tokens[0] ?? '', NOW);
    recent.note(id, scene.rotation(0));
    const { position } = await scene.store.feed.read(null, 10);
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.store.feed.read(position, 10)).resolves.toMatchObject({ changes: [] });
  });

  it('neither revoke a later token nor bind another user', async () => {
    const recent = scene.process();
    recent.note(id, BIND);
    recent.note(id, scene.rotation(0));
    const since = tokenHash(id);
    await scene.store.sessions.bindUser(id, 0, 'eve');
    await scene.store.sessions.rotate(id, 0, since, NOW);
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ epoch: 1, tokenHash: since, userId: 'eve' });
  });

  it('wait for an earlier change that another process must repeat', async () => {
    const [first, second] = [scene.process(), scene.process()];
    first.note(id, scene.rotation(0));
    second.note(id, scene.rotation(1));
    second.doubtAll();
    await second.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ epoch: 0 });
    first.doubtAll();
    await first.makeAgain();
    await second.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ epoch: 2, tokenHash: scene.tokens[1] });
  });

  it('bind a session after another process has repeated its rotation', async () => {
    const [binder, rotator] = [scene.process(), scene.process()];
    binder.note(id, BIND);
    rotator.note(id, scene.rotation(0));
    rotator.doubtAll();
    await rotator.makeAgain();
    binder.doubtAll();
    await binder.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ epoch: 1, userId: 'ada' });
  });

  it('remain due while the store fails', async () => {
    const recent = scene.process();
    recent.note(id, BIND);
    recent.doubtAll();
    const failing = jest.spyOn(scene.store.sessions, 'bindUser').mockRejectedValueOnce(new Error('away'));
    await expect(recent.makeAgain()).rejects.toThrow('away');
    failing.mockRestore();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: 'ada' });
  });

  it('are forgotten after a minute', async () => {
    const recent = scene.process();
    recent.note(id, BIND);
    scene.elapsedMs = MINUTE_MS + 1;
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: null });
  });

  it('are limited to the last ten thousand', async () => {
    const recent = scene.process();
    recent.note(id, BIND);
    for (let count = 0; count < 10_000; count += 1)
      recent.note(newSession().id, { kind: 'end', end: anEnd() });
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: null });
  });
});

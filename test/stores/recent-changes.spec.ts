import { authorityOf } from '#sessions/domain/session';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { RecentChanges } from '#sessions/stores/redis/feed/recent-changes';
import { anEnd, lease, newSession, NODE, NOW, tokenHash, upTo } from '#sessions/testing/store/store.fixtures';

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
    await scene.store.sessions.open(scene.session, upTo(10));
    return scene;
  }

  process(): RecentChanges {
    return new RecentChanges(this.store.sessions, this.store.endings, () => this.elapsedMs);
  }

  /** A login with the first token, then a regenerate with the second. */
  get login() {
    const login = { userId: 'ada', tokenHash: this.tokens[0] ?? '', at: NOW };
    return { kind: 'login', authority: authorityOf(this.session.tokenHash), login } as const;
  }

  get regenerate() {
    const token = { tokenHash: this.tokens[1] ?? '', at: NOW };
    return { kind: 'regenerate', authority: authorityOf(this.tokens[0] ?? ''), token } as const;
  }

  now() {
    return this.store.sessions.find(this.session.id);
  }
}

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

  it('are repeated in order: a login, a regenerate', async () => {
    const recent = scene.process();
    recent.note(id, scene.login);
    recent.note(id, scene.regenerate);
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: 'ada', tokenHash: scene.tokens[1] });
    for (const old of [scene.session.tokenHash, scene.tokens[0] ?? '']) {
      await expect(scene.store.sessions.findByToken(old)).resolves.toMatchObject({ current: false });
    }
  });

  it('repeat an end with its reason, and leave its files to the next cleanup', async () => {
    const recent = scene.process();
    recent.note(id, scene.login);
    recent.note(id, { kind: 'end', end: anEnd({ reason: 'admin', at: NOW }) });
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ state: 'ending', endReason: 'admin', userId: null });
    const request = { at: NOW, lease: lease(NOW + MINUTE_MS, undefined, NODE), limit: 1 };
    await expect(scene.store.endings.leaseEnding(request)).resolves.toMatchObject([{ id }]);
  });

  it('change nothing if they were not lost', async () => {
    const recent = scene.process();
    await scene.store.sessions.login(id, null, scene.login.login);
    recent.note(id, scene.login);
    await scene.store.sessions.regenerate(id, null, scene.regenerate.token);
    recent.note(id, scene.regenerate);
    const { position } = await scene.store.feed.read(null, 10);
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.store.feed.read(position, 10)).resolves.toMatchObject({ changes: [] });
  });

  it('neither revoke the token of another login, nor bind its session to another user', async () => {
    const recent = scene.process();
    recent.note(id, scene.login);
    recent.note(id, scene.regenerate);
    const since = tokenHash(id);
    await scene.store.sessions.login(id, null, { userId: 'eve', tokenHash: since, at: NOW });
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ tokenHash: since, userId: 'eve' });
  });

  it('do not revoke a later token of the same session', async () => {
    const recent = scene.process();
    await scene.store.sessions.login(id, null, scene.login.login);
    recent.note(id, scene.login);
    const later = tokenHash(id);
    await scene.store.sessions.regenerate(id, null, { tokenHash: later, at: NOW });
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ tokenHash: later, userId: 'ada' });
  });

  it('wait for an earlier change that another process must repeat', async () => {
    const [first, second] = [scene.process(), scene.process()];
    first.note(id, scene.login);
    second.note(id, scene.regenerate);
    second.doubtAll();
    await second.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ tokenHash: scene.session.tokenHash, userId: null });
    first.doubtAll();
    await first.makeAgain();
    await second.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ tokenHash: scene.tokens[1], userId: 'ada' });
  });

  it('remain due while the store fails', async () => {
    const recent = scene.process();
    recent.note(id, scene.login);
    recent.doubtAll();
    const failing = jest.spyOn(scene.store.sessions, 'login').mockRejectedValueOnce(new Error('away'));
    await expect(recent.makeAgain()).rejects.toThrow('away');
    failing.mockRestore();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: 'ada' });
  });

  it('are forgotten after a minute', async () => {
    const recent = scene.process();
    recent.note(id, scene.login);
    scene.elapsedMs = MINUTE_MS + 1;
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: null });
  });

  it('are limited to the last ten thousand', async () => {
    const recent = scene.process();
    recent.note(id, scene.login);
    for (let count = 0; count < 10_000; count += 1)
      recent.note(newSession().id, { kind: 'end', end: anEnd() });
    recent.doubtAll();
    await recent.makeAgain();
    await expect(scene.now()).resolves.toMatchObject({ userId: null });
  });
});

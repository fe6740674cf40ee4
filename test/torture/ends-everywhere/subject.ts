import type { NodeServer } from '../nodes/node-server.ts';
import { filesIn, folderOf } from '../processes/folder.ts';
import { endByAdmin } from '../processes/operator.ts';
import { holdsWithin, pause } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';
import { checkClosed } from '../streams/closing.ts';
import { Listener } from '../streams/listener.ts';
import { SlowUpload } from '../streams/slow-upload.ts';
import { writesThatLand } from './late-writes.ts';
import type { Scene } from './scene.ts';

/** How long another process may go on taking the token. */
const ELSEWHERE_MS = 1000;
const UPLOAD_WITHIN_MS = 5000;
const SMALL_BYTES = 1000;

export type Way = 'its user' | 'an operator' | 'a command';

/** A session with streams on two servers, an upload on one of them maybe, and a third server that is to end it. */
export class Subject {
  readonly sessionId: string;
  private readonly scene: Scene;
  private readonly visitor: Visitor;
  private readonly servers: readonly [NodeServer, NodeServer, NodeServer];
  private readonly listeners: readonly Listener[];
  private readonly upload: SlowUpload | null;
  private snapshot = '';

  private constructor(
    scene: Scene,
    begun: { visitor: Visitor; sessionId: string },
    servers: Subject['servers'],
    open: { listeners: readonly Listener[]; upload: SlowUpload | null },
  ) {
    this.scene = scene;
    this.visitor = begun.visitor;
    this.sessionId = begun.sessionId;
    this.servers = servers;
    this.listeners = open.listeners;
    this.upload = open.upload;
  }

  /** All three servers know it, and its streams are open. */
  static async begin(scene: Scene, uploads: boolean): Promise<Subject> {
    const { nodes, context } = scene;
    const servers = nodes.pick(context.random);
    const [maker, ...others] = servers;
    const begun = await Visitor.begin(maker.port, nodes.newAddress());
    const there = others.map(({ port }) => begun.visitor.at(port));
    const listeners = there.flatMap((visitor) => [
      Listener.eventStream(visitor),
      Listener.webSocket(visitor),
    ]);
    const opened = await Promise.all(listeners.map((listener) => listener.opened));
    if (!opened.every(Boolean)) throw new Error('A stream of a live session did not open.');
    const upload = uploads ? await Subject.beginUpload(scene, begun, others) : null;
    return new Subject(scene, begun, servers, { listeners, upload });
  }

  /** A file that is there, and one on another server of which the store has heard: one that comes later is of no session. */
  private static async beginUpload(
    { store }: Scene,
    { visitor, sessionId }: { visitor: Visitor; sessionId: string },
    [one, other]: readonly NodeServer[],
  ): Promise<SlowUpload | null> {
    if (!one || !other) return null;
    const client = visitor.at(one.port);
    await client.upload(Buffer.alloc(SMALL_BYTES, 1));
    client.close();
    const upload = await SlowUpload.begin(visitor.at(other.port));
    const isUnderWay = await holdsWithin(UPLOAD_WITHIN_MS, async () =>
      (await store.resources.list([sessionId])).some(({ state }) => state === 'writing'),
    );
    if (!isUnderWay) throw new Error('An upload to a live session did not begin.');
    return upload;
  }

  /** Ends it, and checks all that is promised at once or within moments; how long its streams took to close, in ms. */
  async endBy(way: Way): Promise<number[]> {
    const { context, store, closesWithinMs } = this.scene;
    const before = await store.resources.list([this.sessionId]);
    const endedAt = await this.end(way);
    // Before anything else: what was under way must not come through.
    for (const write of await writesThatLand(store, this.sessionId, before)) {
      context.violation(`a write lands on a session that ${way} has ended: ${write}`);
    }
    this.snapshot = await this.record();
    const [took] = await Promise.all([
      checkClosed(this.listeners, { by: way, isHere: false, withinMs: closesWithinMs, endedAt }, context),
      this.checkRefused(endedAt),
    ]);
    const status = await this.upload?.finish(UPLOAD_WITHIN_MS);
    if (status?.startsWith('2')) context.violation(`an upload to an ended session: ${status}`);
    this.close();
    return took;
  }

  /** At the very end: nothing was written to it since, and nothing of it is anywhere. */
  async checkUntouched(): Promise<void> {
    const { context, nodes, store } = this.scene;
    const now = await this.record();
    if (now !== this.snapshot) context.violation(`written to after its end: ${this.snapshot} became ${now}`);
    const held = await store.resources.list([this.sessionId]);
    if (held.length > 0) context.violation(`an ended session holds ${JSON.stringify(held)}`);
    // An upload that met the end may leave its empty folder to the next sweep.
    const files = nodes.servers.flatMap(({ root }) => filesIn(folderOf(root, this.sessionId)));
    if (files.length > 0) context.violation(`files of an ended session stay: ${JSON.stringify(files)}`);
  }

  close(): void {
    for (const listener of this.listeners) listener.close();
    this.visitor.close();
  }

  /** The instant of the end. */
  private async end(way: Way): Promise<number> {
    const { command, nodes } = this.scene;
    const [maker] = this.servers;
    if (way === 'a command') {
      const told = await command.ask<{ endedAt: number; wasLive: boolean }>('end', this.sessionId);
      if (!told.wasLive) throw new Error('A command found the session over already.');
      return told.endedAt;
    }
    if (way === 'its user') {
      const client = this.visitor.at(maker.port);
      const { status } = await client.fetch('DELETE', '/session').finally(() => client.close());
      if (status !== 204) throw new Error(`The end of a session was answered ${status}.`);
    } else {
      await endByAdmin(maker.port, nodes.adminToken, this.sessionId);
    }
    const instant = await maker.child.ask<number | null>('endedAt', this.sessionId);
    if (instant === null) throw new Error('The server did not tell of the end.');
    return instant;
  }

  /** A request that comes a second after the end is served by no server. */
  private async checkRefused(endedAt: number): Promise<void> {
    await pause(endedAt + ELSEWHERE_MS - Date.now());
    for (const { name, port } of this.servers) {
      const client = this.visitor.at(port);
      const answer = await client.fetch('GET', '/session');
      client.close();
      if (answer.status === 200 && answer.body.includes(this.sessionId)) {
        this.scene.context.violation(`the token of an ended session is taken by ${name} a second later`);
      }
    }
  }

  /** All of its record that a request could change. */
  private async record(): Promise<string> {
    const found = await this.scene.store.sessions.find(this.sessionId);
    if (!found) return 'gone';
    const { state, endReason, tokenHash, userId, lastActivityAt, requestCount } = found;
    return JSON.stringify([state !== 'open', endReason, tokenHash, userId, lastActivityAt, requestCount]);
  }
}

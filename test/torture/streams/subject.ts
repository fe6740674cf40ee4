import { existsSync } from 'node:fs';
import { packed } from '../processes/database.ts';
import { folderOf } from '../processes/folder.ts';
import { pause } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';
import { checkClosed } from './closing.ts';
import { Listener } from './listener.ts';
import type { Scene } from './scene.ts';
import { SlowUpload } from './slow-upload.ts';
import type { Way } from './ways.ts';

/** How long another process may go on taking the token. */
const ELSEWHERE_MS = 1000;
const UPLOAD_WITHIN_MS = 5000;

/** A session with a stream of each kind, and all that is promised of its end. */
export class Subject {
  readonly visitor: Visitor;
  readonly sessionId: string;
  private readonly scene: Scene;
  private readonly listeners: readonly Listener[];
  private readonly upload: SlowUpload | null;
  private snapshot = '';

  private constructor(
    scene: Scene,
    begun: { visitor: Visitor; sessionId: string },
    listeners: readonly Listener[],
    upload: SlowUpload | null,
  ) {
    this.scene = scene;
    this.visitor = begun.visitor;
    this.sessionId = begun.sessionId;
    this.listeners = listeners;
    this.upload = upload;
  }

  /** Both of its streams are open, both servers know it, and an upload may be under way in the other one. */
  static async begin(scene: Scene, uploads: boolean): Promise<Subject> {
    const begun = await Visitor.begin(scene.ports.here, scene.newAddress());
    const listeners = [Listener.eventStream(begun.visitor), Listener.webSocket(begun.visitor)];
    const opened = await Promise.all(listeners.map((listener) => listener.opened));
    if (!opened.every(Boolean)) throw new Error('A stream of a live session did not open.');
    const elsewhere = begun.visitor.at(scene.ports.there);
    if ((await elsewhere.sessionId()) !== begun.sessionId) throw new Error('Two servers, two sessions.');
    elsewhere.close();
    const upload = uploads ? await SlowUpload.begin(begun.visitor.at(scene.ports.there)) : null;
    return new Subject(scene, begun, listeners, upload);
  }

  /** Ends it, and checks all that is promised at once or within moments; how long its streams took to close. */
  async endBy(way: Way): Promise<number[]> {
    const endedAt = await way.end(this.scene, this);
    // Before anything else: what was under way must not come through.
    this.snapshot = this.record();
    if (way.endsIn !== null) await this.checkRefused(this.scene.ports[way.endsIn], `at once, by ${way.name}`);
    const [took] = await Promise.all([this.checkClosed(way, endedAt), this.checkElsewhere(endedAt)]);
    if (this.upload) await this.checkUpload(this.upload);
    this.visitor.close();
    return took;
  }

  /** At the very end: nothing was written to it since. */
  checkUntouched(): void {
    const { context, database, root } = this.scene;
    const now = this.record();
    if (now !== this.snapshot) context.violation(`written to after its end: ${this.snapshot} became ${now}`);
    const held = database.resources(this.sessionId);
    if (held.length > 0) context.violation(`an ended session holds ${JSON.stringify(held)}`);
    if (existsSync(folderOf(root, this.sessionId))) context.violation('an ended session has a folder');
  }

  close(): void {
    for (const listener of this.listeners) listener.close();
    this.visitor.close();
  }

  private checkClosed(way: Way, endedAt: number): Promise<number[]> {
    const { name, isHere, closesWithinMs: withinMs } = way;
    return checkClosed(this.listeners, { by: name, isHere, withinMs, endedAt }, this.scene.context);
  }

  /** Asks both servers until the second is over, and once more then. */
  private async checkElsewhere(endedAt: number): Promise<void> {
    await pause(endedAt + ELSEWHERE_MS - Date.now());
    for (const port of Object.values(this.scene.ports)) await this.checkRefused(port, 'a second later');
  }

  private async checkRefused(port: number, when: string): Promise<void> {
    const client = this.visitor.at(port);
    if ((await client.sessionId()) === this.sessionId) this.scene.context.violation(`token taken ${when}`);
    client.close();
  }

  private async checkUpload(upload: SlowUpload): Promise<void> {
    const status = await upload.finish(UPLOAD_WITHIN_MS);
    if (status.startsWith('2')) this.scene.context.violation(`an upload to an ended session: ${status}`);
  }

  /** All of its record that a request could change. */
  private record(): string {
    const rows = this.scene.database.rows(
      `SELECT state = 'open' AS open, end_reason, hex(token_hash) AS token, user_id, last_activity_at, request_count
       FROM sessions WHERE id = ?`,
      packed(this.sessionId),
    );
    return JSON.stringify(rows);
  }
}

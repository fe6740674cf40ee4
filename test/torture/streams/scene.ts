import { randomBytes } from 'node:crypto';
import type { CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import type { CoreSetUp } from '../processes/core-process.ts';
import { Database } from '../processes/database.ts';
import type { ServerSetUp } from '../processes/nest-server.ts';

/** A server that holds the streams, another one on the same store, and a process that only commands. */
export class Scene {
  readonly context: CampaignContext;
  readonly root: string;
  readonly adminToken: string;
  readonly here: Child;
  readonly there: Child;
  readonly command: Child;
  readonly ports: { readonly here: number; readonly there: number };
  readonly database: Database;
  private addresses = 0;

  private constructor(
    context: CampaignContext,
    root: string,
    adminToken: string,
    children: readonly [Child, Child, Child],
    ports: Scene['ports'],
  ) {
    this.context = context;
    this.root = root;
    this.adminToken = adminToken;
    [this.here, this.there, this.command] = children;
    this.ports = ports;
    this.database = new Database(root);
  }

  static async create(context: CampaignContext, root: string): Promise<Scene> {
    const adminToken = randomBytes(32).toString('base64url');
    const options = {
      storagePath: root,
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
      minFreeBytes: 0,
      ballastBytes: 0,
      adminTokens: [adminToken],
    };
    const nest = new URL('../processes/nest-server.ts', import.meta.url);
    const core = new URL('../processes/core-process.ts', import.meta.url);
    const children: Child[] = [];
    try {
      for (const adapter of ['express', 'fastify'] as const) {
        const setUp: ServerSetUp = { adapter, options };
        children.push(await Child.start(nest, setUp));
      }
      const setUp: CoreSetUp = { role: 'cli', options };
      const [here, there] = children as [Child, Child];
      const command = await Child.start(core, setUp);
      children.push(command);
      const ports = { here: await here.ask<number>('port'), there: await there.ask<number>('port') };
      return new Scene(context, root, adminToken, [here, there, command], ports);
    } catch (error) {
      await Promise.all(children.map((child) => child.kill()));
      throw error;
    }
  }

  newAddress(): string {
    this.addresses += 1;
    return `10.${this.addresses >> 16}.${(this.addresses >> 8) & 255}.${this.addresses & 255}`;
  }

  async destroy(): Promise<void> {
    this.database.close();
    await Promise.all([this.here, this.there, this.command].map((child) => child.kill()));
  }
}

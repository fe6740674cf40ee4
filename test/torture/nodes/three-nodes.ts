import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { SessionsOptions } from 'nest-sessions';
import { allFiles } from '../processes/folder.ts';
import { NodeServer } from './node-server.ts';

/** Three servers on one Redis, with a storage folder each: machines behind one load balancer. */
export class ThreeNodes {
  readonly servers: readonly [NodeServer, NodeServer, NodeServer];
  readonly adminToken: string;
  private addresses = 0;

  private constructor(servers: ThreeNodes['servers'], adminToken: string) {
    this.servers = servers;
    this.adminToken = adminToken;
  }

  static async start(folder: string, options: SessionsOptions): Promise<ThreeNodes> {
    const adminToken = randomBytes(32).toString('base64url');
    const shared = {
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
      minFreeBytes: 0,
      adminTokens: [adminToken],
      ...options,
    };
    const make = (name: string, adapter: 'express' | 'fastify'): NodeServer =>
      new NodeServer(name, join(folder, name), { adapter, options: shared });
    const nodes = new ThreeNodes(
      [make('a', 'express'), make('b', 'fastify'), make('c', 'express')],
      adminToken,
    );
    try {
      for (const server of nodes.servers) await server.start();
      return nodes;
    } catch (error) {
      await nodes.destroy();
      throw error;
    }
  }

  /** Any of them, and the others. */
  pick(random: () => number): [NodeServer, NodeServer, NodeServer] {
    const first = Math.floor(random() * 3);
    return [0, 1, 2].map((step) => this.servers[(first + step) % 3]) as [NodeServer, NodeServer, NodeServer];
  }

  newAddress(): string {
    this.addresses += 1;
    return `10.${this.addresses >> 16}.${(this.addresses >> 8) & 255}.${this.addresses & 255}`;
  }

  /** Every file of sessions that lies on any of them. */
  files(): string[] {
    return this.servers.flatMap(({ root }) => allFiles(root));
  }

  async destroy(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }
}

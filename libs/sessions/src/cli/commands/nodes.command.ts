import type { NodeState } from '../../core/process/nodes.js';
import { SILENT_AFTER_MS, type ProcessState } from '../../core/process/this-process.js';
import { liveServers } from '../../operate/server-limits.js';
import { forgottenView, nodeState, nodeView } from '../../operate/views/node-views.js';
import { processView } from '../../operate/views/overview-views.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { nodeId } from '../running/option-values.js';
import { argument, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, yes } from '../running/shared-options.js';
import { columns } from '../output/table.js';
import { ID_START, ago, cell, counted, size } from '../output/format.js';

const OPTIONS = { yes: yes('forgets a node'), json: json() };

type NodesOptions = OptionsOf<typeof OPTIONS>;

/** Lists nodes, and forgets a node that will not return. */
export class NodesCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'nodes',
    description: 'lists the nodes that store files; forget <id>: gives up one that will not return',
    arguments: {
      '[action]': argument('what to do (default: list)', ['list', 'forget']),
      '[id]': argument('id of the node to forget, as printed by list'),
    },
    example: 'forget 5f0c1c62-7d3e-4c0e-9d3a-2b1f6a1d9c44',
    options: OPTIONS,
  };

  protected override async execute(
    [action = 'list', id, ...rest]: readonly string[],
    options: NodesOptions,
    signal: AbortSignal,
  ): Promise<void> {
    if (action === 'list' && id === undefined && !options.yes) return this.list(options);
    if (action === 'forget' && id !== undefined && rest.length === 0) {
      return this.forget(nodeId(id), options, signal);
    }
    throw usage('use nodes list, or nodes forget <id>');
  }

  private async list({ json: asJson }: NodesOptions): Promise<void> {
    const core = await this.access.open();
    const nodes = nodesWithServers(await core.nodes.list(), await core.thisProcess.listProcesses());
    if (asJson) {
      const views = nodes.map(({ servers, ...node }) => ({
        ...nodeView(node),
        processes: servers.map(processView),
      }));
      return this.terminal.printJson({ nodes: views });
    }
    if (nodes.length > 0) await this.terminal.print(this.page(nodes, core.clock.now()));
  }

  private page(nodes: readonly NodeWithServers[], now: number): string {
    const rows = nodes.map(({ servers, ...node }) => [
      node.nodeId,
      nodeState(node),
      ago(node.lastSeenAt, now),
      node.resources,
      freeOf(servers),
    ]);
    const head = ['NODE', 'STATE', 'LAST SEEN', 'FILES', 'DISK FREE'];
    const served = nodes.flatMap(({ nodeId: id, address, servers }) => {
      const start = id.slice(0, ID_START);
      if (servers.length === 0) return address === null ? [] : [[start, '-', '-', '-', cell(address)]];
      return servers.map((server) => [
        start,
        String(server.pid),
        cell(server.version),
        cell(server.host),
        cell(address),
      ]);
    });
    const places = columns(this.terminal, head, rows);
    if (served.length === 0) return places;
    return `${places}\n${columns(this.terminal, ['NODE', 'PID', 'VERSION', 'HOST', 'ADDRESS'], served)}`;
  }

  private async forget(
    id: string,
    { yes: isAgreed, json: asJson }: NodesOptions,
    signal: AbortSignal,
  ): Promise<void> {
    if (!isAgreed) this.terminal.requirePerson();
    const core = await this.access.open();
    const deeds = this.deedsOn(core);
    const node = (await core.nodes.list()).find((known) => known.nodeId === id);
    if (!node) {
      await deeds.noteNothing('forget-node', id);
      throw noSuchNode();
    }
    if (node.isLive) {
      await deeds.noteRefused('forget-node', id);
      throw isLive();
    }
    if (!isAgreed) await this.terminal.confirm(questionFor(node), signal);
    const forgotten = await deeds.forgetNode(id);
    if (forgotten === 'unknown') throw noSuchNode();
    if (forgotten === 'live') throw isLive();
    if (asJson) return this.terminal.printJson(forgottenView(id, forgotten));
    const { resources, bytes } = forgotten;
    await this.terminal.print(`${id} forgotten: ${counted(resources, 'file')}, ${size(bytes)}\n`);
  }
}

interface NodeWithServers extends NodeState {
  readonly servers: readonly ProcessState[];
}

function nodesWithServers(
  nodes: readonly NodeState[],
  processes: readonly ProcessState[],
): readonly NodeWithServers[] {
  const byNode = Map.groupBy(liveServers(processes), ({ nodeId: id }) => id);
  return nodes.map((node) => ({ ...node, servers: byNode.get(node.nodeId) ?? [] }));
}

/** The processes of a node have one disk: the latest heartbeat counts. */
function freeOf(servers: readonly ProcessState[]): string {
  const [latest] = servers.toSorted((a, b) => b.at - a.at);
  return latest?.disk ? size(latest.disk.freeBytes) : '-';
}

function questionFor({ nodeId, resources }: NodeState): string {
  return `Forget node ${nodeId}? Its disk keeps ${counted(resources, 'file')}, which this system will never delete.`;
}

function noSuchNode(): CommandFailure {
  return new CommandFailure(EXIT.notFound, 'no node has this id');
}

function isLive(): CommandFailure {
  const seconds = SILENT_AFTER_MS / 1000;
  const message = `the node is live: stop its processes, wait ${seconds} seconds, and try again`;
  return new CommandFailure(EXIT.failure, message);
}

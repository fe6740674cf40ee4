import { Option } from 'nest-commander';
import type { NodeState } from '../../core/process/nodes.js';
import { SILENT_AFTER_MS } from '../../core/process/this-process.js';
import { forgottenView, nodeState, nodeView } from '../../operate/views/node-views.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { nodeId } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { columns } from '../output/table.js';
import { ago, cell, counted, size } from '../output/format.js';

interface NodesOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Lists nodes, and forgets a node that will not return. */
export abstract class NodesCommand extends SessionsCommandRunner {
  @Option({ flags: '--yes', description: 'forgets a node without asking' })
  isAgreed(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'prints JSON' })
  wantsJson(): boolean {
    return true;
  }

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

  private async list({ json }: NodesOptions): Promise<void> {
    const core = await this.access.open();
    const nodes = await core.nodes.list();
    if (json) return this.terminal.printJson({ nodes: nodes.map(nodeView) });
    const now = core.clock.now();
    const rows = nodes.map((node) => [
      node.nodeId,
      nodeState(node),
      ago(node.lastSeenAt, now),
      node.resources,
      cell(node.address),
    ]);
    const head = ['NODE', 'STATE', 'LAST SEEN', 'FILES', 'ADDRESS'];
    if (rows.length > 0) await this.terminal.print(columns(this.terminal, head, rows));
  }

  private async forget(id: string, { yes, json }: NodesOptions, signal: AbortSignal): Promise<void> {
    if (!yes) this.terminal.requirePerson();
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
    if (!yes) await this.terminal.confirm(questionFor(node), signal);
    const forgotten = await deeds.forgetNode(id);
    if (forgotten === 'unknown') throw noSuchNode();
    if (forgotten === 'live') throw isLive();
    if (json) return this.terminal.printJson(forgottenView(id, forgotten));
    const { resources, bytes } = forgotten;
    await this.terminal.print(`${id} forgotten: ${counted(resources, 'file')}, ${size(bytes)}\n`);
  }
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

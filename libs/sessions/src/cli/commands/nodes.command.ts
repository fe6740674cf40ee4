import { Option } from 'nest-commander';
import { SILENT_AFTER_MS } from '../../core/process/this-process.js';
import { forgottenView, nodeState, nodeView } from '../../operate/views.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { nodeId } from './option-values.js';
import { SessionsCommandRunner } from './sessions-command-runner.js';
import { columns } from '../output/table.js';
import { ago, cell, counted, size } from '../output/format.js';

interface NodesOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** The machines that files lie on: which there are, and giving one up that will not return. */
export abstract class NodesCommand extends SessionsCommandRunner {
  @Option({ flags: '--yes', description: 'forgets a node without asking' })
  isAgreed(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'JSON' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(
    [what = 'list', id, ...rest]: readonly string[],
    options: NodesOptions,
    signal: AbortSignal,
  ): Promise<void> {
    if (what === 'list' && id === undefined && !options.yes) return this.list(options);
    if (what === 'forget' && id !== undefined && rest.length === 0) {
      return this.forget(nodeId(id), options, signal);
    }
    throw usage('say nodes list, or nodes forget <id>');
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
    if (!yes && !this.terminal.canAsk) {
      throw usage('this gives up the files of a node, and there is no terminal to ask on: say --yes');
    }
    const core = await this.access.open();
    const node = (await core.nodes.list()).find((known) => known.nodeId === id);
    if (!node) throw noSuchNode();
    if (node.isLive) throw isLive();
    const question = `Forget node ${id}, with ${counted(node.resources, 'file')} that nobody deletes there then?`;
    if (!yes && !(await this.terminal.confirm(question, signal))) {
      throw new CommandFailure(EXIT.failure, 'nothing was changed');
    }
    const forgotten = await core.nodes.forget(id);
    if (forgotten === 'unknown') throw noSuchNode();
    if (forgotten === 'live') throw isLive();
    if (json) return this.terminal.printJson(forgottenView(id, forgotten));
    const { resources, bytes } = forgotten;
    await this.terminal.print(`${id} forgotten: ${counted(resources, 'file')}, ${size(bytes)}\n`);
  }
}

function noSuchNode(): CommandFailure {
  return new CommandFailure(EXIT.notFound, 'there is no such node');
}

function isLive(): CommandFailure {
  const seconds = SILENT_AFTER_MS / 1000;
  const message = `the node lives: stop its processes, and forget it when it has been silent for ${seconds} seconds`;
  return new CommandFailure(EXIT.failure, message);
}

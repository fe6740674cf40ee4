import type { SessionEvents } from '../../domain/events.js';
import { networkOf } from '../config/client-address.js';
import { labelOf, type OptionName } from '../config/options.js';
import type { CoreContext } from '../process/context.js';
import { oneLine } from '../watch/log.js';
import { MinuteLog } from '../watch/minute-log.js';

type Refusal = SessionEvents['resource.refused'];
const UNKNOWN = 'network unknown';

/** Tells operators of refused resources: of each kind at most once a minute, with network, size and the limit's setting. */
export class RefusalLog {
  private readonly minuteLog: MinuteLog;

  constructor(private readonly context: Pick<CoreContext, 'config' | 'store' | 'clock' | 'events' | 'log'>) {
    this.minuteLog = new MinuteLog(context.clock, context.log);
  }

  listen(): void {
    this.context.events.on('resource.refused', (refusal) => this.note(refusal));
  }

  private async note(refusal: Refusal): Promise<void> {
    if (!this.minuteLog.isDue(refusal.quota ?? refusal.reason)) return;
    const size = refusal.sizeBytes === null ? '' : ` (${refusal.sizeBytes} bytes)`;
    const what = refusal.reason === 'streams' ? 'A stream' : `A file${size}`;
    this.context.log.warn(`${what} of ${await this.whose(refusal)} was refused: ${this.why(refusal)}.`);
  }

  private async whose({ network, sessionId, quota }: Refusal): Promise<string> {
    if (network !== null) return `network ${network}`;
    if (sessionId === null) return UNKNOWN;
    // Nobody waits for the line: the store may answer late, or not at all.
    const session = await this.context.store.sessions.find(sessionId).catch(() => null);
    if (session === null) return UNKNOWN;
    const isOfUser = quota?.endsWith('PerUser') && session.userId !== null;
    return isOfUser ? `user ${oneLine(session.userId ?? '', 80)}` : `network ${networkOf(session.ipAddress)}`;
  }

  private why({ reason, limitBytes, quota }: Refusal): string {
    switch (reason) {
      case 'too_large':
        return `${limitBytes} bytes are allowed by ${labelOf('maxBytes')}, or by the options of its route`;
      case 'limit':
        return `its session would exceed ${this.values('maxResources', 'maxBytes')}`;
      case 'quota':
        return quota === undefined ? 'a quota is reached' : `it would exceed ${this.values(quota)}`;
      case 'in_use':
        return `other files of its session are on their way, as many as ${this.values('maxResources', 'maxBytes')} allow`;
      case 'streams':
        return `its session has as many as ${this.values('maxStreamsPerSession')} allows`;
      case 'disk':
        return `the disk has less free space than ${this.values('minFreeBytes', 'minFreeInodes')}`;
    }
  }

  private values(...names: readonly (OptionName & keyof CoreContext['config'])[]): string {
    return names.map((name) => `${labelOf(name)} ${String(this.context.config[name])}`).join(' or ');
  }
}

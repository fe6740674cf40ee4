import { SessionsError } from '../domain/errors.js';
import { cutEngine, type EngineSocket } from './engine-socket.js';

/** Namespaces that a client may have asked for and not yet joined. */
const MOST_PENDING = 32;
/** How the packet that asks for a namespace begins. */
const CONNECT = '0';

/**
 * Bounds what a client may ask for before anybody has looked at its session: socket.io makes a socket for each request for a
 * namespace, however many one message holds, also for one that is asked for already.
 */
export class NamespaceRequests {
  private asked = 0;
  private readonly pending = new Set<string>();

  constructor(engine: EngineSocket) {
    // Before socket.io reads the packet.
    engine.prependListener('data', (packet: unknown) => {
      if (typeof packet !== 'string' || !packet.startsWith(CONNECT)) return;
      this.asked += 1;
      if (this.asked <= MOST_PENDING) return;
      engine.removeAllListeners('data');
      cutEngine(engine);
    });
  }

  /**
   * Answers what `decide` does for a socket of this namespace.
   * @throws SessionsError `INVALID_ARGUMENT` if the client has asked for the namespace already
   */
  async decide(namespace: string, decide: () => Promise<void>): Promise<void> {
    try {
      if (this.pending.has(namespace)) {
        throw new SessionsError('INVALID_ARGUMENT', 'This connection has already asked for the namespace.');
      }
      this.pending.add(namespace);
      await decide().finally(() => this.pending.delete(namespace));
    } finally {
      this.asked -= 1;
    }
  }
}

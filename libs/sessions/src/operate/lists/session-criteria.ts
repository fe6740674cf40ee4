import { isIP } from 'node:net';
import type { SessionsCore } from '../../core/core.js';
import { resourceLimitsInUse } from '../../core/process/limits-in-use.js';
import { rangeOf, type AddressRange } from '../../domain/listing/address-range.js';
import type { SessionFilter } from '../../domain/listing/session-filter.js';
import { shareFrom } from '../../domain/limits.js';

/** Which sessions an operator asks for: those that match all that is given. It becomes a filter at one instant. */
export interface SessionCriteria {
  readonly userId?: string;
  readonly network?: AddressRange;
  /** No activity for so long, or longer. */
  readonly idleMs?: number;
  /** More bytes in place. */
  readonly bytesAbove?: number;
  /** Uses at least so many percent of a limit. */
  readonly nearPercent?: number;
}

/**
 * The filter at `asOf`, with the limits in use. `upTo`: only sessions that were opened until then, as for a deed that must
 * reach no others than those that were shown. Default of `asOf`: now.
 */
export async function filterOf(
  core: Pick<SessionsCore, 'config' | 'clock' | 'thisProcess'>,
  { userId, network, idleMs, bytesAbove, nearPercent }: SessionCriteria,
  { asOf = core.clock.now(), upTo = false }: { readonly asOf?: number; readonly upTo?: boolean } = {},
): Promise<SessionFilter> {
  return {
    ...(userId !== undefined && { userId }),
    ...(network !== undefined && { network }),
    ...(idleMs !== undefined && { idleSince: asOf - idleMs }),
    ...(bytesAbove !== undefined && { bytesAbove }),
    ...(nearPercent !== undefined && {
      above: shareFrom(await resourceLimitsInUse(core), nearPercent),
    }),
    ...(upTo && { openedUntil: asOf }),
  };
}

const NETWORK = /^(?<address>[^/%]{1,45})(?:\/(?<bits>0|[1-9]\d{0,2}))?$/;

/** An address, or a network as address and number of leading bits; `null` for any other text. */
export function networkOf(text: unknown): AddressRange | null {
  if (typeof text !== 'string') return null;
  const { address = '', bits } = NETWORK.exec(text)?.groups ?? {};
  // Node decides what is an address.
  if (isIP(address) === 0) return null;
  return rangeOf(address, bits === undefined ? undefined : Number(bits));
}

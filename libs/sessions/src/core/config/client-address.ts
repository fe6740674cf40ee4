import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** What stands for a client without an address: one behind a Unix socket, say. */
export const LOCAL_ADDRESS = 'local';

/** One text per address, however it was written: no zone, an IPv4 address never in IPv6 clothes. */
export function canonicalAddress(text: string | undefined): string {
  return text ? canonical(text) : LOCAL_ADDRESS;
}

const canonical = remembered((text) =>
  ipaddr.isValid(text) ? withoutZone(ipaddr.process(text)) : LOCAL_ADDRESS,
);

/** The network that floods are counted by: an IPv4 address, an IPv6 /64. */
export const networkOf = masked(32, 64);

/** The key by which addresses are compared for binding; `null` where they are not. */
export function addressKeyFor(mode: 'exact' | 'prefix' | 'off'): ((address: string) => string) | null {
  if (mode === 'off') return null;
  return mode === 'exact' ? networkOf : masked(24, 64);
}

function masked(ipv4Bits: number, ipv6Bits: number): (address: string) => string {
  return remembered((address) => {
    if (!ipaddr.isValid(address)) return address;
    const parsed = ipaddr.process(address);
    return parsed instanceof ipaddr.IPv6
      ? `${ipaddr.IPv6.networkAddressFromCIDR(`${withoutZone(parsed)}/${ipv6Bits}`).toNormalizedString()}/${ipv6Bits}`
      : `${ipaddr.IPv4.networkAddressFromCIDR(`${parsed.toString()}/${ipv4Bits}`).toString()}/${ipv4Bits}`;
  });
}

function withoutZone(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address instanceof ipaddr.IPv6) delete address.zoneId;
  return address.toString();
}

/** Clients come again and again, and to parse an address takes longer than all else that is done for a request. */
function remembered(tell: (address: string) => string): (address: string) => string {
  const known = new LRUCache<string, string>({ max: 4096, memoMethod: tell });
  return (address) => known.memo(address);
}

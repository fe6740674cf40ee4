import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** The address of a client without one, e.g. behind a Unix socket. */
export const LOCAL_ADDRESS = 'local';

/** The canonical text of an address: no zone, IPv4-mapped IPv6 addresses converted to IPv4; `local` for no address. */
export function canonicalAddress(text: string | undefined): string {
  return text ? canonical(text) : LOCAL_ADDRESS;
}

const canonical = memoized((text) =>
  ipaddr.isValid(text) ? withoutZone(ipaddr.process(text)) : LOCAL_ADDRESS,
);

/** The network that a client is counted by: an IPv4 address, or the IPv6 /56 that one customer of a provider has. */
export const networkOf = masked(32, 56);

/** Whether a client has an address that shows its network. Those without one are many clients, and never count as one. */
export function hasNetwork(address: string): boolean {
  return address !== LOCAL_ADDRESS;
}

/** The function whose results binding compares; `null` if it does not compare addresses. */
export function addressKeyFor(mode: 'exact' | 'prefix' | 'off'): ((address: string) => string) | null {
  if (mode === 'off') return null;
  return masked(mode === 'exact' ? 32 : 24, 64);
}

function masked(ipv4Bits: number, ipv6Bits: number): (address: string) => string {
  return memoized((address) => {
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

/** Parsing an address costs more than the rest of a request, and clients return. */
function memoized(compute: (address: string) => string): (address: string) => string {
  const cache = new LRUCache<string, string>({ max: 4096, memoMethod: compute });
  return (address) => cache.memo(address);
}

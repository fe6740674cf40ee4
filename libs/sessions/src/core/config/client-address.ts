import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** The address of a client without one: behind a Unix socket. */
export const LOCAL_ADDRESS = 'local';

/** An address as proxies write it: in quotes, in brackets, with a port. */
const WRITTEN = /^"?(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^[\]:"]+))(?::\d{1,5})?"?$/;
/** Longer texts are no addresses, and must not fill the memory. */
const MOST_CHARACTERS = 100;

/**
 * The canonical text of an address: no zone, IPv4-mapped IPv6 addresses converted to IPv4. A port, brackets and quotes are
 * taken off. `null` for what is no address: `unknown`, or IPv4 with leading zeros, which some programs read as octal.
 */
export function readAddress(text: string | undefined): string | null {
  return text && text.length <= MOST_CHARACTERS ? canonical(text) || null : null;
}

const canonical = memoized((text) => {
  const written = text.trim();
  const { bracketed, plain } = WRITTEN.exec(written)?.groups ?? {};
  return parse(bracketed ?? plain ?? written.replaceAll('"', ''))?.toString() ?? '';
});

/** The network that a client is counted by: an IPv4 address, or the IPv6 /56 that one customer of a provider has. */
export const networkOf = masked(32, 56);

/** Whether a client has an address that shows its network. Those without one are many clients, and never count as one. */
export function hasNetwork(address: string): boolean {
  return address !== LOCAL_ADDRESS;
}

/** A function that names an address's network of so many bits. */
export function masked(ipv4Bits: number, ipv6Bits: number): (address: string) => string {
  return memoized((address) => {
    const parsed = parse(address);
    if (!parsed) return address;
    return parsed instanceof ipaddr.IPv6
      ? `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${ipv6Bits}`).toNormalizedString()}/${ipv6Bits}`
      : `${ipaddr.IPv4.networkAddressFromCIDR(`${parsed.toString()}/${ipv4Bits}`).toString()}/${ipv4Bits}`;
  });
}

/** Node decides what is an address: ipaddr.js alone would also take octal, hexadecimal and shortened forms. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const [address = ''] = text.split('%', 1);
  return isIP(address) === 0 ? null : ipaddr.process(address);
}

/** Parsing an address or agent costs more than the rest of a request, and clients return. */
export function memoized(compute: (text: string) => string): (text: string) => string {
  const cache = new LRUCache<string, string>({ max: 4096, memoMethod: compute });
  return (text) => cache.memo(text);
}

/** Addresses from `first` to `last`, both included, each as `addressDigits` writes it. */
export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

const ADDRESS_BITS = 128;
/** Of the IPv6 addresses that stand for IPv4 ones, `::ffff:0:0/96`. */
const MAPPED = 'ffff'.padStart(24, '0');
const MAPPED_BITS = 96;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const GROUPS = 8;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** The 32 hex digits of an IPv6 address, and of the IPv6 form of an IPv4 address; `null` for any other text. */
export function addressDigits(address: string): string | null {
  if (IPV4.test(address)) {
    const digits = ipv4Digits(address);
    return digits && MAPPED + digits;
  }
  if (!address.includes(':')) return null;
  const [left = '', right, ...more] = address.split('::');
  const head = groupsOf(left);
  const tail = right === undefined ? [] : groupsOf(right);
  const missing = GROUPS - head.length - tail.length;
  const isComplete = right === undefined ? missing === 0 : missing > 0;
  if (!isComplete || more.length > 0) return null;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => GROUP.test(group))) return null;
  return groups.map((group) => group.padStart(4, '0').toLowerCase()).join('');
}

/** The network with these leading bits of an address, or the address alone; `null` if it is no address, or has not so many bits. */
export function rangeOf(address: string, bits?: number): AddressRange | null {
  const digits = addressDigits(address);
  if (digits === null) return null;
  const prefix = bits === undefined ? ADDRESS_BITS : bits + (address.includes(':') ? 0 : MAPPED_BITS);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > ADDRESS_BITS) return null;
  // Whoever writes `::ffff:192.0.2.0/24` means 24 bits of IPv4; of IPv6 it would be all of IPv4, and more.
  if (digits.startsWith(MAPPED) && prefix < MAPPED_BITS) return null;
  const size = 1n << BigInt(ADDRESS_BITS - prefix);
  const first = (BigInt(`0x${digits}`) / size) * size;
  return { first: hexOf(first), last: hexOf(first + size - 1n) };
}

export function isWithin({ first, last }: AddressRange, address: string): boolean {
  const digits = addressDigits(address);
  return digits !== null && digits >= first && digits <= last;
}

/** Of one side of `::`. The last group may be an IPv4 address. */
function groupsOf(side: string): string[] {
  if (side === '') return [];
  return side.split(':').flatMap((group) => {
    if (!IPV4.test(group)) return [group];
    const digits = ipv4Digits(group) ?? '';
    return [digits.slice(0, 4), digits.slice(4)];
  });
}

function ipv4Digits(address: string): string | null {
  const bytes = address.split('.').map(Number);
  return bytes.some((byte) => byte > 255)
    ? null
    : bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function hexOf(address: bigint): string {
  return address.toString(16).padStart(ADDRESS_BITS / 4, '0');
}

import fc from 'fast-check';
import { addressKeyFor, canonicalAddress, networkOf } from '#sessions/core/config/client-address';

describe('Client addresses', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', 'local'],
    [undefined, 'local'],
    ['unknown', 'local'],
    ['1.2.3.4, 5.6.7.8', 'local'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it('counts each IPv4 address and each IPv6 /56 as one network', () => {
    expect(networkOf('192.0.2.7')).not.toBe(networkOf('192.0.2.8'));
    expect(networkOf('2001:db8::1')).toBe(networkOf('2001:db8:0:ff::1'));
    expect(networkOf('2001:db8::1')).not.toBe(networkOf('2001:db8:0:100::1'));
  });

  it('never puts two IPv4 addresses in one network, in any spelling', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
        fc.pre(one !== other);
        expect(networkOf(canonicalAddress(`::ffff:${one}`))).not.toBe(networkOf(canonicalAddress(other)));
      }),
    );
  });

  it('compares by /24 and /64 in prefix mode, and not at all when off', () => {
    const key = addressKeyFor('prefix');
    expect(key?.('192.0.2.7')).toBe(key?.('192.0.2.200'));
    expect(key?.('192.0.2.7')).not.toBe(key?.('192.0.3.7'));
    expect(key?.('2001:db8::1')).toBe(key?.('2001:db8::2'));
    expect(addressKeyFor('off')).toBeNull();
  });
});

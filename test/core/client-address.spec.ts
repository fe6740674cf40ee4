import fc from 'fast-check';
import { networkOf, readAddress } from '#sessions/core/config/client-address';

describe('Client addresses', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%eth0.100', 'fe80::1'],
    ['::ffff:192.0.2.7%eth0', '192.0.2.7'],
    // Azure's Application Gateway and IIS write ports; RFC 7239 asks for brackets and quotes.
    ['192.0.2.7:51234', '192.0.2.7'],
    ['[2001:db8::1]:51234', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['"[2001:db8::1]:51234"', '2001:db8::1'],
    ['"192.0.2.7"', '192.0.2.7'],
    ['"2001:db8::1"', '2001:db8::1'],
    ['[192.0.2.7]:80', '192.0.2.7'],
    [' 192.0.2.7\t', '192.0.2.7'],
    // Ambiguous, so all of it is the address.
    ['2001:db8::1:5123', '2001:db8::1:5123'],
  ])('%s is written %s', (text, canonical) => {
    expect(readAddress(text)).toBe(canonical);
  });

  it.each([
    '',
    undefined,
    'unknown',
    '_hidden',
    'localhost',
    '1.2.3.4, 5.6.7.8',
    '198.051.100.001',
    '::ffff:198.051.100.001',
    '0300.0250.0.1',
    '0x7f.1',
    '127.1',
    '3221225479',
    '192.0.2.7:',
    '192.0.2.7:port',
    '192.0.2.7:123456',
    '192.0.2.7/24',
    '256.0.0.1',
    '[2001:db8::1',
    '[[2001:db8::1]]',
    '2001:db8::1::2',
    '2001:db8:::51234',
    `${'0'.repeat(8000)}192.0.2.7`,
  ])('%s is none', (text) => {
    expect(readAddress(text)).toBeNull();
  });

  it('are read in any spelling of an address that there is, with a port or without', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
        const canonical = readAddress(address);
        expect(canonical).not.toBeNull();
        expect(readAddress(`[${address}]:${port}`)).toBe(canonical);
      }),
    );
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
        expect(networkOf(readAddress(`::ffff:${one}`)!)).not.toBe(networkOf(readAddress(other)!));
      }),
    );
  });
});

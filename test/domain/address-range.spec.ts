import { isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { addressDigits, isWithin, rangeOf } from '#sessions/domain/listing/address-range';

const MAPPED = '00000000000000000000ffff';

describe('Ranges of addresses', () => {
  it.each([
    ['192.0.2.7', `${MAPPED}c0000207`],
    ['::ffff:192.0.2.7', `${MAPPED}c0000207`],
    ['::', '0'.repeat(32)],
    ['::1', '1'.padStart(32, '0')],
    ['2001:db8::7', '20010db8000000000000000000000007'],
    ['2001:DB8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['fe80::', 'fe80'.padEnd(32, '0')],
  ])('%s is %s', (address, digits) => expect(addressDigits(address)).toBe(digits));

  it.each([
    '',
    'local',
    '192.0.2',
    '192.0.2.256',
    '1:2:3',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '::12345',
    ':::',
    'x::',
  ])('%p is no address', (text) => expect([addressDigits(text), rangeOf(text)]).toEqual([null, null]));

  it.each([
    ['192.0.2.7', 33],
    ['2001:db8::', 129],
    ['::', -1],
    ['::', 1.5],
    ['::ffff:192.0.2.0', 24],
  ])('%s has not the first %d bits', (address, bits) => expect(rangeOf(address, bits)).toBeNull());

  it('has what another implementation finds within, of both families', () => {
    const octets = fc
      .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
      .map((bytes) => bytes.join('.'));
    const ipv6 = fc.ipV6().filter(isIPv6);
    const network = fc.oneof(fc.tuple(octets, fc.nat(32)), fc.tuple(ipv6, fc.nat(128)));
    // Near ones, too.
    const check = ([address, bits]: [string, number], other: string): void => {
      const range = rangeOf(address, bits)!;
      const [a, b] = [ipaddr.parse(address), ipaddr.parse(other)];
      for (const [candidate, text] of [
        [b, other],
        [a, address],
      ] as const) {
        const expected =
          a.kind() === candidate.kind()
            ? candidate.match(a, bits)
            : inIPv6(candidate).match(inIPv6(a), a.kind() === 'ipv4' ? bits + 96 : bits);
        expect([text, isWithin(range, text)]).toEqual([text, expected]);
      }
    };
    fc.assert(fc.property(network, fc.oneof(octets, ipv6), check), { numRuns: 500 });
  });
});

function inIPv6(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv6 {
  return address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address;
}

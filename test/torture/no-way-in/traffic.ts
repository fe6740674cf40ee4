import { compose, type RequestParts } from '../bad-input/request.ts';
import { cookieOf, visit, type Send, type Visitor } from '../bad-input/visitors.ts';
import { AGENT, CLIENT } from '../bad-input/request.ts';
import { Wire } from '../bad-input/wire.ts';

const UPGRADE = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
] as const;

/** Visitors that do what visitors do, and much that goes wrong. A third of them leave. */
export async function liveThrough(send: Send, port: number, count: number): Promise<Visitor[]> {
  const visitors: Visitor[] = [];
  for (let number = 0; number < count; number += 1) {
    const visitor = await visit(send);
    visitors.push(visitor);
    for (const parts of requestsOf(visitor)) await send(compose(parts));
    await breakOff(port, visitor);
  }
  for (const visitor of visitors.filter((_visitor, index) => index % 3 === 0))
    if (visitors.indexOf(visitor) % 2 === 0)
      await send(compose({ what: 'an end', method: 'DELETE', headers: [cookieOf(visitor)] }));
  return visitors;
}

function* requestsOf(visitor: Visitor): Generator<RequestParts> {
  const cookie = cookieOf(visitor);
  const [, pair] = cookie;
  const file = `/resources/${visitor.resourceId}`;
  const json = ['Content-Type', 'application/json'] as const;
  yield { what: 'a look', headers: [cookie] };
  yield { what: 'a download', target: file, headers: [cookie] };
  yield { what: 'a range', target: file, headers: [cookie, ['Range', 'bytes=0-9']] };
  yield { what: 'a range that is none', target: file, headers: [cookie, ['Range', 'bytes=9999999-']] };
  yield { what: 'a waveform', target: `/audio/${visitor.resourceId}/waveform`, headers: [cookie] };
  yield { what: 'an event stream', target: '/events', headers: [cookie] };
  yield { what: 'a WebSocket', target: '/live', headers: [cookie, ...UPGRADE] };
  yield {
    what: 'a WebSocket of another page',
    target: '/live',
    headers: [cookie, ...UPGRADE, ['Origin', 'http://evil.example']],
  };
  yield {
    what: 'a body that is no JSON',
    method: 'POST',
    target: '/speech',
    headers: [cookie, json],
    body: '{',
  };
  yield {
    what: 'a body of nonsense',
    method: 'POST',
    target: '/speech',
    headers: [cookie, json],
    body: '{"language":7}',
  };
  yield {
    what: 'an upload of nonsense',
    method: 'POST',
    target: '/audio',
    headers: [cookie, ['Content-Type', 'multipart/form-data']],
    body: 'x',
  };
  yield { what: 'another agent', headers: [cookie, ['User-Agent', 'thief']] };
  yield { what: 'another address', headers: [cookie], from: '127.0.0.9' };
  yield { what: 'a proxy that nobody trusts', headers: [cookie, ['X-Forwarded-For', '192.0.2.9']] };
  yield { what: 'two cookies', headers: [['Cookie', `${pair}; ${pair}`]] };
  yield { what: 'a cookie that is cut', headers: [['Cookie', pair.slice(0, -1)]] };
  yield { what: 'a path that is none', target: '/nothing', headers: [cookie] };
  yield {
    what: 'a token for an admin token',
    target: '/admin/sessions',
    headers: [['X-Admin-Token', visitor.token]],
    from: '127.0.0.8',
  };
}

/** An upload that is never finished. */
async function breakOff(port: number, visitor: Visitor): Promise<void> {
  const wire = await Wire.open(port, CLIENT);
  const [name, value] = cookieOf(visitor);
  wire.write(
    Buffer.from(
      `POST /audio HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${AGENT}\r\n${name}: ${value}\r\n` +
        'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n--x\r\n' +
        'Content-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\nRIFF',
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  wire.destroy();
}

import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setPrivateCookie, setPrivateToken } from '#sessions/http/token/private-response';

function newResponse(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

describe('A response that carries our cookie', () => {
  it('shares one writeHead with all others: a closure of its own would survive minor collections', () => {
    const [one, other] = [newResponse(), newResponse()];
    setPrivateCookie(one, 'sid', 'sid=1');
    setPrivateCookie(other, 'sid', 'sid=2');
    expect(Reflect.get(one, 'writeHead')).toBe(Reflect.get(other, 'writeHead'));
  });

  it('still calls a writeHead that was replaced before, once, however often it is marked', () => {
    const response = newResponse();
    const before = jest.spyOn(response, 'writeHead');
    setPrivateCookie(response, 'sid', 'sid=1');
    setPrivateCookie(response, 'sid', 'sid=2');
    response.writeHead(201, 'Made', { Vary: 'Accept', 'Set-Cookie': ['theme=dark', 'sid=0', 'sids=3'] });
    expect(before.mock.calls).toEqual([[201, 'Made']]);
    expect(before.mock.contexts).toEqual([response]);
    expect(response.getHeaders()).toEqual({
      vary: 'Accept, Cookie',
      'cache-control': 'no-store',
      'set-cookie': ['sid=2', 'theme=dark', 'sids=3'],
    });
  });

  it.each([
    [
      'pairs',
      [
        ['Set-Cookie', ['a=1', 'b=2']],
        ['X-A', '1'],
      ],
    ],
    ['names and values in turns', ['Set-Cookie', ['a=1', 'b=2'], 'X-A', '1']],
  ])('takes headers as %s, with lists as values', (_form, headers) => {
    const response = newResponse();
    setPrivateCookie(response, 'sid', 'sid=1');
    response.writeHead(200, headers as string[]);
    expect(response.getHeaders()).toMatchObject({ 'set-cookie': ['sid=1', 'a=1', 'b=2'], 'x-a': '1' });
  });

  it('tells no cache to store it, also none that has a header of its own', () => {
    const response = newResponse();
    setPrivateToken(response, 'token');
    response.setHeader('CDN-Cache-Control', 'public, max-age=600');
    response.writeHead(200, { 'Surrogate-Control': 'max-age=600' });
    expect(response.getHeaders()).toEqual({
      'cache-control': 'no-store',
      vary: 'Authorization',
      'x-session-token': 'token',
    });
  });

  it('carries no token that was taken back', () => {
    const response = newResponse();
    setPrivateToken(response, 'token');
    setPrivateToken(response, null);
    response.writeHead(200);
    expect(response.getHeader('x-session-token')).toBeUndefined();
  });
});

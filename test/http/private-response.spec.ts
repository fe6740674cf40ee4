import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setPrivateCookie } from '#sessions/http/token/private-response';

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
});

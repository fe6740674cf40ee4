import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { keepPrivate } from '#sessions/http/session/private-response';

function newResponse(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

describe('A response that carries our cookie', () => {
  it('is sent by one function for all: one of its own outlives minor collections, with all that hangs on it', () => {
    const [one, other] = [newResponse(), newResponse()];
    keepPrivate(one, 'sid');
    keepPrivate(other, 'sid');
    expect(Reflect.get(one, 'writeHead')).toBe(Reflect.get(other, 'writeHead'));
  });

  it('is still sent by what somebody else put in its place before, once, however often it is marked', () => {
    const response = newResponse();
    const before = jest.spyOn(response, 'writeHead');
    keepPrivate(response, 'sid');
    keepPrivate(response, 'sid');
    response.writeHead(201, 'Made', { Vary: 'Accept' });
    expect(before.mock.calls).toEqual([[201, 'Made']]);
    expect(before.mock.contexts).toEqual([response]);
    expect(response.getHeaders()).toEqual({ vary: 'Accept, Cookie', 'cache-control': 'no-store' });
  });
});

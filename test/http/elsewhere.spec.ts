import { ADAPTERS } from '../support/http-app.js';
import { TwoNodes } from '../support/two-nodes.js';
import { requestVerbatim } from '../support/verbatim-request.js';

const ADDRESS = 'https://b.example.com';

describe.each(ADAPTERS)('A file of another node, on %s', (adapter) => {
  let nodes: TwoNodes;
  afterEach(() => nodes.close());

  it('answers 421 to a download, a HEAD and a handler', async () => {
    nodes = await TwoNodes.start(adapter, { there: { nodeAddress: ADDRESS } });
    const id = await nodes.addFile(nodes.there);
    const refused = await nodes.ask(nodes.here, `/files/${id}`);
    expect(refused.status).toBe(421);
    expect(await refused.json()).toMatchObject({ code: 'RESOURCE_ELSEWHERE' });
    expect(refused.headers.get('location')).toBeNull();
    expect((await nodes.ask(nodes.here, `/files/${id}`, 'HEAD')).status).toBe(421);
    expect((await nodes.ask(nodes.here, `/files/${id}/length`, 'POST')).status).toBe(421);

    expect(await (await nodes.ask(nodes.there, `/files/${id}`)).text()).toBe('0123456789');
    expect(await (await nodes.ask(nodes.there, `/files/${id}/length`, 'POST')).json()).toMatchObject({
      length: 10,
    });
  });

  describe('with redirectToNode', () => {
    const here = { redirectToNode: true };

    it('redirects the client to that node, with its whole target', async () => {
      nodes = await TwoNodes.start(adapter, { here, there: { nodeAddress: ADDRESS } });
      const id = await nodes.addFile(nodes.there);
      for (const method of ['GET', 'HEAD']) {
        const sent = await nodes.ask(nodes.here, `/files/${id}?a=1&b=%2F`, method);
        expect([sent.status, sent.headers.get('location')]).toEqual([
          307,
          `${ADDRESS}/files/${id}?a=1&b=%2F`,
        ]);
      }
    });

    it('answers 421 if the request is not safe to repeat', async () => {
      nodes = await TwoNodes.start(adapter, { here, there: { nodeAddress: ADDRESS } });
      const id = await nodes.addFile(nodes.there);
      expect((await nodes.ask(nodes.here, `/files/${id}/length`, 'POST')).status).toBe(421);
    });

    it('answers 421 if that node has no address, or the same as this node', async () => {
      nodes = await TwoNodes.start(adapter, { here });
      expect((await nodes.ask(nodes.here, `/files/${await nodes.addFile(nodes.there)}`)).status).toBe(421);
      await nodes.close();
      const nodeAddress = ADDRESS;
      nodes = await TwoNodes.start(adapter, { here: { ...here, nodeAddress }, there: { nodeAddress } });
      expect((await nodes.ask(nodes.here, `/files/${await nodes.addFile(nodes.there)}`)).status).toBe(421);
    });

    it('redirects to the host of that node only, whatever the target', async () => {
      nodes = await TwoNodes.start(adapter, { here, there: { nodeAddress: ADDRESS } });
      const id = await nodes.addFile(nodes.there);
      const { headers } = nodes;
      for (const target of [`http://evil.example/files/${id}`, `//evil.example/files/${id}`]) {
        const answer = await requestVerbatim(nodes.here.url, target, { headers });
        expect([404, 421]).toContain(answer.status);
        expect(answer.headers.location).toBeUndefined();
      }
    });
  });
});

// A client that uploads: several files of one size, some at a time.
import { Agent, request as send } from 'node:http';
import { answer } from './harness/program.ts';

const BOUNDARY = '----nest-sessions-bench-boundary';

async function upload(port: number, count: number, bytes: number, together: number): Promise<number> {
  const [head, tail] = [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="phrase.webm"\r\nContent-Type: audio/webm\r\n\r\n`,
    `\r\n--${BOUNDARY}--\r\n`,
  ];
  const body = Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, 7), Buffer.from(tail)]);
  // Connections of its own: one that was idle since the round before may be closed by the server at any instant.
  const agent = new Agent({ keepAlive: true });
  try {
    const first = Buffer.concat([Buffer.from(head), Buffer.from(tail)]);
    const cookie = await post(agent, port, first, null);
    const startedAt = performance.now();
    let left = count;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await post(agent, port, body, cookie);
      }
    };
    await Promise.all(Array.from({ length: together }, work));
    return performance.now() - startedAt;
  } finally {
    agent.destroy();
  }
}

/** The cookie that came with the response, or the one that was sent. */
function post(agent: Agent, port: number, body: Buffer, cookie: string | null): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': body.length,
      'user-agent': 'nest-sessions bench',
      ...(cookie !== null && { cookie }),
    };
    const options = { host: '127.0.0.1', port, path: '/upload', method: 'POST', headers, agent };
    const request = send(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('end', () => {
        if (response.statusCode !== 201) reject(new Error(`${response.statusCode}: ${text}`));
        else resolve(response.headers['set-cookie']?.[0]?.split(';')[0] ?? cookie);
      });
    });
    request.once('error', reject);
    request.end(body);
  });
}

answer({ upload });

import { request, type IncomingHttpHeaders } from 'node:http';
import { request as secureRequest } from 'node:https';

export interface VerbatimRequest {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** Another address of the loopback network: to the server, another client. */
  readonly from?: string;
}

export interface VerbatimResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * A request whose path and headers go out as they are: no normalising, no merging, no following. Over HTTPS, every certificate is
 * trusted.
 */
export function requestVerbatim(
  baseUrl: string,
  path: string,
  init: VerbatimRequest = {},
): Promise<VerbatimResponse> {
  const { protocol, hostname, port, pathname } = new URL(baseUrl);
  const target = protocol === 'unix:' ? { socketPath: pathname } : { hostname, port };
  return new Promise((resolve, reject) => {
    const outgoing = (protocol === 'https:' ? secureRequest : request)(
      {
        ...target,
        path,
        method: init.method ?? 'GET',
        headers: { ...init.headers },
        agent: false,
        rejectUnauthorized: false,
        ...(init.from && { localAddress: init.from }),
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => (text += chunk));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
        );
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(init.body);
  });
}

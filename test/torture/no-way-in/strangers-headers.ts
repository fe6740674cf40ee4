import { createHash } from 'node:crypto';
import type { Chance } from '../bad-input/chance.ts';
import { cookieOf, type Visitor } from '../bad-input/visitors.ts';
import { swapCase } from './spellings.ts';

export type Header = readonly [name: string, value: string];

export interface AdminSecrets {
  readonly adminToken: string;
  /** The second of two configured ones. */
  readonly spareToken: string;
  readonly metricsToken: string;
}

/** Headers that nearly present an admin token: in the wrong place, not quite it, or from somebody who pretends. */
export class StrangersHeaders {
  readonly #secrets: AdminSecrets;
  readonly #visitors: readonly Visitor[];
  readonly #chance: Chance;

  constructor(secrets: AdminSecrets, visitors: readonly Visitor[], chance: Chance) {
    this.#secrets = secrets;
    this.#visitors = visitors;
    this.#chance = chance;
  }

  /** For a request of this path. */
  all(path: string): Header[][] {
    const { adminToken, spareToken } = this.#secrets;
    const values = this.#wrongValues();
    return [
      ...values.map((value): Header[] => [['X-Admin-Token', value]]),
      ...['Authorization', 'Proxy-Authorization'].flatMap((name): Header[][] => [
        [[name, `Bearer ${adminToken}`]],
        [[name, `Basic ${Buffer.from(`admin:${adminToken}`).toString('base64')}`]],
        [[name, adminToken]],
      ]),
      ...[
        'Admin-Token',
        'X-Admin',
        'X_Admin_Token',
        'X-Admin_Token',
        'XAdminToken',
        'X-Admin-Token2',
        'X-Api-Key',
        'X-Auth-Token',
        'X-Token',
        'X-Forwarded-X-Admin-Token',
        'X-Original-X-Admin-Token',
        'HTTP_X_ADMIN_TOKEN',
        '__proto__',
        'constructor',
        'Cookie2',
        'Referer',
        'From',
        'TE',
        'Trailer',
      ].map((name): Header[] => [[name, adminToken]]),
      ...['X-Admin-Token', 'x-admin-token', 'sid', 'token', 'ADMIN_TOKEN'].map((name): Header[] => [
        ['Cookie', `${name}=${adminToken}`],
      ]),
      [cookieOf(this.#chance.pick(this.#visitors))],
      [
        cookieOf(this.#chance.pick(this.#visitors)),
        ['X-Admin-Token', this.#chance.pick(this.#visitors).token],
      ],
      [
        ['X-Admin-Token', adminToken],
        ['X-Admin-Token', adminToken],
      ],
      [
        ['X-Admin-Token', adminToken],
        ['X-Admin-Token', spareToken],
      ],
      [
        ['X-Admin-Token', ''],
        ['X-Admin-Token', adminToken],
      ],
      [
        ['X-Admin-Token', adminToken],
        ['x-admin-token', ''],
      ],
      [
        ['X-Admin-Token', 'wrong'],
        ['X-ADMIN-TOKEN', adminToken],
      ],
      ...this.disguises(),
      ...['GET', 'POST', 'OPTIONS', 'DELETE'].flatMap((method): Header[][] =>
        ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method'].map((name) => [
          [name, method],
        ]),
      ),
      [['Host', 'localhost']],
      [['Host', '127.0.0.1:1']],
      [['Host', 'admin.internal']],
      [
        ['Origin', 'http://localhost'],
        ['Sec-Fetch-Site', 'same-origin'],
        ['Referer', `http://localhost${path}`],
      ],
      [
        ['Origin', 'http://localhost'],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'x-admin-token'],
      ],
      [
        ['Connection', 'close, X-Admin-Token'],
        ['X-Admin-Token', 'wrong'],
      ],
      [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ],
      [
        ['Connection', 'Upgrade, HTTP2-Settings'],
        ['Upgrade', 'h2c'],
        ['HTTP2-Settings', 'AAMAAABkAAQAoAAAAAIAAAAA'],
      ],
      [['Accept', 'text/event-stream']],
      [['Range', 'bytes=0-10']],
      [['If-None-Match', '*']],
      [['User-Agent', 'kube-probe/1.30']],
      [['Expect', '100-continue']],
    ];
  }

  /** A request that says it comes from the machine itself, or that it is for another path. */
  disguises(): Header[][] {
    const own = [
      'X-Forwarded-For',
      'X-Real-IP',
      'X-Client-IP',
      'Client-IP',
      'True-Client-IP',
      'CF-Connecting-IP',
      'X-Cluster-Client-IP',
      'X-Originating-IP',
      'X-Remote-IP',
      'X-Remote-Addr',
      'X-Custom-IP-Authorization',
    ];
    const paths = [
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-Forwarded-Prefix',
      'X-Forwarded-Path',
      'X-Override-URL',
    ];
    return [
      ...own.flatMap((name): Header[][] => [[[name, '127.0.0.1']], [[name, '::1, 127.0.0.1']]]),
      [['Forwarded', 'for=127.0.0.1;by=127.0.0.1;host=localhost;proto=https']],
      [
        ['X-Forwarded-Host', 'localhost'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-For', '127.0.0.1'],
      ],
      ...paths.map((name): Header[] => [[name, '/admin/sessions']]),
    ];
  }

  #wrongValues(): string[] {
    const { adminToken, spareToken, metricsToken } = this.#secrets;
    const visitor = this.#chance.pick(this.#visitors);
    const digest = createHash('sha256').update(adminToken);
    return [
      '',
      '0',
      'null',
      'undefined',
      'true',
      '*',
      '[object Object]',
      '{}',
      '{"$ne":null}',
      "' OR 1=1 --",
      'admin',
      adminToken.slice(0, -1),
      adminToken.slice(1),
      adminToken.slice(0, 32),
      `${adminToken}A`,
      `A${adminToken}`,
      adminToken.slice(0, -1) + (adminToken.endsWith('A') ? 'B' : 'A'),
      swapCase(adminToken),
      `"${adminToken}"`,
      `'${adminToken}'`,
      `Bearer ${adminToken}`,
      `${adminToken},${spareToken}`,
      `${adminToken}, ${adminToken}`,
      `${adminToken};`,
      `${adminToken}=`,
      `${adminToken}\0`,
      `${adminToken}\xff`,
      encodeURIComponent(`${adminToken} `),
      `%${adminToken}`,
      Buffer.from(adminToken).toString('base64'),
      Buffer.from(adminToken).toString('hex'),
      digest.copy().digest('hex'),
      digest.copy().digest('base64'),
      digest.copy().digest('base64url'),
      digest.digest('hex').toUpperCase(),
      metricsToken,
      visitor.token,
      visitor.sessionId,
      'A'.repeat(48),
      adminToken.repeat(40),
    ];
  }
}

/** Who is at the other end, as the HTTP border sees it. */
export interface Client {
  /** Canonical text of the address: no zone, an IPv4 address never in IPv6 clothes; `local` where there is none. */
  readonly ipAddress: string;
  readonly userAgent: string;
}

/** How strictly a session stays with the client that it began with. */
export interface BindingRule {
  /** What two addresses must have in common, as text: the same key, the same client. `null`: addresses are not compared. */
  readonly addressKey: ((ipAddress: string) => string) | null;
  readonly compareAgent: boolean;
}

export type Mismatch = 'address' | 'agent';

/** In what `client` differs from the one that the session is bound to; `null` if in nothing that counts. */
export function findMismatch(bound: Client, client: Client, rule: BindingRule): Mismatch | null {
  if (rule.addressKey && bound.ipAddress !== client.ipAddress) {
    if (rule.addressKey(bound.ipAddress) !== rule.addressKey(client.ipAddress)) return 'address';
  }
  return rule.compareAgent && bound.userAgent !== client.userAgent ? 'agent' : null;
}

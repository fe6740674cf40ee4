/** The client of a session, as HTTP sees it. */
export interface Client {
  /** Canonical address: no zone, IPv4-mapped IPv6 addresses converted to IPv4; `local` for none. */
  readonly ipAddress: string;
  readonly userAgent: string;
  /** Whether the address is that of a proxy, which told none for the client: others have it too, so no network is counted. */
  readonly sharesAddress?: boolean;
}

/** How strictly a session is bound to the client that opened it. */
export interface BindingRule {
  /** Addresses with the same key match. `null`: addresses are not compared. */
  readonly addressKey: ((ipAddress: string) => string) | null;
  readonly compareAgent: boolean;
}

export type Mismatch = 'address' | 'agent';

/** The property in which `client` differs from the bound client; `null` if the rule finds no difference. */
export function findMismatch(bound: Client, client: Client, rule: BindingRule): Mismatch | null {
  if (rule.addressKey && bound.ipAddress !== client.ipAddress) {
    if (rule.addressKey(bound.ipAddress) !== rule.addressKey(client.ipAddress)) return 'address';
  }
  return rule.compareAgent && bound.userAgent !== client.userAgent ? 'agent' : null;
}

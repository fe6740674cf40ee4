/** The client of a session, as HTTP sees it. */
export interface Client {
  /** Canonical address: no zone, IPv4-mapped IPv6 addresses converted to IPv4; `local` for none. */
  readonly ipAddress: string;
  readonly userAgent: string;
  /** Whether the address is that of a proxy, which told none for the client: others have it too, so no network is counted. */
  readonly sharesAddress?: boolean;
}

/** What a session is bound to. Instants are epoch milliseconds. */
export interface BoundClient extends Client {
  /** The address of the other family (IPv4, IPv6), once it is learnt. */
  readonly otherAddress: string | null;
  readonly createdAt: number;
  /** The latest login; `null` before the first. */
  readonly loggedInAt: number | null;
}

/** How strictly a session is bound to the client that opened it. */
export interface BindingRule {
  /** Addresses with the same key match. `null`: addresses are not compared. */
  readonly addressKey: ((ipAddress: string) => string) | null;
  /** Whether a session learns one address of the other family. */
  readonly learnsOtherFamily: boolean;
  /** Agents with the same key match. `null`: agents are not compared. */
  readonly agentKey: ((userAgent: string) => string) | null;
  /** Whether media players of a client's system may read. */
  readonly admitsPlayers: boolean;
}

export type Mismatch = 'address' | 'agent';

/**
 * `same`: the client that the session is bound to. `learn`: the same, at a first address of the other family, which the session
 * has to learn. `player`: a media player or download manager of that client's system. Else the property that differs.
 */
export type Fit = 'same' | 'learn' | 'player' | Mismatch;

/** How long after its opening or a login a session may learn an address. */
export const LEARNS_FOR_MS = 10 * 60_000;

/**
 * Whether a client that presents the session's token is the bound one; `onlyReads`: by GET or HEAD. Compares texts first: nearly
 * all requests come from the same address, with the same agent.
 */
export function judgeClient(
  bound: BoundClient,
  client: Client,
  rule: BindingRule,
  now: number,
  onlyReads = false,
): Fit {
  const knowsAddress = isKnownAddress(bound, client.ipAddress, rule);
  if (!knowsAddress && !mayLearn(bound, client, rule, now)) return 'address';
  if (isSameAgent(bound.userAgent, client.userAgent, rule)) return knowsAddress ? 'same' : 'learn';
  if (!rule.admitsPlayers || !onlyReads || !isMediaPlayer(client.userAgent)) return 'agent';
  return knowsAddress ? 'player' : 'address';
}

/** Whether a client with this fit may use the session. */
export function mayUse(fit: Fit): fit is 'same' | 'learn' | 'player' {
  return fit !== 'address' && fit !== 'agent';
}

function isKnownAddress(bound: BoundClient, address: string, { addressKey }: BindingRule): boolean {
  if (addressKey === null || address === bound.ipAddress || address === bound.otherAddress) return true;
  const key = addressKey(address);
  if (key === addressKey(bound.ipAddress)) return true;
  return bound.otherAddress !== null && key === addressKey(bound.otherAddress);
}

/** An address that other clients have too is never learnt. */
function mayLearn(bound: BoundClient, client: Client, rule: BindingRule, now: number): boolean {
  if (!rule.learnsOtherFamily || bound.otherAddress !== null || client.sharesAddress) return false;
  const [family, boundFamily] = [familyOf(client.ipAddress), familyOf(bound.ipAddress)];
  if (family === null || boundFamily === null || family === boundFamily) return false;
  return now - Math.max(bound.createdAt, bound.loggedInAt ?? 0) < LEARNS_FOR_MS;
}

/** The family of a canonical address; `null` for none. */
export function familyOf(address: string): 4 | 6 | null {
  if (address.includes(':')) return 6;
  return address.includes('.') ? 4 : null;
}

function isSameAgent(bound: string, agent: string, { agentKey }: BindingRule): boolean {
  return agentKey === null || bound === agent || agentKey(bound) === agentKey(agent);
}

/** Engines, the first that an agent names counts: nearly all name several, for the sake of old sites. */
const ENGINES: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['edge', /\bEdg(e|A|iOS)?\//],
  ['opera', /\bOP(R|T|X|iOS)\/|\bOpera\b/],
  ['samsung', /\bSamsungBrowser\//],
  ['yandex', /\bYaBrowser\//],
  ['firefox', /\b(Firefox|FxiOS)\//],
  ['chrome', /(Chrome|\bCriOS|\bChromium)\//],
  ['explorer', /\b(MSIE|Trident)\b/],
  ['webkit', /\b(AppleWebKit|Safari)\//],
];

/** Families of systems. A phone or tablet that asks for the page of a computer names another system of its family. */
const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['windows', /\bWindows\b/],
  ['apple', /\b(iPhone|iPad|iPod|Macintosh|Mac OS X|Darwin)\b/],
  ['linux', /\b(Android|Linux|X11|CrOS|Tizen|Web0S)\b/i],
];

/** Products of a system that fetch media and downloads for its browsers, with the browser's cookies. */
const MEDIA_PLAYER =
  /\b(AppleCoreMedia|stagefright|AndroidDownloadManager|AndroidVideoPlayer|NSPlayer|WMFSDK|Windows-Media-Player|QuickTime)\//i;

/**
 * The browser of a user agent, as far as updates, the desktop view and in-app browsers do not change it: engine and family of
 * the system. Of what is no browser it is the name of the first product.
 */
export function browserOf(userAgent: string): string {
  const engine = nameIn(ENGINES, userAgent) ?? /^[^/\s(]*/.exec(userAgent)?.[0].toLowerCase() ?? '';
  return `${engine} on ${nameIn(SYSTEMS, userAgent) ?? 'any'}`;
}

/** Whether a system's media player or download manager sent this user agent. */
export function isMediaPlayer(userAgent: string): boolean {
  return MEDIA_PLAYER.test(userAgent);
}

function nameIn(list: readonly (readonly [string, RegExp])[], userAgent: string): string | undefined {
  return list.find(([, pattern]) => pattern.test(userAgent))?.[0];
}

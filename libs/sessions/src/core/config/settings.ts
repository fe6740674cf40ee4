import {
  flag,
  flagOrList,
  hidden,
  list,
  matching,
  oneOf,
  orNull,
  path,
  paths,
  secret,
  wholeNumber,
} from './option-kinds.js';
import { Option } from './option.decorator.js';
import { isRedisUrl } from './redis-url.js';

const YEAR_SECONDS = 365 * 24 * 3600;
const COOKIE_NAME = matching(
  /^(?!bearer$)[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/,
  'must be a cookie name of 1 to 64 characters, and not `bearer`',
);
const DOMAIN = matching(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'must be a domain name');
const REDIS_URLS = hidden(
  list(
    'URLs such as redis://user:password@host:6379, with special characters encoded in the password (, is %2C)',
    64,
    { test: isRedisUrl },
  ),
);
const KEY_PREFIX = matching(/^[^{}\s]{1,64}$/, 'must be 1 to 64 characters, without braces and blanks');
const ORIGIN = matching(/^https?:\/\/[^/\s?#@]+$/, 'must be an origin such as https://a.example.com');
const ORIGINS = list(
  'origins such as https://app.example.com or capacitor://localhost, or null',
  100,
  /^(null|[a-z][a-z0-9+.-]*:\/\/[^/\s?#@]+)$/i,
);
const URL_PATHS = list(
  'paths of one segment or more, such as /assets, decoded and without a query',
  100,
  /^(?:\/[^/?#%*\\\p{Cc}]+)+\/?$/u,
);
const ADMIN_TOKENS = hidden(
  list(
    'tokens of 32 to 256 visible ASCII characters, no comma, not one character repeated; ' +
      'make one with: openssl rand -base64 48',
    8,
    /^(?!(.)\1*$)[!-+\--~]{32,256}$/,
  ),
);
const TOKEN_KEYS = hidden(
  list(
    'keys of 32 random bytes each, in base64; make one with: openssl rand -base64 32',
    8,
    /^(?!(.)\1*=$)[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  ),
);
const PARAMETERS = flagOrList(
  'names of parameters such as roomId',
  100,
  /^(?!(?:true|false)$)\w[\w.[\]-]{0,63}$/,
);
const TYPE_NAMES = list('names such as image_file', 8, /^[a-z][a-z0-9_]{0,31}$/);

/**
 * The table of options. An entry says all that the code knows of an option: its meaning, environment variable, valid
 * values, name and default. Durations are in seconds, sizes in bytes.
 */
export class SessionsSettings {
  /** Absolute end: seconds after the session began, whatever its activity. Default: 3600. */
  @Option('MAX_SESSION_DURATION', wholeNumber(1, YEAR_SECONDS)) maxDurationSeconds = 3600;
  /**
   * Idle end: seconds without activity; at most `maxDurationSeconds`.
   * Default: 900, or `maxDurationSeconds` if that is less.
   */
  @Option('MAX_SESSION_IDLE_TIME', wholeNumber(1, YEAR_SECONDS)) maxIdleSeconds = 900;
  /** Files that one session may hold; as many again may be on their way in. Default: 100. */
  @Option('MAX_RESOURCES_PER_SESSION', wholeNumber(1, 100_000)) maxResources = 100;
  /** Bytes of files that one session may hold; as many again may be on their way in. Default: 104857600. */
  @Option('MAX_BYTES_PER_SESSION', wholeNumber(1, Number.MAX_SAFE_INTEGER)) maxBytes = 104_857_600;
  /** Open streams of one session: event streams, WebSockets and the application's own. Default: 20. */
  @Option('SESSION_MAX_STREAMS_PER_SESSION', wholeNumber(1, 100_000)) maxStreamsPerSession = 20;
  /** Bytes of data that one session may hold: keys and JSON together. Default: 65536. */
  @Option('SESSION_MAX_DATA_BYTES', wholeNumber(1, 1_048_576)) maxDataBytes = 65_536;
  /** At a limit: `evict` the least recently used files, or `reject` the new one with 413. Default: `evict`. */
  @Option('SESSION_ON_LIMIT', oneOf('evict', 'reject')) onLimit: 'evict' | 'reject' = 'evict';
  /** Seconds between two runs of each cleanup job. Default: 60. */
  @Option('SESSION_CLEANUP_INTERVAL', wholeNumber(1, 86_400)) cleanupIntervalSeconds = 60;
  /** Minimum age in seconds before a file that no session owns is deleted; 60 or more. Default: 600. */
  @Option('SESSION_ORPHAN_GRACE', wholeNumber(60, YEAR_SECONDS)) orphanGraceSeconds = 600;
  /** Folder of the files and of the embedded database, for this module alone. Default: `data/sessions`. */
  @Option('SESSION_STORAGE_PATH', path) storagePath = 'data/sessions';
  /**
   * Where sessions are kept; with `memory` they do not survive a restart.
   * Default: `sqlite`, or `redis` if `redisUrls` is set.
   */
  @Option('SESSION_STORE', oneOf('sqlite', 'redis', 'memory'))
  store: 'sqlite' | 'redis' | 'memory' = 'sqlite';
  /**
   * One `redis://` or `rediss://` URL of a server, or of several nodes of a cluster. Setting it selects `store: 'redis'`;
   * together with another `store` it is a configuration error. URLs may hold passwords. Default: none.
   */
  @Option('SESSION_REDIS_URL', REDIS_URLS) redisUrls: readonly string[] = [];
  /** Prefix of all keys in Redis. Default: `nest-sessions:`. */
  @Option('SESSION_REDIS_PREFIX', KEY_PREFIX) redisPrefix = 'nest-sessions:';
  /**
   * When a client without a live session gets one: with its first `request`, or on the first `use` of the session in a handler. A
   * live session that a client presents is touched by every request all the same. Default: `request`.
   */
  @Option('SESSION_OPEN_ON', oneOf('request', 'use')) openOn: 'request' | 'use' = 'request';
  /**
   * Paths whose requests read, touch and open no session, as with `@SkipSession()`: `/assets` and all below it, compared as the
   * framework routes. A global prefix is part of the path: `/api/assets`. Default: none.
   */
  @Option('SESSION_EXCLUDE', URL_PATHS) exclude: readonly string[] = [];
  /** Live sessions at once, over all users. Default: 100000. */
  @Option('MAX_SESSIONS', wholeNumber(1, 100_000_000)) maxSessions = 100_000;
  /**
   * Sessions that one network (an IPv4 address, an IPv6 /56) may open in any minute, over all processes; 0: no limit.
   * Default: 1200.
   */
  @Option('SESSION_OPEN_RATE', wholeNumber(0, 100_000_000)) openRate = 1200;
  /**
   * Live sessions of one network whose cookie never came back, without resources and user; 0: no limit.
   * Default: 120.
   */
  @Option('SESSION_MAX_UNCONFIRMED_PER_NETWORK', wholeNumber(0, 10_000)) maxUnconfirmedPerNetwork = 120;
  /** Live sessions of one network without a user; 0: no limit. Default: 10000, or a tenth of `maxSessions`. */
  @Option('SESSION_MAX_SESSIONS_PER_NETWORK', wholeNumber(0, 100_000_000)) maxSessionsPerNetwork = 10_000;
  /** Bytes of the files of all sessions of one network without a user; 0: no limit. Default: 10737418240. */
  @Option('SESSION_MAX_BYTES_PER_NETWORK', wholeNumber(0, Number.MAX_SAFE_INTEGER))
  maxBytesPerNetwork = 10_737_418_240;
  /** Live sessions of one user; 0: no limit. Default: 0. */
  @Option('SESSION_MAX_SESSIONS_PER_USER', wholeNumber(0, 100_000)) maxSessionsPerUser = 0;
  /**
   * When a user with `maxSessionsPerUser` logs in to one more: `end-oldest`, the one that was opened first, or `refuse` the login with
   * 409. Default: `end-oldest`.
   */
  @Option('SESSION_ON_USER_LIMIT', oneOf('end-oldest', 'refuse'))
  onUserLimit: 'end-oldest' | 'refuse' = 'end-oldest';
  /** Files of all sessions of one user; 0: no limit. Default: 0. */
  @Option('SESSION_MAX_RESOURCES_PER_USER', wholeNumber(0, 100_000_000)) maxResourcesPerUser = 0;
  /** Bytes of the files of all sessions of one user; 0: no limit. Default: 0. */
  @Option('SESSION_MAX_BYTES_PER_USER', wholeNumber(0, Number.MAX_SAFE_INTEGER)) maxBytesPerUser = 0;
  /** Bytes of the files of all sessions; 0: no limit. Default: 0. */
  @Option('SESSION_MAX_TOTAL_BYTES', wholeNumber(0, Number.MAX_SAFE_INTEGER)) maxTotalBytes = 0;
  /**
   * What of the client's address must stay the same: `dual` (one IPv4 address and one IPv6 /64; the second one is learnt within
   * 10 minutes of the opening or a login), `exact` (the one address), `prefix` (IPv4 /24, IPv6 /64) or `off`. Default: `dual`.
   */
  @Option('SESSION_BIND_IP', oneOf('dual', 'exact', 'prefix', 'off'))
  bindIp: 'dual' | 'exact' | 'prefix' | 'off' = 'dual';
  /**
   * What of the client's user agent must stay the same: `browser` (engine and family of the system; media players of the
   * system may read), `exact` (all of it) or `off`. Default: `browser`.
   */
  @Option('SESSION_BIND_AGENT', oneOf('browser', 'exact', 'off'))
  bindAgent: 'browser' | 'exact' | 'off' = 'browser';
  /**
   * When address or agent differ: open a `fresh` session, `refuse` with 401, or `end` the session.
   * Default: `fresh`.
   */
  @Option('SESSION_ON_MISMATCH', oneOf('fresh', 'refuse', 'end'))
  onMismatch: 'fresh' | 'refuse' | 'end' = 'fresh';
  /**
   * Name of the cookie; on a secure connection after `__Host-`, or `__Secure-` if `cookieDomain` is set.
   * Default: `sid`.
   */
  @Option('SESSION_COOKIE_NAME', COOKIE_NAME) cookieName = 'sid';
  /**
   * How clients present their tokens: `cookie`, for browsers; `header`, as `Authorization: Bearer …`, for other clients, which
   * get new tokens in the response header `X-Session-Token`; or `both`, where a client with a bearer token gets no cookie.
   * Default: `cookie`.
   */
  @Option('SESSION_TOKEN_IN', oneOf('cookie', 'header', 'both'))
  tokenIn: 'cookie' | 'header' | 'both' = 'cookie';
  /** `SameSite` of the cookie; `none` needs https. Default: `lax`. */
  @Option('SESSION_COOKIE_SAMESITE', oneOf('lax', 'strict', 'none'))
  cookieSameSite: 'lax' | 'strict' | 'none' = 'lax';
  /** `Domain` of the cookie: its subdomains get the cookie too. Default: none, the host alone. */
  @Option('SESSION_COOKIE_DOMAIN', orNull(DOMAIN)) cookieDomain: string | null = null;
  /**
   * Origins, beside the server's own, whose pages may use sessions: `https://app.example.com`, `capacitor://localhost`; `null` for
   * pages without one. Default: none.
   */
  @Option('SESSION_ALLOWED_ORIGINS', ORIGINS) allowedOrigins: readonly string[] = [];
  /**
   * What happens to requests with a session cookie that pages of other origins send, unless they only read: `refuse` answers 403.
   * WebSockets are refused always. Default: `refuse`.
   */
  @Option('SESSION_CROSS_SITE', oneOf('refuse', 'allow')) crossSite: 'refuse' | 'allow' = 'refuse';
  /** Tokens that admin routes accept: one or, for rotation, several. Default: none, and admin routes answer 404. */
  @Option('ADMIN_TOKEN', ADMIN_TOKENS, 'ADMIN_TOKEN_FILE') adminTokens: readonly string[] = [];
  /** Tokens that look at everything that admin routes show, and change nothing. Default: none. */
  @Option('ADMIN_READ_TOKEN', ADMIN_TOKENS, 'ADMIN_READ_TOKEN_FILE') adminReadTokens: readonly string[] = [];
  /**
   * Keys that seal session tokens: one or, for rotation, several; the first that all live servers have seals new tokens. Who
   * reads the store cannot use a session then. Default: none, and tokens are not sealed.
   */
  @Option('SESSION_KEYS', TOKEN_KEYS, 'SESSION_KEYS_FILE') keys: readonly string[] = [];
  /** Bearer token that `/metrics` requires. Default: none, and `/metrics` is open. */
  @Option('SESSION_METRICS_TOKEN', orNull(secret(16, 256))) metricsToken: string | null = null;
  /** Types of resources that the application adds to the built-in ones: `image_file`. Default: none. */
  @Option('SESSION_RESOURCE_TYPES', TYPE_NAMES) resourceTypes: readonly string[] = [];
  /** Folders that `adoptFile` may take files from. Default: none. */
  @Option('SESSION_ADOPT_FROM', paths) adoptFrom: readonly string[] = [];
  /** Folders that `claim` may move files to. Default: none. */
  @Option('SESSION_CLAIM_TO', paths) claimTo: readonly string[] = [];
  /** Seconds without a byte of an upload before it is aborted. Default: 30. */
  @Option('SESSION_UPLOAD_IDLE_SECONDS', wholeNumber(1, 3600)) uploadIdleSeconds = 30;
  /** Seconds without a byte before a file that the application writes is given up. Default: 900. */
  @Option('SESSION_SINK_IDLE_SECONDS', wholeNumber(1, 86_400)) sinkIdleSeconds = 900;
  /**
   * Seconds without the client reading pending bytes of a download, event stream or WebSocket before its connection
   * is closed. Default: 30.
   */
  @Option('SESSION_DOWNLOAD_IDLE_SECONDS', wholeNumber(1, 3600)) downloadIdleSeconds = 30;
  /**
   * Bytes per second, on average from its tenth second on, below which an upload is aborted; 0: no limit.
   * Default: 0.
   */
  @Option('SESSION_MIN_UPLOAD_RATE', wholeNumber(0, 1_000_000_000)) minUploadRate = 0;
  /** Free bytes of the disk below which new bytes are refused with 507. Default: 268435456. */
  @Option('SESSION_MIN_FREE_BYTES', wholeNumber(0, Number.MAX_SAFE_INTEGER)) minFreeBytes = 268_435_456;
  /** Free inodes of the disk below which new files are refused with 507. Default: 1000. */
  @Option('SESSION_MIN_FREE_INODES', wholeNumber(0, Number.MAX_SAFE_INTEGER)) minFreeInodes = 1000;
  /**
   * Size of a file beside the database that is deleted when the disk is full, so that cleanup can write; 0: none.
   * Default: 8388608.
   */
  @Option('SESSION_BALLAST_BYTES', wholeNumber(0, 1_073_741_824)) ballastBytes = 8_388_608;
  /**
   * Whether a process remembers live sessions between requests; `false`: every request reads the store.
   * Default: `true`.
   */
  @Option('SESSION_CACHE', flag) cache = true;
  /**
   * Origin at which clients reach this machine itself, past any load balancer; other nodes redirect to it for its
   * files. Default: none.
   */
  @Option('SESSION_NODE_ADDRESS', orNull(ORIGIN)) nodeAddress: string | null = null;
  /**
   * Whether a request for a file of another node is redirected to that node's address (307), instead of answered 421.
   * Default: `false`.
   */
  @Option('SESSION_REDIRECT_TO_NODE', flag) redirectToNode = false;
  /**
   * What timelines tell: the `deeds` of a session's life (openings, logins, evictions, refusals, ends); `requests`, those and each
   * request; or `off`. Operators' deeds are audited in any case. Default: `deeds`.
   */
  @Option('SESSION_JOURNAL', oneOf('off', 'deeds', 'requests'))
  journal: 'off' | 'deeds' | 'requests' = 'deeds';
  /**
   * What timelines with `requests` hold of paths, beside the patterns of routes: `true`, whole paths with their queries; or names of
   * parameters, of routes and queries, whose values may be held: `['roomId', 'page']`. A replay needs paths that are held whole.
   * Applications may have names and secrets in their paths. Default: `false`.
   */
  @Option('SESSION_JOURNAL_PATHS', PARAMETERS) journalPaths: boolean | readonly string[] = false;
  /** Hours that the timeline of a session is kept after its end. Default: 24. */
  @Option('SESSION_JOURNAL_HOURS', wholeNumber(1, 8760)) journalHours = 24;
  /** Bytes of all timelines; beyond them requests go first, then the oldest sessions' timelines. Default: 67108864. */
  @Option('SESSION_JOURNAL_MAX_BYTES', wholeNumber(65_536, Number.MAX_SAFE_INTEGER)) journalMaxBytes =
    67_108_864;
  /** Active sessions above which an alert is raised. Default: 1000. */
  @Option('SESSION_ALERT_ACTIVE_SESSIONS', wholeNumber(1, 100_000_000)) alertActiveSessions = 1000;
  /** Share of a limit, in percent, above which a session raises an alert. Default: 80. */
  @Option('SESSION_ALERT_SESSION_PERCENT', wholeNumber(1, 100)) alertSessionPercent = 80;
  /** Failed cleanups in a row that raise an alert. Default: 1. */
  @Option('SESSION_ALERT_CLEANUP_FAILURES', wholeNumber(1, 1_000_000)) alertCleanupFailures = 1;
  /** Orphans found in one sweep that raise an alert. Default: 1. */
  @Option('SESSION_ALERT_ORPHANS', wholeNumber(1, 100_000_000)) alertOrphans = 1;
}

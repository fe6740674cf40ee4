import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';

const YEAR_SECONDS = 365 * 24 * 3600;
const COOKIE_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const TYPE_NAME = /^[a-z][a-z0-9_]{0,31}$/;

function WholeNumber(from: number, to: number): PropertyDecorator {
  const message = `must be a whole number from ${from} to ${to}`;
  return (target, property) => {
    IsInt({ message })(target, property);
    Min(from, { message })(target, property);
    Max(to, { message })(target, property);
  };
}

function OneOf(...words: string[]): PropertyDecorator {
  return IsIn(words, { message: `must be one of ${words.join(', ')}` });
}

function Texts(pattern: RegExp, what: string, most: number): PropertyDecorator {
  return (target, property) => {
    IsArray({ message: `must be a list of ${what}` })(target, property);
    ArrayMaxSize(most, { message: `must have at most ${most} entries` })(target, property);
    Matches(pattern, { each: true, message: `must be a list of ${what}` })(target, property);
  };
}

/**
 * Every setting, with the values it takes. `undefined` means the default. Durations are in seconds, sizes in bytes; the
 * environment names stand in `ENVIRONMENT`, the defaults in `DEFAULTS`.
 */
export class SessionsSettings {
  /** Absolute end: seconds after the session began. */
  @WholeNumber(1, YEAR_SECONDS) maxDurationSeconds!: number;
  /** Idle end: seconds without activity. Not more than `maxDurationSeconds`. */
  @WholeNumber(1, YEAR_SECONDS) maxIdleSeconds!: number;
  /** Resources that one session may hold. */
  @WholeNumber(1, 100_000) maxResources!: number;
  /** Bytes that one session may hold. */
  @WholeNumber(1, Number.MAX_SAFE_INTEGER) maxBytes!: number;
  /** At a limit: `evict` the least recently used, or `reject` the new one with 413. */
  @OneOf('evict', 'reject') onLimit!: 'evict' | 'reject';
  /** Seconds between two runs of each cleanup job. */
  @WholeNumber(1, 86_400) cleanupIntervalSeconds!: number;
  /** How old a file that no session owns must be before it is deleted. */
  @WholeNumber(60, YEAR_SECONDS) orphanGraceSeconds!: number;
  /** Folder of the files and of the embedded database. */
  @IsString({ message: 'must be a path' })
  @MinLength(1, { message: 'must be a path' })
  @Matches(/^[^\0]*$/, { message: 'must be a path' })
  storagePath!: string;
  /** What remembers the sessions. */
  @OneOf('sqlite', 'redis', 'memory') store!: 'sqlite' | 'redis' | 'memory';
  /** One `redis://` or `rediss://` URL for a server, several nodes of it for a cluster. Given alone, they choose `redis`. */
  @Texts(/^rediss?:\/\/[^\s,]+$/, 'URLs such as redis://user:password@host:6379', 64) redisUrls!: string[];
  /** What all keys in Redis begin with. */
  @Matches(/^[^{}\s]{1,64}$/, { message: 'must be 1 to 64 characters, without braces and blanks' })
  redisPrefix!: string;
  /** Sessions at once, over all users. */
  @WholeNumber(1, 100_000_000) maxSessions!: number;
  /** Sessions that one network may begin in a minute; 0: no limit. */
  @WholeNumber(0, 1_000_000) openRate!: number;
  /** What of the address must stay the same: `exact` (IPv6: its /64), `prefix` (IPv4 /24, IPv6 /64) or `off`. */
  @OneOf('exact', 'prefix', 'off') bindIp!: 'exact' | 'prefix' | 'off';
  @OneOf('exact', 'off') bindAgent!: 'exact' | 'off';
  /** When address or agent differ: a `fresh` session, `refuse` with 401, or `end` the session. */
  @OneOf('fresh', 'refuse', 'end') onMismatch!: 'fresh' | 'refuse' | 'end';
  @Matches(COOKIE_NAME, { message: 'must be a cookie name of 1 to 64 characters' }) cookieName!: string;
  @OneOf('lax', 'strict', 'none') cookieSameSite!: 'lax' | 'strict' | 'none';
  @IsOptional()
  @Matches(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i, { message: 'must be a domain name' })
  cookieDomain!: string | null;
  /** Origins, beside the server's own, whose pages may open WebSockets: `https://app.example.com`. */
  @Texts(/^https?:\/\/[^/\s]+$/, 'origins such as https://app.example.com', 100) allowedOrigins!: string[];
  /** One or, for rotation, several. None: admin routes answer 404. */
  @IsArray()
  @ArrayMaxSize(8, { message: 'must be at most 8 tokens' })
  @MinLength(32, {
    each: true,
    message: 'must be 32 to 256 characters; make one with: openssl rand -base64 48',
  })
  @MaxLength(256, {
    each: true,
    message: 'must be 32 to 256 characters; make one with: openssl rand -base64 48',
  })
  @Matches(/^[!-+\--~]+$/, { each: true, message: 'must be of visible ASCII characters, without commas' })
  @Matches(/^(?!(.)\1*$)/, {
    each: true,
    message: 'is one character repeated; make one with: openssl rand -base64 48',
  })
  adminTokens!: string[];
  /** Where set, `/metrics` wants it as a bearer token. */
  @IsOptional()
  @MinLength(16, { message: 'must be 16 to 256 characters' })
  @MaxLength(256, { message: 'must be 16 to 256 characters' })
  metricsToken!: string | null;
  /** Types of resources that the application adds to the built-in ones. */
  @Texts(TYPE_NAME, 'names such as image_file', 8) resourceTypes!: string[];
  /** Folders that `adoptFile` may take files from. */
  @Texts(/^[^\0]+$/, 'paths', 32) adoptFrom!: string[];
  /** An upload of which no byte came for so long is over. */
  @WholeNumber(1, 3600) uploadIdleSeconds!: number;
  /** A client that takes nothing of a download, an event stream or a WebSocket for so long, though it waits, is cut off. */
  @WholeNumber(1, 3600) downloadIdleSeconds!: number;
  /** An upload that is slower than so many bytes per second, on average from its tenth second on, is over; 0: no limit. */
  @WholeNumber(0, 1_000_000_000) minUploadRate!: number;
  /** Below this much free disk, new bytes are refused with 507. */
  @WholeNumber(0, Number.MAX_SAFE_INTEGER) minFreeBytes!: number;
  /** Below this many free inodes, new files are refused with 507. */
  @WholeNumber(0, Number.MAX_SAFE_INTEGER) minFreeInodes!: number;
  /** A file beside the database that is given up when the disk is full, so that cleanup can still write; 0: none. */
  @WholeNumber(0, 1_073_741_824) ballastBytes!: number;
  /** Whether live sessions are remembered between requests of one process. */
  @IsBoolean({ message: 'must be true or false' }) cache!: boolean;
  /** Where clients reach this machine itself, past any load balancer: other nodes send them there for its files. */
  @IsOptional()
  @Matches(/^https?:\/\/[^/\s?#@]+$/, { message: 'must be an origin such as https://a.example.com' })
  nodeAddress!: string | null;
  /** Whether a request for a file of another node is sent to the address of that node (307), instead of answered 421. */
  @IsBoolean({ message: 'must be true or false' }) redirectToNode!: boolean;
  /** Alert above so many active sessions. */
  @WholeNumber(1, 100_000_000) alertActiveSessions!: number;
  /** Alert when a session holds more than this part of a limit, in percent. */
  @WholeNumber(1, 100) alertSessionPercent!: number;
  /** Alert after so many failed cleanups in a row. */
  @WholeNumber(1, 1_000_000) alertCleanupFailures!: number;
  /** Alert when a sweep finds so many orphans or more. */
  @WholeNumber(1, 100_000_000) alertOrphans!: number;
}

/** The defaults: spec and README state them, and a test holds all three together. */
export const DEFAULTS: Readonly<SessionsSettings> = Object.freeze({
  maxDurationSeconds: 3600,
  maxIdleSeconds: 900,
  maxResources: 100,
  maxBytes: 104_857_600,
  onLimit: 'evict',
  cleanupIntervalSeconds: 60,
  orphanGraceSeconds: 600,
  storagePath: 'data/sessions',
  store: 'sqlite',
  redisUrls: [],
  redisPrefix: 'nest-sessions:',
  maxSessions: 100_000,
  openRate: 120,
  bindIp: 'exact',
  bindAgent: 'exact',
  onMismatch: 'fresh',
  cookieName: 'sid',
  cookieSameSite: 'lax',
  cookieDomain: null,
  allowedOrigins: [],
  adminTokens: [],
  metricsToken: null,
  resourceTypes: [],
  adoptFrom: [],
  uploadIdleSeconds: 30,
  downloadIdleSeconds: 30,
  minUploadRate: 0,
  minFreeBytes: 268_435_456,
  minFreeInodes: 1000,
  ballastBytes: 8_388_608,
  cache: true,
  nodeAddress: null,
  redirectToNode: false,
  alertActiveSessions: 1000,
  alertSessionPercent: 80,
  alertCleanupFailures: 1,
  alertOrphans: 1,
});

/** The environment variable of each setting. An option that is given wins. */
export const ENVIRONMENT: Readonly<Record<keyof SessionsSettings, string>> = Object.freeze({
  maxDurationSeconds: 'MAX_SESSION_DURATION',
  maxIdleSeconds: 'MAX_SESSION_IDLE_TIME',
  maxResources: 'MAX_RESOURCES_PER_SESSION',
  maxBytes: 'MAX_BYTES_PER_SESSION',
  onLimit: 'SESSION_ON_LIMIT',
  cleanupIntervalSeconds: 'SESSION_CLEANUP_INTERVAL',
  orphanGraceSeconds: 'SESSION_ORPHAN_GRACE',
  storagePath: 'SESSION_STORAGE_PATH',
  store: 'SESSION_STORE',
  redisUrls: 'SESSION_REDIS_URL',
  redisPrefix: 'SESSION_REDIS_PREFIX',
  maxSessions: 'MAX_SESSIONS',
  openRate: 'SESSION_OPEN_RATE',
  bindIp: 'SESSION_BIND_IP',
  bindAgent: 'SESSION_BIND_AGENT',
  onMismatch: 'SESSION_ON_MISMATCH',
  cookieName: 'SESSION_COOKIE_NAME',
  cookieSameSite: 'SESSION_COOKIE_SAMESITE',
  cookieDomain: 'SESSION_COOKIE_DOMAIN',
  allowedOrigins: 'SESSION_ALLOWED_ORIGINS',
  adminTokens: 'ADMIN_TOKEN',
  metricsToken: 'METRICS_TOKEN',
  resourceTypes: 'SESSION_RESOURCE_TYPES',
  adoptFrom: 'SESSION_ADOPT_FROM',
  uploadIdleSeconds: 'SESSION_UPLOAD_IDLE',
  downloadIdleSeconds: 'SESSION_DOWNLOAD_IDLE',
  minUploadRate: 'SESSION_MIN_UPLOAD_RATE',
  minFreeBytes: 'SESSION_MIN_FREE_BYTES',
  minFreeInodes: 'SESSION_MIN_FREE_INODES',
  ballastBytes: 'SESSION_BALLAST_BYTES',
  cache: 'SESSION_CACHE',
  nodeAddress: 'SESSION_NODE_ADDRESS',
  redirectToNode: 'SESSION_REDIRECT_TO_NODE',
  alertActiveSessions: 'SESSION_ALERT_ACTIVE',
  alertSessionPercent: 'SESSION_ALERT_PERCENT',
  alertCleanupFailures: 'SESSION_ALERT_CLEANUP_FAILURES',
  alertOrphans: 'SESSION_ALERT_ORPHANS',
});

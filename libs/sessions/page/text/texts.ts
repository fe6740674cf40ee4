import type { BulkReport } from '../server/answers.js';
import type { FilterFault } from '../state/session-filter.js';
import { formatBytes, formatDuration, formatNumber } from './format.js';

/** The text for a name of the server; a name that this page does not know stands for itself. */
export function known(names: Readonly<Partial<Record<string, string>>>, name: string): string {
  return Object.hasOwn(names, name) ? (names[name] ?? name) : name;
}

const PLURAL = new Intl.PluralRules('en');

function count(number: number, one: string, many: string): string {
  return `${formatNumber(number)} ${PLURAL.select(number) === 'one' ? one : many}`;
}

const sessionsOf = (number: number): string => count(number, 'session', 'sessions');
const filesOf = (files: number, bytes: string): string =>
  `${count(files, 'resource', 'resources')}, ${bytes}`;

/** Everything that the page says. */
export const texts = {
  title: 'Sessions',
  none: '–',
  nobody: 'nobody',
  loading: 'Loading …',
  more: 'Show more',
  refresh: 'Refresh',
  tryAgain: 'Try again',
  close: 'Close',
  cancel: 'Cancel',
  since: 'since',
  skip: 'Skip to the content',
  views: 'Views',
  viewNames: { sessions: 'Sessions', users: 'Users', trends: 'Trends', health: 'Health', audit: 'Audit' },
  key: 'Key',
  readOnly: 'Read only',
  shortcuts: {
    filter: ['/', 'filter'],
    rows: ['↑ ↓', 'rows'],
    open: ['Enter', 'open'],
    select: ['Space', 'select'],
    back: ['Esc', 'back, cancel'],
  },

  ago: (duration: string) => `${duration} ago`,
  filesOf,
  usedOf: (used: string, max: string) => `${used} of ${max}`,
  freeOf: (free: string, total: string) => `${free} free of ${total}`,

  signIn: {
    token: 'Admin token or read token',
    hint: 'The token is sent once. A cookie replaces it, for eight hours at most.',
    button: 'Sign in',
    out: 'Sign out',
    signedOut: 'You are signed out.',
    expiredTitle: 'Sign in again',
    expired: 'Your sign-in has expired, or the token was replaced. Nothing on this page is lost.',
    fault: (status: number | null, messages: readonly string[], retryAfter: number | null): string => {
      if (status === 401) return 'This token is not valid.';
      if (status === 429) {
        return `Too many wrong tokens. Try again ${retryAfter === null ? 'later' : `in ${formatDuration(retryAfter)}`}.`;
      }
      return texts.faults.of(status, messages);
    },
  },

  faults: {
    of: (status: number | null, messages: readonly string[]): string => {
      if (status === null) return 'The server did not answer.';
      if (messages.length > 0) return messages.join(' ');
      if (status === 403) return 'The server refused this.';
      if (status === 404) return 'The server does not know this.';
      return `The server answered with status ${status}.`;
    },
  },

  open: (active: number) => `${formatNumber(active)} open`,
  listed: (shown: number, isFirst: boolean, hasMore: boolean): string => {
    if (hasMore) return isFirst ? `The first ${formatNumber(shown)}` : `${formatNumber(shown)} on this page`;
    return isFirst ? sessionsOf(shown) : `The last ${formatNumber(shown)}`;
  },
  noSessions: 'No session is open.',
  noMatches: 'No session matches this filter.',
  endedSessions: 'Ended sessions',
  noLongerListed: '(no longer listed)',
  selectPage: 'Select all on this page',
  selectSession: (id: string) => `Select session ${id}`,
  shareOf: (id: string) => `Used by session ${id}, of its limits`,
  selected: (number: number) => `${formatNumber(number)} selected`,
  clearSelection: 'Clear selection',

  columns: {
    session: 'Session',
    user: 'User',
    address: 'Address',
    opened: 'Opened',
    idle: 'Idle',
    left: 'Time left',
    requests: 'Requests',
    files: 'Resources',
    bytes: 'Size',
    share: 'Used',
    state: 'State',
    ended: 'Ended',
    reason: 'Reason',
    by: 'By',
    lasted: 'Lasted',
  },
  states: { live: 'live', ending: 'over, files are being deleted', ended: 'over' },

  filter: {
    label: 'Filter',
    placeholder: 'user:anna idle>10m, or the id of a session',
    button: 'Filter',
    clear: 'Clear',
    terms: {
      'user:': 'Sessions of this user',
      'ip:': 'An address, or a network such as 10.0.0.0/8',
      'idle>': 'No activity for longer than: 600, 10m, 2h',
      'bytes>': 'More bytes in files than: 5000000, 5MB, 5MiB',
      'near:': 'At least this share of a limit is used: 80',
      'state:': 'live or ended',
    } as Readonly<Record<string, string>>,
    fault: ({ kind, text }: FilterFault): string => {
      switch (kind) {
        case 'word':
          return `“${text}” is no term. Use user: ip: idle> bytes> near: state: or the whole id of a session.`;
        case 'twice':
          return `${text} is given twice.`;
        case 'empty':
          return `${text} needs a value, with no space before it.`;
        case 'quote':
          return 'A quotation mark has no partner.';
        case 'seconds':
          return `${text}: use a number of seconds, or 30s, 10m, 2h, 1d.`;
        case 'bytes':
          return `${text}: use a number of bytes, or 500kB, 5MB, 5MiB, 1GB.`;
        case 'percent':
          return `${text}: use a percentage from 1 to 100.`;
        case 'state':
          return `${text}: use live or ended.`;
      }
    },
  },

  pages: {
    label: 'Pages',
    first: 'First page',
    next: 'Next page',
    page: (number: number) => `Page ${formatNumber(number)}`,
  },

  live: {
    states: {
      connecting: 'Connecting …',
      live: 'Live',
      stalled: 'The store does not answer',
      paused: 'Paused',
      hidden: 'Paused while hidden',
      disconnected: 'Disconnected',
    },
    pause: 'Pause',
    resume: 'Resume',
    retryIn: (seconds: number) => `next try in ${seconds} s`,
    retryNow: 'Try now',
    waiting: (number: number) => `${formatNumber(number)} new`,
  },

  ending: {
    title: 'End sessions',
    several: 'End several sessions',
    one: 'End session …',
    selected: 'End selected …',
    allThatMatch: 'End all that match …',
    applyFirst: 'The filter in the box is not in force yet.',
    sessions: 'Sessions',
    files: 'Resources',
    none: 'No live session is meant any more.',
    consequence: 'Their files are deleted and their streams are closed. This cannot be undone.',
    asOf: 'Only sessions that match and were opened until',
    type: (matched: number) => `Type ${matched} to confirm`,
    end: (matched: number) => `End ${sessionsOf(matched)}`,
    counted: ({ matched, resources, bytes }: BulkReport) =>
      `${sessionsOf(matched)}, ${filesOf(resources, formatBytes(bytes))}`,
    progress: (done: number, matched: number) =>
      `${formatNumber(done)} of ${sessionsOf(matched)} ended. This continues even if you leave the page.`,
    result: ({ cleaned, matched, resources, bytes }: BulkReport) =>
      `${formatNumber(cleaned)} of ${sessionsOf(matched)} ended; ${filesOf(resources, formatBytes(bytes))} released.`,
    pending: ({ resources, bytes, nodes }: NonNullable<BulkReport['pending']>) =>
      `${filesOf(resources, formatBytes(bytes))} will be deleted later by ${nodes.join(', ')}.`,
    failed: (number: number) => count(number, 'failure', 'failures'),
    retry: (number: number) => `Try ${count(number, 'session', 'sessions')} again`,
    mayHaveEnded: 'The answer was lost: sessions may have ended. Count again to see what is left.',
    countAgain: 'Count again',
  },

  session: {
    title: 'Session',
    back: '← Back to the list',
    unknown: 'No session has this id, or it ended too long ago.',
    facts: 'Facts',
    agent: 'User agent',
    binding: 'Bound to',
    bound: 'the address and the user agent above, by the rules of bindIp and bindAgent',
    lastActivity: 'Last activity',
    idleEnd: 'Ends if idle',
    absoluteEnd: 'Ends at the latest',
    incoming: 'On its way in',
    held: 'Held at its end',
    limits: 'Limits',
    limitNames: { files: 'Files', bytes: 'Size', streams: 'Streams' },
    files: 'Files',
    noFiles: 'No files.',
    evictionHint:
      'At a limit the file at the top is evicted first: it was used least recently. A file in use is skipped.',
    nextEvicted: 'evicted next',
    name: 'Name',
    type: 'Type',
    purpose: 'Purpose',
    lastUsed: 'Last used',
    created: 'Created',
    streams: 'Streams',
    noStreams: 'No open streams.',
    timeline: 'Timeline',
    noTimeline: 'No timeline is kept.',
  },
  entries: {
    opened: 'Opened',
    login: 'Logged in',
    regenerated: 'New token',
    evicted: 'File evicted',
    placed: 'File added',
    refused: 'File refused',
    mismatch: 'Token from another client',
    upload: 'Upload',
    download: 'Download',
    stream: 'Stream',
    request: 'Request',
    ended: 'Ended',
  },
  facts: {
    userHash: 'user hash',
    noRoute: 'no route',
    cut: 'client went away',
    ofAtMost: (limit: string) => `at most ${limit}`,
    after: (duration: string, requests: string) => `after ${duration}, requests: ${requests}`,
    inAndOut: (received: string, sent: string) => `${received} in, ${sent} out`,
    mismatches: { address: 'another address', agent: 'another user agent' },
    outcomes: {
      complete: 'complete',
      aborted: 'client went away',
      cut_off: 'cut off by the end of the session, a new token or a shutdown',
      failed: 'failed',
    },
    refusals: {
      too_large: 'too large',
      limit: 'limit reached',
      quota: 'quota reached',
      in_use: 'all other files are in use',
      streams: 'too many streams',
      disk: 'disk full',
    },
  },
  actors: {
    client: 'its client',
    app: 'the application',
    job: 'job',
    limit: 'limit',
    admin: 'admin key',
    cli: 'command line',
  },
  endReasons: {
    idle: 'idle',
    expired: 'expired',
    ended: 'ended by its user',
    admin: 'ended by an operator',
    evicted: 'evicted at a limit',
    unconfirmed: 'cookie never came back',
  },
  codes: {
    SESSION_GONE: 'was over already',
    STORAGE_UNAVAILABLE: 'is over, but its files could not be deleted yet',
    STORE_UNAVAILABLE: 'the store did not answer',
  },

  users: {
    noPath: 'Browsers cannot ask for a user with this id. The sessions can be shown.',
    by: 'Largest by',
    orders: { bytes: 'Size', resources: 'Resources', sessions: 'Sessions' },
    none: 'No user has an open session.',
    part: (number: number) => `Only the first ${formatNumber(number)} users were compared.`,
    all: '← All users',
    sessions: 'Sessions of this user',
  },

  trends: {
    range: 'Range',
    ranges: { '1h': '1 hour', '24h': '24 hours', '30d': '30 days' },
    by: { minute: 'By minute,', hour: 'By hour,', day: 'By day (UTC),' },
    figures: {
      opened: 'Opened and ended',
      ended: 'Ended, by reason',
      open: 'Open',
      bytes: 'Size of new files, by type',
      refused: 'Refused, by reason',
      durations: 'Duration of ended sessions',
    },
    opened: 'opened',
    ended: 'ended',
    open: 'most open at once',
    p50: 'half at most',
    p90: '90 % at most',
    p99: '99 % at most',
    total: 'In all',
    from: 'From',
    asTable: 'As a table',
    nothing: 'Nothing in this range.',
    chartOf: (title: string) => `Chart: ${title}. The same figures are in the table below.`,
  },
  refusals: {
    rate: 'too many openings',
    unconfirmed: 'too many without cookie',
    network_full: 'network full',
    full: 'server full',
    mismatch: 'another client',
    unknown_token: 'unknown token',
    ended_token: 'ended token',
    replaced_token: 'replaced token',
    several_cookies: 'several cookies',
    cross_site: 'cross-site',
  },
  fileRefusals: {
    too_large: 'file too large',
    limit: 'file: limit',
    quota: 'file: quota',
    in_use: 'file: all in use',
    streams: 'too many streams',
    disk: 'file: disk full',
  },

  health: {
    alerts: 'Alerts',
    noAlerts: 'No alert is raised.',
    alertNames: {
      active_sessions: 'Many sessions',
      session_near_limit: 'Sessions near a limit',
      cleanup_failed: 'Cleanup failed',
      orphans_found: 'Orphaned files',
    },
    cleanup: 'Cleanup',
    job: 'Job',
    jobs: { idle: 'Idle sessions', expired: 'Expired sessions', orphans: 'Orphaned files' },
    lastRun: 'Last run',
    took: 'Took',
    items: 'Items',
    failures: 'Failures',
    nextRun: 'Next run',
    due: (idle: number, expired: number) =>
      `Due at the next run: ${formatNumber(idle)} idle, ${formatNumber(expired)} expired.`,
    stuck: (stuck: number) =>
      stuck === 0
        ? 'Nothing is stuck.'
        : `${count(stuck, 'item', 'items')} could not be cleaned up in five tries:`,
    stuckItems: 'Stuck items',
    item: 'Item',
    attempts: 'Tries',
    nextTry: 'Next try',
    limitsDiffer: 'The running servers have different limits.',
    processes: 'Processes',
    host: 'Process',
    role: 'Role',
    roles: { server: 'server', cli: 'command' },
    alive: 'alive',
    silent: 'silent',
    version: 'Version',
    disk: 'Disk',
    started: 'Started',
    lastHeard: 'Last heard',
    nodes: 'Nodes',
    node: 'Node',
    nodeStates: { here: 'this one', live: 'live', away: 'away' },
    totals: 'Totals and limits',
    open: 'Open sessions',
    opened: 'Opened so far',
    ended: 'Ended so far',
    held: 'Held now',
    deleted: 'Released so far',
    maxDuration: 'Longest duration',
    maxIdle: 'Longest idle time',
    perSession: 'Most of one session',
    clock: 'Clock',
    clockStates: { trusted: 'trusted', doubted: 'in doubt: nothing is deleted for its age', wrong: 'wrong' },
  },

  audit: {
    at: 'At',
    deed: 'Deed',
    subject: 'On',
    outcome: 'Outcome',
    days: 'Days, UTC',
    from: 'From',
    to: 'Until before',
    none: 'No entries.',
    deeds: {
      end: 'End a session',
      'end-many': 'End several sessions',
      cleanup: 'Full cleanup',
      'forget-user': 'Forget a user',
      'forget-node': 'Forget a node',
      'trust-clock': 'Trust the clock',
      repair: 'Repair',
    },
    outcomes: { done: 'done', nothing: 'nothing to do', failed: 'failed', refused: 'refused' },
    wrongTokens: 'Wrong admin tokens',
    minute: 'Minute',
    network: 'Network',
    count: 'Count',
  },
};

import type { FileStorage } from '../ports/storage/file-storage.js';
import type { Clock } from '../ports/clock.js';
import type { SessionChange, SessionStore } from '../ports/store/session-store.js';
import type { StorageRoot } from '../ports/storage/storage-root.js';
import { LiveConnections } from './process/live-connections.js';
import { Alerts } from './process/alerts.js';
import { ChangeFeed } from './process/change-feed.js';
import { Attempts } from './cleanup/attempts.js';
import { Cleanup } from './cleanup/cleanup.js';
import { ClockTrust } from './clock/clock-trust.js';
import type { SessionsConfig } from './config/config.js';
import type { CoreContext } from './process/context.js';
import { SessionValues } from './data/session-values.js';
import { Ender } from './endings/ender.js';
import { OwedEnds } from './watch/owed-ends.js';
import { OwedEndsStore } from './endings/owed-ends-store.js';
import { RemoteEnds } from './endings/remote-ends.js';
import { SessionEventBus } from './watch/event-bus.js';
import { logEvents } from './watch/event-log.js';
import { Recovery } from './cleanup/recovery.js';
import { FileClaiming } from './ways-out/file-claiming.js';
import { FileLending } from './ways-out/file-lending.js';
import { FileReading } from './ways-out/file-reading.js';
import { FileUses } from './ways-out/file-uses.js';
import { FileWriting } from './resources/file-writing.js';
import { Limiter } from './resources/limiter.js';
import { describeError, type LogFor } from './watch/log.js';
import { MeteredStore } from './watch/metered-store.js';
import { RepeatedFailures } from './watch/repeated-failures.js';
import { recordDeeds } from './journal/deed-recorder.js';
import { EntryBuffer } from './journal/entry-buffer.js';
import { Forgetting } from './journal/forgetting.js';
import { SessionJournal } from './watch/session-journal.js';
import { TrendRecorder } from './journal/trend-recorder.js';
import { Nodes } from './process/nodes.js';
import { OrphanSweep } from './cleanup/orphan-sweep.js';
import { ThisProcess } from './process/this-process.js';
import { OpenSinks } from './resources/open-sinks.js';
import { Placer } from './resources/placer.js';
import { RefusalLog } from './resources/refusal-log.js';
import { Releaser } from './resources/releaser.js';
import { Resources } from './resources/resources.js';
import { KeyWatch } from './tokens/key-watch.js';
import { PlainTokens } from './tokens/plain-tokens.js';
import { SealedTokens } from './tokens/sealed-tokens.js';
import { SessionCache } from './process/session-cache.js';
import { SessionFinder } from './sessions/session-finder.js';
import { SessionLogins } from './sessions/session-logins.js';
import { RequestsInFlight } from './sessions/requests-in-flight.js';
import { SessionOpener } from './sessions/session-opener.js';
import { SessionLists } from './sessions/session-lists.js';
import { SessionSlices } from './sessions/session-slices.js';
import { SessionService } from './sessions/session.service.js';
import { GatedStore } from './versions/gated-store.js';
import { StoreTakeover } from './versions/store-takeover.js';
import { packageVersion } from './package-version.js';
import { TouchBuffer } from './process/touch-buffer.js';

/** Pause between two tries of what the store did not answer. */
const REPEAT_MS = 1000;

/** The ports and settings of a core. */
export interface CoreParts {
  readonly config: SessionsConfig;
  readonly store: SessionStore;
  readonly storage: FileStorage;
  readonly storageRoot: StorageRoot;
  readonly clock: Clock;
  readonly role: 'server' | 'cli';
  readonly logFor: LogFor;
}

/** Builds and connects the parts of one process: a server, or a command beside it. */
export class SessionsCore {
  readonly config: SessionsConfig;
  readonly clock: Clock;
  readonly store: MeteredStore;
  readonly storage: FileStorage;
  readonly storageRoot: StorageRoot;
  readonly events: SessionEventBus;
  readonly service: SessionService;
  readonly cleanup: Cleanup;
  readonly sweep: OrphanSweep;
  readonly alerts: Alerts;
  readonly finder: SessionFinder;
  readonly lists: SessionLists;
  readonly requests: RequestsInFlight;
  readonly values: SessionValues;
  readonly thisProcess: ThisProcess;
  readonly role: 'server' | 'cli';
  readonly feed: ChangeFeed;
  readonly nodes: Nodes;
  readonly keyWatch: KeyWatch;
  readonly clockTrust: ClockTrust;
  readonly sinks: OpenSinks;
  readonly failures: RepeatedFailures;
  readonly journal: SessionJournal;
  readonly entries: EntryBuffer;
  readonly trends: TrendRecorder;
  private readonly takeover: StoreTakeover;
  private readonly ender: Ender;
  private readonly owedEnds: OwedEnds;
  private owedTimer: NodeJS.Timeout | undefined;
  private readonly remoteEnds: RemoteEnds;
  private started = false;
  private readonly connections = new LiveConnections();

  constructor(private readonly parts: CoreParts) {
    const { config, storage, storageRoot, clock, role, logFor } = parts;
    const log = logFor('SessionService');
    const takeover = new StoreTakeover(parts.store, clock, log);
    this.takeover = takeover;
    const store = new MeteredStore(new GatedStore(parts.store, () => takeover.held), clock);
    this.failures = new RepeatedFailures(clock, log);
    const { failures } = this;
    const events = new SessionEventBus(failures);
    logEvents(events, logFor);
    const touches = new TouchBuffer(store.sessions, clock.now());
    const sealed = config.keys.length > 0 ? new SealedTokens(config.keys, config.cookieName) : null;
    const tokens = sealed ?? new PlainTokens();
    const { maxDurationMs, maxIdleMs, maxResources, maxBytes, maxSessions, cleanupIntervalMs } = config;
    const self = {
      role,
      address: config.nodeAddress,
      keyIds: sealed?.keyIds ?? [],
      version: packageVersion(),
      limits: { maxDurationMs, maxIdleMs, maxResources, maxBytes, maxSessions, cleanupIntervalMs },
    };
    const cache = new SessionCache(clock, config.cache);
    const thisProcess = new ThisProcess(store.fleet, storageRoot, touches, clock, self, log);
    const clockTrust = new ClockTrust(clock, store, log, () => {
      cache.clear();
      touches.discard();
    });
    const { connections } = this;
    const owedEnds = new OwedEnds();
    // Closed until the start has ended, which itself needs the store.
    const served = new GatedStore(store, () => takeover.refusal);
    this.journal = new SessionJournal(config, served.journal);
    const { journal } = this;
    // prettier-ignore
    const context: CoreContext = { config, store: new OwedEndsStore(served, owedEnds), storage, storageRoot, clock, clockTrust, events, thisProcess, tokens, cache, touches, connections, owedEnds, journal, failures, log };
    const background = { ...context, log: logFor('SessionCleanup') };

    const ender = new Ender(context);
    this.ender = ender;
    this.owedEnds = owedEnds;
    this.entries = new EntryBuffer(context);
    recordDeeds(context, this.entries);
    this.trends = new TrendRecorder(context);
    const forgetting = new Forgetting(context, ender);
    const releaser = new Releaser(context);
    this.nodes = new Nodes(context);
    const placer = new Placer(context, releaser);
    this.sinks = new OpenSinks(clock, config.sinkIdleMs);
    const { sinks } = this;
    const limiter = new Limiter(context, releaser);
    new RefusalLog({ ...context, log: logFor('SessionResources') }).listen();
    const writing = new FileWriting(context, { limiter, placer, releaser, sinks });
    const resources = new Resources(context, { writing, limiter, placer, releaser });
    const isLive = (id: string): Promise<boolean> => this.finder.isLiveNow(id);
    const uses = new FileUses(context, { isLive, placer, nodes: this.nodes });
    const reading = new FileReading(context, uses);
    const lending = new FileLending(context, uses);
    const claiming = new FileClaiming(context, { uses, resources });
    const opener = new SessionOpener(context, ender);
    this.finder = new SessionFinder(context, ender);
    this.keyWatch = new KeyWatch(sealed, () => thisProcess.listOtherServers(), log);
    this.requests = new RequestsInFlight(store.sessions, touches, clock);
    const attempts = new Attempts(background);
    const recovery = new Recovery(background, attempts, { ender, releaser, placer, claiming });
    this.remoteEnds = new RemoteEnds(
      () => thisProcess.nodeId,
      () => recovery.finishEndsNow(),
      clock,
    );
    const onChange = (change: SessionChange): void => {
      ender.apply(change);
      this.remoteEnds.onChange(change);
    };
    thisProcess.onReturn(() => connections.restore());
    const onReset = async (): Promise<void> => {
      await ender.recheck();
      await resources.releaseStrays();
    };
    this.feed = new ChangeFeed(store, cache, clock, log, onChange, onReset);
    this.sweep = new OrphanSweep(background, attempts);
    this.cleanup = new Cleanup(background, ender, { recovery, sweep: this.sweep, attempts });
    const { trends } = this;
    this.alerts = new Alerts({ ...context, log: logFor('SessionAlerts') }, (...seen) => trends.see(...seen));
    const { finder } = this;
    this.values = new SessionValues(context, (record) => finder.isLive(record));
    const { values } = this;
    const logins = new SessionLogins(context, opener, ender, resources);
    this.lists = new SessionLists(context, finder, new SessionSlices(store.resources));
    const waysOut = { uses, reading, lending, claiming };
    // prettier-ignore
    this.service = new SessionService(context, { finder, opener, logins, ender, forgetting, resources, waysOut, lists: this.lists, values });
    this.config = config;
    this.clock = clock;
    this.clockTrust = clockTrust;
    this.store = store;
    this.storage = storage;
    this.storageRoot = storageRoot;
    this.events = events;
    this.thisProcess = thisProcess;
    this.role = role;
  }

  /**
   * Connects store and storage, then starts heartbeats and polling. A server that finds the store in use by an older version
   * does so once that is gone; until then every call rejects with `STORE_INCOMPATIBLE`.
   */
  async start(): Promise<void> {
    // An embedded store is in the same folder: it must not be created in one that is refused.
    await this.storageRoot.inspect();
    if (await this.takeover.connect()) return this.startOn();
    if (this.takeover.held !== null && this.role === 'cli') throw this.takeover.held;
    this.takeover.startLater(() => this.startOn());
  }

  private async startOn(): Promise<void> {
    const { store, storageRoot } = this;
    await this.clockTrust.start();
    await storageRoot.connect(await store.ledger.identity());
    // Another process may have written a later counter meanwhile: an identity read after it decides.
    await storageRoot.noteStore(await store.ledger.identity());
    await this.storage.connect();
    await this.thisProcess.start();
    if (this.parts.role === 'server') await this.keyWatch.start();
    await this.feed.start();
    if (this.parts.role === 'server') this.alerts.start();
    // Begins the first minute.
    void this.trends.flush();
    this.owedTimer = setInterval(() => this.everySecond(), REPEAT_MS).unref();
    this.started = true;
  }

  /** Stops background work, waits for runs under way and closes connections. Store and storage still serve. */
  async quiesce(): Promise<void> {
    this.alerts.stop();
    await this.cleanup.stop();
    await this.connections.closeAll();
  }

  /** Lets the next start detect an older copy of the store that was restored while no process ran. */
  private async noteStore(): Promise<void> {
    if (this.parts.role === 'server' && this.started)
      await this.storageRoot.noteStore(await this.store.ledger.identity());
  }

  private everySecond(): void {
    if (this.store.trouble === 'newer') this.takeover.tellOfNewer();
    void this.ender.repeatOwed();
    void this.entries.flush();
    void this.trends.flush();
    // As long as the store does not answer, the next time asks again.
    void this.ender.recheckDoubtful().catch(() => {});
  }

  /** The last try, before the process forgets what it owes. */
  private async repeatOwed(): Promise<void> {
    clearInterval(this.owedTimer);
    await this.ender.repeatOwed();
    const { size } = this.owedEnds;
    if (size === 0) return;
    this.parts
      .logFor('SessionService')
      .warn(
        `The store could not take ${size} ends: these sessions go on until their limits, unless ended again.`,
      );
  }

  /** Flushes touches, then closes storage and store. Logs failures, never rejects. */
  async stop(): Promise<void> {
    const log = this.parts.logFor('SessionService');
    const steps = [
      () => this.takeover.stop(),
      () => this.feed.stop(),
      async () => this.keyWatch.stop(),
      () => this.remoteEnds.stop(),
      () => this.repeatOwed(),
      () => this.entries.flush(),
      () => this.trends.stop(),
      () => this.ender.stop(),
      () => this.thisProcess.stop(),
      async () => this.started && (await this.nodes.leave()),
      () => this.clockTrust.stop(),
      () => this.noteStore(),
      () => this.storage.close(),
      () => this.store.close(),
    ];
    for (const step of steps) {
      await step().catch((error: unknown) =>
        log.warn(`A step of the shutdown failed: ${describeError(error)}`),
      );
    }
  }
}

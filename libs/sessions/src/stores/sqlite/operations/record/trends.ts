import type { DatabaseSync } from 'node:sqlite';
import {
  isPeak,
  TREND_SPAN_NAMES,
  TREND_SPANS,
  trendStart,
  type TrendCounts,
  type TrendPoint,
  type TrendSpan,
} from '../../../../domain/trends/trend.js';
import type { InOneThread } from '../../../../ports/store/store-groups.js';
import type { TrendBatch, TrendQuery, TrendsGroup } from '../../../../ports/trends.js';
import { SPAN_NUMBERS } from '../../database/trends.schema.js';
import { numberOf, packId, textOf } from '../../database/values.js';

/** Counts of one instant. */
interface Counted {
  readonly at: number;
  readonly counts: TrendCounts;
}

/** Counts of one minute, hour or day, which a transaction adds. */
interface Addition {
  readonly span: TrendSpan;
  readonly at: number;
  readonly counts: Map<string, number>;
}

/** Also counts deeds for the other groups: a transaction writes each count once, however many of its calls raise it. */
export class SqliteTrends implements InOneThread<TrendsGroup> {
  readonly #add;
  readonly #number;
  readonly #keepNumber;
  readonly #dropNumber;
  readonly #dropNumbers;
  readonly #read;
  readonly #countOld;
  readonly #dropOld;
  #pending: Counted[] = [];

  constructor(db: DatabaseSync) {
    this.#add = db.prepare(`
      INSERT INTO trends (span, at, name, count) VALUES (:span, :at, :name, :count)
      ON CONFLICT (span, at, name) DO UPDATE SET
        count = iif(:isPeak, max(count, excluded.count), count + excluded.count)`);
    this.#number = db.prepare('SELECT number FROM trend_batches WHERE process_id = :id');
    this.#keepNumber = db.prepare(`
      INSERT INTO trend_batches (process_id, number, at) VALUES (:id, :number, :at)
      ON CONFLICT (process_id) DO UPDATE SET number = excluded.number, at = excluded.at`);
    this.#dropNumber = db.prepare('DELETE FROM trend_batches WHERE process_id = :id');
    this.#dropNumbers = db.prepare('DELETE FROM trend_batches WHERE at <= :before');
    this.#read = db.prepare(`
      SELECT at, json_group_object(name, count) AS counts FROM trends
      WHERE span = :span AND at >= :from AND at < :to GROUP BY at ORDER BY at`);
    this.#countOld = db.prepare(
      'SELECT count(DISTINCT at) AS points FROM trends WHERE span = :span AND at <= :before',
    );
    this.#dropOld = db.prepare('DELETE FROM trends WHERE span = :span AND at <= :before');
  }

  add({ processId, number, at, counts }: TrendBatch): void {
    const id = packId(processId);
    const known = this.#number.get({ id });
    if (known !== undefined && number <= numberOf(known, 'number')) return;
    this.#keepNumber.run({ id, number, at });
    this.count(at, counts);
  }

  /** Counts what a call does: see `mark`. */
  count(at: number, counts: TrendCounts): void {
    this.#pending.push({ at, counts });
  }

  read({ span, from, to }: TrendQuery): TrendPoint[] {
    return this.#read.all({ span: SPAN_NUMBERS[span], from, to }).map((row) => ({
      at: numberOf(row, 'at'),
      counts: JSON.parse(textOf(row, 'counts')) as TrendCounts,
    }));
  }

  prune(at: number): number {
    let points = 0;
    for (const name of TREND_SPAN_NAMES) {
      const old = { span: SPAN_NUMBERS[name], before: at - TREND_SPANS[name].keptMs };
      points += numberOf(this.#countOld.get(old) ?? {}, 'points');
      this.#dropOld.run(old);
    }
    // No process repeats a batch so late; `dropProcess` misses one that adds after its heartbeats ended.
    this.#dropNumbers.run({ before: at - TREND_SPANS.minute.keptMs });
    return points;
  }

  /** The process is gone: it repeats nothing. */
  forgetProcess(processId: string): void {
    this.#dropNumber.run({ id: packId(processId) });
  }

  /** Before a call: with the answer, `undo` forgets what the call counted. */
  mark(): number {
    return this.#pending.length;
  }

  undo(mark: number): void {
    this.#pending.length = mark;
  }

  /** Writes what the transaction has counted. */
  beforeCommit(): void {
    for (const { span, at, counts } of additionsOf(this.#pending)) {
      for (const [name, count] of counts) {
        this.#add.run({ span: SPAN_NUMBERS[span], at, name, count, isPeak: Number(isPeak(name)) });
      }
    }
  }

  /** After the commit or the rollback. */
  afterTransaction(): void {
    this.#pending = [];
  }
}

function additionsOf(all: readonly Counted[]): Iterable<Addition> {
  const additions = new Map<string, Addition>();
  for (const span of TREND_SPAN_NAMES) {
    for (const { at: instant, counts } of all) {
      const at = trendStart(span, instant);
      const key = `${span} ${at}`;
      const addition = additions.get(key) ?? { span, at, counts: new Map<string, number>() };
      additions.set(key, addition);
      for (const [name, count] of Object.entries(counts)) {
        if (count === 0) continue;
        const known = addition.counts.get(name) ?? 0;
        addition.counts.set(name, isPeak(name) ? Math.max(known, count) : known + count);
      }
    }
  }
  return additions.values();
}

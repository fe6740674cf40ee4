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
import type { TrendBatch, TrendQuery, TrendsGroup } from '../../../../ports/record/trends.js';
import { SPAN_NUMBERS } from '../../database/trends.schema.js';
import { numberOf, packId, textOf } from '../../database/values.js';

type Counts = Iterable<readonly [name: string, count: number]>;

/** Counts of one instant. */
interface Counted {
  readonly at: number;
  readonly counts: Counts;
}

/** Counts of one minute, hour or day, which a transaction adds. */
interface Addition extends Counted {
  readonly span: TrendSpan;
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
    this.#pending.push({ at, counts: Object.entries(counts) });
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

/** Of an hour and a day the minutes are summed up, which are fewer than the calls. */
function* additionsOf(counted: readonly Counted[]): Iterable<Addition> {
  let all = counted;
  for (const span of TREND_SPAN_NAMES) {
    const sums = new Map<number, Map<string, number>>();
    for (const { at: instant, counts } of all) {
      const at = trendStart(span, instant);
      const sum = sums.get(at) ?? new Map<string, number>();
      sums.set(at, sum);
      addTo(sum, counts);
    }
    const points = Array.from(sums, ([at, counts]) => ({ span, at, counts }));
    yield* points;
    all = points;
  }
}

function addTo(sum: Map<string, number>, counts: Counts): void {
  for (const [name, count] of counts) {
    if (count === 0) continue;
    const known = sum.get(name) ?? 0;
    sum.set(name, isPeak(name) ? Math.max(known, count) : known + count);
  }
}

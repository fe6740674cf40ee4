import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type {
  Inspected,
  InspectionCursor,
  InspectionGroup,
  StoreFault,
  StoreFinding,
} from '../../../../ports/inspection.js';
import type { InOneThread } from '../../../../ports/store/store-groups.js';
import { isDamaged } from '../../database/sqlite.errors.js';
import { idOf, numberOf, numberOrNull, packId, textOf, type Row } from '../../database/values.js';
import type { SqliteFleet } from '../fleet.js';
import { COUNT_RULES } from './count-rules.js';
import { detailOf, type InspectionRule, type Run } from './inspection-rule.js';
import { ROW_RULES, UNOWNED } from './row-rules.js';

/** Rows that a slice goes through. */
const SLICE = 500;
/** Findings of one slice: a rule that finds more names the first. */
const MOST = 200;

/** The last part: `PRAGMA quick_check` of each table. */
const INTEGRITY = 'integrity';
const RULES: readonly InspectionRule[] = [...ROW_RULES, ...COUNT_RULES];

interface Position {
  /** The index of a rule, or that after the last: the pages. */
  readonly rule: number;
  /** The last key of the slice before; of pages, the number of tables that were checked. */
  readonly after: number;
}

/**
 * Each slice is one transaction, so what the database keeps and its rows are of one moment. Statements are prepared when they
 * are needed: servers never inspect.
 */
export class SqliteInspection implements InOneThread<InspectionGroup> {
  readonly #statements = new Map<string, StatementSync>();
  readonly #run: Run = (sql, values = {}) => void this.#statement(sql).run(values);

  constructor(
    private readonly db: DatabaseSync,
    private readonly fleet: SqliteFleet,
  ) {}

  check(cursor: InspectionCursor | null, at: number): Inspected {
    const position = positionAt(cursor);
    const rule = RULES[position.rule];
    if (rule === undefined) return this.#checkPages(position);
    const through = rule.slices === null ? null : this.#endOf(rule.slices, position.after);
    const rows = readable(() => this.#wrong(rule, at, { after: position.after, through: through ?? 0 }));
    return {
      findings: rows,
      next: cursorOf(through === null ? nextRule(position) : { ...position, after: through }),
    };
  }

  recheck(finding: StoreFinding, at: number): StoreFinding | null {
    if (finding.part === INTEGRITY) return this.#quickCheck(finding.subject)[0] ?? null;
    const rule = ruleOf(finding);
    if (rule === undefined) return null;
    return readable(() => this.#again(rule, finding, at).map((row) => findingOf(rule, row)))[0] ?? null;
  }

  repair(finding: StoreFinding, at: number): boolean {
    const rule = ruleOf(finding);
    if (rule === undefined) return false;
    const [row] = this.#again(rule, finding, at);
    if (row === undefined) return false;
    if (rule === UNOWNED) this.fleet.giveUp(subjectOf(row));
    else if (rule.mend === undefined) return false;
    else rule.mend(row, this.#run);
    return true;
  }

  #wrong(rule: InspectionRule, at: number, slice: { after: number; through: number }): StoreFinding[] {
    return this.#rows(rule, at, slice)
      .slice(0, MOST)
      .map((row) => findingOf(rule, row));
  }

  #rows(
    { wrong, slices, asksAt }: InspectionRule,
    at: number,
    slice: { after: number; through: number },
  ): Row[] {
    return this.#statement(wrong).all({ ...(slices && slice), ...(asksAt && { at }) });
  }

  /** What the rule finds about the subject now. */
  #again(rule: InspectionRule, { subject }: StoreFinding, at: number): Row[] {
    let slice = { after: 0, through: 0 };
    if (rule.slices !== null) {
      const row = this.#statement(`SELECT key FROM ${rule.slices} WHERE id = :id`).get({
        id: packId(subject),
      });
      if (row === undefined) return [];
      const key = numberOf(row, 'key');
      slice = { after: key - 1, through: key };
    }
    return this.#rows(rule, at, slice).filter((row) => subjectOf(row) === subject);
  }

  /** The last key of the slice that follows a key; `null` if it is the last. */
  #endOf(table: string, after: number): number | null {
    const sql = `SELECT max(key) AS through FROM (SELECT key FROM ${table} WHERE key > :after ORDER BY key LIMIT ${SLICE})`;
    return numberOrNull(this.#statement(sql).get({ after }) ?? { through: null }, 'through');
  }

  #checkPages(position: Position): Inspected {
    const tables = this.#statement("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    const table = tables[position.after];
    if (table === undefined) return { findings: [], next: null };
    return {
      findings: this.#quickCheck(textOf(table, 'name')),
      next: cursorOf({ ...position, after: position.after + 1 }),
    };
  }

  #quickCheck(table: string): StoreFinding[] {
    try {
      const rows = this.#statement(`PRAGMA quick_check("${table.replaceAll('"', '')}")`).all();
      const faults = rows.map((row) => textOf(row, 'quick_check')).filter((text) => text !== 'ok');
      return faults.length === 0 ? [] : [damage(table, faults.join('; '))];
    } catch (error) {
      if (!isDamaged(error)) throw error;
      return [damage(table, error instanceof Error ? error.message : String(error))];
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

/** Nothing where a page cannot be read: the check of the pages tells. */
function readable(work: () => StoreFinding[]): StoreFinding[] {
  try {
    return work();
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return [];
  }
}

function ruleOf({ part }: StoreFinding): InspectionRule | undefined {
  return RULES.find(({ name }) => name === part);
}

function findingOf({ name, fault }: InspectionRule, row: Row): StoreFinding {
  return made(name, fault, subjectOf(row), detailOf(row));
}

function damage(table: string, detail: string): StoreFinding {
  return made(INTEGRITY, 'integrity', table, detail);
}

function made(part: string, fault: StoreFault, subject: string, detail: string): StoreFinding {
  return { fault, part, subject, detail };
}

function subjectOf(row: Row): string {
  return idOf(row, 'subject');
}

function positionAt(cursor: InspectionCursor | null): Position {
  const [rule = 0, after = 0] = (cursor ?? '0:0').split(':').map(Number);
  return { rule, after };
}

function nextRule({ rule }: Position): Position {
  return { rule: rule + 1, after: 0 };
}

function cursorOf({ rule, after }: Position): InspectionCursor {
  return `${rule}:${after}`;
}

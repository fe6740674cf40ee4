import { changeIds, isUuid } from '../../domain/ids.js';

/** What a server answered, as far as ids are sought in it. */
export interface IdSource {
  /** The body, if it is JSON. */
  readonly json: string | null;
  readonly location: string | null;
}

const SESSION_FIELD = /^session_?id$/i;

/** Which id of a replay stands for which of the recording. */
export class ReplayedIds {
  private readonly replayed = new Map<string, string>();
  private readonly taken = new Set<string>();

  constructor(private readonly sessionId: string | null) {}

  /** A recorded path with the ids of the replay. */
  inPath(path: string): string {
    return changeIds(path, (id) => this.replayed.get(id) ?? id);
  }

  /** The ids that the answer to `path` has anew stand, in order, for those that were `placed` when it was recorded. */
  learn(answer: IdSource, path: string, placed: readonly string[]): void {
    this.learnSession(answer.json);
    const known = new Set(idsIn(path));
    const fresh = new Set([...idsIn(answer.json ?? ''), ...idsIn(answer.location ?? '')]);
    const ids = [...fresh].filter((id) => !known.has(id) && !this.taken.has(id));
    for (const [index, recorded] of placed.entries()) {
      const id = ids[index];
      if (id !== undefined) this.note(recorded, id);
    }
  }

  private learnSession(json: string | null): void {
    const id = this.sessionId === null || json === null ? null : sessionIn(json);
    if (this.sessionId !== null && id !== null) this.note(this.sessionId, id);
  }

  private note(recorded: string, id: string): void {
    this.replayed.set(recorded, id);
    this.taken.add(id);
  }
}

/** All ids of a text, in order. */
export function idsIn(text: string): string[] {
  const ids: string[] = [];
  changeIds(text, (id) => (ids.push(id), id));
  return ids;
}

/** The value of the field `session_id` or `sessionId`, the first of them. */
function sessionIn(json: string): string | null {
  let found: string | null = null;
  try {
    JSON.parse(json, (name, value: unknown) => {
      if (found === null && SESSION_FIELD.test(name) && isUuid(value)) found = value;
      return value;
    });
  } catch {
    return null; // Whatever it says it is: it was cut, or is no JSON.
  }
  return found;
}

import { randomInt } from 'node:crypto';
import { SessionsError } from '../../domain/errors.js';
import type { SessionRef } from '../handles/session.js';
import type { SessionDataKey, SessionDataTypes } from '../handles/session-data.js';
import type { SessionDataView } from '../handles/session-data-view.js';
import { dataTextOf, requireDataKey } from './data-text.js';
import type { SessionTexts, SessionValues } from './session-values.js';

/** Tries of a change whose value others change meanwhile. */
const MOST_TRIES = 10;
/** The longest pause after a try grows by so much with each. */
const PAUSE_MS = 8;

/** The data of one session. A view that keeps what it read reads the store once, and sees its own writes. */
export class ValuesView implements SessionDataView {
  private kept: Promise<Map<string, string>> | null = null;

  constructor(
    private readonly values: Pick<SessionValues, 'read' | 'write'>,
    private readonly session: SessionRef,
    private readonly keeps: boolean,
  ) {}

  async get<Key extends SessionDataKey>(key: Key): Promise<SessionDataTypes[Key] | undefined> {
    requireDataKey(key);
    return valueIn(await (this.kept ?? this.read()), key);
  }

  async set<Key extends SessionDataKey>(key: Key, value: SessionDataTypes[Key]): Promise<void> {
    requireDataKey(key);
    const json = dataTextOf(value);
    await this.values.write(this.session, { key, json });
    await this.note(key, json);
  }

  async update<Key extends SessionDataKey>(
    key: Key,
    change: (value: SessionDataTypes[Key] | undefined) => SessionDataTypes[Key],
  ): Promise<SessionDataTypes[Key]> {
    requireDataKey(key);
    return this.untilUnchanged(this.kept, async (texts) => {
      const expected = texts.get(key) ?? null;
      const value = change(valueIn(texts, key));
      const json = dataTextOf(value);
      if (!(await this.values.write(this.session, { key, json, expected }))) return null;
      await this.note(key, json);
      return { value };
    });
  }

  async take<Key extends SessionDataKey>(key: Key): Promise<SessionDataTypes[Key] | undefined> {
    requireDataKey(key);
    // What this view does not have may have been set since.
    const kept = (await this.kept)?.has(key) ? this.kept : null;
    return this.untilUnchanged(kept, async (texts) => {
      const expected = texts.get(key);
      if (expected === undefined) return { value: undefined };
      const value = valueIn(texts, key);
      if (!(await this.values.write(this.session, { key, json: null, expected }))) return null;
      await this.note(key, null);
      return { value };
    });
  }

  async remove(key: SessionDataKey): Promise<void> {
    requireDataKey(key);
    await this.values.write(this.session, { key, json: null });
    await this.note(key, null);
  }

  private read(): Promise<SessionTexts> {
    const reading = this.values.read(this.session).then((texts) => new Map(texts));
    if (!this.keeps) return reading;
    this.kept = reading;
    reading.catch(() => {
      if (this.kept === reading) this.kept = null;
    });
    return reading;
  }

  private async note(key: string, json: string | null): Promise<void> {
    // A read that fails is none.
    const texts = await this.kept?.catch(() => null);
    if (json === null) texts?.delete(key);
    else texts?.set(key, json);
  }

  /** Repeats `step` with what the store has now until it answers something: `null` if the value had changed. */
  private async untilUnchanged<Value>(
    kept: Promise<SessionTexts> | null,
    step: (texts: SessionTexts) => Promise<{ readonly value: Value } | null>,
  ): Promise<Value> {
    let texts = await (kept ?? this.read());
    for (let tries = 1; ; tries += 1) {
      const answer = await step(texts);
      if (answer !== null) return answer.value;
      if (tries === MOST_TRIES) throw busy();
      await pause(tries);
      texts = await this.read();
    }
  }
}

function valueIn<Key extends SessionDataKey>(
  texts: ReadonlyMap<string, string>,
  key: Key,
): SessionDataTypes[Key] | undefined {
  const json = texts.get(key);
  return json === undefined ? undefined : (JSON.parse(json) as SessionDataTypes[Key]);
}

/** Of several that change one value at once, each waits for another time. */
function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, randomInt(tries * PAUSE_MS)));
}

function busy(): SessionsError {
  return new SessionsError(
    'DATA_BUSY',
    `Other requests changed this value ${MOST_TRIES} times meanwhile: repeat the request.`,
  );
}

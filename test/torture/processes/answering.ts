/** What a process of a campaign is asked by the campaign. */
export interface Question {
  readonly id: number;
  readonly question: string;
  readonly about: unknown;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export type Answers = Readonly<Record<string, (about: never) => unknown>>;

/** Answers the campaign's questions until it says SIGTERM, or is gone; `end` is what is to be done then. */
export function answerQuestions(answers: Answers, end: () => Promise<void>): void {
  let ending: Promise<void> | undefined;
  const endOnce = (): void => {
    ending ??= end().finally(() => process.exit());
  };
  process.once('SIGTERM', endOnce);
  process.once('disconnect', endOnce);
  process.on('message', (message) => void answer(answers, message as Question).then(send));
}

async function answer(answers: Answers, { id, question, about }: Question): Promise<Answer> {
  try {
    const find = answers[question];
    if (!find) throw new Error(`No answer to ${question}.`);
    return { id, value: await find(about as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function send(answer: Answer): void {
  if (process.connected) process.send?.(answer);
}

/** What every process can tell of itself. */
export const aboutItself: Answers = {
  /** Bytes that it takes, once all garbage is gone. */
  async memory() {
    for (let round = 0; round < 4; round += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return process.memoryUsage();
  },
};

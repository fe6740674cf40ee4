/** The server refused a request, or did not answer it. */
export class ServerFault extends Error {
  constructor(
    /** `null`: no answer came, or only a part of it. */
    readonly status: number | null,
    /** Of the server; empty if it said nothing that is meant for people. */
    readonly messages: readonly string[],
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(messages.join(' ') || `status ${status ?? 'none'}`);
  }

  static async of(response: Response): Promise<ServerFault> {
    const retryAfter = Number(response.headers.get('retry-after'));
    return new ServerFault(
      response.status,
      await messagesOf(response),
      Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
    );
  }
}

/** Nest answers `{ message }`: a sentence, or several. What a proxy says instead is of no use here. */
async function messagesOf(response: Response): Promise<readonly string[]> {
  try {
    const { message }: { message?: unknown } = JSON.parse(await response.text());
    if (typeof message === 'string') return [message];
    return Array.isArray(message) ? message.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { VerbatimResponse } from '../support/verbatim-request.js';

export const OPENAPI_FILE = createRequire(import.meta.filename).resolve('nest-sessions/openapi.json');

interface Response {
  readonly $ref?: string;
  readonly headers?: object;
}

interface Operation {
  readonly security: readonly Record<string, unknown>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, Response>>;
}

interface Document {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
}

export interface DocumentedOperation extends Operation {
  /** `GET /admin/sessions/{session_id}`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

/** The document that the package ships, and the answers that were held against it. */
export class OpenApi {
  readonly document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as Document;
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  private readonly checks = new Map<string, ValidateFunction>();
  private readonly seen = new Set<string>();

  constructor() {
    (formats as unknown as (ajv: Ajv2020) => void)(this.ajv);
    this.ajv.addSchema(this.document, 'openapi');
  }

  get operations(): DocumentedOperation[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([verb, operation]) => {
        const method = verb.toUpperCase();
        return { ...operation, name: `${method} ${path}`, method, path };
      }),
    );
  }

  /** `GET /admin/sessions 200`, for every answer of every operation. */
  get documentedAnswers(): string[] {
    return this.operations
      .flatMap(({ name, responses }) => Object.keys(responses).map((status) => `${name} ${status}`))
      .toSorted();
  }

  get seenAnswers(): string[] {
    return [...this.seen].toSorted();
  }

  /** What is wrong with an answer, by the document. */
  faultsOf({ name, path, method, responses }: DocumentedOperation, answer: VerbatimResponse): string[] {
    const { status, headers, text } = answer;
    const at = `${name} ${status}`;
    const response = responses[status];
    if (response === undefined) return [`${at} is not documented: ${text}`];
    this.seen.add(at);
    const where = ['', 'paths', path, method.toLowerCase(), 'responses', String(status)]
      .map(escaped)
      .join('/');
    const pointer = response.$ref ?? `#${where}`;
    const { headers: promised } = this.resolve(response);
    if (promised && headers['retry-after'] === undefined) return [`${at} has no Retry-After`];
    if (!headers['content-type']?.startsWith('application/json')) return [`${at} is no JSON`];
    const check = this.checkOf(`openapi${pointer}/content/application~1json/schema`);
    const body: unknown = JSON.parse(text);
    if (!check(body)) return [`${at}: ${this.ajv.errorsText(check.errors)} in ${text.slice(0, 2000)}`];
    // A field that nobody documents must not pass.
    return check({ ...Object(body), undocumented: 1 }) ? [`${at} allows any field`] : [];
  }

  private resolve(response: Response): Response {
    const name = response.$ref?.split('/').at(-1);
    return name === undefined ? response : (this.document.components.responses[name] ?? {});
  }

  private checkOf($ref: string): ValidateFunction {
    const known = this.checks.get($ref) ?? this.ajv.compile({ $ref });
    this.checks.set($ref, known);
    return known;
  }
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

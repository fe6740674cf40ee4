import { oneLine } from '../../../core/watch/log.js';
import { SessionsError } from '../../../domain/errors.js';
import type { FieldPlan } from './upload-plan.js';

/** A client's own word in an error message is cut to this length. */
const MAX_QUOTED = 100;

/** The body is malformed, or has parts that this route does not accept. */
export function invalidUpload(message: string, cause?: unknown): SessionsError {
  return new SessionsError('UPLOAD_INVALID', message, cause === undefined ? {} : { cause });
}

/** The route does not accept the body's or the file's media type, or its encoding. */
export function unsupportedUpload(message: string): SessionsError {
  return new SessionsError('UPLOAD_UNSUPPORTED', message);
}

/** The client disconnected, stalled or was too slow. */
export function abortedUpload(message: string, cause?: unknown): SessionsError {
  return new SessionsError('UPLOAD_ABORTED', message, cause === undefined ? {} : { cause });
}

export function tooLargeUpload(maxBytes: number): SessionsError {
  return new SessionsError('RESOURCE_TOO_LARGE', `The upload exceeds the limit of ${maxBytes} bytes.`);
}

/** A file came in a field that the route does not have. */
export function unexpectedField(name: string, fields: Iterable<string>): SessionsError {
  const [first, ...more] = fields;
  const known = more.length === 0 ? `field ${first}` : `fields ${[first, ...more].join(', ')}`;
  return invalidUpload(`This route accepts files in the ${known} only, not in ${quoted(name)}.`);
}

export function tooManyFiles(field: FieldPlan): SessionsError {
  return invalidUpload(`${subjectOf(field)} accepts at most ${field.maxFiles} file(s).`);
}

export function missingFile(field: FieldPlan): SessionsError {
  return invalidUpload(
    field.name === '' ? 'The request has no body.' : `The body has no file in the field ${field.name}.`,
  );
}

/** The client declared a media type that the field does not accept. */
export function unacceptedType(
  field: FieldPlan,
  accepted: readonly string[],
  mediaType: string,
): SessionsError {
  return unsupportedUpload(
    `${subjectOf(field)} accepts ${accepted.join(', ')}, not files declared as ${quoted(mediaType)}.`,
  );
}

/** The contents are of a media type that the field does not accept; `null`: of none that is known. */
export function unacceptedContents(
  field: FieldPlan,
  accepted: readonly string[],
  found: string | null,
): SessionsError {
  return unsupportedUpload(
    `${subjectOf(field)} accepts ${accepted.join(', ')}, but the contents of the file are ${found ?? 'of no known type'}.`,
  );
}

function subjectOf({ name }: FieldPlan): string {
  return name === '' ? 'This route' : `The field ${name}`;
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, MAX_QUOTED));
}

import { UserText } from '../../parts/user-text.js';
import type { TimelineEntry } from '../../server/answers.js';
import { formatBytes, formatDuration, formatMilliseconds, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

interface Properties {
  readonly entry: TimelineEntry;
}

/** What an entry of a timeline tells, in a line. Kinds that this page does not know have no facts. */
export function EntryFacts({ entry }: Properties) {
  const text = (name: string): string => String(entry[name] ?? '');
  const number = (name: string): number => Number(entry[name] ?? 0);
  switch (entry.kind) {
    case 'login':
      return (
        <>
          {texts.facts.userHash} <code>{text('user_hash')}</code>
        </>
      );
    case 'evicted':
    case 'placed':
      return (
        <>
          <UserText text={text('type')} /> {formatBytes(number('size_bytes'))}
        </>
      );
    case 'upload':
    case 'download':
    case 'stream':
      return (
        <>
          {entry['bytes'] === null ? '' : `${formatBytes(number('bytes'))}, `}
          {formatMilliseconds(number('duration_seconds') * 1000)},{' '}
          {known(texts.facts.outcomes, text('outcome'))}
        </>
      );
    case 'refused':
      return <>{refusal(entry)}</>;
    case 'mismatch':
      return <>{known(texts.facts.mismatches, text('property'))}</>;
    case 'ended':
      return (
        <>
          {known(texts.endReasons, text('reason'))};{' '}
          {texts.facts.after(
            formatDuration(number('duration_seconds')),
            formatNumber(number('request_count')),
          )}
          , {texts.filesOf(number('resource_count'), formatBytes(number('total_bytes_used')))}
        </>
      );
    case 'request':
      return (
        <>
          <code>{text('method')}</code>{' '}
          <UserText text={text('path') || text('route') || texts.facts.noRoute} />{' '}
          {text('status') || texts.facts.cut}, {formatMilliseconds(number('duration_seconds') * 1000)},{' '}
          {texts.facts.inAndOut(formatBytes(number('received_bytes')), formatBytes(number('sent_bytes')))}
        </>
      );
    default:
      return null;
  }
}

function refusal(entry: TimelineEntry): string {
  const { reason, size_bytes: size, limit_bytes: limit, quota } = entry;
  return [
    known(texts.facts.refusals, String(reason)),
    typeof size === 'number' && formatBytes(size),
    typeof limit === 'number' && texts.facts.ofAtMost(formatBytes(limit)),
    typeof quota === 'string' && quota,
  ]
    .filter(Boolean)
    .join(', ');
}

import { useEffect, useRef } from 'preact/hooks';
import type { BulkReport } from '../server/answers.js';
import { hashOf } from '../state/route.js';
import { known, texts } from '../text/texts.js';

/** The server lists more; nobody reads them. */
const MOST_LISTED = 50;
/** Of a session that somebody else ended first: nothing is left to do. */
const OVER = 'SESSION_GONE';

interface Properties {
  readonly report: BulkReport;
  readonly onRetry: (ids: readonly string[]) => void;
  readonly onClose: () => void;
}

export function EndResult({ report, onRetry, onClose }: Properties) {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus(), []);
  const { failed } = report;
  const left = failed.filter(({ code }) => code !== OVER);
  return (
    <>
      <p>{texts.ending.result(report)}</p>
      {report.pending && <p>{texts.ending.pending(report.pending)}</p>}
      {failed.length > 0 && (
        <>
          <h3>{texts.ending.failed(failed.length + (report.failed_unlisted ?? 0))}</h3>
          <ul class="failures">
            {failed.slice(0, MOST_LISTED).map(({ session_id: id, code }) => (
              <li key={id}>
                <a class="id" href={hashOf('sessions', {}, id)} title={id}>
                  {id.slice(0, 8)}
                </a>{' '}
                {known(texts.codes, code)}
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="actions">
        {left.length > 0 && (
          <button type="button" class="danger" onClick={() => onRetry(left.map(({ session_id: id }) => id))}>
            {texts.ending.retry(left.length)}
          </button>
        )}
        <button type="button" ref={close} onClick={onClose}>
          {texts.close}
        </button>
      </p>
    </>
  );
}

import { useState } from 'preact/hooks';
import { EndDialog } from '../../ending/end-dialog.js';
import type { EndTarget } from '../../ending/end-target.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { Heading } from '../../parts/heading.js';
import { Loading } from '../../parts/loading.js';
import type { PastSession, SessionDetail } from '../../server/answers.js';
import { usePage } from '../../state/page-context.js';
import { useAnswer } from '../../state/use-answer.js';
import { texts } from '../../text/texts.js';
import { LimitsUsed } from './limits-used.js';
import { PastFacts } from './past-facts.js';
import { ResourceTable } from './resource-table.js';
import { SessionFacts } from './session-facts.js';
import { Timeline } from './timeline.js';

const READ_AGAIN_MS = 5000;

interface Properties {
  readonly id: string;
  /** The list that it was opened from. */
  readonly listHash: string;
}

/** One session, live or over. */
export function SessionView({ id, listHash }: Properties) {
  const { server, mayEnd } = usePage();
  const { answer, fault, isLoading, reload } = useAnswer(
    id,
    (signal) => server.get<SessionDetail | PastSession>([id], {}, signal),
    READ_AGAIN_MS,
  );
  const [target, setTarget] = useState<EndTarget | null>(null);
  const isLive = answer !== null && answer.state === undefined;
  return (
    <>
      <p>
        <a href={listHash}>{texts.session.back}</a>
      </p>
      <div class="title">
        <Heading text={texts.session.title} />
        <code class="whole-id">{id}</code>
        {isLive && mayEnd && (
          <button type="button" class="danger" onClick={() => setTarget({ kind: 'ids', ids: [id] })}>
            {texts.ending.one}
          </button>
        )}
      </div>
      {fault?.status === 404 ? (
        <p class="empty">{texts.session.unknown}</p>
      ) : (
        <FaultNotice fault={fault} onRetry={reload} />
      )}
      {answer === null && isLoading && <Loading />}
      {answer !== null && fault?.status !== 404 && (
        <>
          {answer.state === undefined ? (
            <>
              <SessionFacts session={answer} />
              <LimitsUsed session={answer} />
              <ResourceTable resources={answer.resources} />
            </>
          ) : (
            <PastFacts session={answer} />
          )}
          <Timeline id={id} everyMs={READ_AGAIN_MS} />
        </>
      )}
      {target && (
        <EndDialog
          target={target}
          onClose={(hasEnded) => {
            setTarget(null);
            if (hasEnded) reload();
          }}
        />
      )}
    </>
  );
}

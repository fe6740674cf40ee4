import { Facts } from '../../parts/facts.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { Loading } from '../../parts/loading.js';
import { UserText } from '../../parts/user-text.js';
import type { User } from '../../server/answers.js';
import { ServerFault } from '../../server/server-fault.js';
import { hashOf } from '../../state/route.js';
import { usePage } from '../../state/page-context.js';
import { filterTerm } from '../../state/session-filter.js';
import { useAnswer } from '../../state/use-answer.js';
import { formatBytes, formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

const READ_AGAIN_MS = 5000;

interface Properties {
  readonly id: string;
}

/** What one user holds, of what they may. */
export function OneUser({ id }: Properties) {
  const { server } = usePage();
  const { answer, fault, isLoading, reload } = useAnswer(
    id,
    async (signal) => {
      const user = await server.get<User>(['users', id], {}, signal);
      // A browser makes another path of `users/..`.
      if (user.user_id !== id) throw new ServerFault(404, [texts.users.noPath]);
      return user;
    },
    READ_AGAIN_MS,
  );
  return (
    <>
      <p>
        <a href={hashOf('users')}>{texts.users.all}</a>
      </p>
      <h2>
        <UserText text={id} />
      </h2>
      <FaultNotice fault={fault} onRetry={reload} />
      {answer === null && isLoading && <Loading />}
      {answer && (
        <Facts
          facts={[
            [texts.viewNames.sessions, ofQuota(answer.sessions, answer.quota.max_sessions, formatNumber)],
            [texts.columns.files, ofQuota(answer.resources, answer.quota.max_resources, formatNumber)],
            [texts.columns.bytes, ofQuota(answer.bytes, answer.quota.max_bytes, formatBytes)],
          ]}
        />
      )}
      <p>
        <a class="button" href={hashOf('sessions', { q: filterTerm('user:', id) })}>
          {texts.users.sessions}
        </a>
      </p>
    </>
  );
}

function ofQuota(used: number, max: number | null, format: (value: number) => string): string {
  return max === null ? format(used) : texts.usedOf(format(used), format(max));
}

import { Choice } from '../../parts/choice.js';
import { Heading } from '../../parts/heading.js';
import { hashOf } from '../../state/route.js';
import { navigate } from '../../state/use-route.js';
import { texts } from '../../text/texts.js';
import { OneUser } from './one-user.js';
import { USER_ORDERS, UserTable, type UserOrder } from './user-table.js';

interface Properties {
  /** `user`: the one that is shown; `by`: what the others are sorted by. */
  readonly parameters: Readonly<Record<string, string>>;
}

export function UsersView({ parameters: { user, by } }: Properties) {
  const order = USER_ORDERS.find((one) => one === by) ?? 'bytes';
  return (
    <>
      <Heading text={texts.viewNames.users} />
      {user === undefined ? (
        <>
          <Choice<UserOrder>
            label={texts.users.by}
            value={order}
            values={USER_ORDERS}
            nameOf={(one) => texts.users.orders[one]}
            onChoose={(one) => navigate(hashOf('users', { by: one }))}
          />
          <UserTable order={order} />
        </>
      ) : (
        <OneUser id={user} />
      )}
    </>
  );
}

import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { StuckItem } from '../../server/health-answers.js';
import { formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly items: readonly StuckItem[];
}

export function StuckItems({ items }: Properties) {
  const { health } = texts;
  if (items.length === 0) return <p class="good">{health.stuck(0)}</p>;
  return (
    <>
      <p class="fault">{health.stuck(items.length)}</p>
      <TableRegion label={health.stuckItems}>
        <thead>
          <tr>
            <th scope="col">{health.item}</th>
            <th scope="col" class="medium">
              {health.node}
            </th>
            <th scope="col" class="number">
              {health.attempts}
            </th>
            <th scope="col">{health.nextTry}</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ node_id: node, item, attempts, next_try: nextTry }) => (
            <tr key={`${node} ${item}`}>
              <td>
                <UserText text={item} />
              </td>
              <td class="medium">
                <UserText text={node} />
              </td>
              <td class="number">{formatNumber(attempts)}</td>
              <td>
                <Time at={nextTry} />
              </td>
            </tr>
          ))}
        </tbody>
      </TableRegion>
    </>
  );
}

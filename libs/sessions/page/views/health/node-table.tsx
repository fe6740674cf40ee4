import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly nodes: NonNullable<Overview['nodes']>;
}

/** Machines with files of their own. */
export function NodeTable({ nodes }: Properties) {
  const { health } = texts;
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">{health.nodes}</h2>
      <TableRegion label={health.nodes}>
        <thead>
          <tr>
            <th scope="col">{health.node}</th>
            <th scope="col">{texts.columns.state}</th>
            <th scope="col" class="number">
              {texts.columns.files}
            </th>
            <th scope="col" class="medium">
              {texts.columns.address}
            </th>
            <th scope="col" class="medium">
              {health.lastHeard}
            </th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.node_id}>
              <th scope="row">
                <UserText text={node.node_id} />
              </th>
              <td>
                <span class={node.state === 'away' ? 'fault' : 'good'}>{health.nodeStates[node.state]}</span>
              </td>
              <td class="number">{formatNumber(node.resources)}</td>
              <td class="medium">{node.address === null ? texts.none : <UserText text={node.address} />}</td>
              <td class="medium">
                <Time at={node.last_seen} />
              </td>
            </tr>
          ))}
        </tbody>
      </TableRegion>
    </section>
  );
}

import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Resource } from '../../server/answers.js';
import { formatBytes } from '../../text/format.js';
import { texts } from '../../text/texts.js';

const STREAM = 'stream';

interface Properties {
  readonly resources: readonly Resource[];
}

/** Files in the order of their eviction, the least recently used first; and streams, which are never evicted. */
export function ResourceTable({ resources }: Properties) {
  const files = resources
    .filter(({ type }) => type !== STREAM)
    .toSorted((a, b) => Date.parse(a.last_used_at) - Date.parse(b.last_used_at));
  const streams = resources.filter(({ type }) => type === STREAM);
  return (
    <>
      <section aria-labelledby="files">
        <h2 id="files">{texts.session.files}</h2>
        {files.length === 0 ? (
          <p class="empty">{texts.session.noFiles}</p>
        ) : (
          <>
            <p class="hint">{texts.session.evictionHint}</p>
            <TableRegion label={texts.session.files}>
              <thead>
                <tr>
                  <th scope="col">{texts.session.name}</th>
                  <th scope="col">{texts.session.type}</th>
                  <th scope="col" class="medium">
                    {texts.session.purpose}
                  </th>
                  <th scope="col" class="number">
                    {texts.columns.bytes}
                  </th>
                  <th scope="col">{texts.session.lastUsed}</th>
                  <th scope="col" class="medium">
                    {texts.session.created}
                  </th>
                </tr>
              </thead>
              <tbody>
                {files.map((file, index) => (
                  <tr key={file.resource_id}>
                    <td>
                      {file.file_name === null ? texts.none : <UserText text={file.file_name} />}
                      {index === 0 && <span class="badge">{texts.session.nextEvicted}</span>}
                    </td>
                    <td>
                      <UserText text={typeOf(file)} />
                    </td>
                    <td class="medium">
                      {file.purpose === null ? texts.none : <UserText text={file.purpose} />}
                    </td>
                    <td class="number">{formatBytes(file.size_bytes)}</td>
                    <td>
                      <Time at={file.last_used_at} />
                    </td>
                    <td class="medium">
                      <Time at={file.created_at} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </TableRegion>
          </>
        )}
      </section>
      <section aria-labelledby="streams">
        <h2 id="streams">{texts.session.streams}</h2>
        {streams.length === 0 ? (
          <p class="empty">{texts.session.noStreams}</p>
        ) : (
          <ul>
            {streams.map((stream) => (
              <li key={stream.resource_id}>
                <UserText text={stream.purpose ?? stream.resource_id} /> {texts.since}{' '}
                <Time at={stream.created_at} />
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

function typeOf({ type, media_type: media }: Resource): string {
  return media === null ? type : `${type}, ${media}`;
}

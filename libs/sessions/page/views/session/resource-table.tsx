import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Resource } from '../../server/answers.js';
import { formatBytes } from '../../text/format.js';
import { texts } from '../../text/texts.js';

const STREAM = 'stream';

const COLUMNS: readonly TableColumn<Resource>[] = [
  {
    title: texts.session.name,
    cell: ({ file_name: name }, index) => (
      <>
        {name === null ? texts.none : <UserText text={name} />}
        {index === 0 && <span class="badge">{texts.session.nextEvicted}</span>}
      </>
    ),
  },
  { title: texts.session.type, cell: (file) => <UserText text={typeOf(file)} /> },
  {
    title: texts.session.purpose,
    cell: ({ purpose }) => (purpose === null ? texts.none : <UserText text={purpose} />),
  },
  { title: texts.columns.bytes, class: 'number', cell: ({ size_bytes: bytes }) => formatBytes(bytes) },
  { title: texts.session.lastUsed, cell: ({ last_used_at: at }) => <Time at={at} /> },
  { title: texts.session.created, cell: ({ created_at: at }) => <Time at={at} /> },
];

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
            <ColumnTable
              label={texts.session.files}
              rows={files}
              keyOf={({ resource_id: id }) => id}
              columns={COLUMNS}
            />
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

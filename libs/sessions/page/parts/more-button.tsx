import { texts } from '../text/texts.js';

interface Properties {
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly onMore: () => void;
}

export function MoreButton({ hasMore, isLoading, onMore }: Properties) {
  if (!hasMore) return null;
  return (
    <p>
      <button type="button" onClick={onMore} disabled={isLoading}>
        {texts.more}
      </button>
    </p>
  );
}

import { texts } from '../text/texts.js';

export function Loading() {
  return (
    <p class="loading" role="status">
      {texts.loading}
    </p>
  );
}

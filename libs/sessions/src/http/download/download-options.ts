import { requireWord } from '../../core/handles/arguments.js';

const DISPOSITIONS = ['attachment', 'inline'] as const;
const RESOURCE_POLICIES = ['same-origin', 'same-site', 'cross-origin'] as const;

/** Options of one download route. */
export interface DownloadOptions {
  /**
   * `attachment`: browsers save the file. `inline`: they show it, if its media type is one that no browser executes
   * (audio, video, pictures, plain text, JSON); any other file stays an attachment. Default: `attachment`.
   */
  readonly disposition?: (typeof DISPOSITIONS)[number];
  /** `Cross-Origin-Resource-Policy`: the sites whose pages may embed the file. Default: `same-origin`. */
  readonly crossOriginResourcePolicy?: (typeof RESOURCE_POLICIES)[number];
}

/** @throws SessionsError `INVALID_ARGUMENT` */
export function planDownload(options: DownloadOptions = {}): Required<DownloadOptions> {
  const { disposition = 'attachment', crossOriginResourcePolicy = 'same-origin' } = options;
  requireWord('disposition', disposition, DISPOSITIONS);
  requireWord('crossOriginResourcePolicy', crossOriginResourcePolicy, RESOURCE_POLICIES);
  return { disposition, crossOriginResourcePolicy };
}

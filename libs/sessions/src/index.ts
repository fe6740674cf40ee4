export { SessionService } from './core/sessions/session.service.js';
export type { SessionDetails } from './core/sessions/session-details.js';
export { Session, type SessionRef } from './core/handles/session.js';
export * from './core/handles/session-data.js';
export { SessionToken } from './core/tokens/session-token.js';
export { SessionEventBus, type SessionEventListener } from './core/watch/event-bus.js';
export { FileSink } from './core/resources/file-sink.js';
export type { FileDescription } from './core/resources/file-writing.js';
export type { OpenedResource } from './core/ways-out/file-reading.js';
export type { TrackedStream } from './core/resources/resources.js';
export type { Forgotten } from './core/journal/forgetting.js';
export type { EndedSession } from './core/endings/ender.js';
export type { Finding } from './core/sessions/session-finder.js';
export type { Opening } from './core/sessions/session-opener.js';
export type { LoginOptions, RegenerateOptions } from './core/sessions/session-logins.js';
export { Cleanup, type CleanupOptions, type CleanupReport } from './core/cleanup/cleanup.js';
export { presets, resolveConfig, type SessionsConfig, type SessionsOptions } from './core/config/config.js';
export { DEFAULTS, ENVIRONMENT } from './core/config/options.js';
export {
  ERROR_CODES,
  SessionsError,
  hasCode,
  type ErrorCode,
  type SessionsErrorOptions,
} from './domain/errors.js';
export type { Quota, Usage } from './domain/budgets.js';
export type { Actor, Operator } from './domain/journal/actor.js';
export {
  REFUSAL_REASONS,
  RESOURCE_REFUSAL_REASONS,
  CLEANUP_JOBS,
  ALERT_NAMES,
  type SessionEvents,
  type ResourceEvent,
  type RefusalReason,
  type ResourceRefusalReason,
  type CleanupJob,
  type AlertName,
  type SessionEventName,
} from './domain/events.js';
export { END_REASONS, type EndReason } from './domain/session.js';
export {
  BUILT_IN_RESOURCE_TYPES,
  STREAM_TYPE,
  type ResourceRecord,
  type ResourceState,
} from './domain/resource.js';
export type { Client } from './domain/binding.js';
export type { ByteRange } from './ports/storage/file-storage.js';
export {
  SESSION_SORTS,
  type SessionSort,
  type SessionQuery,
  type TypeTotals,
  type StoreTotals,
} from './ports/store/session-store.js';
export type { Closable, CloseReason } from './core/process/live-connections.js';
export { DownloadInterceptor } from './http/download/download.interceptor.js';
export type { DownloadOptions } from './http/download/download-options.js';
export { hardenHttpServer, type HttpServerBounds } from './http/server/harden-http-server.js';
export { RawUploadInterceptor, UploadInterceptor } from './http/upload/upload.interceptor.js';
export type { RawUploadOptions, UploadOptions } from './http/upload/files/upload-options.js';
export type { ReceivedFile } from './http/upload/files/received-file.js';
export {
  UploadedResource,
  UploadedResources,
  type UploadedFiles,
} from './http/upload/uploaded-resource.decorator.js';
export { SessionData } from './http/data/session-data.decorator.js';
export { sessionOf } from './http/session/connection-sessions.js';
export { CurrentSession, type CurrentSessionOptions } from './http/session/current-session.decorator.js';
export type { FoundSession, NoSession, NoSessionReason, Resolution } from './http/session/resolution.js';
export { SessionResolver } from './http/session/session-resolver.js';
export { SessionsErrorFilter } from './http/server/sessions-error.filter.js';
export { AllowCrossSite } from './http/session/allow-cross-site.decorator.js';
export { PassiveRequest } from './http/session/passive-request.decorator.js';
export { SkipSession } from './http/session/skip-session.decorator.js';
export { SessionsModule } from './nest/sessions.module.js';
export type { SessionsAdapters, SessionsModuleOptions } from './nest/sessions.module-definition.js';
export { SESSIONS_CONFIG } from './core/config/tokens.js';

import type { SessionsConfig } from 'nest-sessions';
import type { AppSettings } from './app.settings.js';

/** Address, adapter, store, storage and limits, in one line for the operator. */
export function bootLine({ host, port, adapter }: AppSettings, config: SessionsConfig): string {
  const { maxResources, maxBytes } = config.limits;
  const address = host.includes(':') ? `[${host}]` : host;
  return [
    `Listening on http://${address}:${port}`,
    `adapter ${adapter}`,
    `store ${config.store}`,
    `storage ${config.storagePath}`,
    `limits ${maxResources} resources, ${maxBytes} bytes, ${config.maxIdleMs / 1000} s idle, ${config.maxDurationMs / 1000} s in all`,
    `admin ${adminState(config)}`,
  ].join(' | ');
}

function adminState({ adminTokens, adminReadTokens }: SessionsConfig): string {
  if (adminTokens.length > 0) return 'on';
  return adminReadTokens.length > 0 ? 'read only (no ADMIN_TOKEN)' : 'off (no ADMIN_TOKEN)';
}

import { BlockList, isIP } from 'node:net';
import { usage } from '../output/command-failure.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** The server to replay against: an origin of this machine, or of the host that the user has allowed. */
export function targetOf(against: string, allowedHost: string | undefined): URL {
  const target = URL.canParse(against) ? new URL(against) : null;
  if (!target || !['http:', 'https:'].includes(target.protocol)) {
    throw usage('--against must be a URL such as http://127.0.0.1:5005');
  }
  if (target.username !== '' || target.password !== '') {
    throw usage('--against must not have a user or password in it: they would not be sent');
  }
  if (target.pathname !== '/' || target.search !== '' || target.hash !== '') {
    throw usage('--against must be a scheme, a host and a port: the paths are those of the recording');
  }
  const host = hostOf(target);
  if (isLoopback(host) || host === allowedHost?.toLowerCase()) return target;
  throw usage(
    `--against is not this machine: pass --allow-host ${host} to send requests there (loopback needs no permission)`,
  );
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replaceAll(/[[\]]/g, '');
}

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

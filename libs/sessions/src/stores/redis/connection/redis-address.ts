const DEFAULT_PORT = 6379;

/** Where the URL of a Redis server points to, in the options of node-redis, which takes `[::1]` for a name. */
export function clientOptionsOf(url: string) {
  const { hostname, port, protocol, username, password, pathname } = new URL(url);
  const database = Number(pathname.slice(1));
  return {
    socket: {
      host: withoutBrackets(hostname),
      port: port === '' ? DEFAULT_PORT : Number(port),
      ...(protocol === 'rediss:' && { tls: true as const }),
    },
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(database > 0 && { database }),
  };
}

/** Host and port of a URL, for messages: `redis.example.com:6379`. */
export function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? DEFAULT_PORT : port}`;
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.+)\]$/, '$1');
}

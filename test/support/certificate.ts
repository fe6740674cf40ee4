import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Writes a certificate for localhost and 127.0.0.1 that its own key has signed, and the key, to files of `folder`. */
export function selfSigned(folder: string): Certificate {
  const files = { certificate: join(folder, 'self-signed.crt'), key: join(folder, 'self-signed.key') };
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const output = ['-keyout', files.key, '-out', files.certificate];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...names, ...output],
    { stdio: 'ignore' },
  );
  return files;
}

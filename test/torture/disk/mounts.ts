import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** File systems of a campaign's own, and everything else that has to be undone before its folder can go. */
export class Mounts {
  private readonly undo: (() => void)[] = [];

  /** In memory, of so many bytes and inodes. */
  tmpfs(path: string, options: string): string {
    return this.mount(path, ['-t', 'tmpfs', '-o', `mode=0700,${options}`, 'tmpfs']);
  }

  /** A disk of its own, in a file: ext4, as servers have it, with nothing on it. */
  ext4(image: string, path: string, bytes: number): string {
    writeFileSync(image, '');
    truncateSync(image, bytes);
    run('mkfs.ext4', ['-q', '-m', '0', image]);
    this.mount(path, ['-o', 'loop', image]);
    run('chmod', ['700', path]);
    run('rmdir', [join(path, 'lost+found')]);
    return path;
  }

  /** Another file or folder over this one. */
  bind(source: string, path: string): void {
    run('mount', ['--bind', source, path]);
    this.after(() => this.unmount(path));
  }

  /** A disk that was taken away is back in its place. */
  mountAgain(image: string, path: string): void {
    run('mount', ['-o', 'loop', image, path]);
    run('chmod', ['700', path]);
  }

  remount(path: string, options: string): void {
    run('mount', ['-o', `remount,${options}`, path]);
  }

  /** Takes away what is mounted here, even while it is in use; once more does nothing. */
  unmount(path: string): void {
    if (isMounted(path)) run('umount', ['-l', path]);
  }

  /** The same, by the last part of its path: a mount moves with the folder it is in. */
  unmountNamed(name: string): void {
    for (const path of mountPoints()) if (path.endsWith(`/${name}`)) run('umount', ['-l', path]);
  }

  after(undo: () => void): void {
    this.undo.unshift(undo);
  }

  clear(): void {
    for (const undo of this.undo.splice(0)) {
      try {
        undo();
      } catch (error) {
        console.error(`While clearing up: ${String(error)}`);
      }
    }
  }

  private mount(path: string, args: readonly string[]): string {
    mkdirSync(path, { recursive: true });
    run('mount', [...args, path]);
    this.after(() => this.unmount(path));
    return path;
  }
}

export function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: 'pipe' });
  } catch (error) {
    const told = `${command} ${args.join(' ')}`;
    throw new Error(`${told} failed: this campaign runs as root on Linux, with CAP_SYS_ADMIN`, {
      cause: error,
    });
  }
}

function isMounted(path: string): boolean {
  return mountPoints().includes(path);
}

function mountPoints(): string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines.map((line) => line.split(' ')[1] ?? '');
}

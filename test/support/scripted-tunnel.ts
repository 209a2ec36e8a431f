import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Simulator } from '../../src/index.ts';
import { signInArguments } from './openconnect-arguments.ts';
import { PeerProcess } from './peer-process.ts';

interface ScriptedTunnel {
  /** Its files are put there. */
  readonly folder: string;
  /** Lines of bash; what they write to `$VPNFD` are packets. */
  readonly script: string;
  readonly args: readonly string[];
  /** Longest time until its session is connected, in milliseconds of the gateway's clock. */
  readonly within?: number;
}

/**
 * A tunnel of openconnect whose far end is a script of bash, until the end of the test; resolves with the id of its session. The script lives as
 * long as its client, whose end no end of a file tells it.
 */
export async function scriptedTunnel(
  t: Test,
  at: Simulator,
  { folder, script, args, within = 60_000 }: ScriptedTunnel,
): Promise<string> {
  const [ca, token, file] = [join(folder, 'ca.pem'), join(folder, 'scripted.jwt'), join(folder, 'script.sh')];
  writeFileSync(ca, at.ca);
  writeFileSync(token, await at.token(), { mode: 0o600 });
  writeFileSync(file, `${script}\nwhile kill -0 $PPID 2>/dev/null; do timeout 1 cat <&$VPNFD >/dev/null; done\n`);
  const since = at.journal.mark();
  const client = new PeerProcess('openconnect', [
    ...signInArguments({ token, ca }),
    // In place of the shell that openconnect starts, so that the parent of the script is openconnect.
    ...[...args, '--script-tun', `--script=exec bash ${file}`, at.urls.gateway],
  ]);
  t.teardown(() => client[Symbol.asyncDispose]());
  return (await at.journal.waitFor({ name: 'session.connect', since }, { timeout: within })).fields.session;
}

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const repository = join(import.meta.dirname, '../..');

/** The command line is a program of its own: it serves people, on their clock. */
const files = globSync('src/**/*.ts', { cwd: repository })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !path.startsWith('src/cli/'))
  .sort();

/** Code without comments. */
const codeOf = (path: string): string =>
  readFileSync(join(repository, path), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

/** Holds that no file but those named uses what `pattern` finds, and that each of those does. */
function onlyIn(t: Test, pattern: RegExp, allowed: Readonly<Record<string, string>>): void {
  const users = files.filter((path) => pattern.test(codeOf(path)));
  t.strictSame(
    users.filter((path) => !(path in allowed)),
    [],
    'nobody else',
  );
  t.strictSame(
    Object.keys(allowed).filter((path) => !users.includes(path)),
    [],
    'no exception is left over',
  );
}

t.test('time comes from a clock that is handed over', async (t) => {
  const pattern =
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b|\bset(?:Timeout|Interval)\(|\btimers\/promises\b|AbortSignal\.timeout/;
  onlyIn(t, pattern, {
    'src/lib/clock.ts': 'it is the clock of the machine',
    'src/lib/held-file.ts': 'waits for another process that holds a file',
    'src/telemetry/journal.ts': 'those who wait for an event, in a program, wait on its time',
    'src/network/served-stream.ts': 'has a method of that name, as sockets have',
    'src/udp/mmsg-socket.ts': 'waits for room in a queue of the system',
    'src/udp/readiness-trial.ts': 'keeps the process alive while it tries out the system, once',
    'src/tls/direct-trial.ts': 'keeps the process alive while it tries out Node, once',
    'src/faults/rule.ts': 'those who wait for a rule, in a program, wait on its time',
    'src/admin/remote/remote-journal.ts': 'runs in another process, on its time',
    'src/admin/routes/journal-streams.ts': 'keeps connections of the administration alive',
  });
});

t.test('chance comes from a source that is handed over', async (t) => {
  const pattern = /\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b/;
  onlyIn(t, pattern, { 'src/lib/random.ts': 'it is the source of the machine' });
});

t.test('sockets come from a network that is handed over', async (t) => {
  const pattern = /\{[^}]*\b(?:connect|createConnection|createServer|createSocket)\b[^}]*\} from 'node:(?:net|dgram)'/;
  onlyIn(t, pattern, {
    'src/network/system-network.ts': 'it is the network of the machine',
    'src/network/system-datagrams.ts': 'connected datagram sockets of the machine',
    'src/udp/dgram-socket.ts': 'a datagram socket of the machine',
    'src/udp/readiness.ts': 'a datagram socket of the machine',
    'src/gateway/bind-ports.ts': 'makes a server, and shows it to the network before it listens',
    'src/client/local/listener.ts': 'other programs of the machine reach its proxies by the machine’s sockets',
    'src/scenario/run/free-port.ts': 'finds a port of the machine for another program',
  });
});

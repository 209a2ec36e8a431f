import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * A shell in a session of its own that reads what this process has made, and ends or removes what is left when this process is gone,
 * however it ended: its input ends then. A process is known by its number and the time of its start, so that no other one with the
 * same number is ended.
 */
const SCRIPT = `
started() { { read -r line < "/proc/$1/stat"; } 2>/dev/null && set -- \${line##*) } && echo "\${20}"; }
names=' '
processes=' '
while read -r what name; do
  case $what in
    +namespace) names="$names$name " ;;
    -namespace) names="\${names%% $name *} \${names#* $name }" ;;
    +process) processes="$processes$name:$(started "$name") " ;;
    -process) case $processes in *" $name:"*)
      rest=\${processes#* $name:}
      processes="\${processes%% $name:*} \${rest#* }" ;;
    esac ;;
  esac
done
[ "$names$processes" = '  ' ] && exit
end() {
  for one in $processes; do
    [ "$(started "\${one%%:*}")" = "\${one##*:}" ] && kill -s "$1" "\${one%%:*}"
  done
  for name in $names; do
    [ -e "/run/netns/$name" ] || continue
    kill -s "$1" $(ip netns pids "$name")
  done
}
end TERM
sleep 1
end KILL
for name in $names; do [ ! -e "/run/netns/$name" ] || ip netns del "$name"; done
`;

let input: Writable | undefined;

function tell(line: string): void {
  if (process.platform !== 'linux') return;
  input ??= start();
  input.write(`${line}\n`);
}

function start(): Writable {
  const child = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  // Neither keeps this process from ending.
  const { stdin } = child;
  (stdin as Writable & { unref(): void }).unref();
  stdin.on('error', () => {});
  return stdin;
}

/** Has a network namespace removed when this process ends without doing it. To be called before it is made; the result, once it is removed. */
export function guardNamespace(name: string): () => void {
  tell(`+namespace ${name}`);
  return () => tell(`-namespace ${name}`);
}

/** Has a child ended when this process is killed. */
export function guardProcess<T extends ChildProcess>(child: T): T {
  const { pid } = child;
  if (pid === undefined) return child;
  tell(`+process ${pid}`);
  child.once('exit', () => tell(`-process ${pid}`));
  return child;
}

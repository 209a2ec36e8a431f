import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Collects all garbage of this process, whether it was started with `--expose-gc` or not. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  // What a first collection frees may have held other things by finalizers.
  for (let i = 0; i < 4; i++) collect();
}

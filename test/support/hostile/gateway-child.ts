import { join } from 'node:path';
import type { ConfigInput } from '../../../src/index.ts';
import { Child, type ChildOptions } from './child.ts';
import type { Ready } from './gateway-main.ts';
import type { Target } from './intruder.ts';

/** A simulator in a process of its own. */
export function gatewayChild(config: ConfigInput = {}, options: ChildOptions = {}): Child {
  // A short journal: what it holds on to is no growth.
  const whole: ConfigInput = { ...config, journal: { capacity: 200 } };
  const script = join(import.meta.dirname, 'gateway-main.ts');
  return new Child(script, [JSON.stringify(whole)], { ...options, nodeOptions: ['--expose-gc'] });
}

/** What an attacker needs to know of it. */
export function targetOf({ gateway, ca, authority, admin }: Ready, tokens: readonly string[]): Target {
  const { port } = new URL(gateway);
  return { host: '127.0.0.1', port: Number(port), ca, authority, admin, tokens };
}

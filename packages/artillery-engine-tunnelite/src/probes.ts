import { EngineError } from './errors.ts';
import { flagOf, membersOf, numberOf, requiredText, scriptError, textOf, timeOf } from './values.ts';
import type { VirtualUser } from './virtual-user.ts';

/* Steps of one packet and its reply. */

const PING_MEMBERS = ['host', 'timeout', 'allowLoss'] as const;
const UDP_MEMBERS = ['host', 'port', 'payload', 'expect', 'timeout', 'allowLoss'] as const;

/** @throws TunneliteError, EngineError */
export async function ping(user: VirtualUser, value: unknown): Promise<void> {
  const members = typeof value === 'string' ? { host: value } : membersOf(value, 'ping', PING_MEMBERS);
  const host = requiredText(members, 'host', 'ping');
  const timeout = timeOf(members, 'timeout', 'ping', 5);
  const lenient = flagOf(members, 'allowLoss', 'ping') ?? false;
  const { client } = user;
  user.count('pings');
  const taken = await user.unlessLost('ping', lenient, client.ping(host, timeout));
  if (taken !== undefined) user.answered('ping', taken);
}

/** @throws TunneliteError, EngineError */
export async function udp(user: VirtualUser, value: unknown): Promise<void> {
  const members = membersOf(value, 'udp', UDP_MEMBERS);
  const host = requiredText(members, 'host', 'udp');
  const port = numberOf(members, 'port', 'udp', [1, 65_535]);
  if (port === undefined || !Number.isInteger(port)) throw scriptError('udp needs a "port".');
  const payload = Buffer.from(textOf(members, 'payload', 'udp') ?? 'artillery');
  const expected = textOf(members, 'expect', 'udp');
  const timeout = timeOf(members, 'timeout', 'udp', 5);
  const lenient = flagOf(members, 'allowLoss', 'udp') ?? false;
  const { client } = user;
  user.count('datagrams');
  const begun = performance.now();
  const answer = await user.unlessLost('udp', lenient, client.exchangeUdp(host, port, payload, timeout));
  if (answer === undefined) return;
  user.answered('udp', performance.now() - begun);
  if (expected === undefined || answer.equals(Buffer.from(expected))) return;
  throw new EngineError('ERR_ENGINE_ANSWER', `${host} port ${port} answered something else than "${expected}".`);
}

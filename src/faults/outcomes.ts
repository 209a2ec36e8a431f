import { randomGarbage } from './garbage.ts';
import type { DnsFault, HttpFault, ResourceFault, StreamFault } from './ports.ts';
import type { Rule } from './rule.ts';

/* What a striking rule requires of its seam. */

/** The explanation given in the rule, or a default one. */
export function explanationOf({ name, action }: Rule): string {
  if (action.reason !== undefined) return action.reason;
  return action.do === 'pool_exhausted'
    ? `All addresses of the pool are in use, according to the fault rule ${name}.`
    : `The fault rule ${name} caused this.`;
}

/** `ms` plus a random amount of up to `jitter`. */
const delayOf = ({ action, random }: Rule): number =>
  (action.ms ?? 0) + Math.round(action.jitter ? random.float() * action.jitter : 0);

export function httpFault(rule: Rule, endpoint: string): HttpFault {
  const { action } = rule;
  if (action.do === 'close') return { drop: true };
  const { status, retryAfter, code } = action;
  const body = action.do === 'garbage' ? randomGarbage(endpoint, action.as ?? 'text', rule.random) : action.body;
  return {
    delay: delayOf(rule),
    ...(status !== undefined && { status }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(body !== undefined && { body }),
    ...(code !== undefined && { aadsts: code }),
  };
}

export function streamFault(rule: Rule): StreamFault | undefined {
  const { action, waiting } = rule;
  switch (action.do) {
    case 'terminate':
    case 'rekey_now':
    case 'cookie_expire':
      return { kind: action.do, explanation: explanationOf(rule) };
    case 'ban':
      return { kind: 'ban', points: action.points };
    case 'stall':
      return { kind: 'stall', until: (go) => void (waiting.keep(Buffer.alloc(0), go, action.ms) ?? go()) };
    case 'close':
    case 'reset':
    case 'dpd_mute':
      return { kind: action.do };
    default:
      return undefined;
  }
}

export function resourceFault(rule: Rule): ResourceFault | undefined {
  const { action, random } = rule;
  switch (action.do) {
    case 'refuse':
      return { kind: 'refuse', answer: 'reset', explanation: explanationOf(rule) };
    case 'unreachable':
      return { kind: 'refuse', answer: 'host-unreachable', explanation: explanationOf(rule) };
    case 'filter':
      return { kind: 'refuse', answer: 'drop', explanation: explanationOf(rule) };
    case 'delay':
      return { kind: 'shape', delay: delayOf(rule) };
    case 'rate': {
      const { kbps, ms = 0, jitter = 0 } = action;
      return { kind: 'shape', kbps: kbps!, latency: () => ms + (jitter > 0 ? random.float() * jitter : 0) };
    }
    case 'reset':
      return { kind: 'shape', resetAfter: action.bytes ?? 0 };
    case 'status': {
      const { status, retryAfter, ms } = action;
      const more = { ...(retryAfter !== undefined && { retryAfter }), ...(ms !== undefined && { delay: ms }) };
      return { kind: 'shape', answer: { status: status!, ...more } };
    }
    default:
      return undefined;
  }
}

export function dnsFault(rule: Rule): DnsFault | undefined {
  const { action } = rule;
  const explanation = explanationOf(rule);
  switch (action.do) {
    case 'delay':
      return { kind: 'delay', delay: delayOf(rule), explanation };
    case 'wrong_address': {
      const { addresses = [] } = action;
      return { kind: 'wrong_address', addresses: typeof addresses === 'string' ? [addresses] : addresses, explanation };
    }
    case 'nxdomain':
    case 'servfail':
    case 'refused':
    case 'truncate':
    case 'drop':
      return { kind: action.do, explanation };
    default:
      return undefined;
  }
}

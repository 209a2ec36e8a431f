import { LINES, type LineFigures, type LineName } from '../lib/lines.ts';
import type { FaultRule } from './fault-schema.ts';

/** A kind of network, as rules. */
interface FaultProfile {
  readonly text: string;
  /** Source of the figures. */
  readonly source: string;
  readonly rules: readonly FaultRule[];
}

const loss = (chance: number): FaultRule => ({ on: { seam: 'udp' }, when: { chance }, then: { do: 'drop' } });

function line(name: LineName): FaultProfile {
  const { text, source, down, up, roundTrip, jitter, loss: chance }: LineFigures = LINES[name];
  const way = (direction: 'in' | 'out', kbps: number): FaultRule => ({
    on: { seam: 'udp', direction },
    then: { do: 'rate', kbps, ms: Math.round(roundTrip / 2), jitter, queue: 1000 },
  });
  return { text, source, rules: [...(chance > 0 ? [loss(chance)] : []), way('out', down), way('in', up)] };
}

const QUIC = 'Langley et al., The QUIC Transport Protocol, SIGCOMM 2017, section 7.2';
const OURS = 'not measured: figures chosen for tests';

/** Kinds of networks for a client. They affect datagrams only: traffic over TLS is unchanged. */
export const FAULT_PROFILES = {
  edge: line('edge'),
  '3g': line('3g'),
  lte: line('lte'),
  dsl: line('dsl'),
  satellite: line('satellite'),
  'hotel-wifi': {
    text: 'Crowded Wi-Fi: bursts of losses, and varying delays',
    source: OURS,
    rules: [
      { on: { seam: 'udp' }, when: { burst: { start: 0.01, end: 0.3 } }, then: { do: 'drop' } },
      { on: { seam: 'udp' }, then: { do: 'delay', ms: 20, jitter: 60 } },
    ],
  },
  'udp-blocked': {
    text: 'A firewall that blocks all UDP',
    source: `${QUIC}: 4.4 % of clients cannot use UDP, mostly for this reason`,
    rules: [{ on: { seam: 'udp' }, then: { do: 'drop' } }],
  },
  'udp-throttled': {
    text: 'A network that limits UDP',
    source: `${QUIC}: 0.3 % of users are on such a network; the rate is chosen for tests`,
    rules: [{ on: { seam: 'udp' }, then: { do: 'rate', kbps: 128, queue: 500 } }],
  },
  lossy: { text: '5 % of datagrams are lost at random', source: OURS, rules: [loss(0.05)] },
  captive: {
    text: 'A captive portal that requires a sign-in: UDP is lost, and every new connection is reset',
    source: 'RFC 8952, section 2.4: traffic is blocked until the user has met the conditions',
    rules: [
      { on: { seam: 'udp' }, then: { do: 'drop' } },
      { on: { seam: 'decision', kind: 'accept' }, then: { do: 'reset' } },
    ],
  },
} as const satisfies Readonly<Record<string, FaultProfile>>;

export type ProfileName = keyof typeof FAULT_PROFILES;
export const PROFILE_NAMES = Object.keys(FAULT_PROFILES) as ProfileName[];

/** The entry of a profile in {@link FAULT_PROFILES}. */
export const faultProfile = (name: ProfileName): FaultProfile => FAULT_PROFILES[name];

/** The rules of a profile by the names under which they are active: `3g.1`, `3g.2`, … */
export const profileRules = (name: ProfileName): readonly (FaultRule & { readonly name: string })[] =>
  faultProfile(name).rules.map((rule, i) => ({ ...rule, name: `${name}.${i + 1}` }));

import type { EventName } from '../../telemetry/index.ts';
import { type Cause, cause } from '../visit/cause.ts';

const DECISIONS = ['auth.refused', 'session.refused', 'http.rejected'] as const satisfies readonly EventName[];

export const FAULT_CAUSES: readonly Cause[] = [
  cause({
    id: 'fault-injected',
    area: 'fault',
    weight: 'note',
    title: 'A fault rule struck',
    on: 'fault.injected',
    what: ({ rule, seam, fault }) => `The fault rule ${rule} struck (${seam}: ${fault}).`,
    why: 'Somebody added it on purpose: in the configuration, a scenario, a test, or by hand. It is not the client’s doing.',
    next: ({ rule }) => [`\`tunnelite fault\` shows it, \`tunnelite fault remove ${rule}\` takes it out.`],
    docs: ['docs/reference/faults.md'],
  }),
  ...DECISIONS.map((on) =>
    cause({
      id: 'fault-refused',
      area: 'fault',
      weight: 'fatal',
      title: 'A fault rule refused the client',
      on,
      when: ({ reason }) => reason === 'fault',
      what: ({ explanation }) => `The client was refused on purpose: ${explanation}`,
      why: 'A rule has logins, cookies or tunnels refused, whatever they are like.',
      next: [
        'Look at how the client takes it.',
        '`tunnelite fault` shows the rules, `tunnelite fault remove NAME` takes one out.',
      ],
      docs: ['docs/reference/faults.md'],
      seams: ['decision'],
    }),
  ),
  cause({
    id: 'gateway-stalled',
    area: 'fault',
    weight: 'note',
    title: 'The gateway itself stood still',
    on: 'gateway.stalled',
    what: ({ milliseconds }) => `The gateway could not serve anybody for ${(milliseconds / 1000).toFixed(1)} s.`,
    why: 'Its process was stopped, or the machine was busy or asleep. That time counts as nobody’s silence.',
    next: ['In tests: give the machine less to do at a time.'],
    docs: ['docs/explanation/security.md'],
  }),
];

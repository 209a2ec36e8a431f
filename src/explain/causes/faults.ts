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
    why: 'It was added on purpose: in the configuration, by a scenario or a test, or by hand. The client did not cause it.',
    next: ({ rule }) => [`\`tunnelite fault\` shows it; \`tunnelite fault remove ${rule}\` removes it.`],
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
      why: 'A rule refuses logins, cookies or tunnels, valid or not.',
      next: [
        'Check how the client handles it.',
        '`tunnelite fault` shows the rules; `tunnelite fault remove NAME` removes one.',
      ],
      docs: ['docs/reference/faults.md'],
      seams: ['decision'],
    }),
  ),
  cause({
    id: 'gateway-stalled',
    area: 'fault',
    weight: 'note',
    title: 'The gateway itself was stopped',
    on: 'gateway.stalled',
    what: ({ milliseconds }) => `The gateway could not serve any client for ${(milliseconds / 1000).toFixed(1)} s.`,
    why: 'Its process was stopped, or the machine was busy or asleep. That time does not count as a client’s silence.',
    next: ['In tests: reduce the load of the machine.'],
    docs: ['docs/explanation/security.md'],
  }),
];

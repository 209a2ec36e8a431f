import { type Cause, cause } from '../visit/cause.ts';

/** Names that browsers and systems request on their own. */
const shown = (type: string, question: string): string => `${question} (${type})`;

export const NAME_CAUSES: readonly Cause[] = [
  cause({
    id: 'dns-outside',
    area: 'names',
    weight: 'trouble',
    title: 'A name outside the mock network was looked up',
    on: 'dns.query',
    when: ({ outcome }) => outcome === 'refused: not a name of the mock network',
    what: ({ type, question }) =>
      `The tunnel's resolver refused ${shown(type, question)}, because it answers only for the internal network.`,
    why: 'The client uses this resolver for all names, including those outside the split rules (gateway.splitDns).',
    next: ({ question }) => [
      'Configure the client to ask the tunnel’s resolver only for the domains of X-CSTP-Split-DNS.',
      `To reach ${question} through the tunnel, add it: an upstream rule under resources.upstreams, or a record under services.records.`,
    ],
    docs: ['docs/reference/resources.md', 'docs/how-to/reach-your-servers.md'],
    seams: ['dns'],
  }),
  cause({
    id: 'dns-no-such-name',
    area: 'names',
    weight: 'trouble',
    title: 'There is no such name (NXDOMAIN)',
    on: 'dns.query',
    when: ({ outcome }) => outcome === 'no such name',
    what: ({ type, question }) => `${shown(type, question)} was looked up and does not exist.`,
    why: 'The name is in a domain of the mock network, but does not exist: it is misspelled, or not configured here.',
    next: [
      '`tunnelite resources` lists the hosts.',
      'Add a host, a record (services.records) or an upstream with this name.',
    ],
    docs: ['docs/reference/resources.md'],
    seams: ['dns'],
  }),
  cause({
    id: 'dns-made-wrong',
    area: 'names',
    weight: 'trouble',
    title: 'A fault rule answered a DNS query',
    on: 'dns.query',
    when: (_, { visit, event }) => isFaulty(visit.last('fault.injected', event.seq)?.fields.seam, event.fields.outcome),
    what: ({ type, question, outcome }) => `${shown(type, question)}: ${outcome}`,
    why: 'A rule replaces the resolver’s answer.',
    next: ['`tunnelite fault` lists the rules; `tunnelite fault remove NAME` removes one.'],
    docs: ['docs/reference/faults.md'],
    seams: ['dns'],
  }),
  cause({
    id: 'dns-failed',
    area: 'names',
    weight: 'trouble',
    title: 'The lookup failed',
    on: 'dns.query',
    when: ({ outcome }, { visit, event }) =>
      !KNOWN.test(outcome) && !isFaulty(visit.last('fault.injected', event.seq)?.fields.seam, outcome),
    what: ({ type, question, outcome }) => `${shown(type, question)}: ${outcome}`,
    why: 'The resolver of the mock network had no answer.',
    next: ['Check the records and upstreams of the name: `tunnelite resources`.'],
    docs: ['docs/reference/resources.md', 'docs/how-to/reach-your-servers.md'],
  }),
];

/** Outcomes that are normal answers, or have their own causes. */
const KNOWN = /^(answered$|no record of this type$|no such name$|refused: not a name of the mock network$)/;

/** The resolver was queried right after a rule of its seam struck, and gave an unusual answer. */
function isFaulty(seam: string | undefined, outcome: string): boolean {
  return seam === 'dns' && !KNOWN.test(outcome);
}

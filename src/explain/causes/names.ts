import { type Cause, cause } from '../visit/cause.ts';

/** Names that browsers and systems request on their own. */
const shown = (type: string, question: string): string => `${question} (${type})`;

export const NAME_CAUSES: readonly Cause[] = [
  cause({
    id: 'dns-outside',
    area: 'names',
    weight: 'trouble',
    title: 'A name was asked for that is not the network’s',
    on: 'dns.query',
    when: ({ outcome }) => outcome === 'refused: not a name of the mock network',
    what: ({ type, question }) =>
      `The resolver in the tunnel was asked for ${shown(type, question)}, and refused: it answers for the internal network only.`,
    why: 'The client sends names into the tunnel that are outside the split rules (gateway.splitDns), because it uses this resolver for everything.',
    next: ({ question }) => [
      'Have the client ask the resolver of the tunnel for the domains of X-CSTP-Split-DNS only.',
      `If the tunnel is to reach ${question}, add it: an upstream rule under resources.upstreams, or a record under services.records.`,
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
    what: ({ type, question }) => `${shown(type, question)} was looked up, and there is no such name.`,
    why: 'The name is in a domain of the mock network, and nobody has it: misspelt, or not configured here.',
    next: [
      '`tunnelite resources` lists the hosts.',
      'Add a host, a record (services.records) or an upstream of this name.',
    ],
    docs: ['docs/reference/resources.md'],
    seams: ['dns'],
  }),
  cause({
    id: 'dns-made-wrong',
    area: 'names',
    weight: 'trouble',
    title: 'A fault rule answered for DNS',
    on: 'dns.query',
    when: (_, { visit, event }) => isFaulty(visit.last('fault.injected', event.seq)?.fields.seam, event.fields.outcome),
    what: ({ type, question, outcome }) => `${shown(type, question)}: ${outcome}`,
    why: 'A rule says what the resolver is to answer, whatever the right answer is.',
    next: ['`tunnelite fault` lists the rules, `tunnelite fault remove NAME` takes one out.'],
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
    why: 'The resolver of the mock network could not give an answer.',
    next: ['Look at the records and upstreams that the name is in: `tunnelite resources`.'],
    docs: ['docs/reference/resources.md', 'docs/how-to/reach-your-servers.md'],
  }),
];

/** Outcomes that are normal answers, or have their own causes. */
const KNOWN = /^(answered$|no record of this type$|no such name$|refused: not a name of the mock network$)/;

/** The resolver was queried right after a rule of its seam struck, and gave an unusual answer. */
function isFaulty(seam: string | undefined, outcome: string): boolean {
  return seam === 'dns' && !KNOWN.test(outcome);
}

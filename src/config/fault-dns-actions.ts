/* Rule actions on answers of the tunnel's resolver: entries of the table of all actions. */

/** Record types that can be queried, as kinds; all others are `other`. */
export const DNS_KINDS: readonly string[] = [
  'A',
  'AAAA',
  'ANY',
  'CNAME',
  'HTTPS',
  'MX',
  'NS',
  'PTR',
  'SOA',
  'SRV',
  'SVCB',
  'TXT',
  'other',
];

export const DNS_ACTIONS = {
  nxdomain: { seams: ['dns'], needs: [], may: [], text: 'The answer is NXDOMAIN: the name does not exist.' },
  servfail: { seams: ['dns'], needs: [], may: [], text: 'The answer is SERVFAIL: the server failed.' },
  refused: { seams: ['dns'], needs: [], may: [], text: 'The answer is REFUSED: the server refuses the query.' },
  truncate: {
    seams: ['dns'],
    needs: [],
    may: [],
    text: 'The answer over UDP has no records and is marked as truncated, so that the client repeats the query over TCP, where it gets all records.',
  },
  wrong_address: {
    seams: ['dns'],
    needs: ['addresses'],
    may: [],
    text: 'The answer to a query for addresses has those of `addresses` that belong to the requested family instead of the real ones. Other queries are not selected.',
  },
} as const;

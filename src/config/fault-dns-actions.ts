/* What rules do to answers of the tunnel's resolver: entries of the table of all actions. */

/** Types of records that can be asked for, as kinds; all others are `other`. */
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
  nxdomain: { seams: ['dns'], needs: [], may: [], text: 'The answer is that there is no such name (NXDOMAIN).' },
  servfail: { seams: ['dns'], needs: [], may: [], text: 'The answer is that the server failed (SERVFAIL).' },
  refused: { seams: ['dns'], needs: [], may: [], text: 'The answer is that the server does not want to (REFUSED).' },
  truncate: {
    seams: ['dns'],
    needs: [],
    may: [],
    text: 'The answer over UDP has no records and is marked as cut off, so that the client asks again over TCP; there it gets all.',
  },
  wrong_address: {
    seams: ['dns'],
    needs: ['addresses'],
    may: [],
    text: 'The answer to a question for addresses has `addresses` in place of the right ones: of the family that was asked for. Other questions are not selected.',
  },
} as const;

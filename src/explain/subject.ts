import { isIP } from 'node:net';
import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import type { Subject } from './visit/gather.ts';

/** Longest string that can identify a client. */
const MAX_LENGTH = 80;

/**
 * Parses the client to explain: `last` or nothing, an address with or without a port, or the short ID of a session.
 * @throws TunneliteError `ERR_EXPLAIN_SUBJECT`
 */
export function parseSubject(text: string | undefined): Subject {
  if (text === undefined || text === 'last') return { kind: 'last' };
  if (/^[a-z0-9]{1,20}$/.test(text)) return { kind: 'session', session: text };
  return parseAddress(text);
}

/**
 * An address, with or without a port: `192.0.2.1`, `192.0.2.1:50123`, `2001:db8::1`, `[2001:db8::1]:50123`.
 * @throws TunneliteError `ERR_EXPLAIN_SUBJECT`
 */
export function parseAddress(text: string): Subject {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare)) return { kind: 'address', address: bare };
  const [, bracketed, plain, port] = /^(?:\[([^\]]{1,60})\]|([^:]{1,60})):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  if (isIP(address) && Number(port) <= 65_535) return { kind: 'address', address, port: Number(port) };
  const shown = printable(text.slice(0, MAX_LENGTH));
  throw new TunneliteError('ERR_EXPLAIN_SUBJECT', `“${shown}” is neither a session id nor an address.`);
}

/** Formats a subject for messages. */
export function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'session':
      return `the session ${subject.session}`;
    case 'address':
      return `${subject.address}${subject.port === undefined ? '' : ` port ${subject.port}`}`;
    case 'last':
      return 'any client';
  }
}

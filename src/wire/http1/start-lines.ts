import { ownString } from '../../lib/own-string.ts';
import { HEADER_LINE, type StartLine, type StartLineFormat } from './head.ts';

export type RequestLine = Extract<StartLine, { method: string }>;
export type StatusLine = Extract<StartLine, { status: number }>;

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

/** How to read the first line of a request. */
export const requestLine: StartLineFormat<RequestLine> = {
  name: 'request',
  plausible: (beginning) => beginning.includes(' '),
  parse(line, limits) {
    const match = REQUEST_LINE.exec(line);
    if (!match) {
      return {
        reason: 'malformed',
        explanation: HEADER_LINE.test(line)
          ? `A header line (${ownString(line.slice(0, Math.min(line.indexOf(':'), 40)))}) is in place of a request line: the empty line that ends the headers came too early, probably because of a line break at the end of a header’s value.`
          : 'The first line is not an HTTP request line.',
      };
    }
    const [, method = '', target = '', major, minor] = match;
    if (major !== '1') {
      const explanation = `HTTP/${major}.${minor} was requested; only HTTP/1.1 and HTTP/1.0 are supported.`;
      return { reason: 'version', explanation };
    }
    if (target.length > limits.target) {
      const explanation = `The URL has ${target.length} bytes; the limit is ${limits.target}.`;
      return { reason: 'url-too-long', explanation };
    }
    return { method: ownString(method), target: ownString(target), version: minor === '0' ? '1.0' : '1.1' };
  },
};

/** How to read the first line of a response. */
export const statusLine: StartLineFormat<StatusLine> = {
  name: 'status',
  plausible: (beginning) => beginning.startsWith('HTTP/'),
  parse(line) {
    const match = STATUS_LINE.exec(line);
    if (!match) {
      const seen = line.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, '.');
      return { reason: 'malformed', explanation: `The first line is “${seen}”, which is not an HTTP status line.` };
    }
    return { status: Number(match[2]), text: ownString(match[3] ?? ''), version: match[1] === '0' ? '1.0' : '1.1' };
  },
};

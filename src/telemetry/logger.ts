import { createRequire } from 'node:module';
import { type DestinationStream, type Logger, pino } from 'pino';
import { printable } from '../lib/printable.ts';

// Loaded only when used, on a terminal, to keep startup fast elsewhere.
const loadPretty = (): typeof import('pino-pretty') => createRequire(import.meta.url)('pino-pretty');

export type LogFormat = 'pretty' | 'json' | 'auto';

interface LoggerOptions {
  /** pino level, or `silent`. */
  readonly level: string;
  /** `auto`: pretty on a terminal, JSON lines elsewhere. */
  readonly format: LogFormat;
  readonly destination?: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** False: no colors, not even on a terminal. */
  readonly colors?: boolean;
}

/** Paths that are removed from every log line. */
const SECRETS = [
  'token',
  'cookie',
  'password',
  'authorization',
  'secret',
  'key',
  '*.token',
  '*.cookie',
  '*.password',
  '*.authorization',
  '*.secret',
];

/** The pino logger of a simulator. It writes to standard error and leaves standard output for results. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? process.stderr;
  const usePretty = options.format === 'pretty' || (options.format === 'auto' && destination.isTTY === true);
  const stream: DestinationStream = usePretty
    ? loadPretty()({
        destination,
        colorize: destination.isTTY === true && options.colors !== false,
        translateTime: 'SYS:HH:MM:ss.l',
        ignore: 'pid,hostname,event',
        hideObject: true,
        sync: true,
      })
    : (destination as unknown as DestinationStream);
  return pino(
    {
      level: options.level,
      redact: { paths: SECRETS, censor: '[redacted]' },
      hooks: {
        // One call is always one line.
        logMethod(parts, method) {
          const safe = parts.map((part) => (typeof part === 'string' ? printable(part) : part));
          method.apply(this, safe as typeof parts);
        },
      },
    },
    stream,
  );
}

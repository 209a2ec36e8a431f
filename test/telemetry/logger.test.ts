import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import {
  createLogger,
  type Emit,
  EVENTS,
  type EventMap,
  type EventName,
  type LogField,
  type LogFormat,
  Telemetry,
} from '../../src/telemetry/index.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

/** The lines that two events, or others, leave in a log of format `auto`, on a terminal unless told otherwise. */
function logged({
  colors,
  isTTY = true,
  format = 'auto',
  tell,
}: {
  readonly colors?: boolean;
  readonly isTTY?: boolean;
  readonly format?: LogFormat;
  readonly tell?: (emit: Emit) => void;
} = {}): string {
  let text = '';
  const terminal = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
    { isTTY },
  );
  const options = { level: 'info', format, destination: terminal } as const;
  const logger = createLogger(colors === undefined ? options : { ...options, colors });
  const telemetry = new Telemetry({ clock: systemClock, logger });
  if (tell) {
    tell(telemetry.emit);
    return text;
  }
  telemetry.emit('certificate.created', { certificate: 'ca', path: '/x/ca.pem' });
  telemetry.emit('dns.query', { session: 's1', question: 'a.test', type: 'A', outcome: 'no such name', answers: 0 });
  return text;
}

t.test(
  'a line of the pretty log is time, level and sentence, and nothing of the event is taken for pino’s own',
  async (t) => {
    const lines = stripVTControlCharacters(logged()).trimEnd().split('\n');
    t.match(lines, [
      /^\[[\d:.]+\] INFO: Created the certificate ca in \/x\/ca\.pem$/,
      /^\[[\d:.]+\] INFO: DNS A a\.test: no such name, 0 answers$/,
    ]);
  },
);

t.test('no field of any event has a name that a line of the log has already', async (t) => {
  type Taken = { [N in EventName]: Extract<keyof EventMap[N], LogField> }[EventName];
  const free: [Taken] extends [never] ? true : Taken = true;
  t.ok(free, 'the type checker tells');
});

t.test('what is no terminal, a pipe or a file, gets one JSON object a line, without colours', async (t) => {
  const lines = logged({ isTTY: false }).trimEnd().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { level: 30, event: 'certificate.created', certificate: 'ca', msg: 'Created the certificate ca in /x/ca.pem' },
      { level: 30, event: 'dns.query', question: 'a.test', msg: 'DNS A a.test: no such name, 0 answers' },
    ],
  );
});

t.test('colours are for terminals, unless they are not wanted', async (t) => {
  const [coloured, plain] = [logged(), logged({ colors: false })];
  t.not(coloured, stripVTControlCharacters(coloured));
  t.equal(plain, stripVTControlCharacters(plain));
});

t.test('sentences go into a pipe only where that is asked for, and then without colours', async (t) => {
  const lines = logged({ isTTY: false, format: 'pretty' });
  t.match(lines, /^\[[\d:.]+\] INFO: Created the certificate ca in \/x\/ca\.pem$/m);
  t.equal(lines, stripVTControlCharacters(lines));
  t.ok(
    logged({ format: 'json' })
      .trimEnd()
      .split('\n')
      .every((line) => JSON.parse(line)),
    'JSON on a terminal too',
  );
});

t.test('what becomes of DTLS is told at the level that people see', async (t) => {
  // Single flights of a handshake are for whoever looks closer.
  const names = (Object.keys(EVENTS) as EventName[]).filter((name) => /^channel\.(dtls\.(?!flight)|switch)/.test(name));
  t.ok(names.length >= 6);
  for (const name of names) t.equal(EVENTS[name].level, 'info', name);
});

t.test('a line of JSON has the members that the page about the log shows', async (t) => {
  const page = readFileSync(join(REPOSITORY, 'docs/reference/logging.md'), 'utf8');
  const [, sample] = /```text\n(\{.*\})\n```/.exec(page)!;
  const { session, remote, cipher, mtu, msg, ...rest } = JSON.parse(sample!);
  const line = JSON.parse(
    logged({ isTTY: false, tell: (emit) => emit('channel.dtls.open', { session, remote, cipher, mtu }) }),
  );
  t.strictSame(Object.keys(line), Object.keys(JSON.parse(sample!)));
  t.match(line, { session, remote, cipher, mtu, msg, level: rest.level, event: rest.event });
});

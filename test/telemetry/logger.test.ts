import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger, type EventMap, type EventName, type LogField, Telemetry } from '../../src/telemetry/index.ts';

/** The lines that two events leave in a log of format `auto`, on a terminal unless told otherwise. */
function logged({ colors, isTTY = true }: { readonly colors?: boolean; readonly isTTY?: boolean } = {}): string {
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
  const options = { level: 'info', format: 'auto', destination: terminal } as const;
  const logger = createLogger(colors === undefined ? options : { ...options, colors });
  const telemetry = new Telemetry({ clock: systemClock, logger });
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

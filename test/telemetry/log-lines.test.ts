import { PassThrough } from 'node:stream';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { errorText } from '../../src/lib/errors.ts';
import { createLogger, type LogFormat, Telemetry } from '../../src/telemetry/index.ts';

/** Each would begin a line of its own, clear the screen, or turn the text around. */
const NASTY = [
  'alice\n[12:00:00.000] INFO: mallory authenticated',
  'a\r\nb',
  'a\u2028b\u2029c',
  'a\u0085b',
  '\u001b[2J\u001b[1;1H',
  '\u009b2J',
  'a\u0000b\u007f',
  'user\u202egnp.exe',
];

function logOf(format: LogFormat) {
  const destination = new PassThrough();
  const logger = createLogger({ level: 'debug', format, destination });
  return { logger, read: () => String(destination.read() ?? '') };
}

const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

for (const format of ['json', 'pretty'] as const) {
  t.test(`what comes from outside stays on its line in the ${format} log`, async (t) => {
    const { logger, read } = logOf(format);
    const telemetry = new Telemetry({ clock: new ManualClock(), logger });
    for (const text of NASTY) {
      telemetry.emit('http.request', { remote: '192.0.2.1:1', method: 'GET', path: text, agent: text });
      const lines = read();
      t.match(lines, /^[^\n]+\n$/, `${encodeURIComponent(text)}: one line`);
      t.notMatch(lines, UNPRINTABLE, encodeURIComponent(text));
      logger.warn(`a warning about ${text}`);
      const warning = read();
      t.match(warning, /^[^\n]+\n$/, 'whoever logs');
      t.notMatch(warning, UNPRINTABLE);
    }
    t.match(telemetry.journal.query()[0], { fields: { path: NASTY[0] } }, 'the journal has the fields as they came');
    t.equal(
      telemetry.journal.query()[0]?.text,
      '192.0.2.1:1 GET alice\\n[12:00:00.000] INFO: mallory authenticated',
      'and a text of one line',
    );
  });
}

t.test('a logger of the program gets printable lines too', async (t) => {
  const said: [object, string][] = [];
  const note = (fields: object, text: string): void => void said.push([fields, text]);
  const logger = { trace: note, debug: note, info: note, warn: note, error: note, isLevelEnabled: () => true };
  const telemetry = new Telemetry({ clock: new ManualClock(), logger });
  telemetry.emit('simulator.closing', { reason: 'a\nb\u001b' });
  t.strictSame(said, [[{ event: 'simulator.closing', reason: 'a\\nb\\u001b' }, 'Closing: a\\nb\\u001b']]);
});

t.test('what was thrown is told on one printable line', async (t) => {
  t.equal(errorText(new Error('one\n  two\u001b[2J')), 'one two\\u001b[2J');
});

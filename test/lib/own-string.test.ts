import { getHeapSnapshot } from 'node:v8';
import t from 'tap';
import { forgetMatch, ownString } from '../../src/lib/own-string.ts';

t.test('a string of its own is the same text, whatever characters are in it', async (t) => {
  for (const text of [
    '',
    'short',
    'exactly 13 ch',
    'a longer one than that',
    'Ärger mit Umlauten',
    '语言语言语言语言语言语言语言',
    'a lone \ud800 surrogate',
    '\0'.repeat(20),
  ]) {
    t.equal(ownString(text), text);
    t.equal(ownString(`before ${text} after`.slice(7, -6)), text);
  }
});

async function heap(): Promise<string> {
  let snapshot = '';
  for await (const chunk of getHeapSnapshot()) snapshot += chunk;
  return snapshot;
}

/** A text that occurs nowhere in the code. */
const whole = (mark: number): string => Buffer.from(`${'x'.repeat(50)}${mark}${'-of-the-whole'.repeat(9)}`).toString();

/** Put together here, so that the source of this file is not what is found. */
const has = (snapshot: string, mark: number): boolean => snapshot.includes(`x${mark}-of-the-whole`);

t.test('it does not keep what it was cut out of, as a slice does', async (t) => {
  const kept: string[] = [];
  // Not here, where the engine keeps what was worked with until this is over.
  const cut = (mark: number, hold: (text: string) => string): void => {
    for (const length of [12, 13, 40]) kept.push(hold(whole(mark).slice(0, length)));
  };
  cut(11111, ownString);
  cut(22222, (text) => text);
  const snapshot = await heap();
  t.equal(has(snapshot, 11111), false);
  t.equal(has(snapshot, 22222), true, 'a test that could not fail would prove nothing');
  t.equal(kept.length, 6);
});

t.test('what a regular expression matched last is forgotten when that is asked for', async (t) => {
  const text = whole(33333);
  /of-the/.test(text);
  t.equal(RegExp.$_, text, 'the engine keeps it');
  /of-the/.test(text);
  forgetMatch();
  t.equal(RegExp.$_, '');
});

import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { CODE_LIFE_MS, CODE_TRIES, TRIES_PER_ADDRESS, TRIES_WINDOW_MS } from '../../src/pairing/constants.ts';
import { PairingCode } from '../../src/pairing/pairing-code.ts';

const PHONE = '192.168.1.30';

function lab() {
  const shown: string[] = [];
  const clock = new ManualClock();
  const code = new PairingCode(clock, seededRandom(1), (text) => shown.push(text));
  return { code, clock, shown };
}

t.test('a code is good once, however it is typed, and the next one is another', async (t) => {
  const { code, shown } = lab();
  t.match(shown[0], /^[2-9A-HJ-NP-Z]{8}$/, 'without letters that are taken for digits');
  t.equal(code.redeem(` ${shown[0]!.slice(0, 4).toLowerCase()}-${shown[0]!.slice(4)} `, PHONE), 'ok');
  t.equal(shown.length, 2);
  t.not(shown[1], shown[0]);
  t.equal(code.redeem(shown[0]!, PHONE), 'wrong');
  t.equal(code.redeem(shown[1]!, PHONE), 'ok');
});

t.test('a code is over after ten minutes, and whoever tries it has the next one shown', async (t) => {
  const { code, clock, shown } = lab();
  clock.advance(CODE_LIFE_MS - 1);
  t.equal(shown.length, 1, 'nobody asked for another');
  clock.advance(1);
  t.equal(code.redeem(shown[0]!, PHONE), 'over');
  t.equal(shown.length, 2);
  t.equal(code.redeem(shown[0]!, PHONE), 'wrong');
  t.equal(code.redeem(shown[1]!, PHONE), 'ok');
});

t.test('one phone may try five times a minute, whatever it tries', async (t) => {
  const { code, clock, shown } = lab();
  for (let i = 0; i < TRIES_PER_ADDRESS; i++) t.equal(code.redeem('AAAAAAAA', PHONE), 'wrong');
  t.equal(code.redeem(shown[0]!, PHONE), 'too-many', 'even the right one');
  t.equal(code.redeem('AAAAAAAA', '192.168.1.31'), 'wrong', 'another phone is not held to account');
  clock.advance(TRIES_WINDOW_MS);
  t.equal(code.redeem(shown[0]!, PHONE), 'ok');
});

t.test('a code that many phones guess at is void until its time is up, and no new one is made before', async (t) => {
  const { code, clock, shown } = lab();
  for (let i = 0; i < CODE_TRIES; i++) t.equal(code.redeem('AAAAAAAA', `10.0.0.${i}`), 'wrong');
  t.equal(code.redeem(shown[0]!, PHONE), 'over');
  t.equal(code.redeem(shown[0]!, PHONE), 'over');
  t.equal(shown.length, 1);
  clock.advance(CODE_LIFE_MS);
  t.equal(code.redeem('', PHONE), 'over');
  t.equal(code.redeem(shown[1]!, PHONE), 'ok');
});

t.test('nothing but the code is one', async (t) => {
  const { code, shown } = lab();
  const tries = ['', ' ', 'undefined', `${shown[0]}A`, shown[0]!.slice(1), '\u0000', '9'.repeat(100_000), '__proto__'];
  for (const [i, text] of tries.entries())
    t.equal(code.redeem(text, `10.0.1.${i}`), 'wrong', JSON.stringify(text.slice(0, 20)));
});

import { getHeapSnapshot } from 'node:v8';
import Fastify from 'fastify';
import t from 'tap';
import { systemRandom } from '../../src/lib/random.ts';
import { Remembered } from '../../src/services/remembered.ts';
import { addWebapp, WEBAPP_PASSWORD } from '../../src/services/webapp.ts';

/** Put together where it is used, so that the source of this file is not what is found. */
const mark = (number: number): string => `mark${number}-in-a-request`;

const heap = async (): Promise<string> => {
  let snapshot = '';
  for await (const chunk of getHeapSnapshot()) snapshot += chunk;
  return snapshot;
};

t.test(
  'a web application that remembers who signed in does not remember the form, with the password in it',
  async (t) => {
    const app = Fastify();
    t.teardown(() => app.close());
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    addWebapp(app, { random: systemRandom });
    const signIn = (number: number, user: string) =>
      app.inject({
        method: 'POST',
        url: '/login',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: `username=${user}&password=${WEBAPP_PASSWORD}&other=${mark(number)}`,
      });
    t.equal((await signIn(11111, 'somebody-with-a-long-name')).statusCode, 303);
    // What a server keeps of its last request is that of another one.
    t.equal((await signIn(22222, 'somebody-else-altogether')).statusCode, 303);
    const snapshot = await heap();
    t.equal(snapshot.includes('somebody-with-a-long-name'), true);
    t.equal(snapshot.includes(mark(11111)), false);
  },
);

t.test('what is remembered by a word of a header does not keep the header', async (t) => {
  const remembered = new Remembered<number>();
  const plain = new Map<string, number>();
  const keyOf = (number: number): string =>
    Buffer.from(`a key of some length, ${mark(number)}`)
      .toString()
      .slice(0, 20);
  const fill = (): void => {
    remembered.set(keyOf(33333), 1);
    plain.set(keyOf(44444), 1);
  };
  fill();
  const snapshot = await heap();
  t.equal(remembered.get('a key of some length'), 1);
  t.equal(snapshot.includes(mark(33333)), false);
  t.equal(snapshot.includes(mark(44444)), true, 'a map does');
});

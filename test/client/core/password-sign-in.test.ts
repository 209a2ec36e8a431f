import t from 'tap';
import type { ControlConnection, ControlRequest } from '../../../src/client/core/control-connection.ts';
import { passwordSignIn } from '../../../src/client/core/password-sign-in.ts';
import type { ClientStep } from '../../../src/client/core/types.ts';

const FORM = '<auth id="main"></auth>';
const SUCCESS = '<auth id="success"></auth>';

/** Signs in at a gateway that gives these answers, status and body, one after the other. */
async function signIn(...answers: (readonly [status: number, body: string])[]) {
  const requests: ControlRequest[] = [];
  const steps: ClientStep['step'][] = [];
  const connection = {
    async exchange(request: ControlRequest) {
      const [status, body] = answers[requests.push(request) - 1]!;
      return { version: '1.1', status, text: 'Some \u001b words', headers: [], body: Buffer.from(body) };
    },
  } as unknown as ControlConnection;
  const context = {
    url: new URL('https://vpn.contoso.internal/'),
    userAgent: 'test',
    signal: new AbortController().signal,
    onStep: ({ step }: ClientStep) => void steps.push(step),
  };
  const done = passwordSignIn('a&b', 'p=ä')(connection, context);
  return { requests, steps, done };
}

t.test('name and password go into a form each', async (t) => {
  const { requests, steps, done } = await signIn([200, FORM], [200, FORM], [200, SUCCESS]);
  await done;
  t.strictSame(
    requests.map(({ method, path, body }) => [method, path, body]),
    [
      ['POST', '/', ''],
      ['POST', '/auth', 'username=a%26b'],
      ['POST', '/auth', 'password=p%3D%C3%A4'],
    ],
  );
  t.strictSame(steps, ['challenge']);
});

t.test('a status other than 200 ends the login there, and its words are shown', async (t) => {
  for (let good = 0; good < 3; good++) {
    const answers = Array.from({ length: good }, () => [200, FORM] as const);
    const { requests, done } = await signIn(...answers, [401, SUCCESS]);
    await t.rejects(done, {
      code: 'ERR_CLIENT_TOKEN_REFUSED',
      message: /answered 401 Some .* words to the login with a password/,
      hint: /name and password/,
    });
    t.equal(requests.length, good + 1);
  }
});

t.test('one more form is a refusal', async (t) => {
  const { done } = await signIn([200, FORM], [200, FORM], [200, FORM]);
  await t.rejects(done, { code: 'ERR_CLIENT_TOKEN_REFUSED', message: /refused the name and password/ });
});

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { openOnward } from '../../src/services/onward.ts';
import { visitor } from '../support/visitor.ts';

t.test('a connection that breaks as soon as it is granted harms nobody, and is closed', async (t) => {
  const stream = await openOnward(
    (_target, _visitor, request) => {
      // Not within a promise: what is destroyed then fails before the asker goes on.
      setImmediate(() => {
        request
          .accept()
          .stream.on('error', () => {})
          .destroy(new Error('a defect'));
      });
      return () => {};
    },
    { host: 'broken.contoso.internal', port: 80 },
    visitor,
    new PassThrough(),
  );
  if (!stream.closed) await once(stream, 'close');
  t.match(stream.errored, { message: 'a defect' });
});

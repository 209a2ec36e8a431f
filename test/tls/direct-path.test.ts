import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import t from 'tap';
import { DirectPath, WriteOutcome, watchWriteForm } from '../../src/tls/direct-path.ts';
import { tryDirectWrites } from '../../src/tls/direct-trial.ts';

t.test('on the Node that runs this, the trial says that direct writes work', async (t) => {
  t.equal(await tryDirectWrites(), true);
  t.equal(await tryDirectWrites(), true);
});

/** A TLS socket whose insides are as given. */
function socketWith(insides: object | undefined): TLSSocket {
  const tls = new TLSSocket(new Duplex({ read() {}, write: (_c, _e, done) => done() }));
  Object.defineProperty(tls, '_handle', { value: insides, configurable: true });
  return tls;
}

t.test('insides that lack a part are given up without a call', async (t) => {
  const never = (): never => {
    throw new Error('called');
  };
  const wrap = { doWrite: never, _handle: { finishWrite: never } };
  for (const insides of [
    undefined,
    {},
    { writeBuffer: never },
    { writeBuffer: never, _parentWrap: {} },
    { writeBuffer: never, _parentWrap: { ...wrap, _handle: null } },
    { writeBuffer: never, _parentWrap: { ...wrap, _handle: {} } },
    { writeBuffer: never, _parentWrap: { ...wrap, doWrite: undefined } },
    { writeBuffer: 'no function', _parentWrap: wrap },
  ]) {
    const form = class {};
    t.equal(DirectPath.take(socketWith(insides), { collect: never }, form, never), undefined);
  }
  t.equal(
    watchWriteForm(socketWith({}), () => {}),
    false,
  );
});

/** Insides in the manner of Node 26: the callee makes the request. */
function returning(complete: 'before' | 'after' | 'never', error?: string) {
  const finished: unknown[] = [];
  const wrap = {
    doWrite: (_request: object, _chunks: Buffer[]): number => 0,
    _handle: { finishWrite: (request: object) => void finished.push(request) },
  };
  let made: { writeStatus: number | null; oncomplete?: (status: number) => void; error?: string } | undefined;
  wrap._handle.finishWrite = (request) => {
    finished.push(request);
    if (complete === 'after') made?.oncomplete?.(0);
  };
  const handle = {
    _parentWrap: wrap,
    writeBuffer: (request: unknown, data: Buffer) => {
      if (request !== null) throw new Error('a request was given');
      if (!error) wrap.doWrite({ ciphertext: true }, [data]);
      return (made = { writeStatus: complete === 'before' ? 0 : null, ...(error ? { error } : {}) });
    },
  };
  return { tls: socketWith(handle), finished, complete: () => made?.oncomplete?.(0) };
}

t.test('a request that Node makes itself is completed whenever it completes', async (t) => {
  for (const [how, outcome] of [
    ['before', WriteOutcome.Done],
    ['after', WriteOutcome.Done],
    ['never', WriteOutcome.Pending],
  ] as const) {
    const inside = returning(how);
    const chunks: Buffer[] = [];
    let completions = 0;
    const path = DirectPath.take(
      inside.tls,
      { collect: (more) => void chunks.push(...more) },
      null,
      () => completions++,
    )!;
    t.equal(path.write(Buffer.from('hello')), outcome, how);
    t.equal(Buffer.concat(chunks).toString(), 'hello');
    t.equal(inside.finished.length, 1);
    t.equal(completions, 0);
    if (how === 'never') {
      inside.complete();
      t.equal(completions, 1, 'a late completion is told');
    }
  }
  const broken = DirectPath.take(returning('never', 'bad').tls, { collect: () => {} }, null, () => {})!;
  t.equal(broken.write(Buffer.from('x')), WriteOutcome.Failed);
});

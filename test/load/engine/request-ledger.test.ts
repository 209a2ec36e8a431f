import t from 'tap';
import { RequestLedger } from '../../../src/load/engine/request-ledger.ts';

const ledgerOf = (count: number): RequestLedger => {
  const ledger = new RequestLedger(250);
  for (let n = 0; n < count; n++) ledger.schedule(1000 + n * 250);
  return ledger;
};

t.test('when a request was intended follows from its number', async (t) => {
  const ledger = ledgerOf(4);
  t.equal(ledger.intended(0), 1000);
  t.equal(ledger.intended(3), 1750);
  t.equal(ledger.scheduled, 4);
});

t.test('the interruption begins with the first request after the newest answered one', async (t) => {
  const ledger = ledgerOf(10);
  t.equal(ledger.answer(0), 'first');
  t.equal(ledger.answer(2), 'first');
  // Number 1 was lost by itself, before anything was interrupted.
  t.equal(ledger.unansweredSince(7), ledger.intended(3));
  t.equal(ledger.unansweredSince(3), undefined, 'an answer to the very next request: nothing was lost');
  t.equal(ledger.answer(7), 'first');
  t.equal(ledger.unansweredSince(), ledger.intended(8));
});

t.test('each answer counts once, and one that nobody asked for not at all', async (t) => {
  const ledger = ledgerOf(3);
  t.equal(ledger.answer(1), 'first');
  t.equal(ledger.answer(1), 'repeated');
  t.equal(ledger.answer(3), undefined);
  t.equal(ledger.answer(0xffff_ffff), undefined);
  t.equal(ledger.answer(0), 'first', 'late, and out of order');
  t.equal(ledger.unansweredSince(), ledger.intended(2));
});

t.test('what is remembered of requests without answers is bounded', async (t) => {
  const ledger = ledgerOf(10_000);
  t.equal(ledger.answer(0), 'repeated', 'forgotten');
  t.equal(ledger.answer(9_999), 'first');
});

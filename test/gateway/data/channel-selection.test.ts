import fc from 'fast-check';
import t from 'tap';
import {
  ChannelEvent,
  ChannelSelection,
  carrierOf,
  DataPath,
  nextDataPath,
} from '../../../src/gateway/data/channel-selection.ts';
import {
  STRAGGLER_MS,
  UNANSWERED_PROBE_MS,
  UNANSWERED_SWITCH_MS,
} from '../../../src/gateway/data/data-channel-constants.ts';

const paths = Object.values(DataPath);
const events = Object.values(ChannelEvent);
const DPD = 30_000;

const WITH_CSTP: readonly DataPath[] = [DataPath.Cstp, DataPath.Dtls, DataPath.DtlsSilent, DataPath.DtlsUnused];
const WITH_DTLS: readonly DataPath[] = [DataPath.Dtls, DataPath.DtlsSilent, DataPath.DtlsUnused, DataPath.DtlsAlone];

/** What the states mean, said independently of the table. */
function expected(path: DataPath, event: ChannelEvent): DataPath {
  let cstp = WITH_CSTP.includes(path);
  let dtls = WITH_DTLS.includes(path);
  if (event === 'cstp-up') cstp = true;
  if (event === 'cstp-down') cstp = false;
  if (event === 'dtls-up') dtls = true;
  if (event === 'dtls-down') dtls = false;
  if (!cstp && !dtls) return DataPath.Closed;
  if (!dtls) return DataPath.Cstp;
  if (!cstp) return DataPath.DtlsAlone;
  if (event === 'dtls-up' || event === 'dtls-data') return DataPath.Dtls;
  if (event === 'dtls-sign') return path === DataPath.DtlsUnused ? path : DataPath.Dtls;
  if (event === 'cstp-data') return DataPath.DtlsUnused;
  if (event === 'dtls-silent') return path === DataPath.Dtls ? DataPath.DtlsSilent : path;
  return path === DataPath.DtlsAlone ? DataPath.Dtls : path;
}

t.test('every pair of state and event leads where the rules say', async (t) => {
  for (const path of paths) {
    for (const event of events) t.equal(nextDataPath(path, event), expected(path, event), `${path} + ${event}`);
  }
});

t.test('data is carried whenever a channel is up, and only over one that is', async (t) => {
  for (const path of paths) {
    const carrier = carrierOf(path);
    t.equal(carrier === undefined, path === DataPath.Closed, path);
    if (carrier === 'cstp') t.ok(WITH_CSTP.includes(path), path);
    if (carrier === 'dtls') t.ok(WITH_DTLS.includes(path), path);
  }
});

function live(now = 0): ChannelSelection {
  const selection = new ChannelSelection({ dpd: DPD });
  selection.apply('cstp-up', now);
  selection.apply('dtls-up', now);
  return selection;
}

t.test('data moves to DTLS after the handshake, and the switch is told once, with its reason', async (t) => {
  const selection = new ChannelSelection({ dpd: DPD });
  t.equal(selection.channel, undefined);
  t.equal(selection.apply('cstp-up', 0), undefined, 'the first channel is no switch');
  t.equal(selection.channel, 'cstp');
  t.match(selection.apply('dtls-up', 10), { from: 'cstp', to: 'dtls', reason: /handshake/ });
  t.equal(selection.apply('dtls-up', 20), undefined);
  t.equal(selection.apply('dtls-data', 20), undefined);
});

t.test('CSTP data moves data back, but not what TCP only delivered late', async (t) => {
  const selection = live(1000);
  t.equal(selection.apply('cstp-data', 1000 + STRAGGLER_MS - 1), undefined);
  t.equal(selection.channel, 'dtls');
  t.match(selection.apply('cstp-data', 1000 + STRAGGLER_MS), { from: 'dtls', to: 'cstp', reason: /over TLS/ });
});

t.test('after the client chose CSTP its DPD over DTLS proves nothing, its data does', async (t) => {
  const selection = live();
  selection.apply('cstp-data', 5000);
  t.equal(selection.apply('dtls-sign', 5100), undefined);
  t.equal(selection.channel, 'cstp');
  t.match(selection.apply('dtls-data', 5200), { to: 'dtls' });
});

t.test(
  'idle silence is probed after 2 × DPD, given up when no probe is answered, and the first sign of life returns [§8]',
  async (t) => {
    const selection = live();
    t.equal(selection.check(2 * DPD - 1), undefined);
    t.equal(selection.check(2 * DPD), 'probe');
    t.equal(selection.check(2 * DPD + 500), undefined, 'not each time it is asked');
    t.equal(selection.check(2 * DPD + UNANSWERED_PROBE_MS), 'probe', 'one may be lost');
    t.equal(selection.check(2 * DPD + UNANSWERED_SWITCH_MS - 1), 'probe');
    t.equal(selection.check(2 * DPD + UNANSWERED_SWITCH_MS), 'silent');
    t.match(selection.apply('dtls-silent', 2 * DPD + UNANSWERED_SWITCH_MS), {
      from: 'dtls',
      to: 'cstp',
      reason: /nothing was received/,
    });
    t.equal(selection.check(4 * DPD), 'probe', 'it is still asked');
    t.match(selection.apply('dtls-sign', 4 * DPD + 10), { from: 'cstp', to: 'dtls' });
    t.equal(selection.check(4 * DPD + 20), undefined);
  },
);

t.test('unanswered data is probed and moved long before the DPD interval', async (t) => {
  const selection = live();
  selection.sent(100);
  selection.sent(900);
  t.equal(selection.check(100 + UNANSWERED_PROBE_MS - 1), undefined);
  t.equal(selection.check(100 + UNANSWERED_PROBE_MS), 'probe');
  t.equal(selection.check(100 + 2 * UNANSWERED_PROBE_MS), 'probe');
  t.equal(selection.check(100 + UNANSWERED_SWITCH_MS), 'silent');
});

t.test('an answer in time keeps data on DTLS', async (t) => {
  const selection = live();
  selection.sent(100);
  t.equal(selection.check(1200), 'probe');
  t.ok(selection.heardData(1300));
  t.equal(selection.check(100 + UNANSWERED_SWITCH_MS), undefined);
});

t.test('with DPD off, idleness proves nothing, unanswered data does', async (t) => {
  const selection = new ChannelSelection({ dpd: 0 });
  selection.apply('cstp-up', 0);
  selection.apply('dtls-up', 0);
  t.equal(selection.check(1e9), undefined);
  t.equal(selection.silentAfter(1e9, 1e9), false, 'nor does a leap of time');
  selection.sent(1e9);
  t.equal(selection.check(1e9 + UNANSWERED_SWITCH_MS), 'silent');
});

t.test('when the TLS connection dies data goes on over DTLS, and stays there when it is back', async (t) => {
  const selection = live();
  t.equal(selection.apply('cstp-down', 10), undefined);
  t.equal(selection.channel, 'dtls');
  selection.sent(20);
  t.equal(selection.check(20 + UNANSWERED_SWITCH_MS), 'probe', 'there is nowhere else to go: only asked');
  t.equal(selection.apply('cstp-up', 6000), undefined);
  t.equal(selection.path, DataPath.Dtls);
});

t.test('whatever happens, in whatever order, the channel named is one that is up', async (t) => {
  const judge = (): void =>
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...events), fc.nat(5000)), { maxLength: 60 }), (steps) => {
        const selection = new ChannelSelection({ dpd: DPD });
        let [now, cstp, dtls] = [0, false, false];
        for (const [event, gap] of steps) {
          now += gap;
          const before = selection.channel;
          const change = selection.apply(event, now);
          if (event === 'cstp-up') cstp = true;
          if (event === 'cstp-down') cstp = false;
          if (event === 'dtls-up') dtls = true;
          if (event === 'dtls-down') dtls = false;
          const after = selection.channel;
          if (after === 'cstp' && !cstp) return false;
          if (after === 'dtls' && !dtls) return false;
          if (after === undefined && (cstp || dtls)) return false;
          if (change && (change.from !== before || change.to !== after || change.from === change.to)) return false;
        }
        return true;
      }),
    );
  t.doesNotThrow(judge);
});

t.test('silence can be more or less than the time that has passed, and nobody was heard in the future', async (t) => {
  const selection = new ChannelSelection({ dpd: 30_000 });
  selection.apply('cstp-up', 0);
  t.equal(selection.silentAfter(1e9, 0), false, 'there is no DTLS to be silent');
  selection.apply('dtls-up', 1000);
  t.equal(selection.silentAfter(89_000, 1000), false);
  t.equal(selection.silentAfter(90_000, 1000), true);
  selection.shift(-5000, 2000);
  t.equal(selection.heard, 2000);
  selection.shift(90_000, 2000);
  t.equal(selection.check(2000), 'silent');
});

t.test('who looks when it says, and is told when that becomes sooner, misses nothing', async (t) => {
  const step = fc.record({
    passes: fc.constantFrom(0, 1, 499, 500, 1000, 3500, 30_000, 60_000, 100_000),
    what: fc.constantFrom(...events, 'sent', 'heard-data', 'excuse'),
  });
  const judge = (): void =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 300, DPD), (steps, dpd) => {
        const selection = new ChannelSelection({ dpd });
        let now = 0;
        // As it was filed: only these make it sooner.
        let due = Infinity;
        for (const { passes, what } of steps) {
          now += passes;
          const { path } = selection;
          if (what === 'heard-data') selection.heardData(now);
          else if (what === 'excuse') selection.excuse(passes, now);
          else if (what === 'sent') {
            selection.sent(now);
            due = Math.min(due, selection.nextLook);
          } else selection.apply(what, now);
          if (selection.path !== path) due = Math.min(due, selection.nextLook);
          const wanted = selection.nextLook;
          const action = selection.check(now);
          if (action !== undefined && (wanted > now || due > now)) return false;
          if (action === 'silent') selection.apply('dtls-silent', now);
          if (due <= now) due = selection.nextLook;
        }
        return true;
      }),
      { numRuns: 2000 },
    );
  t.doesNotThrow(judge);
});

import t from 'tap';
import { nextStep, type Step, type StepFacts } from '../../../src/entra/sign-in/flow.ts';

/** Every combination of facts, each one a possible moment of a sign-in. */
function* everyMoment(): Generator<StepFacts> {
  const remedies = [undefined, 'new-password', 'mfa', 'mfa-registration'] as const;
  for (let bits = 0; bits < 128; bits++) {
    const bit = (index: number): boolean => (bits & (1 << index)) !== 0;
    for (const remedy of remedies) {
      yield {
        canPick: bit(0),
        hasAccount: bit(1),
        isFederated: bit(2),
        isAuthenticated: bit(3),
        needsConsent: bit(4),
        needsConfirmation: bit(5),
        asksToStay: bit(6),
        remedy,
      };
    }
  }
}

t.test('nobody gets past the password, a remedy, consent or confirmation that is still open', async (t) => {
  for (const facts of everyMoment()) {
    const step = nextStep(facts);
    const late: readonly Step[] = ['consent', 'confirm-app', 'stay-signed-in', 'done'];
    if (!facts.isAuthenticated && (late.includes(step) || step === 'mfa')) t.fail(JSON.stringify(facts));
    if (facts.isAuthenticated && facts.remedy !== undefined && step !== facts.remedy) t.fail(JSON.stringify(facts));
    if (step === 'done' && (facts.needsConsent || facts.needsConfirmation || facts.asksToStay)) {
      t.fail(JSON.stringify(facts));
    }
  }
  t.pass('all 512 moments');
});

t.test('pages come in the order of a sign-in', async (t) => {
  const start: StepFacts = {
    canPick: true,
    hasAccount: false,
    isFederated: false,
    isAuthenticated: false,
    remedy: undefined,
    needsConsent: true,
    needsConfirmation: true,
    asksToStay: true,
  };
  const walk: [Partial<StepFacts>, Step][] = [
    [{}, 'pick-account'],
    [{ canPick: false }, 'username'],
    [{ hasAccount: true }, 'password'],
    [{ isFederated: true }, 'federated'],
    [{ isAuthenticated: true, remedy: 'new-password' }, 'new-password'],
    [{ remedy: 'mfa-registration' }, 'mfa-registration'],
    [{ remedy: 'mfa' }, 'mfa'],
    [{ remedy: undefined }, 'consent'],
    [{ needsConsent: false }, 'confirm-app'],
    [{ needsConfirmation: false }, 'stay-signed-in'],
    [{ asksToStay: false }, 'done'],
  ];
  let facts = start;
  for (const [change, step] of walk) {
    facts = { ...facts, ...change };
    t.equal(nextStep(facts), step);
  }
});

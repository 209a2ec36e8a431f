import t from 'tap';
import { faultProfile, PROFILE_NAMES, type ProfileName } from '../../src/config/fault-profiles.ts';
import { LINES, type LineName } from '../../src/lib/lines.ts';
import { LINKS } from '../../src/network/index.ts';

const LINE_PROFILES = PROFILE_NAMES.filter((name) => Object.hasOwn(LINES, name)) as (ProfileName & LineName)[];

t.test('a link and the fault profile of its name are the same line', async (t) => {
  t.strictSame([...LINE_PROFILES].sort(), ['3g', 'dsl', 'edge', 'lte', 'satellite']);
  for (const name of LINE_PROFILES) {
    const { rules, source } = faultProfile(name);
    const { delay, jitter, loss, down, up } = LINKS[name];
    t.equal(source, LINES[name].source);
    const ways = rules.filter(({ then }) => then.do === 'rate');
    t.match(
      ways.map(({ on, then }) => [on.direction, then.kbps, then.ms, then.jitter]),
      [
        ['out', (down * 8) / 1000, Math.round(delay), jitter],
        ['in', (up * 8) / 1000, Math.round(delay), jitter],
      ],
      name,
    );
    t.strictSame(rules.find(({ then }) => then.do === 'drop')?.when?.chance ?? 0, loss, name);
  }
});

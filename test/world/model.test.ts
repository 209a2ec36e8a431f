/*
 * A world must agree with a model of it that knows nothing of protocols, whatever happens in which order.
 *
 * MODEL_RUNS=1000 runs more stories than the suite does, each time others. What fails is printed with its seed and path, and comes again by
 * MODEL_SEED, MODEL_PATH and MODEL_REPLAY (what is called replayPath).
 */
import fc from 'fast-check';
import t from 'tap';
import { commands } from './model/commands.ts';
import { newModel, Stage } from './model/stage.ts';

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env;

/** Of the suite: the same stories each time, some seconds of them. */
const RUNS = 30;
const SEED = 20_261_127;

t.setTimeout(MODEL_RUNS === undefined ? 300_000 : 0);

t.test('a world agrees with a model of it', async () => {
  const seed = MODEL_SEED === undefined ? (MODEL_RUNS === undefined ? SEED : undefined) : Number(MODEL_SEED);
  const loss = fc.constantFrom(0, 0, 0.02);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1_000_000 }), loss, commands(MODEL_REPLAY), async (worldSeed, lost, story) => {
      await using stage = await Stage.open(worldSeed, lost);
      const model = newModel();
      await fc.asyncModelRun(() => ({ model, real: stage }), story);
      await stage.settle(model);
    }),
    {
      numRuns: Number(MODEL_RUNS ?? RUNS),
      ...(seed === undefined ? {} : { seed }),
      ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH }),
    },
  );
});

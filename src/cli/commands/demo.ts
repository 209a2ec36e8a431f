import { command } from '../context/command.ts';

export default command({
  args: {},
  async run({ io }) {
    const { runDemo } = await import('./walk-through.ts');
    return runDemo(io);
  },
});

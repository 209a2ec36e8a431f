import { command } from '../command.ts';

export default command({
  meta: {
    name: 'demo',
    description: 'Starts everything, connects the bundled client, and shows each step from sign-in to page',
  },
  args: {},
  async run({ io }) {
    const { runDemo } = await import('../demo.ts');
    return runDemo(io);
  },
});

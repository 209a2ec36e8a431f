import { command } from '../context/command.ts';

export default command({
  args: {
    json: { type: 'boolean', description: 'Print what became of each part as JSON, and no story' },
  },
  async run({ args, io }) {
    const { runDemo } = await import('../demo/walk-through.ts');
    return runDemo(io, args.json === true);
  },
});

import { command } from '../context/command.ts';

export default command({
  args: {
    policies: {
      type: 'boolean',
      description: 'Show the path from Intune policies to the page, and again without each policy',
    },
    json: { type: 'boolean', description: 'Print the result of each part as JSON, without the story' },
  },
  async run({ args, io }) {
    if (args.policies) {
      const { runPoliciesDemo } = await import('../demo/policies.ts');
      return runPoliciesDemo(io, args.json === true);
    }
    const { runDemo } = await import('../demo/walk-through.ts');
    return runDemo(io, args.json === true);
  },
});

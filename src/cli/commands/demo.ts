import { command } from '../context/command.ts';

export default command({
  args: {
    policies: { type: 'boolean', description: 'From the policies in Intune to the page, and without each of them' },
    json: { type: 'boolean', description: 'Print what became of each part as JSON, and no story' },
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

/** @file A graph as text, for reviews and golden files: one line per node, the same for the same build. */
import { showType } from './graph';
import { nameValues } from './names';
import type { Program } from './program';

export function printProgram(program: Program): string {
  const names = nameValues(program);
  const lines = program.leaves.map((v) => `${v.leaf?.kind ?? 'leaf'} ${names.get(v)}: ${showType(v.type)}`);
  for (const { op, inputs, attrs, output } of program.nodes) {
    const args = Object.entries(inputs).map(([key, v]) => `${key}=${names.get(v)}`);
    if (attrs !== undefined) args.push(JSON.stringify(attrs));
    lines.push(`${names.get(output)}: ${showType(output.type)} = ${op.name}(${args.join(', ')})`);
  }
  for (const [name, v] of program.outputs) lines.push(`output ${name} = ${names.get(v)}`);
  return `${lines.join('\n')}\n`;
}

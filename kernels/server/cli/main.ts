/** @file The command line: finds the command, parses its options, turns errors into the exit statuses of the contract. */
import { parseArgs } from 'node:util';
import { adapterMethods } from '../../adapters/registry';
import { likely } from '../../config/nearest';
import { KernelError } from '../../protocol/errors';
import type { ErrorCode } from '../../protocol/errors';
import { ENGINE_VERSION } from '../../util/version';
import type { Command } from './command';
import { EXIT, Output, refusedArgument } from './command';
import { methodHelp, methodList } from './methodHelp';
import { optionList } from './optionHelp';
import { similarTopic, topicHelp, topicList } from './topicHelp';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  cancelled: EXIT.interrupted,
  'kernel/exited': EXIT.machine,
  'input/refused': EXIT.refused,
  'input/unconfirmed': EXIT.refused,
  'format/invalid': EXIT.refused,
  'adapter/unsupported': EXIT.refused,
  'model/unsupported': EXIT.refused,
  'machine/failed': EXIT.machine,
  'runtime/failed': EXIT.machine,
  internal: EXIT.defect,
};

/** Runs one command line (without node and the script) and returns the exit status. */
export async function runCommandLine(argv: readonly string[], commands: readonly Command[]): Promise<number> {
  const [name, ...rest] = argv;
  const isJson = rest.includes('--json');
  const out = new Output(isJson, process.stdout, process.stderr);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreLostOutput);
  const [topic, ...more] = name === 'help' ? rest.filter((word) => !word.startsWith('-')) : [];
  if (topic !== undefined) {
    const text = more.length === 0 ? helpAbout(topic, commands) : undefined;
    if (text === undefined) {
      return report(unknownTopic([topic, ...more].join(' '), commands), out, new AbortController().signal);
    }
    process.stdout.write(text);
    return EXIT.done;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help(commands));
    return name === undefined ? EXIT.refused : EXIT.done;
  }
  if (name === '--version') {
    process.stdout.write(`${ENGINE_VERSION}\n`);
    return EXIT.done;
  }
  const command = commands.find((c) => c.name === name);
  if (!command) {
    const names = commands.filter((c) => !c.isInternal).map((c) => c.name);
    const expected = `expected one of ${names.join(', ')}${suggestion(name, names)}`;
    const refusal = refusedArgument('adapter-studio', `found the command ${name}`, expected);
    return report(refusal, out, new AbortController().signal);
  }
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  if (!command.endsAtOnce) {
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  }
  try {
    const { values, positionals } = parseOptions(command, rest);
    if (values.help === true) {
      process.stdout.write(helpOf(command));
      return EXIT.done;
    }
    const status = await command.run({ args: positionals, values, out, signal: interrupt.signal });
    out.clearProgress();
    return status ?? EXIT.done;
  } catch (error) {
    return report(error, out, interrupt.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Whoever read our output may go away (`| head`), or the disk that it goes to be full; a run must not die of it. */
function ignoreLostOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
}

function parseOptions(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({
      args: [...args],
      options: { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    });
  } catch (cause) {
    throw refusedOption(command, args, cause);
  }
}

/** What Node says about options, in the form of all refusals. */
function refusedOption(command: Command, args: readonly string[], cause: unknown): KernelError {
  const { code, message } = cause as { readonly code?: string; readonly message: string };
  const usage = `usage: adapter-studio ${command.name} ${command.usage}`;
  const known = [...Object.keys(command.options), 'json', 'help'].map((option) => `--${option}`);
  const [, option = ''] = /'(-[^' ]*)/.exec(message) ?? [];
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const expected = `expected one of ${known.join(', ')}${suggestion(option, known)}\n${usage}`;
    return refusedArgument(command.name, `found the option ${option}`, expected);
  }
  const [, dashed] = /'(--[^' <]+)[^']*' argument is ambiguous/.exec(message) ?? [];
  if (dashed !== undefined) {
    const value = args[args.indexOf(dashed) + 1];
    const found = value === undefined ? 'found no value' : `found ${value}`;
    return refusedArgument(
      dashed,
      found,
      `expected a value; one that begins with - is written ${dashed}=${value ?? ''}\n${usage}`,
    );
  }
  const [reason = message] = message.split('\n');
  return refusedArgument(command.name, lowerFirst(reason), usage);
}

/** Only what is likely: of something quite different the list says enough. */
function suggestion(name: string, known: readonly string[]): string {
  const similar = likely(name, known);
  return similar === undefined ? '' : `; did you mean ${similar}?`;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function report(error: unknown, out: Output, signal: AbortSignal): number {
  if (KernelError.is(error, 'cancelled') || (signal.aborted && (error as Error).name === 'AbortError')) {
    out.note('interrupted');
    return EXIT.interrupted;
  }
  if (KernelError.is(error)) {
    out.record({ error: { code: error.code, message: error.message, problems: error.problems } });
    out.note(error.message);
    if (error.code === 'internal') out.note(error.stack ?? '');
    return STATUS[error.code];
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  out.record({ error: { code: 'internal', message: String(error), problems: [] } });
  out.note(`a defect of Adapter Studio:\n${stack}`);
  return EXIT.defect;
}

/** Of a command, an adapter method, or a section or key of the configuration; undefined for what is none of them. */
function helpAbout(topic: string, commands: readonly Command[]): string | undefined {
  const command = commands.find((c) => c.name === topic);
  return command ? helpOf(command) : (methodHelp(topic) ?? topicHelp(topic));
}

function unknownTopic(topic: string, commands: readonly Command[]): KernelError {
  const names = [...commands.filter((c) => !c.isInternal).map((c) => c.name), ...adapterMethods.map(({ id }) => id)];
  const similar = similarTopic(topic, names);
  const expected = `expected a command, a method, a section such as relora, or a key such as adapter.r${similar === undefined ? '' : `; did you mean ${similar}?`}`;
  return refusedArgument('help', `found the topic ${topic}`, expected);
}

const helpOf = (command: Command): string =>
  `adapter-studio ${command.name} ${command.usage} [--json]\n\n${command.summary}\n\n${optionList(command)}\n`;

function help(commands: readonly Command[]): string {
  const lines = commands.filter((c) => !c.isInternal).map((c) => `  ${c.name} ${c.usage}\n      ${c.summary}`);
  return `adapter-studio ${ENGINE_VERSION}\n\nusage: adapter-studio COMMAND … [--json]\n\n${lines.join('\n')}\n\n${methodList()}\n${topicList()}`;
}

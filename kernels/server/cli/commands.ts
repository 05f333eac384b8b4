/** @file All commands of the command line, in the order of the help. */
import { checkCommand } from './check';
import type { Command } from './command';
import { convertCommand } from './convert';
import { devicesCommand, probeDeviceCommand } from './devices';
import { estimateCommand, timeStepsCommand } from './estimate';
import { evalCommand } from './eval';
import { generateCommand } from './generate';
import { inspectCommand } from './inspect';
import { mergeCommand, unmergeCommand } from './merge';
import { resumeCommand } from './resume';
import { runCommand } from './run';
import { runsCommand, stopCommand } from './runs';
import { serveCommand } from './serve';
import { tokensCommand } from './tokens';
import { trainCommand } from './train';

export const commands: readonly Command[] = [
  trainCommand,
  estimateCommand,
  resumeCommand,
  stopCommand,
  evalCommand,
  mergeCommand,
  unmergeCommand,
  convertCommand,
  inspectCommand,
  generateCommand,
  tokensCommand,
  checkCommand,
  runsCommand,
  devicesCommand,
  runCommand,
  serveCommand,
  probeDeviceCommand,
  timeStepsCommand,
];

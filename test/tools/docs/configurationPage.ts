/** @file docs/configuration.md: every key of a configuration but those of the methods, from the fields. `npm run docs` writes it. */
import { adapterFields, rootFields, sectionFields } from '../../../kernels/config/sections';
import type { Fields } from '../../../kernels/util/fields';
import { keyTable } from './methodsPage';

const ABOUT: Readonly<Record<keyof typeof sectionFields, string>> = {
  data: 'What is learnt, and what it is measured on.',
  training:
    'Optimiser, schedule and the steps of a run. LoRA+ is two rates of this section beside a method of two factors.',
  relora:
    'Restarts: every so many steps the adapter is merged and a fresh one begins. ReLoRA is this section beside LoRA or another method whose merge is exact, ReMoRA beside MoRA.',
  samples: 'Texts that the model continues at every evaluation.',
  watchdog: 'What a run watches itself for.',
  runtime: 'What computes, and how.',
};

export function configurationPage(): string {
  const part = (title: string, about: string, fields: Fields): string =>
    [`## ${title}`, about, keyTable(Object.entries(fields))].join('\n\n');
  return (
    [
      '# Configuration',
      'A run is described by one file `NAME.adapter.yaml`. Keys that are not known are refused, and so are values that cannot take effect. The keys of each method are in [Methods](methods.md). Written by `npm run docs` from the fields that the editor, the form and the command line read, too.',
      part('Top level', 'Beside the sections below.', rootFields),
      part('adapter', 'The method, its own keys, and:', adapterFields),
      ...(Object.keys(ABOUT) as (keyof typeof ABOUT)[]).map((name) => part(name, ABOUT[name], sectionFields[name])),
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

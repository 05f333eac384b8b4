/** @file `npm run docs`: writes docs/configuration.md, and what docs/methods.md has from the registry of methods. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { projectRoot } from '../shared/projectRoot';
import { configurationPage } from './configurationPage';
import { withMethods } from './methodsPage';

const page = join(projectRoot, 'docs', 'methods.md');
writeFileAtomic(page, withMethods(readFileSync(page, 'utf8'), adapterMethods));
writeFileAtomic(join(projectRoot, 'docs', 'configuration.md'), configurationPage());

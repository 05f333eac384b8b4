/** @file Lint rules. An off-switch in the code says why: `// eslint-disable-next-line rule -- reason`. */
import { fileURLToPath } from 'node:url';
import tseslint from 'typescript-eslint';
import { l10nRules } from './test/tools/l10n/eslintRules.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Every eslint-disable comment carries a reason after `--`. */
const reasonRule = {
  meta: { type: 'problem', schema: [], messages: { missing: 'Say why this rule is off here: `-- reason`.' } },
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/^\s*eslint-disable/.test(comment.value) && !/--\s*\S/.test(comment.value)) {
          context.report({ loc: comment.loc, messageId: 'missing' });
        }
      }
    },
  }),
};

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.cache/', 'test-results/', 'media/', 'test/golden/'] },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { local: { rules: { 'disable-with-reason': reasonRule, ...l10nRules } } },
    rules: {
      'local/disable-with-reason': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      // A default branch is a decision; the compiler checks the ones that end in assertNever.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // An async method may have nothing to wait for: the interface wants a promise.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['*.config.ts'],
    languageOptions: { parserOptions: { projectService: false, project: 'test/tsconfig.json' } },
  },
  // The product logs through its channel; the kernel's own output is process.stdout.
  { files: ['extension/**', 'webview/**', 'kernels/**'], rules: { 'no-console': 'error' } },
  // What people read in the editor is translated; the engine's own command line is English.
  {
    files: ['extension/**', 'webview/**'],
    rules: { 'local/literal-texts': 'error', 'local/translated-texts': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    // Matchers of vitest, such as expect.any, and parsed JSON are untyped; a test that is wrong about them fails.
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);

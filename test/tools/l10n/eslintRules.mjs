/** @file Lint rules that find texts which cannot be translated: what a person reads goes through `l10n.t` with a literal text. */

/** Properties of objects that the editor, or a page, shows. */
const SHOWN = new Set([
  'title',
  'label',
  'detail',
  'description',
  'tooltip',
  'placeHolder',
  'placeholder',
  'prompt',
  'openLabel',
  'saveLabel',
  'help',
  'choice',
  'emptyText',
  'ariaLabel',
]);
const MESSAGES = new Set(['showInformationMessage', 'showWarningMessage', 'showErrorMessage', 'setStatusBarMessage']);
const ATTRIBUTES =
  /\s(aria-label|aria-description|aria-roledescription|aria-valuetext|title|placeholder|alt)="([^"]*)"/g;

/** Words; not icons, numbers, units and names of number types. */
const hasWords = (text) => /\p{Ll}{2,}/u.test(text.replace(/\$\([\w~-]+\)|\u0000/g, ' '));

/** The text that is written in an expression, with a null for each value in it; undefined where it is not written there. */
function writtenText(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral') return node.quasis.map((quasi) => quasi.value.cooked).join('\u0000');
  if (node?.type === 'BinaryExpression' && node.operator === '+') {
    const sides = [writtenText(node.left), writtenText(node.right)];
    return sides.some((side) => side !== undefined) ? sides.map((side) => side ?? '').join('\u0000') : undefined;
  }
  if (node?.type === 'ConditionalExpression') return writtenText(node.consequent) ?? writtenText(node.alternate);
  return undefined;
}

const isTranslation = (callee) =>
  callee.type === 'MemberExpression' && callee.object.name === 'l10n' && callee.property.name === 't';

/** `l10n.t` is found in the source by a program that reads literals only. */
const literalTexts = {
  meta: { type: 'problem', schema: [], messages: { literal: 'The text of l10n.t is a literal, or it is not found.' } },
  create: (context) => ({
    CallExpression(node) {
      if (!isTranslation(node.callee)) return;
      const [first] = node.arguments;
      const text =
        first?.type === 'ObjectExpression'
          ? first.properties.find((property) => property.key?.name === 'message')?.value
          : first;
      const isLiteral =
        (text?.type === 'Literal' && typeof text.value === 'string') ||
        (text?.type === 'TemplateLiteral' && text.expressions.length === 0);
      if (!isLiteral) context.report({ node, messageId: 'literal' });
    },
  }),
};

const translatedTexts = {
  meta: { type: 'problem', schema: [], messages: { hard: 'People read "{{ text }}": say it with l10n.t.' } },
  create: (context) => {
    const report = (node, text) =>
      context.report({ node, messageId: 'hard', data: { text: text.replaceAll('\u0000', '…').trim().slice(0, 60) } });
    const look = (node) => {
      const text = writtenText(node);
      if (text !== undefined && hasWords(text)) report(node, text);
    };
    return {
      Property(node) {
        const name = node.key.type === 'Identifier' ? node.key.name : node.key.value;
        if (SHOWN.has(name) && node.parent.type === 'ObjectExpression') look(node.value);
      },
      CallExpression(node) {
        if (MESSAGES.has(node.callee.property?.name)) node.arguments.forEach(look);
      },
      NewExpression(node) {
        // What was cancelled is not shown, and a defect is told to us.
        const isShown = !['cancelled', 'internal'].includes(node.arguments[0]?.value);
        if (node.callee.name === 'KernelError' && isShown) look(node.arguments[1]);
      },
      TaggedTemplateExpression(node) {
        if (!['html', 'svg'].includes(node.tag.name)) return;
        const markup = node.quasi.quasis.map((quasi) => quasi.value.cooked).join('\u0000');
        for (const [, , text] of markup.matchAll(ATTRIBUTES)) if (hasWords(text)) report(node, text);
        // A template may begin inside of a tag only when it is no template of its own, so tags are whole.
        const text = markup.replace(/<[^>]*>/g, '\n');
        for (const line of text.split('\n')) if (hasWords(line)) report(node, line);
      },
    };
  },
};

export const l10nRules = { 'literal-texts': literalTexts, 'translated-texts': translatedTexts };

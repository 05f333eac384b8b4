/**
 * @file The texts in a source: what the calls of `l10n.t` say. It reads the syntax alone, a few milliseconds a file; that each
 * text of the extension and the pages is a literal is what the lint rule `literal-texts` sees to.
 */
import ts from 'typescript';

/**
 * @param {string} contents TypeScript
 * @returns {Record<string, string | { message: string, comment: string[] }>} as in a bundle: key -> text. Two texts of the same
 *   words that differ in their comment have two keys, as @vscode/l10n looks them up: `words/comment`.
 */
export function findTexts(contents) {
  const found = {};
  const visit = (node) => {
    if (ts.isCallExpression(node) && isTranslation(node.expression)) {
      const { message, comment } = textOf(node.arguments[0]);
      if (message !== undefined && comment.length === 0) found[message] = message;
      else if (message !== undefined) found[`${message}/${comment.join('')}`] = { message, comment };
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', contents, ts.ScriptTarget.Latest));
  return found;
}

/** `l10n.t` and `vscode.l10n.t`. */
function isTranslation(callee) {
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 't') return false;
  const of = callee.expression;
  return ts.isPropertyAccessExpression(of) ? of.name.text === 'l10n' : ts.isIdentifier(of) && of.text === 'l10n';
}

/** The first argument: a text, or `{ message, comment }` with one comment or several. No message: it is known only at run time. */
function textOf(argument) {
  if (argument === undefined || !ts.isObjectLiteralExpression(argument))
    return { message: literal(argument), comment: [] };
  const property = (name) =>
    argument.properties.find((one) => ts.isPropertyAssignment(one) && one.name.text === name)?.initializer;
  const comment = property('comment');
  const comments = comment && ts.isArrayLiteralExpression(comment) ? comment.elements : [comment];
  return { message: literal(property('message')), comment: comments.flatMap((one) => literal(one) ?? []) };
}

const literal = (node) => (node && ts.isStringLiteralLike(node) ? node.text : undefined);

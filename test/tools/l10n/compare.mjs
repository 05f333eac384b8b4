/** @file What is wrong with a translation, compared with the English texts. */
import { messageOf } from './bundles.mjs';

/**
 * What a translation must keep: places for values, commands that a text links to, icons. Sorted, since languages order words their own way.
 */
function fixedParts(text) {
  return [...text.matchAll(/\{\w+\}|\]\([^)]+\)|\$\([\w~-]+\)/g)].map(([part]) => part).sort();
}

/**
 * @param {Record<string, string | { message: string }>} english
 * @param {Record<string, string | { message: string }>} translated
 * @returns {string[]} one line for each finding
 */
export function findings(english, translated) {
  const found = [];
  for (const [key, entry] of Object.entries(english)) {
    const other = translated[key];
    if (other === undefined) found.push(`not translated: ${JSON.stringify(key)}`);
    else if (messageOf(other).trim() === '') found.push(`translated with nothing: ${JSON.stringify(key)}`);
    else {
      const [wanted, has] = [fixedParts(messageOf(entry)), fixedParts(messageOf(other))];
      if (wanted.join() !== has.join()) {
        found.push(
          `other places, links or icons: ${JSON.stringify(key)} has ${wanted.join(' ')}, not ${has.join(' ')}`,
        );
      }
    }
  }
  for (const key of Object.keys(translated)) if (!(key in english)) found.push(`not used: ${JSON.stringify(key)}`);
  return found;
}

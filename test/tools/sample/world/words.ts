/** @file Pairs of opposite adjectives, and the parts from which names of people and towns of the little stories are put together. */

/** Each pair holds in both directions, and no word stands in two pairs. */
export const OPPOSITES: readonly (readonly [string, string])[] = `
hot cold, big small, long short, fast slow, old new, open closed, full empty, heavy light, high low, hard soft,
happy sad, early late, rich poor, strong weak, wet dry, clean dirty, loud quiet, near far, wide narrow, deep shallow,
thick thin, sharp blunt, sweet sour, bright dim, brave timid, kind cruel, polite rude, smooth rough, straight crooked, tight loose,
cheap costly, safe dangerous, simple complex, public private, guilty innocent, awake asleep, alive dead, left right, north south, east west,
true false, first last, inside outside, above below, always never, day night, summer winter, victory defeat, question answer, friend enemy`
  .trim()
  .split(/,\s+/)
  .map((pair) => {
    const [one = '', other = ''] = pair.split(' ');
    return [one, other] as const;
  });

export const NAME_STARTS = ['Ma', 'Lo', 'Ti', 'Ra', 'Be', 'Su', 'Ne', 'Vi', 'Ka', 'Do', 'El', 'Jo'];
export const NAME_ENDS = ['ra', 'lin', 'mo', 'ven', 'na', 'ris', 'bel', 'go', 'rik', 'wen', 'la', 'den'];
export const TOWN_STARTS = ['Oak', 'Stone', 'Mill', 'Wind', 'Elm', 'Fox', 'Salt', 'Raven', 'Green', 'Lake'];
export const TOWN_ENDS = ['ford', 'ham', 'ton', 'wick', 'field', 'bury', 'dale', 'port', 'well'];

export const GOODS = [
  'apples',
  'pears',
  'plums',
  'eggs',
  'candles',
  'nails',
  'buttons',
  'books',
  'lemons',
  'onions',
  'spoons',
  'ropes',
  'stamps',
  'bricks',
  'shells',
];
export const THINGS = [
  'hat',
  'coat',
  'key',
  'lamp',
  'basket',
  'boat',
  'bicycle',
  'umbrella',
  'letter',
  'drum',
  'kite',
  'ladder',
  'clock',
  'scarf',
  'map',
];
export const COLOURS = ['red', 'blue', 'green', 'yellow', 'white', 'black', 'brown', 'grey', 'orange', 'purple'];
export const PLACES = [
  'market',
  'harbour',
  'library',
  'bakery',
  'station',
  'school',
  'garden',
  'mill',
  'forest',
  'bridge',
  'tower',
  'workshop',
];
export const TRADES = [
  'baker',
  'sailor',
  'teacher',
  'farmer',
  'doctor',
  'carpenter',
  'painter',
  'tailor',
  'miller',
  'gardener',
  'weaver',
  'smith',
];
export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
export const NUMBERS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];

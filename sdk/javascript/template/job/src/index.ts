// Counts the words of a text.

import { job, shape } from '@weft/sdk';

const params = shape.object({ shortest: shape.integer });

export default job({ params }, ({ shortest }, run) => {
  const counts = count(run.input('text').text(), shortest);
  const words = [...counts.values()].reduce((sum, it) => sum + it, 0);
  run.metric('words', words);
  run.result('distinct', counts.size);
  run.write('counts', table(counts));
  run.describe('counts', 'table', { columns: ['word', 'count'], rows: counts.size });
});

function count(text: string, shortest: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.split(/[^\p{L}\p{N}]+/u)) {
    if (word === '' || [...word].length < shortest) continue;
    const key = word.toLowerCase();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function table(counts: Map<string, number>): string {
  // Equally frequent words stay in the order of the alphabet.
  const rows = [...counts].sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1));
  return `word,count\n${rows.map(([word, number]) => `${word},${number}\n`).join('')}`;
}

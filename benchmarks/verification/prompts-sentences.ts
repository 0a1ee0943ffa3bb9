/** English sentences from a few templates and word lists: grammatical, and nothing that the calibration corpus holds. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  who: ['The ferryman', 'A young surveyor', 'My neighbour Ilse', 'The choir', 'An old clockmaker', 'Nobody in the valley', 'The third engineer', 'A stray goat', 'Dr. Okafor', 'The museum guide', 'Captain Ruiz', 'Every apprentice', 'The twins', 'A nervous pianist', 'The board of trustees', 'Somebody upstairs'],
  did: ['repaired', 'forgot', 'painted', 'measured', 'borrowed', 'translated', 'counted', 'described', 'sold', 'photographed', 'buried', 'invented', 'misread', 'polished', 'returned', 'questioned'],
  what: ['the brass telescope', 'three barrels of cider', 'a map of the tunnels', 'the northern bridge', 'seventeen letters', 'a broken accordion', 'the tax records', 'an unfinished sonata', 'the greenhouse roof', 'a jar of fireflies', 'the wrong suitcase', 'every second window', 'the harbour lights', 'a theory of tides', 'the cheapest bicycle', 'his grandmother\'s recipe'],
  when: ['before the storm', 'on a Tuesday in 1893', 'while the kettle boiled', 'after midnight', 'during the eclipse', 'as soon as the snow melted', 'twice a year', 'at 6:45 a.m.', 'without telling anyone', 'for 240 euros', 'in spite of the noise', 'under the plum trees', 'with great care', 'because of a bet', 'near the old mill', 'by candlelight'],
  fact: ['Copper expands by 0.017 mm per metre and degree', 'A tuning fork for A vibrates 440 times a second', 'The river drops 38 m over nine kilometres', 'Salt lowers the freezing point of water', 'Bees can recognise human faces', 'The archive holds 12,406 drawings', 'Most of the island lies below 60 m', 'Light needs eight minutes from the sun', 'Oak burns slower than pine', 'The train stops in Varna and Ruse', 'Basil dislikes cold nights', 'A gallon of petrol weighs about 2.8 kg', 'The function returns -1 when nothing matches', 'Two of the five witnesses disagreed', 'The patent expired in March', 'Glaciers flow faster in the middle'],
};

const TEMPLATES: readonly string[] = ['{who} {did} {what} {when}.', '{fact}, and {who} {did} {what}.', 'Why has {who} {did} {what}? {fact}.', '"{fact}," said {who}, who {did} {what} {when}.', 'If {who} {did} {what}, then {fact}!', '{who} {did} {what}; {who} {did} {what} {when}.', 'Notes: (1) {fact}; (2) {who} {did} {what}.'];

/** A sentence; `pick(n)` chooses one of n. */
export function sentence(pick: (choices: number) => number): string {
  const template = TEMPLATES[pick(TEMPLATES.length)] ?? '';
  return template
    .replace(/\{(\w+)\}/g, (_, list: string) => WORDS[list]?.[pick(WORDS[list].length)] ?? '')
    .replace(/(?<=[,;"?] |If |has )(The|A|An|My|Every|Nobody|Somebody|Two|Most|Bees|Oak|Salt|Light|Basil)\b/g, (word) => word.toLowerCase());
}

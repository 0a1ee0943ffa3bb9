/** Characters of a backup's passphrase, at least: whoever has the file may guess as often as they like. */
export const MIN_PASSPHRASE = 12;

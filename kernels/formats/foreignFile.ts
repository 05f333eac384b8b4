/** @file Recognises what is often found where another file was expected, so that a refusal can say what to do. */
import * as l10n from '@vscode/l10n';

interface Mark {
  readonly begins: readonly number[] | string;
  readonly what: string;
}

const PICKLE = l10n.t('which can run code when read and is never opened here: save it again as safetensors');

const MARKS: readonly Mark[] = [
  {
    begins: 'version https://git-lfs',
    what: l10n.t('a pointer of Git LFS, not the file itself: fetch it with git lfs pull'),
  },
  {
    begins: [0x50, 0x4b, 0x03, 0x04],
    what: l10n.t('a zip archive, as torch.save writes it with a pickle inside, {0}', PICKLE),
  },
  { begins: [0x80, 0x02], what: l10n.t('a pickle, {0}', PICKLE) },
  { begins: [0x80, 0x03], what: l10n.t('a pickle, {0}', PICKLE) },
  { begins: [0x80, 0x04], what: l10n.t('a pickle, {0}', PICKLE) },
  { begins: [0x80, 0x05], what: l10n.t('a pickle, {0}', PICKLE) },
  { begins: 'GGUF', what: l10n.t('a GGUF file: convert it to safetensors') },
  { begins: [0x89, 0x48, 0x44, 0x46], what: l10n.t('an HDF5 file: convert it to safetensors') },
  { begins: [0x1f, 0x8b], what: l10n.t('compressed with gzip: unpack it first') },
  { begins: [0x28, 0xb5, 0x2f, 0xfd], what: l10n.t('compressed with Zstandard: unpack it first') },
  { begins: 'PAR1', what: l10n.t('a Parquet file') },
  { begins: '<!DOCTYPE', what: l10n.t('a web page, perhaps an error page that was saved in place of the download') },
  { begins: '<html', what: l10n.t('a web page, perhaps an error page that was saved in place of the download') },
];

/** What the first bytes of a file show it to be, as the end of "this is …"; `undefined`: nothing that is known here. */
export function foreignKind(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, [0xff, 0xfe]) || startsWith(bytes, [0xfe, 0xff]))
    return l10n.t('UTF-16 text: save it as UTF-8');
  return MARKS.find(({ begins }) => startsWith(bytes, begins))?.what;
}

function startsWith(bytes: Uint8Array, begins: readonly number[] | string): boolean {
  const wanted = typeof begins === 'string' ? Buffer.from(begins) : begins;
  return bytes.length >= wanted.length && [...wanted].every((byte, i) => bytes[i] === byte);
}

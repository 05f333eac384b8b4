"""Makes the *.json beside this file with Hugging Face tokenizers 0.23.3: small tokenizers of many kinds, each with texts
and what that library does with them. Usage: python make.py (writes into its own folder; the seed is fixed)."""
import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

random.seed(7)
FOLDER = os.path.dirname(os.path.abspath(__file__))

WORDS = (
    "the quick brown fox jumps over lazy dog Hello world It's don't we'll I'M THEY'RE naïve café résumé über Straße "
    "안녕하세요 한국어 日本語 テキスト Привет мир مرحبا नमस्ते ภาษาไทย int main() {return 0;} x=1+2 http://a.b/c?d=e#f "
    "foo_bar fooBar 3.14159 1,000,000 2024-01-02 \u017fit'\u017f"
).split(" ")
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n", "\u0085", "\u00a0", "\u2003", "\u3000", "\ufeff", "\u200b", "\u2028", "\x0b", "\x1c"]
CHARACTERS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¿«»“”’—…€§©±²½Ⅷ①٣٤५໔𝟘") + [
    "e\u0301", "a\u0308\u0304", "q\u0307\u0323", "\u1112\u1161\u11ab", "각", "ﬁ", "Å", "Ω", "😀", "👩\u200d👧", "🇰🇷",
    "\U0001f9d1\U0001f3fd", "\x00", "\x7f", "\ufffd", "\u0300", "ǅ", "İ", "ß", "K", "'S", "▁", "Ġ", "<0x0A>", "ÿ", "\U0010ffff",
]  # fmt: skip
SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", "<extra>", " <lst> ", "<rst>  x", "a<sw>b", " <sw> ", "<sw>", "<norm É>"]


def text():
    parts = []
    for _ in range(random.randrange(0, 12)):
        kind = random.choices([WORDS, SPACES, CHARACTERS, SPECIAL], [45, 30, 17, 8])[0]
        parts.append(random.choice(kind))
    return "".join(parts)


TEXTS = [text() for _ in range(120)]
CORPUS = [text() for _ in range(600)]
EXTRA = [
    AddedToken("<extra>", special=True),
    AddedToken("<lst>", lstrip=True, special=True),
    AddedToken("<rst>", rstrip=True, special=True),
    AddedToken("<sw>", single_word=True),
    AddedToken("<norm É>", normalized=True),
]
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def template(_=None):
    return processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])


def make(name, pre=None, norm=None, dec=None, post=None, model="bpe", byte_level=False, byte_fallback=False, change=None):
    tokenizer = Tokenizer(models.Unigram() if model == "unigram" else models.BPE())
    if norm:
        tokenizer.normalizer = norm
    if pre:
        tokenizer.pre_tokenizer = pre
    if dec:
        tokenizer.decoder = dec
    special = ["<pad>", "<s>", "</s>", "<unk>"] + (BYTES if byte_fallback else [])
    size = 420 + 256 * byte_fallback
    if model == "unigram":
        trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False)
    else:
        alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else []
        limit = {} if byte_level else {"limit_alphabet": 90}
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False, **limit)
    corpus = [t for t in CORPUS if "<" not in t]
    tokenizer.train_from_iterator(corpus, trainer)
    parsed = json.loads(tokenizer.to_str())
    parsed["added_tokens"] = [t for t in parsed["added_tokens"] if not t["content"].startswith("<0x")]
    if byte_fallback:
        parsed["model"].update(byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    if change:
        parsed["model"].update(change)
    tokenizer = Tokenizer.from_str(json.dumps(parsed))
    if post:
        tokenizer.post_processor = post
    tokenizer.add_tokens(EXTRA)
    cases = []
    for t in TEXTS:
        with_special = tokenizer.encode(t)
        bare = tokenizer.encode(t, add_special_tokens=False)
        cases.append([t, with_special.ids, bare.offsets, tokenizer.decode(with_special.ids, skip_special_tokens=False)])
    ids = [[random.randrange(tokenizer.get_vocab_size()) for _ in range(8)] for _ in range(20)]
    decoded = [[i, tokenizer.decode(i, skip_special_tokens=True)] for i in ids]
    with open(os.path.join(FOLDER, f"{name}.json"), "w") as file:
        json.dump({"tokenizer": json.loads(tokenizer.to_str()), "cases": cases, "decoded": decoded}, file, separators=(",", ":"))


def byte_level(**options):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": False, **options})


def split(regex, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(regex), behavior, invert)


SENTENCE_PIECE = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
sequence = pre_tokenizers.Sequence

make("smollm", sequence([pre_tokenizers.Digits(True), byte_level(use_regex=True)]), dec=decoders.ByteLevel(), byte_level=True)
make("qwen2", sequence([split(QWEN), byte_level()]), normalizers.NFC(), decoders.ByteLevel(), processors.ByteLevel(trim_offsets=False), byte_level=True)
make("llama2", None, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), SENTENCE_PIECE, template(), byte_fallback=True)
make("mistral", pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False), None, SENTENCE_PIECE, template(), byte_fallback=True)
make("metaspace", pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True), None, decoders.Metaspace("▁"), template(), change={"unk_token": "<unk>"})
make("unigram", pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True), normalizers.NFKC(), decoders.Metaspace("▁"), template(), model="unigram")
make("falcon", sequence([pre_tokenizers.Punctuation("contiguous"), byte_level(add_prefix_space=True, use_regex=True), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")]), None, decoders.ByteLevel(), processors.RobertaProcessing(("</s>", 2), ("<s>", 1)), byte_level=True, change={"ignore_merges": True})
make(
    "splits",
    sequence([pre_tokenizers.Split(" ", "merged_with_next"), split("[aeiou]+", "merged_with_previous"), split("x|y", "removed"), split("[a-z ]+", "contiguous", True)]),
    normalizers.Sequence([normalizers.NFD(), normalizers.Strip(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.StripAccents()]),
    decoders.Fuse(),
    processors.Sequence([processors.ByteLevel(trim_offsets=True, add_prefix_space=True), template()]),
    change={"unk_token": "<unk>"},
)
make("words", sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation()]), normalizers.NFKD(), decoders.BPEDecoder(), processors.BertProcessing(("</s>", 2), ("<s>", 1)), change={"unk_token": "<unk>", "fuse_unk": True})

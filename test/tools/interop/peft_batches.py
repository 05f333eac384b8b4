"""Turns a JSONL file into micro-batches with transformers' tokenizer and chat template, by the project's rules.

A line is `text` (text and end token, all of it carries loss), `prompt` with `completion` (tokenised
apart, completion and end token carry loss), `messages` (each assistant turn carries loss up to its last end-of-turn
token). File order, right padding, nothing shuffled, the last short batch kept. Written apart from the engine on
purpose: equal losses then say that tokens, labels and batches are equal too.

usage: peft_batches.py --base DIR --data FILE.jsonl --batch-size N --max-length N --out FILE.json
"""
import argparse
import json
import pathlib

from transformers import AutoTokenizer

IGNORED = -100


def text_pieces(sample, tokenizer):
    text, end = sample["text"], tokenizer.eos_token
    return [(text if text.endswith(end) else text + end, True)]


def completion_pieces(sample, tokenizer):
    end = tokenizer.eos_token
    completion = sample["completion"]
    return [(sample["prompt"], False), (completion if completion.endswith(end) else completion + end, True)]


def message_pieces(messages, tokenizer):
    def render(part, prompt):
        return tokenizer.apply_chat_template(part, tokenize=False, add_generation_prompt=prompt)

    pieces, done = [], ""
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, upto = render(messages[:i], True), render(messages[: i + 1], False)
        if not (before.startswith(done) and upto.startswith(before)):
            raise SystemExit("this chat template cannot be trained on turn by turn")
        answer = upto[len(before):]
        cut = answer.rfind(tokenizer.eos_token)
        cut = len(answer) if cut < 0 else cut + len(tokenizer.eos_token)
        pieces += [(before[len(done):], False), (answer[:cut], True), (answer[cut:], False)]
        done = upto
    return pieces


def tokenise(sample, tokenizer, max_length):
    if "messages" in sample:
        pieces, special = message_pieces(sample["messages"], tokenizer), False
    elif "completion" in sample:
        pieces, special = completion_pieces(sample, tokenizer), True
    else:
        pieces, special = text_pieces(sample, tokenizer), True
    ids, labels = [], []
    for position, (text, has_loss) in enumerate(pieces):
        if not text:
            continue
        piece = tokenizer(text, add_special_tokens=special and position == 0)["input_ids"]
        ids += piece
        labels += piece if has_loss else [IGNORED] * len(piece)
    return ids[:max_length], labels[:max_length]


def collate(samples, pad):
    width = max(len(ids) for ids, _ in samples)
    return {
        "input_ids": [ids + [pad] * (width - len(ids)) for ids, _ in samples],
        "attention_mask": [[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in samples],
        "labels": [labels + [IGNORED] * (width - len(labels)) for _, labels in samples],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.base)
    lines = args.data.read_text(encoding="utf-8").splitlines()
    samples = [tokenise(json.loads(line), tokenizer, args.max_length) for line in lines if line.strip()]
    # The first token has no prediction, so a label there is no reason to keep a sample.
    samples = [(ids, labels) for ids, labels in samples if any(label != IGNORED for label in labels[1:])]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    batches = [collate(samples[i : i + args.batch_size], pad) for i in range(0, len(samples), args.batch_size)]
    args.out.write_text(json.dumps({"batches": batches}))


if __name__ == "__main__":
    main()

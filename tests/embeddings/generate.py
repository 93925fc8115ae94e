"""all-MiniLM-L6-v2 in numpy, written apart from the executor, to hold the executor against.

It shares no code and no library with the Rust side: its own safetensors reader, its own WordPiece
tokenizer, its own BERT. What both agree on is therefore the model and not a common mistake.

    python3 -m venv target/numpy && target/numpy/bin/pip install numpy
    target/numpy/bin/python tests/embeddings/generate.py            # rewrites expected.json
    target/numpy/bin/python tests/embeddings/generate.py --demo     # checks the demo's paraphrases

The model comes from `deploy/model/get-minilm.sh`, or from the folder in FAIRLANE_MODEL_DIR.
"""

import json
import math
import pathlib
import struct
import subprocess
import sys
import unicodedata

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LAYERS, HIDDEN, HEADS, EPSILON = 6, 384, 12, 1e-12

# The model card's limit. The tokenizer file says 128, which is only how the model was trained.
TOKENS_MAX = 256

PARAGRAPH = (
    "On Monday morning the settlement job stopped half-way through the file from the acquiring bank. "
    "Nothing was lost, but 4,318 card payments stayed in the state 'authorised' until the operator on "
    "call noticed that the disk of the ledger database had filled up overnight. She moved the old "
    "write-ahead logs to the archive, restarted the job and watched the queue drain; by half past ten "
    "every merchant had been paid. The review afterwards found three causes: an alert that looked at "
    "the wrong volume, a retention rule that nobody owned, and a backup that had been running twice "
    "a day since the spring without anybody asking for it."
)

TEXTS = [
    "refund",
    "?!",
    "Reset my password, please.",
    "Crème brûlée at the café in Zürich cost 12,50 € — naïve, isn't it?",
    "The nightly backup finished in 41 minutes.",
    "E-mail: ops@example.com; error=0x80070005 (access denied), retry #3...",
    "支付失败 means that the payment failed",
    "UPPER CASE AND lower case ARE THE SAME TO THIS MODEL",
    "Pneumonoultramicroscopicsilicovolcanoconiosis is a long word, and antidisestablishmentarianism another.",
    "  spaces,\ttabs\nand a line break are all the same  ",
    "CPU usage on node 7 has been above 95 percent for ten minutes and the request latency is climbing, "
    "so the autoscaler added two machines.",
    "I was charged twice for the same order, the shop says that it sees only one payment, and my bank "
    "tells me to ask the shop. Who of you is going to give me my money back?",
    PARAGRAPH,
    " ".join([PARAGRAPH] * 3),
]

# Texts so short that 60 positions of padding drown them where the mask is forgotten.
MASK_TEXTS = ["refund", "Reset my password, please."]
MASK_LENGTH = 64


def model_folder():
    found = subprocess.run([ROOT / "deploy/model/get-minilm.sh"], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(found.stdout.strip())


def read_safetensors(path):
    """Eight bytes of header length, a JSON header, then raw little-endian data."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            continue  # position_ids: integers, and only 0, 1, 2, …
        start, end = entry["data_offsets"]
        body = data[8 + length + start : 8 + length + end]
        tensors[name] = np.frombuffer(body, "<f4").reshape(entry["shape"])
    return tensors


class Tokenizer:
    """Lower-case BERT: clean, split on space, punctuation and CJK, then the longest known pieces first."""

    def __init__(self, path):
        self.vocab = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]

    def encode(self, text):
        ids = [piece for word in split_words(text) for piece in self.pieces(word)]
        return [self.vocab["[CLS]"], *ids[: TOKENS_MAX - 2], self.vocab["[SEP]"]]

    def pieces(self, word):
        if len(word) > 100:
            return [self.vocab["[UNK]"]]
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                piece = self.vocab.get(prefix + word[start:end])
                if piece is not None:
                    break
            else:
                return [self.vocab["[UNK]"]]
            found.append(piece)
            start = end
        return found


def split_words(text):
    spaced = []
    for char in text:
        if char in "\t\n\r" or unicodedata.category(char) == "Zs":
            spaced.append(" ")
        elif char in "\0\ufffd" or unicodedata.category(char).startswith("C"):
            continue
        elif is_cjk(char):
            spaced.append(f" {char} ")
        else:
            spaced.append(char)
    bare = unicodedata.normalize("NFD", "".join(spaced))
    bare = "".join(char for char in bare if unicodedata.category(char) != "Mn").lower()
    return "".join(f" {char} " if is_punctuation(char) else char for char in bare).split()


def is_cjk(char):
    ranges = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)]
    ranges += [(0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
    return any(first <= ord(char) <= last for first, last in ranges)


def is_punctuation(char):
    ascii_symbol = char.isascii() and char.isprintable() and not char.isalnum() and char != " "
    return ascii_symbol or unicodedata.category(char).startswith("P")


class Encoder:
    """The forward pass in float64, so that what it writes carries no rounding worth speaking of."""

    def __init__(self, tensors):
        self.tensors = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def embed(self, ids, mask, pool_mask=None):
        """ids, mask: [batch, length], mask 1 where a token is real. Returns unit vectors [batch, 384]."""
        states = self.forward(ids, mask)
        weights = (mask if pool_mask is None else pool_mask)[:, :, None].astype(np.float64)
        pooled = (states * weights).sum(1) / weights.sum(1)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def forward(self, ids, mask):
        states = self.tensors["embeddings.word_embeddings.weight"][ids]
        states = states + self.tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
        states = states + self.tensors["embeddings.token_type_embeddings.weight"][0]
        states = self.norm(states, "embeddings.LayerNorm")
        bias = np.where(mask, 0.0, -np.inf)[:, None, None, :]
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            mixed = self.attention(states, bias, f"{at}.attention")
            states = self.norm(states + mixed, f"{at}.attention.output.LayerNorm")
            inner = gelu(self.linear(states, f"{at}.intermediate.dense"))
            states = self.norm(states + self.linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return states

    def attention(self, states, bias, at):
        batch, length, _ = states.shape

        def heads(name):
            split = self.linear(states, f"{at}.self.{name}").reshape(batch, length, HEADS, HIDDEN // HEADS)
            return split.transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / math.sqrt(HIDDEN // HEADS) + bias
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        shares = scores / scores.sum(-1, keepdims=True)
        joined = (shares @ heads("value")).transpose(0, 2, 1, 3).reshape(batch, length, HIDDEN)
        return self.linear(joined, f"{at}.output.dense")

    def linear(self, states, name):
        return states @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def norm(self, states, name):
        centred = states - states.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return scaled * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]


def gelu(x):
    """The exact form; the tanh approximation differs in the fourth digit."""
    return x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def pad(rows, length=None):
    length = length or max(len(row) for row in rows)
    ids = np.array([row + [0] * (length - len(row)) for row in rows])
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask


def embed_one(encoder, row):
    return encoder.embed(*pad([row]))[0]


def rounded(vector):
    return [round(float(value), 7) for value in vector]


def write_expected(tokenizer, encoder):
    rows = [tokenizer.encode(text) for text in TEXTS]
    alone = [embed_one(encoder, row) for row in rows]
    together = encoder.embed(*pad(rows))
    worst = max(np.abs(one - other).max() for one, other in zip(alone, together))
    assert worst < 1e-6, f"padding changed an embedding by {worst}"

    cases = []
    for text, row, vector in zip(TEXTS, rows, alone):
        case = {"text": text, "tokens": row, "embedding": rounded(vector)}
        if text in MASK_TEXTS:
            ids, mask = pad([row], MASK_LENGTH)
            ignored = encoder.embed(ids, np.ones_like(mask))[0]
            gap = np.abs(ignored - vector).max()
            assert gap > 1e-2, f"ignoring the mask changed {text!r} by {gap} only"
            case["embedding_mask_ignored"] = rounded(ignored)
            print(f"mask ignored: differs by {gap:.3f}: {text!r}")
        cases.append(case)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (HERE / "expected.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases)} texts of {min(map(len, rows))} to {max(map(len, rows))} tokens; padding changes {worst:.1e}")


def check_demo(tokenizer, encoder):
    """Each paraphrase must find its own sentence first; prints by how much."""
    demo = ROOT / "src/cli/demo"
    sentences = [line.split("\t")[1] for line in (demo / "sentences.tsv").read_text().splitlines()]
    assert len(set(sentences)) == len(sentences), "a sentence stands twice"
    known = np.array([embed_one(encoder, tokenizer.encode(sentence)) for sentence in sentences])
    wrong = 0
    for line in (demo / "paraphrases.tsv").read_text().splitlines():
        paraphrase, meant = line.split("\t")
        scores = known @ embed_one(encoder, tokenizer.encode(paraphrase))
        first, second = np.argsort(-scores)[:2]
        wrong += sentences[first] != meant
        verdict = "found" if sentences[first] == meant else f"MISSED, meant {meant!r}, got"
        print(f"{verdict} {scores[first]:.3f}, next {scores[second]:.3f}: {paraphrase!r} -> {sentences[first]!r}")
    sys.exit(f"{wrong} paraphrases find another sentence" if wrong else 0)


def main():
    folder = model_folder()
    tokenizer = Tokenizer(folder / "tokenizer.json")
    encoder = Encoder(read_safetensors(folder / "model.safetensors"))
    if "--demo" in sys.argv[1:]:
        check_demo(tokenizer, encoder)
    else:
        write_expected(tokenizer, encoder)


if __name__ == "__main__":
    main()

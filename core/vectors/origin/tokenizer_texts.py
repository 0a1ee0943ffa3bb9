"""The strings of tokenizer.json, by kind: written ones, then ones drawn from a seeded generator.
Random characters are taken from those Python's Unicode tables call assigned, so that the
libraries' different Unicode versions cannot disagree about what is a letter or a digit."""

import random
import unicodedata

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<file_sep>", "<filename>",
           "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>", "<jupyter_start>", "<jupyter_text>",
           "<jupyter_code>", "<jupyter_output>", "<jupyter_script>", "<empty_output>"]

# \s of the tokenizer's expression is Unicode White_Space; JavaScript's \s lacks U+0085 and has U+FEFF.
SPACES = ["\u0085", "\u00a0", "\u1680", "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f",
          "\u3000", "\u180e", "\u200b", "\u2060", "\ufeff", "\u001c", "\u001d", "\u001e", "\u001f", "\v", "\f"]

WRITTEN: dict[str, list[str]] = {
    "ascii": [
        "", " ", "a", " a", "Hello world", "Hello, world!", " leading", "trailing ", "  two leading", "The quick brown fox jumps over the lazy dog.",
        "I'm you're he's we'd they'll I've isn't", "I'M YOU'RE HE'S WE'D THEY'LL I'VE", "'s't're've'm'll'd", "''s '' 's ' s", "don’t can’t it’s",
        "Mr. Smith's dog's toys' colours", "e.g., i.e., etc.", "ALL CAPS and lower And Title", "camelCaseAndPascalCase_snake_case-kebab-case",
        "!@#$%^&*()_+-=[]{}|;':\",./<>?`~", "...", "....", "-----", "=====", "?!?!", "a.b.c", "user@example.org", "https://example.org/a?b=c&d=e#f",
        "C:\\Users\\x\\file.txt", "$100 + 5% = €105?", "antidisestablishmentarianism", "pneumonoultramicroscopicsilicovolcanoniosis",
    ],
    "digits": [
        "0", "1234567890", " 1", " 12", "  12", "1 2 3", "1,234,567.89", "3.14159", "-42", "+1 (555) 123-4567", "2024-11-21T10:39:05Z", "a1b2c3", "v1.2.3-rc4",
        "0x1F 0b1010 1e-10", "1st 2nd 3rd 4th", "x2", "2x", "word 5", "word  5", "word   5", "5 word", "5  word", "word\n5", "word \n 5", "\t7\t", "12's", "²³¹", "½ ¼ ⅞",
        "٠١٢٣٤٥", "०१२३", "৪৫৬", "０１２", "Ⅷ ⅳ ↉", "①②③ ⑴ ⒈", "一二三 百千万", "𝟘𝟙𝟚 𝟬", "a½b", " ½", "x²+y²", "𐄇 𒐀", "1\u0301", "9" * 40,
    ],
    "whitespace": [
        "  ", "   ", "    ", "        ", " " * 33, "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", "\r", " \n", "\n ", " \n ", "\t\n\t", "a b", "a  b", "a   b", "a    b",
        "a\tb", "a\t\tb", "a \tb", "a\t b", "a\nb", "a\n\nb", "a \nb", "a\n b", "a \n b", "a  \n  b", "a\r\nb", "a\r\n\r\nb", "a ", "a  ", "a\n", "a \n", "\na", "\n\n a",
        "  !", "a  !", "a  ,b", "  's", "a  's", " \u00a0 ", "a\u00a0b", "a \u00a0b", "a\u00a0 b", "a\u3000b", "\u3000\u3000字",
    ] + [f"a{s}b" for s in SPACES] + [f"a {s} b" for s in SPACES] + [f"{s}{s}x{s}" for s in SPACES],
    "code": [
        "def f(x):\n    return x ** 2\n", "for (let i = 0; i < n; i++) {\n\tsum += a[i];\n}", "#include <stdio.h>\nint main(void) { return 0; }\n",
        "SELECT * FROM users WHERE id = 42 AND name LIKE '%x%';", "<div class=\"a b\">\n  <p>text</p>\n</div>", "{\"key\": [1, 2.5, null, true], \"s\": \"a\\nb\"}",
        "fn main() -> Result<(), Box<dyn Error>> {\n    println!(\"{:?}\", x);\n    Ok(())\n}", "if (a && !b || c == d) return a ?? b?.c;", "x = [i*2 for i in range(10) if i % 2 == 0]",
        "export const f = async ({ a, b }: P): Promise<void> => {};", "git commit -m \"fix: it's done\" && git push -f", "\\begin{equation} \\frac{a}{b} \\end{equation}",
        "```python\nprint('hi')\n```", "# Title\n\n- item 1\n- item 2\n\n1. one\n2. two\n", "| a | b |\n|---|---|\n| 1 | 2 |", "//// comment\n/* block */", "    \t  mixed indent\n\t\tdeep\n",
        "$ curl -X POST http://localhost:8080/v1 -d '{}'", "a->b::c<d>&e", "0xDEADBEEF", "^[a-z]+\\d{2,}$", "@decorator\nclass A(B, metaclass=C):\n    pass",
    ],
    "languages": [
        "Où est la bibliothèque ? L'été dernier, j'étais à Nîmes.", "Straße, Größe, Übermäßigkeit", "¿Cómo estás? ¡Muy bien!", "Zażółć gęślą jaźń", "Příliš žluťoučký kůň",
        "Съешь же ещё этих мягких французских булок", "Η γρήγορη αλεπού", "İstanbul ıspanak ŞİŞLİ", "Việt Nam: đường phố Hà Nội", "Ẹ káàárọ̀", "þorn og æði",
        "你好，世界！", "今天天气很好，我们去公园吧。", "繁體中文測試", "こんにちは、世界。カタカナとひらがな", "ｶﾀｶﾅ ＡＢＣ", "안녕하세요 세계", "한국어 띄어쓰기 시험입니다.", "𠮷野家 𪚥",
        "مرحبا بالعالم", "كَيْفَ حَالُكَ؟", "لا إله", "שלום עולם", "שָׁלוֹם", "فارسی: می‌خواهم", "اردو میں",
        "नमस्ते दुनिया", "क्षत्रिय ज्ञान हिन्दी", "বাংলা ভাষা", "தமிழ் மொழி", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "ગુજરાતી", "ਪੰਜਾਬੀ", "සිංහල", "ภาษาไทยไม่มีช่องว่าง", "ພາສາລາວ", "မြန်မာ", "ខ្មែរ",
        "አማርኛ", "ქართული", "Հայերեն", "ᏣᎳᎩ", "ᐃᓄᒃᑎᑐᑦ", "བོད་ཡིག", "Монгол ᠮᠣᠩᠭᠣᠯ", "𓀀𓂀", "𝓗𝓮𝓵𝓵𝓸 𝔴𝔬𝔯𝔩𝔡", "ﬁ ﬂ ĳ Ǆ", "Ａｂｃ１２３", "ℵ ℕ ℝ",
    ],
    "emoji": [
        "😀", "😀😃😄", " 😀", "hi😀there", "👍🏽", "👍🏿👍", "👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴‍☠️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇫🇷🇩🇪🇯🇵", "❤️", "❤", "☂️☔", "1️⃣2️⃣#️⃣", "©®™", "👁️‍🗨️", "🧑🏾‍❤️‍💋‍🧑🏻", "🫠🫡🪿", "✂️ ✈️ ☎️", "🎉 party 🎉", "a‍b", "⌚️1⌚️",
    ],
    "combining": [
        "e\u0301", "\u00e9", "e\u0301 e\u0301e\u0301", "a\u030a\u0327", "Z\u0351\u036b\u0343a\u0329\u034el\u0347g\u0322o", "\u0301", " \u0301", "\u0301\u0301a", "n\u0303o", "\u1100\u1161\u11a8", "\uac01", "ñ vs n\u0303",
        "o\u0308\u0304", "क\u094d\u0937", "\u0915\u093f", "\u200d", "a\u200d", "\ufe0f", "x\u20d7", "1\u20e3", "\u064b\u0627", "ا\u0651",
    ],
    "special": SPECIAL + [f"a{t}b" for t in SPECIAL] + [f" {t} " for t in SPECIAL] + [
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|><|im_start|>", "<|im_end|>\n\n<|im_end|>", "<|im_start|", "|im_start|>", "<|im_ start|>", "<|IM_START|>",
        "<<|im_start|>>", "<|im_<|im_start|>start|>", "<|im_end|>'s", "word<|im_end|>word", "5<|im_end|>5", "\u00e9<|endoftext|>\u00e9", "<repo_name", "<file name>", "<s></s><unk><pad>", "[INST] <<SYS>>", "<|endoftext|><|endoftext|>",
    ],
    "control": [chr(c) for c in range(32)] + [f"a{chr(c)}b" for c in [0, 1, 4, 6, 7, 8, 19, 20, 22, 27, 29, 127]] + [
        "\x1b[31mred\x1b[0m", "\x80\x81\x9f", "\u00ad", "a\u00adb", "\u202eabc\u202c", "\u2066x\u2069", "\u0000\u0000", "\ufffd", "\ufffe", "\uffff", "\ufdd0", "\ue000", "\U000f0000", "\U0010ffff",
        "\U00040000", "a\U00050000b", "\U00080000\U000c0000", "\x04\x06\x13\x14\x16\x1d", " \x04", "a\x04b c", "!\x04!", "--\x06--", "..\x13.", " \x1d=\x1d=", "?\U00050000?",
    ],
    "long": ["a" * 300, "ab" * 200, "aB" * 60, "Donaudampfschifffahrtsgesellschaftskapitän" * 4, "x" * 7 + "y" * 9 + "z" * 100, "?" * 120, "!?" * 60, "的" * 80, "é" * 90, "😀" * 30, "-" * 77,
             "hello" * 40, "_" * 65, "the " * 60, "\n" * 40, "\t" * 30, "a " * 80, "1a" * 40, "क्ष" * 30, "ACGT" * 64],
}

WORDS = ("the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all "
         "her she there would their we him been has when who will no more if out so what up said about than into them can only other time new "
         "some could these two may first then do any like my now over such our man me even most made after also did many before must through "
         "photosynthesis asynchronous Copenhagen quantisation unbelievable rhythm queueing JavaScript café naïve").split()

# (first, last) code points the random strings draw from, one script or block each.
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0x980, 0x9FF),
          (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x218F), (0x2190, 0x27BF), (0x3000, 0x30FF),
          (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE00, 0xFFEF), (0x10000, 0x103FF), (0x12000, 0x123FF),
          (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF)]


def assigned(rng: random.Random, first: int, last: int) -> str:
    while True:
        char = chr(rng.randint(first, last))
        if unicodedata.category(char) not in ("Cn", "Cs"):
            return char


def random_texts(rng: random.Random, pieces: list[str]) -> dict[str, list[str]]:
    """`pieces`: the vocabulary's tokens that are text on their own; joined, they try many merges."""
    def joined(kind: list[str], low: int, high: int, gaps: list[str]) -> str:
        return "".join(rng.choice(kind) + rng.choice(gaps) for _ in range(rng.randint(low, high)))

    some_of_each = [text for texts in WRITTEN.values() for text in texts if 0 < len(text) < 30]
    everything = (0x20, 0x2FFFF)
    return {
        "random words": [joined(WORDS, 3, 12, [" ", " ", " ", ", ", ". ", "\n", "  ", "-", "'s ", "? "]) for _ in range(100)],
        "random vocabulary": [joined(pieces, 2, 10, ["", "", "", " "]) for _ in range(220)],
        "random ascii": ["".join(chr(rng.randint(32, 126)) for _ in range(rng.randint(1, 24))) for _ in range(90)],
        "random digits and spaces": ["".join(rng.choice("0123456789  \t\n.,-ab") for _ in range(rng.randint(2, 20))) for _ in range(50)],
        "random latin-1": ["".join(chr(rng.randint(0, 255)) for _ in range(rng.randint(1, 16))) for _ in range(50)],
        "random one block": ["".join(assigned(rng, *block) for _ in range(rng.randint(2, 12))) for block in BLOCKS for _ in range(4)],
        "random many blocks": ["".join(assigned(rng, *rng.choice(BLOCKS)) for _ in range(rng.randint(2, 12))) for _ in range(80)],
        "random unicode": ["".join(assigned(rng, *everything) for _ in range(rng.randint(1, 8))) for _ in range(50)],
        "random mixed": [joined(some_of_each, 2, 4, ["", " ", "\n"]) for _ in range(100)],
    }

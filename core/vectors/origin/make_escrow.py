"""Golden values of escrows (SPEC N1, N2, N6), by Python's own JSON and SHA-256. Run: python3 make_escrow.py ../escrow.json"""
import hashlib
import json
import sys


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def felt(digest):
    return hex(int(digest, 16) & (2**251 - 1))


def domain_hash(domain, value):
    return hashlib.sha256(domain.encode() + b"\x00" + canonical(value).encode()).hexdigest()


def spec(**changes):
    base = {"model": "ab" * 32, "messages": [{"role": "user", "content": "What is the capital of France?"}], "maxTokens": 40, "temperature": 0,
            "topP": 1, "topK": 0, "minP": 0, "repetitionPenalty": 1, "stop": [], "seed": 1, "assurance": "stream"}
    return {**base, **changes}


specs = [
    (spec(), "00" * 32),
    (spec(maxTokens=None, seed=None, temperature=0.7, assurance="checked"), "01" * 32),
    (spec(messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße, 世界"}], stop=["\n\n"], topP=0.9, minP=0.05, repetitionPenalty=1.1), "fe" * 32),
]
jobs = [
    ("0x1", []),
    ("0x7a5", [{"job": "0c" * 16, "planHash": "cd" * 32, "roots": ["0x12", None, "0xabc"]}]),
    ("0x7a5", [{"job": "0c" * 16, "planHash": "cd" * 32, "roots": ["0x12"]}, {"job": "0d" * 16, "planHash": "ce" * 32, "roots": ["0x13"]}]),
]
out = {
    "origin": "make_escrow.py: Python's json with sorted keys, hashlib's SHA-256, the top five bits cleared",
    "specs": [{"spec": s, "salt": salt, "spec_hash": felt(domain_hash("ciro/escrow-spec/1", {**s, "salt": salt}))} for s, salt in specs],
    "results": [{"escrow": escrow, "jobs": js, "result_root": felt(domain_hash("ciro/escrow-result/1", {"escrow": escrow, "jobs": js}))} for escrow, js in jobs],
    "models": [{"id": i, "felt": felt(i), "high": str(int(i[:32], 16)), "low": str(int(i[32:], 16))} for i in ["ff" * 32, "07" + "5a" * 31]],
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(out, file, indent=1, ensure_ascii=False)
    file.write("\n")

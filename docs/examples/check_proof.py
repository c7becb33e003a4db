"""Check a proof of danbao with Python alone: `python check_proof.py PROOF.json danbao.pub`.

It needs nothing of the engine: docs/reference/proofs.md has the format, RFC 6962 the tree, RFC 8032
the signature. Ends with 0 when the proof holds, else says why not."""

import base64, json, struct, sys
from datetime import datetime, timedelta
from hashlib import sha256, sha512

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROW = ["stream", "version", "type", "schema_version", "partition_key", "event_id", "causation_id",
       "correlation_id", "actor", "data", "postings"]  # fmt: skip
EVENT = ["shard", "position", "recorded_at", *ROW, "path"]
ABOUT = ["kind", "format", "about", "events", "checkpoint"]
TIME, EMPTY = "%Y-%m-%dT%H:%M:%S.%fZ", sha256(b"").digest()
FIELDS = {"event": ABOUT, "trade": ABOUT, "consistency": ["kind", "format", "old", "new", "path"]}

def need(holds, why):
    if not holds:
        raise ValueError(why)

def add(a, b):  # points of edwards25519 as (X, Y, Z, T), T = XY/Z
    s, t = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    c, d = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = t - s, d - c, d + c, t + s
    return e * f % P, g * h % P, f * g % P, e * h % P

def multiply(n, p):
    result = (0, 1, 1, 0)
    while n:
        result = add(result, p) if n & 1 else result
        p, n = add(p, p), n >> 1
    return result

def point(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    need(len(raw) == 32 and y < P, "no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need((x * x - square) % P == 0 and (x or not sign), "no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def check_signature(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(sha512(signature[:32] + key + text).digest(), "little") % L
    a, b = multiply(s, BASE), add(point(signature[:32]), multiply(h, point(key)))
    same = (a[0] * b[2] - b[0] * a[2]) % P == (a[1] * b[2] - b[1] * a[2]) % P == 0
    need(s < L and same, "the signature is wrong")

def decode(text):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text, "base 64 in another way than it is written")
    return raw

def read_checkpoint(note, key_text):
    """Give size, root and what is left to do: checking the signature, which takes longest."""
    name, _, written = key_text.strip().split("+", 2)
    key = decode(written)
    need(key[:1] == b"\x01" and len(key) == 33, "no Ed25519 key")
    key_id = sha256(name.encode() + b"\n" + key).digest()[:4]
    text, _, signatures = note.rpartition("\n\n")
    lines = [line.split(" ") for line in signatures.split("\n")]
    need(lines.pop() == [""] and all(each[0] == "—" for each in lines), "no lines of signatures")
    signed = [decode(value) for _, signer, value in lines if signer == name]
    mine = [each[4:] for each in signed if each[:4] == key_id and len(each) == 68]
    need(len(mine) == 1, "not signed by this key")
    origin, size, root = text.split("\n")
    need(origin == name and str(int(size)) == size, "no checkpoint of this log")
    return int(size), decode(root), lambda: check_signature(key[1:], f"{text}\n".encode(), *mine)

def text_of(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

def hashes(path):
    need(all(bytes.fromhex(text).hex() == text for text in path), "no hashes")
    return [bytes.fromhex(text) for text in path]

def climb(index, last, old, new, path):  # RFC 9162, 2.1.3.2 and 2.1.4.2
    def node(left, right):
        return sha256(b"\x01" + left + right).digest()
    for sibling in path:
        need(last, "the path is too long")
        if index & 1 or index == last:
            old, new = node(sibling, old), node(sibling, new)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = node(new, sibling)
        index, last = index >> 1, last >> 1
    need(last == 0, "the path is too short")
    return old, new

def leaf_of(event):
    need(list(event) == EVENT and type(event["position"]) is type(event["shard"]) is int, "fields")
    at = datetime.strptime(event["recorded_at"], TIME)
    need(at.strftime(TIME) == event["recorded_at"], "a time in another form")
    micros = (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    place = struct.pack(">cqqq", b"\x00", event["shard"], event["position"], micros)
    return sha256(place + sha256(text_of([event[field] for field in ROW])).digest()).digest()

def check_consistency(proof, key_text):
    old, old_root, sign_old = read_checkpoint(proof["old"], key_text)
    new, new_root, sign_new = read_checkpoint(proof["new"], key_text)
    path, index, last = hashes(proof["path"]), old - 1, new - 1
    if 0 < old < new:
        while index & 1:
            index, last = index >> 1, last >> 1
        first = path.pop(0) if index else old_root
        need(climb(index, last, first, first, path) == (old_root, new_root), "another history")
    else:
        need(not path and old <= new and old_root == (new_root if old else EMPTY), "another history")
    sign_old(), sign_new()
    return f"the log of {new} events continues that of {old}"

def check(raw, key_text):
    proof = json.loads(raw.decode())
    need(text_of(proof) + b"\n" == raw and proof["format"] == "danbao-proof/1", "not written as proofs are")
    need(list(proof) == FIELDS[proof["kind"]], "not the fields of a proof")
    if proof["kind"] == "consistency":
        return check_consistency(proof, key_text)
    size, root, sign = read_checkpoint(proof["checkpoint"], key_text)
    events, about = proof["events"], proof["about"]
    positions = [event["position"] for event in events]
    for event in events:
        leaf, index = leaf_of(event), event["position"] - 1
        need(0 <= index < size, "an event beyond the checkpoint")
        need(climb(index, size - 1, leaf, leaf, hashes(event["path"]))[1] == root, "not in the log")
    own = [event["version"] for event in events if event["stream"] == f"trade/{about}"]
    if proof["kind"] == "trade":
        need(positions == sorted(set(positions)), "events are not in order")
        need(all(event["partition_key"] == about for event in events), "of another trade")
        need(own and own == [*range(1, len(own) + 1)], "events are missing")
    else:
        need(positions == [about] and type(about) is int, "another event")
    sign()
    return f"{len(events)} events, as they stand in the log of {size} events"

if __name__ == "__main__":
    try:
        print("ok:", check(open(sys.argv[1], "rb").read(), open(sys.argv[2]).read()))
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        sys.exit(f"refused: {error or type(error).__name__}")

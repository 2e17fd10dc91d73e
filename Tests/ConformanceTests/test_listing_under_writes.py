"""Listings of many keys with hostile names while others write: pages never skip, repeat or reorder what is there all the time.

MARTLET_LISTING_KEYS asks for more keys (a million take a while), over a hundredth as many prefixes."""

import concurrent.futures
import io
import os
import random
import tarfile
import threading

KEYS = int(os.environ.get("MARTLET_LISTING_KEYS", "1500"))
PIECES = ["a", "", "..", ".", "\u00e9", "e\u0301", "\U0001f600", "\x01", "\x7f", "%2F", "+", " ", "&<>\"'", "\uffff", "z" * 40, "\t"]


def stable_keys():
    """Those that nobody touches: empty segments, keys that are prefixes of others, control characters, astral planes."""
    generator = random.Random(7)
    prefixes = ["s/" + "/".join(generator.choice(PIECES) for _ in range(generator.randrange(1, 4))) + f"/{i}/" for i in range(max(1, KEYS // 100))]
    keys = set()
    while len(keys) < KEYS:
        prefix = generator.choice(prefixes)
        keys.add(prefix)
        keys.add(prefix + generator.choice(PIECES) + str(generator.randrange(10_000_000)))
    return sorted(keys, key=lambda key: key.encode())


def store(s3, bucket, keys):
    """By archives of some thousand files, because that is quick."""
    def one(part):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for key in part:
                # The front of a name is stripped of what archivers put there; these begin with a letter.
                entry = tarfile.TarInfo(key)
                tar.addfile(entry)
        s3.put_object(Bucket=bucket, Key="keys.tar", Body=buffer.getvalue(), Metadata={"snowball-auto-extract": "true"})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, [keys[i:i + 2000] for i in range(0, len(keys), 2000)]))


def test_pages_never_skip_repeat_or_reorder(s3, bucket):
    keys = [key for key in stable_keys() if not key.endswith("/")]
    store(s3, bucket, keys)
    stop, failures = threading.Event(), []

    def write(seed):
        """Keys that come and go between the others."""
        generator = random.Random(seed)
        try:
            while not stop.is_set():
                key = generator.choice(keys) + generator.choice(["!", "/", "\uffff", "/x"])
                s3.put_object(Bucket=bucket, Key=key, Body=b"")
                if generator.random() < 0.7:
                    s3.delete_object(Bucket=bucket, Key=key)
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    try:
        wanted = set(keys)
        for size in (1000, 97):
            found = []
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="s/", PaginationConfig={"PageSize": size}):
                found += [entry["Key"].encode() for entry in page.get("Contents", [])]
            assert all(a < b for a, b in zip(found, found[1:])), "reordered or repeated"
            assert wanted <= {key.decode() for key in found}, "skipped"
        # The first level of prefixes, and what lies below each, together are everything.
        level = [p["Prefix"] for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix="s/", Delimiter="/", PaginationConfig={"PageSize": 3}) for p in page.get("CommonPrefixes", [])]
        assert level == sorted({"s/" + key.split("/")[1] + "/" for key in keys}, key=lambda p: p.encode())
        for prefix in level[:4]:
            found = [e["Key"] for page in s3.get_paginator("list_objects").paginate(Bucket=bucket, Prefix=prefix) for e in page.get("Contents", [])]
            assert [key for key in found if key in wanted] == [key for key in keys if key.startswith(prefix)]
        versions = [e["Key"].encode() for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="s/")
                    for e in page.get("Versions", [])]
        assert all(a < b for a, b in zip(versions, versions[1:])) and wanted <= {key.decode() for key in versions}
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert not failures

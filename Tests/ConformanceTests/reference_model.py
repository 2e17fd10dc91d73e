"""What S3 makes of buckets, versions, locks and uploads: a reference in plain Python, for one bucket at a time.

Version ids, upload ids and times are the server's: the model is told them and says where they must be new, and where they must stay."""

import hashlib


class Version:
    def __init__(self, body, tags=(), metadata=None, marker=False, mode=None, hold=None, etag=None, parts=None):
        self.id, self.body, self.tags, self.metadata = "null", body, list(tags), dict(metadata or {})
        self.marker, self.mode, self.hold, self.parts = marker, mode, hold, parts
        self.etag = etag or '"%s"' % hashlib.md5(body).hexdigest()
        # The uploads that had been begun when it was made; nothing says so of one that was not added yet.
        self.during = None

    def is_kept(self, bypass):
        return self.hold == "ON" or self.mode == "COMPLIANCE" or (self.mode == "GOVERNANCE" and not bypass)


class Upload:
    def __init__(self, id, key, tags, metadata, order):
        self.id, self.key, self.tags, self.metadata, self.order = id, key, tags, metadata, order
        self.parts = {}


class Bucket:
    """Of each key the versions, newest first; of each upload the parts by number."""

    def __init__(self, name, locking):
        self.name, self.locking, self.state, self.keys = name, locking, "Enabled" if locking else None, {}
        self.default_mode = None
        self.uploads = {}
        self.finished = {}

    # Versions

    def newest(self, key):
        return self.keys.get(key, [None])[0]

    def current(self, key):
        found = self.newest(key)
        return None if found is None or found.marker else found

    def find(self, key, version):
        return next((v for v in self.keys.get(key, []) if v.id == version), None)

    def add(self, key, version, answered):
        versions = self.keys.setdefault(key, [])
        if self.locking and not version.marker and version.mode is None:
            version.mode = self.default_mode
        if self.state == "Enabled":
            assert answered not in (None, "null") and not self.find(key, answered), answered
            version.id = answered
        else:
            assert answered == ("null" if self.state else None), answered
            versions[:] = [v for v in versions if v.id != "null"]
        if version.during is None:
            version.during = set(self.uploads)
        versions.insert(0, version)

    def remove(self, key, version):
        self.keys[key] = [v for v in self.keys.get(key, []) if v is not version]
        if not self.keys[key]:
            del self.keys[key]

    # Conditions

    def write_refusal(self, key, if_match, if_none_match):
        """The error of a conditional write, None if it may go on."""
        current = self.current(key)
        if if_none_match and current:
            return "PreconditionFailed"
        if if_match is not None:
            if current is None:
                return "NoSuchKey"
            if if_match not in ("*", current.etag):
                return "PreconditionFailed"
        return None

    # Listings: one page each, as (entries, truncated). An entry is ("key", key) or ("prefix", prefix).

    def page(self, prefix="", delimiter="", after=None, marker=None, limit=1000):
        """Current objects. `after`: strictly after this key. `marker`: also after the common prefix that it lies in."""
        keys = [key for key in self.ordered() if self.current(key)]
        return page(keys, prefix, delimiter, after, marker, limit)

    def ordered(self):
        return sorted(self.keys, key=lambda key: key.encode())

    def version_page(self, prefix="", delimiter="", key_marker="", version_marker="", limit=1000):
        """All versions: entries are ("version", key, version) or ("prefix", prefix)."""
        rows = [(key, version) for key in self.ordered() for version in self.keys[key]]
        entries, resuming = [], bool(version_marker)
        for key, version in rows:
            if not key.encode().startswith(prefix.encode()):
                continue
            common = fold(key, prefix, delimiter)
            if key_marker:
                if common is not None and common.encode() <= key_marker.encode():
                    continue
                if key.encode() < key_marker.encode():
                    continue
                if key == key_marker:
                    if not version_marker:
                        continue
                    if resuming:
                        resuming = version.id != version_marker
                        continue
            if common is not None:
                if entries and entries[-1] == ("prefix", common):
                    continue
                entry = ("prefix", common)
            else:
                entry = ("version", key, version)
            if len(entries) == limit:
                return entries, True
            entries.append(entry)
        return entries, False

    def upload_page(self, prefix="", delimiter="", key_marker="", limit=1000):
        """Uploads in progress, by key and then as they were begun."""
        rows = sorted(self.uploads.values(), key=lambda upload: (upload.key.encode(), upload.order))
        entries = []
        for upload in rows:
            if not upload.key.startswith(prefix):
                continue
            common = fold(upload.key, prefix, delimiter)
            if key_marker and (upload.key.encode() <= key_marker.encode() or common is not None and common <= key_marker):
                continue
            entry = ("prefix", common) if common is not None else ("upload", upload.key, upload.id)
            if common is not None and entries and entries[-1] == entry:
                continue
            if len(entries) == limit:
                return entries, True
            entries.append(entry)
        return entries, False


def fold(key, prefix, delimiter):
    """The common prefix that a key is shown as; None when it is shown itself."""
    if not delimiter:
        return None
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[:at + len(delimiter)]


def page(keys, prefix, delimiter, after, marker, limit):
    entries = []
    for key in keys:
        if not key.startswith(prefix):
            continue
        if after is not None and key.encode() <= after.encode():
            continue
        common = fold(key, prefix, delimiter)
        if marker is not None:
            if key.encode() <= marker.encode():
                continue
            if common is not None and marker.startswith(common):
                continue
        entry = ("key", key) if common is None else ("prefix", common)
        if entries and entries[-1] == entry:
            continue
        if len(entries) == limit:
            return entries, True
        entries.append(entry)
    return entries, False


def multipart_etag(bodies):
    return '"%s-%d"' % (hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest(), len(bodies))


def ranged(body, text):
    """(bytes, Content-Range) of a Range header; None when it can't be satisfied. `text` is one of the forms S3 takes."""
    first, last = text.removeprefix("bytes=").split("-")
    if not first:
        count = min(int(last), len(body))
        start, end = len(body) - count, len(body)
    else:
        start, end = int(first), min(int(last) + 1 if last else len(body), len(body))
    if start >= end:
        return None
    return body[start:end], f"bytes {start}-{end - 1}/{len(body)}"

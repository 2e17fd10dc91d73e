"""Random operations on buckets, versions, tags, locks and uploads, against a model of what S3 makes of them.

MODEL_OPERATIONS and MODEL_SEED ask for a longer run, or for the one that failed."""

import datetime
import hashlib
import os
import random

import pytest
from botocore.exceptions import ClientError

from martlet_server import Server

OPERATIONS = int(os.environ.get("MODEL_OPERATIONS", "160"))
SEEDS = [int(os.environ["MODEL_SEED"])] if "MODEL_SEED" in os.environ else [1, 2]
KEYS = ["a", "a/", "a/b", "a/b/c", "b", "\u00e9", "e\u0301", "\U00010000", "\ufffd"]
SIZES = [0, 1, 100, 5000, 70_000, 300_000]
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)


class Version:
    def __init__(self, body, tags=(), marker=False, mode=None, hold=None):
        self.id, self.body, self.tags, self.marker, self.mode, self.hold = "null", body, list(tags), marker, mode, hold
        self.etag = '"%s"' % hashlib.md5(body).hexdigest()

    def is_kept(self, bypass):
        return self.hold == "ON" or self.mode == "COMPLIANCE" or (self.mode == "GOVERNANCE" and not bypass)


class Bucket:
    """Of each key the versions, newest first."""

    def __init__(self, name, locking):
        self.name, self.locking, self.state, self.keys = name, locking, "Enabled" if locking else None, {}

    def newest(self, key):
        return self.keys.get(key, [None])[0]

    def current(self, key):
        found = self.newest(key)
        return None if found is None or found.marker else found

    def find(self, key, version):
        return next((v for v in self.keys.get(key, []) if v.id == version), None)

    def add(self, key, version, answered):
        versions = self.keys.setdefault(key, [])
        if self.state == "Enabled":
            assert answered not in (None, "null") and not self.find(key, answered)
            version.id = answered
        else:
            assert answered == ("null" if self.state else None)
            versions[:] = [v for v in versions if v.id != "null"]
        versions.insert(0, version)

    def remove(self, key, version):
        self.keys[key] = [v for v in self.keys.get(key, []) if v is not version]
        if not self.keys[key]:
            del self.keys[key]


class Run:
    def __init__(self, server, seed):
        self.server, self.s3, self.random = server, server.client(), random.Random(seed)
        self.buckets = [Bucket(f"plain-{seed}", False), Bucket(f"locked-{seed}", True)]
        for bucket in self.buckets:
            self.s3.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=bucket.locking)

    def pick(self, items):
        return self.random.choice(items)

    def some_version(self, bucket, key):
        absent = "0" * 31 + "f"
        return self.pick([v.id for v in bucket.keys.get(key, [])] + ["null", absent])

    def body(self):
        return self.random.randbytes(self.pick(SIZES))

    def refused(self, code, call, **options):
        with pytest.raises(ClientError) as caught:
            call(**options)
        found = caught.value.response["Error"]["Code"]
        assert found == code, caught.value.response

    # One operation each.

    def put(self, bucket, key):
        current, options, version = bucket.current(key), {}, Version(self.body())
        if self.random.random() < 0.3:
            version.tags = [("k", str(self.random.random()))]
            options["Tagging"] = "&".join(f"{k}={v}" for k, v in version.tags)
        if bucket.locking and self.random.random() < 0.2:
            version.mode = "GOVERNANCE"
            options.update(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=FUTURE)
        condition = self.random.random()
        if condition < 0.1:
            options["IfNoneMatch"] = "*"
            if current:
                return self.refused("PreconditionFailed", self.s3.put_object, Bucket=bucket.name, Key=key, **options)
        elif condition < 0.2:
            options["IfMatch"] = current.etag if current and self.random.random() < 0.5 else '"no"'
            if not current:
                return self.refused("NoSuchKey", self.s3.put_object, Bucket=bucket.name, Key=key, **options)
            if options["IfMatch"] == '"no"':
                return self.refused("PreconditionFailed", self.s3.put_object, Bucket=bucket.name, Key=key, **options)
        answer = self.s3.put_object(Bucket=bucket.name, Key=key, Body=version.body, **options)
        assert answer["ETag"] == version.etag
        bucket.add(key, version, answer.get("VersionId"))

    def upload(self, bucket, key):
        upload = self.s3.create_multipart_upload(Bucket=bucket.name, Key=key, Tagging="from=parts")["UploadId"]
        version = Version(self.body(), [("from", "parts")])
        part = self.s3.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=7, Body=version.body)
        answer = self.s3.complete_multipart_upload(
            Bucket=bucket.name, Key=key, UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 7, "ETag": part["ETag"]}]})
        version.etag = '"%s-1"' % hashlib.md5(hashlib.md5(version.body).digest()).hexdigest()
        assert answer["ETag"] == version.etag
        bucket.add(key, version, answer.get("VersionId"))

    def copy(self, bucket, key):
        target, to = self.pick(self.buckets), self.pick(KEYS)
        source, found = {"Bucket": bucket.name, "Key": key}, bucket.current(key)
        if self.random.random() < 0.5:
            source["VersionId"] = self.some_version(bucket, key)
            found = bucket.find(key, source["VersionId"])
        elif (target, to) == (bucket, key):
            return
        options = dict(Bucket=target.name, Key=to, CopySource=source)
        if found is None:
            code = "NoSuchVersion" if "VersionId" in source else "NoSuchKey"
            return self.refused(code, self.s3.copy_object, **options)
        if found.marker:
            return self.refused("InvalidRequest", self.s3.copy_object, **options)
        answer = self.s3.copy_object(**options)
        assert answer.get("CopySourceVersionId", "null") == found.id
        target.add(to, Version(found.body, found.tags), answer.get("VersionId"))

    def delete(self, bucket, key):
        answer = self.s3.delete_object(Bucket=bucket.name, Key=key)
        if bucket.state is None:
            assert "DeleteMarker" not in answer
            found = bucket.newest(key)
            return bucket.remove(key, found) if found else None
        assert answer["DeleteMarker"]
        bucket.add(key, Version(b"", marker=True), answer["VersionId"])

    def delete_version(self, bucket, key):
        version, bypass = self.some_version(bucket, key), self.random.random() < 0.5
        found = bucket.find(key, version)
        options = dict(Bucket=bucket.name, Key=key, VersionId=version, BypassGovernanceRetention=bypass)
        if found and found.is_kept(bypass):
            return self.refused("AccessDenied", self.s3.delete_object, **options)
        answer = self.s3.delete_object(**options)
        assert answer["VersionId"] == version and answer.get("DeleteMarker", False) == bool(found and found.marker)
        if found:
            bucket.remove(key, found)

    def delete_many(self, bucket, _):
        entries = []
        for key in self.random.sample(KEYS, 4):
            entries.append({"Key": key, "VersionId": self.some_version(bucket, key)} if self.random.random() < 0.5 else {"Key": key})
        answer = self.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": entries})
        errors = {entry["Key"]: entry["Code"] for entry in answer.get("Errors", [])}
        deleted = {entry["Key"]: entry for entry in answer.get("Deleted", [])}
        for entry in entries:
            key = entry["Key"]
            if "VersionId" in entry:
                found = bucket.find(key, entry["VersionId"])
                if found and found.is_kept(False):
                    assert errors[key] == "AccessDenied"
                    continue
                assert deleted[key].get("DeleteMarker", False) == bool(found and found.marker)
                if found:
                    bucket.remove(key, found)
            elif bucket.state is None:
                if bucket.newest(key):
                    bucket.remove(key, bucket.newest(key))
            else:
                bucket.add(key, Version(b"", marker=True), deleted[key]["DeleteMarkerVersionId"])

    def read(self, bucket, key):
        options, found, absent = dict(Bucket=bucket.name, Key=key), bucket.newest(key), "NoSuchKey"
        if self.random.random() < 0.5:
            options["VersionId"] = self.some_version(bucket, key)
            found, absent = bucket.find(key, options["VersionId"]), "NoSuchVersion"
        if found is None or (found.marker and "VersionId" not in options):
            return self.refused(absent, self.s3.get_object, **options)
        if found.marker:
            return self.refused("MethodNotAllowed", self.s3.get_object, **options)
        answer = self.s3.get_object(**options)
        assert answer["Body"].read() == found.body and answer["ETag"] == found.etag
        assert answer.get("VersionId") == (found.id if bucket.state else None)
        assert answer.get("TagCount", 0) == len(found.tags)
        assert (answer.get("ObjectLockMode"), answer.get("ObjectLockLegalHoldStatus")) == (found.mode, found.hold)
        tags = self.s3.get_object_tagging(**options)["TagSet"]
        assert [(tag["Key"], tag["Value"]) for tag in tags] == found.tags
        size = self.s3.get_object_attributes(ObjectAttributes=["ObjectSize"], **options)["ObjectSize"]
        assert size == len(found.body)

    def tag(self, bucket, key):
        version = self.some_version(bucket, key)
        found, options = bucket.find(key, version), dict(Bucket=bucket.name, Key=key, VersionId=version)
        tags = [(f"t{i}", str(self.random.random())) for i in range(self.random.randrange(4))]
        tagging = {"TagSet": [{"Key": k, "Value": v} for k, v in tags]}
        if found is None:
            return self.refused("NoSuchVersion", self.s3.put_object_tagging, Tagging=tagging, **options)
        if found.marker:
            return self.refused("MethodNotAllowed", self.s3.put_object_tagging, Tagging=tagging, **options)
        self.s3.put_object_tagging(Tagging=tagging, **options)
        found.tags = tags

    def lock(self, bucket, key):
        found = bucket.current(key)
        if not bucket.locking or found is None:
            return
        if self.random.random() < 0.5:
            found.hold = self.pick(["ON", "OFF"])
            return self.s3.put_object_legal_hold(Bucket=bucket.name, Key=key, LegalHold={"Status": found.hold})
        mode, bypass = self.pick(["GOVERNANCE", "GOVERNANCE", "COMPLIANCE"]), self.random.random() < 0.5
        options = dict(Bucket=bucket.name, Key=key, BypassGovernanceRetention=bypass,
                       Retention={"Mode": mode, "RetainUntilDate": FUTURE})
        if found.mode and found.mode != mode and not (found.mode == "GOVERNANCE" and bypass):
            return self.refused("AccessDenied", self.s3.put_object_retention, **options)
        self.s3.put_object_retention(**options)
        found.mode = mode

    def toggle(self, bucket, _):
        state = self.pick(["Enabled", "Suspended"])
        options = dict(Bucket=bucket.name, VersioningConfiguration={"Status": state})
        if bucket.locking and state == "Suspended":
            return self.refused("InvalidBucketState", self.s3.put_bucket_versioning, **options)
        self.s3.put_bucket_versioning(**options)
        bucket.state = state

    def rename(self, bucket, key):
        to = self.pick(KEYS)
        options = dict(Bucket=bucket.name, Key=to, RenameSource=_quoted(key))
        if bucket.state is not None:
            return self.refused("NotImplemented", self.s3.rename_object, **options)
        if bucket.current(key) is None:
            return self.refused("NoSuchKey", self.s3.rename_object, **options)
        self.s3.rename_object(**options)
        bucket.keys[to] = bucket.keys.pop(key)

    def listings(self, bucket, _):
        """All listings, in small pages."""
        order = sorted(bucket.keys, key=lambda key: key.encode())
        prefix = self.pick(["", "a", "a/", "\u00e9"])
        current = [(key, bucket.current(key).etag) for key in order if bucket.current(key) and key.startswith(prefix)]
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket.name, Prefix=prefix, PaginationConfig={"PageSize": self.random.randrange(1, 4)})
        assert [(e["Key"], e["ETag"]) for page in pages for e in page.get("Contents", [])] == current
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket.name, Delimiter="/", PaginationConfig={"PageSize": self.random.randrange(1, 4)})
        folded = {key.split("/")[0] + "/" for key in order if "/" in key and bucket.current(key)}
        assert {p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])} == folded
        expected = [(key, v.id, v is bucket.keys[key][0]) for key in order for v in bucket.keys[key] if key.startswith(prefix)]
        for kind, wanted in (("Versions", False), ("DeleteMarkers", True)):
            pages = self.s3.get_paginator("list_object_versions").paginate(
                Bucket=bucket.name, Prefix=prefix, PaginationConfig={"PageSize": self.random.randrange(1, 4)})
            found = [(e["Key"], e["VersionId"], e["IsLatest"]) for page in pages for e in page.get(kind, [])]
            assert found == [e for e in expected if bucket.find(e[0], e[1]).marker == wanted]

    def restart(self, how):
        self.server.kill() if how == "kill" else self.server.stop()
        self.server.start()
        for bucket in self.buckets:
            self.listings(bucket, None)
            assert self.s3.get_bucket_versioning(Bucket=bucket.name).get("Status") == bucket.state


def _quoted(key):
    import urllib.parse

    return urllib.parse.quote(key)


WEIGHTS = dict(put=8, upload=2, copy=3, delete=3, delete_version=4, delete_many=2, read=8, tag=3, lock=2, toggle=1, rename=1, listings=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_store_does_what_the_model_does(tmp_path, seed):
    server = Server(tmp_path).start()
    try:
        run = Run(server, seed)
        for step in range(OPERATIONS):
            # Without versioning for the first third, so that null versions lie below others.
            names = [name for name in WEIGHTS if step > OPERATIONS // 3 or name != "toggle"]
            name = run.random.choices(names, [WEIGHTS[name] for name in names])[0]
            bucket, key = run.pick(run.buckets), run.pick(KEYS)
            try:
                getattr(run, name)(bucket, key)
                if step % (OPERATIONS // 4) == OPERATIONS // 8:
                    run.restart("kill" if step % 2 else "stop")
            except Exception as error:
                raise AssertionError(f"seed {seed}, step {step}: {name} of {key!r} in {bucket.name}") from error
        run.restart("kill")
        for bucket in run.buckets:
            for key in list(bucket.keys):
                for _ in range(3):
                    run.read(bucket, key)
    finally:
        assert server.stop() == 0, server.log()

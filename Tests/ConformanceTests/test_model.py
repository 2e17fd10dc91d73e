"""Random operations on buckets, versions, tags, locks and uploads, against a model of what S3 makes of them.

The same seed gives the same operations. A run stops after MARTLET_MODEL_OPERATIONS operations, or without that after a budget of
seconds (MARTLET_MODEL_SECONDS). MARTLET_MODEL_SEED asks for the run that failed; MARTLET_MODEL_KILLS says after how many operations
the server is killed, sometimes in the middle of one."""

import datetime
import os
import random
import threading
import time
import urllib.parse

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from martlet_server import Server
from reference_model import Bucket, Upload, Version, multipart_etag, ranged

OPERATIONS = int(os.environ.get("MARTLET_MODEL_OPERATIONS", "0"))
SECONDS = float(os.environ.get("MARTLET_MODEL_SECONDS", "10"))
KILLS = int(os.environ.get("MARTLET_MODEL_KILLS", "250"))
SEEDS = [int(os.environ["MARTLET_MODEL_SEED"])] if "MARTLET_MODEL_SEED" in os.environ else [1, 2]
KEYS = ["a", "a/", "a/b", "a/b/c", "a//", "a0", "b", "b/c", "\u00e9", "e\u0301", "\U00010000", "\ufffd", "x" * 1024]
SIZES = [0, 1, 100, 5000, 70_000, 300_000]
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)
PAST = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
LONG_PART = random.Random(0).randbytes(5 << 20)
NO_VERSION = "0" * 31 + "f"


class Run:
    def __init__(self, server, seed):
        self.server, self.s3, self.random = server, server.client(), random.Random(seed)
        self.order = 0
        self.buckets = [Bucket(f"plain-{seed}", False), Bucket(f"other-{seed}", False), Bucket(f"locked-{seed}", True)]
        for bucket in self.buckets:
            self.s3.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=bucket.locking)

    # What is drawn. Every draw comes from the one generator, so that a seed says everything.

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, probability):
        return self.random.random() < probability

    def some_version(self, bucket, key):
        return self.pick([v.id for v in bucket.keys.get(key, [])] + ["null", NO_VERSION])

    def body(self):
        return self.random.randbytes(self.pick(SIZES))

    def some_tags(self):
        return [(f"t{i}", str(self.random.randrange(1000))) for i in range(self.random.randrange(3))]

    def some_etag(self, bucket, key):
        """An ETag for a condition: right, wrong, or any."""
        current = bucket.current(key)
        return self.pick(['"no"', "*", current.etag if current else '"none"', current.etag if current else '"none"'])

    def refused(self, codes, call, **options):
        with pytest.raises(ClientError) as caught:
            call(**options)
        found = caught.value.response["Error"]["Code"]
        assert found in ((codes,) if isinstance(codes, str) else codes), caught.value.response

    def write_conditions(self, bucket, key, options):
        """Adds a condition to a write now and then; the error that it must bring, or None."""
        draw = self.random.random()
        if draw < 0.1:
            options["IfNoneMatch"] = "*"
        elif draw < 0.2:
            options["IfMatch"] = self.some_etag(bucket, key)
            if options["IfMatch"] == "*":
                options["IfMatch"] = '"no"'
        return bucket.write_refusal(key, options.get("IfMatch"), "IfNoneMatch" in options)

    def lock_options(self, bucket, options):
        """Adds a lock now and then: (mode, hold)."""
        mode = hold = None
        if self.chance(0.15):
            if self.chance(0.7):
                mode = self.pick(["GOVERNANCE", "GOVERNANCE", "COMPLIANCE"])
                options.update(ObjectLockMode=mode, ObjectLockRetainUntilDate=FUTURE)
            if self.chance(0.4):
                hold = self.pick(["ON", "OFF"])
                options["ObjectLockLegalHoldStatus"] = hold
        return mode, hold

    # One operation each.

    def put(self, bucket, key):
        options = {}
        version = Version(self.body(), self.some_tags(), {"m": str(self.random.randrange(100))} if self.chance(0.3) else None)
        if version.tags:
            options["Tagging"] = urllib.parse.urlencode(version.tags)
        if version.metadata:
            options["Metadata"] = version.metadata
        version.mode, version.hold = self.lock_options(bucket, options)
        refusal = self.write_conditions(bucket, key, options)
        options.update(Bucket=bucket.name, Key=key, Body=version.body)
        if not bucket.locking and (version.mode or version.hold):
            return self.refused(("InvalidRequest", refusal), self.s3.put_object, **options)
        if refusal:
            return self.refused(refusal, self.s3.put_object, **options)
        answer = self.s3.put_object(**options)
        assert answer["ETag"] == version.etag
        bucket.add(key, version, answer.get("VersionId"))

    def begin_upload(self, bucket, key):
        tags, metadata = self.some_tags(), {"m": "upload"} if self.chance(0.3) else {}
        answer = self.s3.create_multipart_upload(
            Bucket=bucket.name, Key=key, Metadata=metadata, **({"Tagging": urllib.parse.urlencode(tags)} if tags else {}))
        self.order += 1
        bucket.uploads[answer["UploadId"]] = Upload(answer["UploadId"], key, tags, metadata, self.order)

    def some_upload(self, bucket):
        return self.pick(list(bucket.uploads.values())) if bucket.uploads else None

    def upload_part(self, bucket, key):
        upload = self.some_upload(bucket)
        number = self.pick([1, 2, 3, 9999])
        if upload is None:
            return self.refused("NoSuchUpload", self.s3.upload_part, Bucket=bucket.name, Key=key, UploadId=NO_VERSION,
                                PartNumber=number, Body=b"x")
        options = dict(Bucket=bucket.name, Key=upload.key, UploadId=upload.id, PartNumber=number)
        if self.chance(0.25):
            source, name = self.pick(self.buckets), self.pick(KEYS)
            found = source.current(name)
            options["CopySource"] = {"Bucket": source.name, "Key": name}
            if found is None:
                return self.refused("NoSuchKey", self.s3.upload_part_copy, **options)
            body = found.body
            if len(body) > 10 and self.chance(0.5):
                options["CopySourceRange"] = "bytes=3-8"
                body = body[3:9]
            etag = self.s3.upload_part_copy(**options)["CopyPartResult"]["ETag"]
        else:
            body = LONG_PART if self.chance(0.1) else self.body()
            etag = self.s3.upload_part(Body=body, **options)["ETag"]
        upload.parts[number] = Version(body)
        assert etag == upload.parts[number].etag

    def list_parts(self, bucket, key):
        upload = self.some_upload(bucket)
        if upload is None:
            return self.refused("NoSuchUpload", self.s3.list_parts, Bucket=bucket.name, Key=key, UploadId=NO_VERSION)
        limit, marker = self.pick([1, 2, 1000]), self.pick([0, 1, 2, 3])
        answer = self.s3.list_parts(Bucket=bucket.name, Key=upload.key, UploadId=upload.id, MaxParts=limit, PartNumberMarker=marker)
        expected = [(n, p.etag, len(p.body)) for n, p in sorted(upload.parts.items()) if n > marker]
        assert [(p["PartNumber"], p["ETag"], p["Size"]) for p in answer.get("Parts", [])] == expected[:limit]
        assert answer["IsTruncated"] == (len(expected) > limit)

    def complete(self, bucket, key):
        upload = self.some_upload(bucket)
        if upload is None or not upload.parts:
            return
        numbers = sorted(self.random.sample(sorted(upload.parts), self.random.randint(1, len(upload.parts))))
        chosen = [upload.parts[n] for n in numbers]
        listed = [{"PartNumber": n, "ETag": p.etag} for n, p in zip(numbers, chosen)]
        options = dict(Bucket=bucket.name, Key=upload.key, UploadId=upload.id)
        expected = None
        mistake = self.random.random()
        if mistake < 0.1 and len(listed) > 1:
            listed.reverse()
            expected = "InvalidPartOrder"
        elif mistake < 0.2:
            listed[-1] = dict(listed[-1], ETag='"00000000000000000000000000000000"')
            expected = ("InvalidPart", "EntityTooSmall") if len(listed) > 1 else "InvalidPart"
        elif any(len(p.body) < 5 << 20 for p in chosen[:-1]):
            expected = "EntityTooSmall"
        options["MultipartUpload"] = {"Parts": listed}
        if expected:
            return self.refused(expected, self.s3.complete_multipart_upload, **options)
        refusal = self.write_conditions(bucket, upload.key, options)
        if refusal:
            return self.refused(refusal, self.s3.complete_multipart_upload, **options)
        current = bucket.current(upload.key)
        if "IfMatch" in options and upload.id in current.during:
            return self.refused("ConditionalRequestConflict", self.s3.complete_multipart_upload, **options)
        answer = self.s3.complete_multipart_upload(**options)
        bodies = [p.body for p in chosen]
        version = Version(b"".join(bodies), upload.tags, upload.metadata, etag=multipart_etag(bodies), parts=dict(zip(numbers, bodies)))
        assert answer["ETag"] == version.etag
        bucket.add(upload.key, version, answer.get("VersionId"))
        del bucket.uploads[upload.id]
        for name in ("IfMatch", "IfNoneMatch"):
            options.pop(name, None)
        bucket.finished[upload.id] = (options, version.etag, answer.get("VersionId"))

    def complete_again(self, bucket, _):
        if not bucket.finished:
            return
        options, etag, version = bucket.finished[self.pick(list(bucket.finished))]
        answer = self.s3.complete_multipart_upload(**options)
        # The version of a bucket that had no versions then is the null version once it has.
        assert (answer["ETag"], answer.get("VersionId")) == (etag, version or ("null" if bucket.state else None))

    def abort(self, bucket, key):
        upload = self.some_upload(bucket)
        if upload is None or self.chance(0.3):
            return self.refused(
                "NoSuchUpload", self.s3.abort_multipart_upload, Bucket=bucket.name, Key=key, UploadId=NO_VERSION)
        self.s3.abort_multipart_upload(Bucket=bucket.name, Key=upload.key, UploadId=upload.id)
        del bucket.uploads[upload.id]

    def list_uploads(self, bucket, _):
        options = dict(Prefix=self.pick(["", "", "a", "a/", "\u00e9"]), Delimiter=self.pick(["", "/"]), MaxUploads=self.pick([1, 2, 1000]))
        marker = self.pick(["", "", "a", "a/", "a/b"])
        answer = self.s3.list_multipart_uploads(Bucket=bucket.name, KeyMarker=marker, **{k: v for k, v in options.items() if v})
        entries, truncated = bucket.upload_page(options["Prefix"], options["Delimiter"], marker, options["MaxUploads"])
        # Uploads of one key come in the order of their beginning; a bucket's own order of ids is the server's.
        found = [("upload", e["Key"], e["UploadId"]) for e in answer.get("Uploads", [])]
        if not truncated:
            assert sorted(found) == sorted(e for e in entries if e[0] == "upload")
        assert [e[1] for e in found] == [e[1] for e in entries if e[0] == "upload"]
        assert [e["Prefix"] for e in answer.get("CommonPrefixes", [])] == [e[1] for e in entries if e[0] == "prefix"]
        assert answer["IsTruncated"] == truncated

    def copy(self, bucket, key):
        target, to = self.pick(self.buckets), self.pick(KEYS)
        source, found = {"Bucket": bucket.name, "Key": key}, bucket.current(key)
        if self.chance(0.5):
            source["VersionId"] = self.some_version(bucket, key)
            found = bucket.find(key, source["VersionId"])
        options = dict(Bucket=target.name, Key=to, CopySource=source)
        metadata = tags = None
        if self.chance(0.3):
            metadata = {"copied": str(self.random.randrange(100))}
            options.update(MetadataDirective="REPLACE", Metadata=metadata)
        if self.chance(0.3):
            tags = self.some_tags()
            options.update(TaggingDirective="REPLACE", Tagging=urllib.parse.urlencode(tags))
        lock = self.lock_options(target, options) if target.locking else (None, None)
        if found is None:
            return self.refused("NoSuchVersion" if "VersionId" in source else "NoSuchKey", self.s3.copy_object, **options)
        if found.marker:
            return self.refused("InvalidRequest", self.s3.copy_object, **options)
        draw = self.random.random()
        if draw < 0.08:
            options["CopySourceIfMatch"] = self.pick([found.etag, '"no"'])
        elif draw < 0.16:
            options["CopySourceIfNoneMatch"] = self.pick([found.etag, '"no"'])
        elif draw < 0.24:
            options.update(self.pick([dict(CopySourceIfModifiedSince=PAST), dict(CopySourceIfUnmodifiedSince=PAST),
                                      dict(CopySourceIfUnmodifiedSince=FUTURE)]))
        failed = (options.get("CopySourceIfMatch") == '"no"' or options.get("CopySourceIfNoneMatch") == found.etag
                  or options.get("CopySourceIfUnmodifiedSince") == PAST)
        if (target, to) == (bucket, key) and metadata is None and tags is None and "VersionId" not in source:
            return self.refused(("InvalidRequest", "PreconditionFailed") if failed else "InvalidRequest",
                                self.s3.copy_object, **options)
        if failed:
            return self.refused("PreconditionFailed", self.s3.copy_object, **options)
        answer = self.s3.copy_object(**options)
        assert answer.get("CopySourceVersionId", "null") == found.id
        copied = Version(found.body, found.tags if tags is None else tags, found.metadata if metadata is None else metadata,
                         mode=lock[0], hold=lock[1])
        assert answer["CopyObjectResult"]["ETag"] == copied.etag
        target.add(to, copied, answer.get("VersionId"))

    def delete(self, bucket, key):
        options, found = dict(Bucket=bucket.name, Key=key), bucket.newest(key)
        current = bucket.current(key)
        if current and self.chance(0.2):
            options["IfMatch"] = self.some_etag(bucket, key)
            if options["IfMatch"] == '"no"':
                return self.refused("PreconditionFailed", self.s3.delete_object, **options)
        answer = self.s3.delete_object(**options)
        if bucket.state is None:
            assert "DeleteMarker" not in answer
            return bucket.remove(key, found) if found else None
        assert answer["DeleteMarker"]
        bucket.add(key, Version(b"", marker=True), answer["VersionId"])

    def delete_version(self, bucket, key):
        version, bypass = self.some_version(bucket, key), self.chance(0.5)
        found = bucket.find(key, version)
        options = dict(Bucket=bucket.name, Key=key, VersionId=version)
        if bucket.locking:
            options["BypassGovernanceRetention"] = bypass
        if found and found.is_kept(bypass):
            return self.refused("AccessDenied", self.s3.delete_object, **options)
        answer = self.s3.delete_object(**options)
        assert answer["VersionId"] == version and answer.get("DeleteMarker", False) == bool(found and found.marker)
        if found:
            bucket.remove(key, found)

    def delete_many(self, bucket, _):
        bypass = self.chance(0.3)
        entries = []
        for key in self.random.sample(KEYS, 4):
            entry = {"Key": key}
            if self.chance(0.5):
                entry["VersionId"] = self.some_version(bucket, key)
            elif bucket.current(key) and self.chance(0.2):
                entry["ETag"] = self.pick([bucket.current(key).etag, '"no"'])
            entries.append(entry)
        options = {"BypassGovernanceRetention": bypass} if bucket.locking else {}
        answer = self.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": entries}, **options)
        errors = {entry["Key"]: entry["Code"] for entry in answer.get("Errors", [])}
        deleted = {entry["Key"]: entry for entry in answer.get("Deleted", [])}
        for entry in entries:
            key = entry["Key"]
            if "VersionId" in entry:
                found = bucket.find(key, entry["VersionId"])
                if found and found.is_kept(bypass):
                    assert errors[key] == "AccessDenied"
                    continue
                assert deleted[key].get("DeleteMarker", False) == bool(found and found.marker)
                if found:
                    bucket.remove(key, found)
            elif entry.get("ETag") == '"no"':
                assert errors[key] == "PreconditionFailed"
            elif bucket.state is None:
                assert "DeleteMarker" not in deleted[key]
                if bucket.newest(key):
                    bucket.remove(key, bucket.newest(key))
            else:
                bucket.add(key, Version(b"", marker=True), deleted[key]["DeleteMarkerVersionId"])

    def located(self, bucket, key):
        """Options of a read, the version it finds, and the error when it finds none."""
        options, found, absent = dict(Bucket=bucket.name, Key=key), bucket.newest(key), "NoSuchKey"
        if self.chance(0.5):
            options["VersionId"] = self.some_version(bucket, key)
            found, absent = bucket.find(key, options["VersionId"]), "NoSuchVersion"
        if found is None or (found.marker and "VersionId" not in options):
            return options, None, absent
        return options, None if found.marker else found, "MethodNotAllowed"

    def read(self, bucket, key):
        options, found, absent = self.located(bucket, key)
        if found is None:
            return self.refused(absent, self.s3.get_object, **options)
        answer = self.s3.get_object(**options)
        assert answer["Body"].read() == found.body and answer["ETag"] == found.etag
        assert answer.get("VersionId") == (found.id if bucket.state else None)
        assert answer.get("TagCount", 0) == len(found.tags) and answer["Metadata"] == found.metadata
        assert (answer.get("ObjectLockMode"), answer.get("ObjectLockLegalHoldStatus")) == (found.mode, found.hold)
        tags = self.s3.get_object_tagging(**options)["TagSet"]
        assert [(tag["Key"], tag["Value"]) for tag in tags] == found.tags

    def attributes(self, bucket, key):
        options, found, absent = self.located(bucket, key)
        if found is None:
            return self.refused(absent, self.s3.get_object_attributes, ObjectAttributes=["ObjectSize"], **options)
        answer = self.s3.get_object_attributes(ObjectAttributes=["ObjectSize", "ETag", "ObjectParts"], **options)
        assert answer["ObjectSize"] == len(found.body) and answer["ETag"] == found.etag.strip('"')
        assert answer.get("ObjectParts", {}).get("TotalPartsCount") == (len(found.parts) if found.parts else None)

    def read_some(self, bucket, key):
        """With a condition, a range or a part number, by GET or HEAD."""
        options, found, absent = self.located(bucket, key)
        is_head = self.chance(0.4)
        call = self.s3.head_object if is_head else self.s3.get_object
        statuses = {"NoSuchKey": "404", "NoSuchVersion": "404", "MethodNotAllowed": "405", "PreconditionFailed": "412",
                    "InvalidRange": "416", "InvalidPartNumber": "416"}
        refuse = lambda code, **more: self.refused(statuses[code] if is_head else code, call, **options, **more)
        if found is None:
            return refuse(absent)
        draw = self.random.random()
        if draw < 0.4:
            match, none = self.pick([None, found.etag, '"no"', "*"]), self.pick([None, found.etag, '"no"'])
            since, unless = self.pick([None, PAST, FUTURE]), self.pick([None, PAST, FUTURE])
            if since is FUTURE:
                since = PAST  # A date to come is no condition at all.
            conditions = {k: v for k, v in dict(IfMatch=match, IfNoneMatch=none, IfModifiedSince=since, IfUnmodifiedSince=unless).items() if v}
            if match == '"no"' or (match is None and unless is PAST):
                return refuse("PreconditionFailed", **conditions)
            if none == found.etag:
                return self.refused("304", call, **options, **conditions)
            answer, expected = call(**options, **conditions), found.body
        elif draw < 0.8:
            text = self.pick(["bytes=0-0", "bytes=0-", "bytes=-1", "bytes=-100000", "bytes=50-99", "bytes=99-4999", "bytes=69999-"])
            wanted = ranged(found.body, text)
            if wanted is None:
                return refuse("InvalidRange", Range=text)
            answer, expected = call(Range=text, **options), wanted[0]
            assert answer["ContentRange"] == wanted[1] and answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        else:
            number = self.pick([1, 2, 3, 9999])
            parts = found.parts or {1: found.body}
            if number not in parts:
                return refuse("InvalidPartNumber", PartNumber=number)
            answer, expected = call(PartNumber=number, **options), parts[number]
            assert answer.get("PartsCount") == (len(found.parts) if found.parts else None)
        assert answer["ContentLength"] == len(expected) and answer["ETag"] == found.etag
        if not is_head:
            assert answer["Body"].read() == expected

    def tag(self, bucket, key):
        version = self.some_version(bucket, key)
        found, options = bucket.find(key, version), dict(Bucket=bucket.name, Key=key, VersionId=version)
        tags, deletes = self.some_tags(), self.chance(0.2)
        call = self.s3.put_object_tagging
        more = {"Tagging": {"TagSet": [{"Key": k, "Value": v} for k, v in tags]}}
        if deletes:
            call, more, tags = self.s3.delete_object_tagging, {}, []
        if found is None:
            return self.refused("NoSuchVersion", call, **options, **more)
        if found.marker:
            return self.refused("MethodNotAllowed", call, **options, **more)
        call(**options, **more)
        found.tags = tags

    def lock(self, bucket, key):
        options, found, absent = self.located(bucket, key)
        if self.chance(0.5):
            status = self.pick(["ON", "OFF"])
            call, more, change = self.s3.put_object_legal_hold, {"LegalHold": {"Status": status}}, ("hold", status)
            allowed = True
        else:
            mode, bypass = self.pick(["GOVERNANCE", "GOVERNANCE", "COMPLIANCE"]), self.chance(0.5)
            more = dict(BypassGovernanceRetention=bypass, Retention={"Mode": mode, "RetainUntilDate": FUTURE})
            call, change = self.s3.put_object_retention, ("mode", mode)
            allowed = found is None or not found.mode or found.mode == mode or (found.mode == "GOVERNANCE" and bypass)
        if not bucket.locking:
            return self.refused("InvalidRequest", call, **options, **more)
        if found is None:
            return self.refused(absent, call, **options, **more)
        if not allowed:
            return self.refused("AccessDenied", call, **options, **more)
        call(**options, **more)
        setattr(found, *change)

    def default_retention(self, bucket, _):
        mode = self.pick([None, None, "GOVERNANCE", "COMPLIANCE"])
        configuration = {"ObjectLockEnabled": "Enabled"}
        if mode:
            configuration["Rule"] = {"DefaultRetention": {"Mode": mode, "Days": 10}}
        options = dict(Bucket=bucket.name, ObjectLockConfiguration=configuration)
        if not bucket.locking:
            # An existing bucket may get object lock; these don't, so that null versions go on being made.
            return self.refused("ObjectLockConfigurationNotFoundError", self.s3.get_object_lock_configuration, Bucket=bucket.name)
        self.s3.put_object_lock_configuration(**options)
        bucket.default_mode = mode

    def toggle(self, bucket, _):
        state = self.pick(["Enabled", "Suspended"])
        options = dict(Bucket=bucket.name, VersioningConfiguration={"Status": state})
        if bucket.locking and state == "Suspended":
            return self.refused("InvalidBucketState", self.s3.put_bucket_versioning, **options)
        self.s3.put_bucket_versioning(**options)
        bucket.state = state

    def delete_bucket(self, bucket, _):
        if bucket.keys:
            return self.refused("BucketNotEmpty", self.s3.delete_bucket, Bucket=bucket.name)
        self.s3.delete_bucket(Bucket=bucket.name)
        self.refused("NoSuchBucket", self.s3.list_objects_v2, Bucket=bucket.name)
        self.s3.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=bucket.locking)
        self.buckets[self.buckets.index(bucket)] = Bucket(bucket.name, bucket.locking)

    def rename(self, bucket, key):
        to = self.pick(KEYS)
        options = dict(Bucket=bucket.name, Key=to, RenameSource=urllib.parse.quote(key))
        if bucket.state is not None:
            return self.refused("NotImplemented", self.s3.rename_object, **options)
        if bucket.current(key) is None:
            return self.refused("NoSuchKey", self.s3.rename_object, **options)
        self.s3.rename_object(**options)
        bucket.keys[to] = bucket.keys.pop(key)

    def append(self, bucket, key):
        found, more = bucket.current(key), self.pick([b"", b"more", b"m" * 20_000])
        size = len(found.body) if found else 0
        offset = self.pick([size, size, size, size + 1, 0])
        options = dict(Bucket=bucket.name, Key=key, WriteOffsetBytes=offset, Body=more)
        if bucket.state is not None:
            return self.refused("NotImplemented", self.s3.put_object, **options)
        if offset != size:
            return self.refused("InvalidWriteOffset", self.s3.put_object, **options)
        answer = self.s3.put_object(**options)
        assert answer["Size"] == size + len(more)
        if found is not None:
            found.during = set(bucket.uploads)
        if found is None:
            return bucket.add(key, Version(more), None)
        found.body += more
        found.etag, found.parts = answer["ETag"], None
        parts = self.s3.get_object_attributes(Bucket=bucket.name, Key=key, ObjectAttributes=["ObjectParts"]).get("ObjectParts")
        if parts:
            # How an appended object is divided is the server's business.
            found.parts, at = {}, 0
            for number in range(1, 10_001):
                if len(found.parts) == parts["TotalPartsCount"]:
                    break
                try:
                    length = self.s3.head_object(Bucket=bucket.name, Key=key, PartNumber=number)["ContentLength"]
                except ClientError:
                    continue
                found.parts[number] = found.body[at:at + length]
                at += length

    def page(self, bucket, _):
        """One page of a listing of each kind, from anywhere."""
        prefix, delimiter = self.pick(["", "", "a", "a/", "\u00e9", "zz"]), self.pick(["", "/", "/", "b"])
        limit, start = self.pick([0, 1, 2, 3, 1000]), self.pick(["", "", "a", "a/", "a/b", "b", "\u00e9", "zzz"])
        given = dict(Bucket=bucket.name, MaxKeys=limit, **{k: v for k, v in dict(Prefix=prefix, Delimiter=delimiter).items() if v})
        answer = self.s3.list_objects_v2(**given, **({"StartAfter": start} if start else {}))
        entries, truncated = bucket.page(prefix, delimiter, after=start or None, limit=limit)
        self.compare(bucket, answer, entries, truncated and limit > 0)
        assert answer["KeyCount"] == len(entries)
        answer = self.s3.list_objects(**given, Marker=start)
        entries, truncated = bucket.page(prefix, delimiter, marker=start or None, limit=limit)
        self.compare(bucket, answer, entries, truncated and limit > 0)
        if delimiter and truncated and limit > 0:
            assert answer["NextMarker"] == entries[-1][1]
        version = self.some_version(bucket, start) if start in bucket.keys and self.chance(0.5) else ""
        if version and not bucket.find(start, version):
            version = ""
        answer = self.s3.list_object_versions(**given, KeyMarker=start, **({"VersionIdMarker": version} if version else {}))
        entries, truncated = bucket.version_page(prefix, delimiter, start, version, limit)
        rows = [(key, v) for kind, key, v in (e for e in entries if e[0] == "version")]
        for kind, marker in (("Versions", False), ("DeleteMarkers", True)):
            found = [(e["Key"], e["VersionId"], e["IsLatest"]) for e in answer.get(kind, [])]
            assert found == [(key, v.id, v is bucket.newest(key)) for key, v in rows if v.marker == marker]
        assert [(e["ETag"], e["Size"]) for e in answer.get("Versions", [])] == [(v.etag, len(v.body)) for _, v in rows if not v.marker]
        assert [e["Prefix"] for e in answer.get("CommonPrefixes", [])] == [e[1] for e in entries if e[0] == "prefix"]
        assert answer["IsTruncated"] == (truncated and limit > 0)

    def compare(self, bucket, answer, entries, truncated):
        found = [(e["Key"], e["ETag"], e["Size"]) for e in answer.get("Contents", [])]
        current = [bucket.current(key) for kind, key in entries if kind == "key"]
        assert found == [(key, v.etag, len(v.body)) for (_, key), v in zip((e for e in entries if e[0] == "key"), current)]
        assert [e["Prefix"] for e in answer.get("CommonPrefixes", [])] == [e[1] for e in entries if e[0] == "prefix"]
        assert answer["IsTruncated"] == truncated

    def listings(self, bucket, _):
        """Whole listings, in small pages."""
        for delimiter in ("", "/"):
            limit = self.random.randrange(1, 4)
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=bucket.name, Delimiter=delimiter, PaginationConfig={"PageSize": limit})
            entries, _ = bucket.page(delimiter=delimiter, limit=1 << 30)
            answers = list(pages)
            assert [e["Key"] for a in answers for e in a.get("Contents", [])] == [e[1] for e in entries if e[0] == "key"]
            assert [e["Prefix"] for a in answers for e in a.get("CommonPrefixes", [])] == [e[1] for e in entries if e[0] == "prefix"]
            answers = list(self.s3.get_paginator("list_object_versions").paginate(
                Bucket=bucket.name, Delimiter=delimiter, PaginationConfig={"PageSize": limit}))
            entries, _ = bucket.version_page(delimiter=delimiter, limit=1 << 30)
            for kind, marker in (("Versions", False), ("DeleteMarkers", True)):
                found = [(e["Key"], e["VersionId"]) for a in answers for e in a.get(kind, [])]
                assert found == [(e[1], e[2].id) for e in entries if e[0] == "version" and e[2].marker == marker]

    # Ends of the process.

    def restart(self, how):
        if how == "kill":
            self.server.kill()
        elif how == "stop":
            assert self.server.stop() == 0, self.server.log()
        self.server.start()
        self.s3 = self.server.client()
        for bucket in self.buckets:
            self.listings(bucket, None)
            assert self.s3.get_bucket_versioning(Bucket=bucket.name).get("Status") == bucket.state

    def kill_in_the_middle(self, bucket, key):
        """A PUT under way when the server dies has happened whole or not at all; what was acknowledged before stays."""
        body, delay, answers = self.body(), self.random.random() * 0.01, []

        def put():
            try:
                answers.append(self.s3.put_object(Bucket=bucket.name, Key=key, Body=body))
            except (ClientError, BotoCoreError):
                pass

        thread = threading.Thread(target=put)
        thread.start()
        time.sleep(delay)
        self.server.kill()
        thread.join()
        version = Version(body)
        if answers:
            bucket.add(key, version, answers[0].get("VersionId"))
        else:
            self.server.start()
            self.s3 = self.server.client()
            found = self.s3.list_object_versions(Bucket=bucket.name, Prefix=key).get("Versions", [])
            latest = next((e for e in found if e["Key"] == key and e["IsLatest"]), None)
            newest = bucket.newest(key)
            is_new = latest and latest["ETag"] == version.etag and (
                bucket.state != "Enabled" or newest is None or latest["VersionId"] != newest.id)
            if is_new:
                bucket.add(key, version, latest["VersionId"] if bucket.state else None)
            self.server.kill()
        self.restart("again")


WEIGHTS = dict(put=8, begin_upload=2, upload_part=4, list_parts=1, complete=2, complete_again=1, abort=1, list_uploads=1, copy=4,
               delete=3, delete_version=4, delete_many=2, read=6, attributes=1, read_some=5, tag=3, lock=3, default_retention=1,
               toggle=1, delete_bucket=1, rename=1, append=2, page=4, listings=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_store_does_what_the_model_does(tmp_path, seed):
    server = Server(tmp_path).start()
    deadline = time.monotonic() + SECONDS
    try:
        run, step = Run(server, seed), 0
        while step < OPERATIONS if OPERATIONS else time.monotonic() < deadline:
            # Without versioning for the first operations, so that null versions lie below others.
            names = [name for name in WEIGHTS if step > 100 or name != "toggle"]
            name = run.random.choices(names, [WEIGHTS[name] for name in names])[0]
            bucket, key = run.pick(run.buckets), run.pick(KEYS)
            try:
                if step % KILLS == KILLS - 1:
                    name = run.pick(["kill", "stop", "kill_in_the_middle"])
                    run.kill_in_the_middle(bucket, key) if name == "kill_in_the_middle" else run.restart(name)
                else:
                    getattr(run, name)(bucket, key)
            except Exception as error:
                raise AssertionError(f"seed {seed}, step {step}: {name} of {key[:20]!r} in {bucket.name}") from error
            step += 1
        run.restart("kill")
        for bucket in run.buckets:
            for key in list(bucket.keys):
                for _ in range(3):
                    run.read(bucket, key)
        print(f"seed {seed}: {step} operations")
    finally:
        if server.running:
            assert server.stop() == 0, server.log()

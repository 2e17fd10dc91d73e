"""Inventory reports: their configuration, and what they say."""

import csv
import gzip
import hashlib
import io
import json
import time
import urllib.parse

import pytest

from helpers import refused
from martlet_server import Server


def configuration(target, **changes):
    result = {"Id": "daily", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
              "OptionalFields": ["Size", "ETag", "LastModifiedDate", "StorageClass", "IsMultipartUploaded", "ObjectOwner", "ChecksumAlgorithm"],
              "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{target}", "Format": "CSV", "Prefix": "reports"}}}
    result.update(changes)
    return result


def put(s3, bucket, given):
    s3.put_bucket_inventory_configuration(Bucket=bucket, Id=given["Id"], InventoryConfiguration=given)


def test_configurations(s3, bucket, new_name):
    target = new_name()
    s3.create_bucket(Bucket=target)
    given = configuration(target, Filter={"Prefix": "a/"})
    put(s3, bucket, given)
    assert s3.get_bucket_inventory_configuration(Bucket=bucket, Id="daily")["InventoryConfiguration"] == given
    for i in range(101):
        put(s3, bucket, configuration(target, Id=f"c{i:03}"))
    page = s3.list_bucket_inventory_configurations(Bucket=bucket)
    assert page["IsTruncated"] and [c["Id"] for c in page["InventoryConfigurationList"]] == [f"c{i:03}" for i in range(100)]
    page = s3.list_bucket_inventory_configurations(Bucket=bucket, ContinuationToken=page["NextContinuationToken"])
    assert not page["IsTruncated"] and [c["Id"] for c in page["InventoryConfigurationList"]] == ["c100", "daily"]
    s3.delete_bucket_inventory_configuration(Bucket=bucket, Id="daily")
    for call in (s3.get_bucket_inventory_configuration, s3.delete_bucket_inventory_configuration):
        with refused("NoSuchConfiguration", 404):
            call(Bucket=bucket, Id="daily")


def test_configurations_that_are_not_right(s3, bucket, new_name):
    target = new_name()
    s3.create_bucket(Bucket=target)
    with refused("InvalidArgument", 400):
        s3.put_bucket_inventory_configuration(Bucket=bucket, Id="other", InventoryConfiguration=configuration(target))
    with refused("InvalidS3DestinationBucket", 400):
        put(s3, bucket, configuration("no-such-bucket"))
    for destination in ({"Bucket": target, "Format": "CSV"}, {"Bucket": "arn:aws:s3:::", "Format": "CSV"}):
        with refused("InvalidS3DestinationBucket", 400):
            put(s3, bucket, configuration(target, Destination={"S3BucketDestination": destination}))
    for more in ({"Format": "Parquet"}, {"Format": "ORC"}, {"Format": "CSV", "Encryption": {"SSES3": {}}}):
        with refused("NotImplemented", 501):
            put(s3, bucket, configuration(target, Destination={"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{target}", **more}}))
    for change in ({"IncludedObjectVersions": "Some"}, {"Schedule": {"Frequency": "Hourly"}}, {"OptionalFields": ["Colour"]}):
        with refused("MalformedXML", 400):
            put(s3, bucket, configuration(target, **change))
    with refused("InvalidArgument", 400):
        put(s3, bucket, configuration(target, Id="a b"))


@pytest.fixture(scope="module")
def reporting(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("inventory"), environment={"MARTLET_INVENTORY_CHECK_SECONDS": "1"}).start()
    yield server
    assert server.stop() == 0, server.log()


def report(s3, target, root):
    """(manifest, rows) of the first report; waits for it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket=target, Prefix=root).get("Contents", [])]
        if any(key.endswith("manifest.checksum") for key in keys):
            break
        time.sleep(0.2)
    read = lambda key: s3.get_object(Bucket=target, Key=key)["Body"].read()
    text = read(next(key for key in keys if key.endswith("manifest.json")))
    assert read(next(key for key in keys if key.endswith("manifest.checksum"))).decode() == hashlib.md5(text).hexdigest()
    manifest, rows = json.loads(text), []
    for file in manifest["files"]:
        data = read(file["key"])
        assert len(data) == file["size"] and hashlib.md5(data).hexdigest() == file["MD5checksum"]
        rows += csv.reader(io.StringIO(gzip.decompress(data).decode()))
    return manifest, rows, keys


def test_a_report_of_all_versions(reporting):
    s3 = reporting.client()
    for name in ("source", "target"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Enabled"})
    keys = ["a", 'quote"', "comma,", "new\nline", "\u00fc/\U00010000", "\x01"]
    for key in keys:
        s3.put_object(Bucket="source", Key=key, Body=key.encode())
    s3.put_object(Bucket="source", Key="a", Body=b"newer")
    s3.delete_object(Bucket="source", Key=keys[1])
    for i in range(1100):
        s3.put_object(Bucket="source", Key=f"many/{i:04}", Body=b"")
    put(s3, "source", configuration("target"))
    manifest, rows, found = report(s3, "target", "reports/source/daily/")
    assert manifest["sourceBucket"] == "source" and manifest["destinationBucket"] == "arn:aws:s3:::target" and manifest["fileFormat"] == "CSV"
    schema = manifest["fileSchema"].split(", ")
    assert schema[:6] == ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size"]
    lines = [dict(zip(schema, row)) for row in rows]
    told = [(urllib.parse.unquote(line["Key"]), line["VersionId"], line["IsLatest"], line["IsDeleteMarker"]) for line in lines]
    expected = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="source"):
        expected += [(e["Key"], e["VersionId"], str(e["IsLatest"]).lower(), "false", e["Size"], e["ETag"].strip('"')) for e in page.get("Versions", [])]
        expected += [(e["Key"], e["VersionId"], str(e["IsLatest"]).lower(), "true", None, None) for e in page.get("DeleteMarkers", [])]
    assert sorted(told) == sorted(e[:4] for e in expected) and len(told) == 1108
    sizes = {(line["Key"], line["VersionId"]): (line["Size"], line["ETag"]) for line in lines}
    for key, version, _, marker, size, etag in expected:
        wanted = ("", "") if marker == "true" else (str(size), etag)
        assert sizes[urllib.parse.quote(key), version] == wanted
    # A day is not over: no second report.
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        assert len([k for k in s3.list_objects_v2(Bucket="target")["Contents"] if k["Key"].endswith("manifest.json")]) == 1
        time.sleep(0.5)


def test_a_report_of_current_objects_below_a_prefix(reporting):
    s3 = reporting.client()
    for name in ("plain", "plain-reports"):
        s3.create_bucket(Bucket=name)
    for key in ("a/1", "a/2", "b/3"):
        s3.put_object(Bucket="plain", Key=key, Body=b"123")
    put(s3, "plain", configuration("plain-reports", Id="off", IsEnabled=False))
    put(s3, "plain", configuration("plain-reports", Id="a", IncludedObjectVersions="Current", Filter={"Prefix": "a/"}, OptionalFields=["Size"]))
    manifest, rows, _ = report(s3, "plain-reports", "reports/plain/a/")
    assert manifest["fileSchema"] == "Bucket, Key, Size" and rows == [["plain", "a/1", "3"], ["plain", "a/2", "3"]]
    assert s3.list_objects_v2(Bucket="plain-reports", Prefix="reports/plain/off/")["KeyCount"] == 0

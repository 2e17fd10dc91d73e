"""Access logs of buckets, delivered as objects."""

import re
import time

import pytest

from martlet_server import Server

LINE = re.compile(r'^(\S+) (\S+) \[([^\]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" (\d+) (\S+) (\S+) (\S+) (\S+) (\S+) '
                  r'"([^"]*)" "([^"]*)" (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$')


@pytest.fixture(scope="module")
def logging_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("logs"), environment={"MARTLET_ACCESS_LOG_DELIVERY_SECONDS": "1"}).start()
    yield server
    server.stop()


def lines(s3, bucket, prefix, count):
    """Waits for that many lines below the prefix; (keys, lines)."""
    deadline = time.monotonic() + 30
    while True:
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
        found = [line for key in keys for line in s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()]
        if len(found) >= count or time.monotonic() > deadline:
            return keys, found
        time.sleep(0.2)


def test_lines_are_delivered(logging_server):
    s3 = logging_server.client()
    for name in ("source", "target"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_logging(Bucket="source", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "target", "TargetPrefix": "p/"}})
    s3.put_object(Bucket="source", Key="a b", Body=b"12345")
    s3.get_object(Bucket="source", Key="a b")["Body"].read()
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "source", "Key": "missing"})
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url)
    keys, found = lines(s3, "target", "p/", 4)
    assert all(re.fullmatch(r"p/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}", key) for key in keys)
    rows = [LINE.match(line).groups() for line in found]
    by_operation = {row[6]: row for row in rows if row[7] != "missing"}
    get = by_operation["REST.GET.OBJECT"]
    assert get[1] == "source" and get[7] == "a%20b" and get[9] == "200" and get[11] == "5" and get[12] == "5"
    assert get[8] == "GET /source/a%20b HTTP/1.1" and get[21] == "AuthHeader"
    assert by_operation["REST.PUT.OBJECT"][4] == get[0]
    missing = next(row for row in rows if row[7] == "missing")
    assert (missing[9], missing[10], missing[21]) == ("404", "NoSuchKey", "QueryString")
    assert "X-Amz-Signature=-" in missing[8] or "Signature=-" in missing[8]
    assert url.split("Signature=")[1].split("&")[0] not in "".join(found)


def test_partitioned_keys(logging_server):
    s3 = logging_server.client()
    for name in ("source-two", "target-two"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_logging(Bucket="source-two", BucketLoggingStatus={"LoggingEnabled": {
        "TargetBucket": "target-two", "TargetPrefix": "", "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}})
    s3.put_object(Bucket="source-two", Key="k", Body=b"x")
    keys, _ = lines(s3, "target-two", "", 1)
    assert re.fullmatch(r"\d{12}/us-east-1/source-two/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}", keys[0])

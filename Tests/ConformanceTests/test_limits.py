"""Limits of tenants, users and buckets: `martlet admin limit`, and what clients are told beyond them.

Nothing here asserts a speed: limits of one request in minutes are bursts, and counts are exact."""

import concurrent.futures
import itertools

import pytest

from accounts import ALT
from admin import admin
from botocore.exceptions import ClientError
from helpers import raw, refused
from martlet_server import Server
from prometheus_client.parser import text_string_to_metric_families

_numbers = itertools.count()


def limit(server, *arguments, **options):
    return admin(server, "limit", *arguments, **options)


@pytest.fixture
def user(server):
    """A user with a key of its own: its ARN and a client."""
    name = f"limited-{next(_numbers)}"
    arn = admin(server, "user", "create", name)["Arn"]
    admin(server, "policy", "attach", "readwrite", "--user", name)
    key = admin(server, "key", "create", "--user", name)
    return arn, server.client(access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


@pytest.fixture(autouse=True)
def no_limits_left(server):
    yield
    for found in limit(server, "list")["Limits"]:
        names = [("--" + k.lower(), found[k]) for k in ("Tenant", "User", "Bucket") if k in found]
        limit(server, "remove", *itertools.chain(*names))


def count_admitted(call, times):
    """How many of so many calls were let in; the others are SlowDown."""
    admitted = 0
    for _ in range(times):
        try:
            call()
            admitted += 1
        except ClientError as error:
            assert error.response["Error"]["Code"] == "SlowDown", error
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    return admitted


def test_requests_beyond_a_limit_are_told_when_to_come_back(s3, server, bucket, user):
    arn, client = user
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    shown = limit(server, "set", "--user", arn, "--requests-per-second", "1", "--requests-burst", "3")
    assert shown == {"User": arn, "RequestsPerSecond": "1", "RequestsBurst": "3"}
    with pytest.raises(ClientError) as caught:
        for _ in range(1000):
            client.get_object(Bucket=bucket, Key="a")["Body"].read()
    answer = caught.value.response
    assert answer["Error"]["Code"] == "SlowDown" and answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    # Others are not meant.
    s3.get_object(Bucket=bucket, Key="a")["Body"].read()
    # What is changed counts at once, on the same connection.
    limit(server, "remove", "--user", arn)
    assert count_admitted(lambda: client.head_object(Bucket=bucket, Key="a"), 40) == 40


def test_a_burst_is_had_once_by_all_connections_together(s3, server, bucket, user):
    arn, client = user
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    # One a second is less than what a slow machine takes for these calls; the burst is what they share.
    limit(server, "set", "--user", arn, "--requests-per-second", "1", "--requests-burst", "50")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        admitted = sum(pool.map(lambda _: count_admitted(lambda: client.get_object(Bucket=bucket, Key="a"), 20), range(16)))
    assert 50 <= admitted < 320


def test_every_kind_of_request_counts(s3, server, bucket, user):
    arn, client = user
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    for call in (lambda: client.list_buckets(), lambda: client.put_object(Bucket=bucket, Key="b", Body=b"x" * 100_000),
                 lambda: client.list_objects_v2(Bucket=bucket), lambda: client.delete_object(Bucket=bucket, Key="none"),
                 lambda: client.create_multipart_upload(Bucket=bucket, Key="c")):
        limit(server, "set", "--user", arn, "--requests-per-second", "1", "--requests-burst", "1")
        assert count_admitted(call, 12) < 12
        limit(server, "remove", "--user", arn)
        assert count_admitted(call, 3) == 3


def test_a_bucket_and_a_tenant_are_limited_too(s3, server, bucket, new_name, alt):
    other = new_name()
    s3.create_bucket(Bucket=other)
    limit(server, "set", "--bucket", bucket, "--requests-per-second", "1", "--requests-burst", "2")
    assert count_admitted(lambda: s3.list_objects_v2(Bucket=bucket), 20) < 20
    assert count_admitted(lambda: s3.list_objects_v2(Bucket=other), 20) == 20
    # A bucket that is made anew with the name is another.
    limit(server, "remove", "--bucket", bucket)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    limit(server, "set", "--bucket", bucket, "--requests-per-second", "1", "--requests-burst", "2")
    while True:
        try:
            s3.delete_bucket(Bucket=bucket)
            break
        except ClientError as error:
            assert error.response["Error"]["Code"] == "SlowDown"
    s3.create_bucket(Bucket=bucket)
    assert count_admitted(lambda: s3.list_objects_v2(Bucket=bucket), 20) == 20
    # A tenant is all its accounts together.
    limit(server, "set", "--tenant", "default", "--requests-per-second", "1", "--requests-burst", "2")
    assert count_admitted(lambda: s3.list_buckets(), 10) + count_admitted(lambda: alt.list_buckets(), 10) < 20


def test_who_does_not_sign_is_limited_by_name(s3, server, open_bucket, nobody):
    s3.put_object(Bucket=open_bucket, Key="a", Body=b"x", ACL="public-read")
    limit(server, "set", "--user", "anonymous", "--requests-per-second", "1", "--requests-burst", "2")
    assert count_admitted(lambda: nobody.get_object(Bucket=open_bucket, Key="a"), 20) < 20
    assert count_admitted(lambda: s3.get_object(Bucket=open_bucket, Key="a"), 20) == 20


def test_bytes_are_paced_and_stay_whole(s3, server, bucket, user):
    arn, client = user
    body = bytes(range(256)) * 1200
    limit(server, "set", "--user", arn, "--bytes-in-per-second", "1M", "--bytes-in-burst", "64K",
          "--bytes-out-per-second", "1M", "--bytes-out-burst", "64K")
    client.put_object(Bucket=bucket, Key="a", Body=body)
    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == body
    assert client.get_object(Bucket=bucket, Key="a", Range="bytes=1000-1999")["Body"].read() == body[1000:2000]
    counted = metrics(server)
    for direction in ("received", "sent"):
        assert counted["martlet_paced_bytes_total", ("direction", direction), ("tenant", "default")] > 100_000
        assert counted["martlet_paced_seconds_total", ("direction", direction), ("tenant", "default")] > 0


def test_a_transfer_that_could_not_begin_for_long_is_refused(s3, server, bucket, user):
    arn, client = user
    limit(server, "set", "--user", arn, "--bytes-in-per-second", "1")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # Takes more than a minute; the limit that is lifted lets it go on.
        first = pool.submit(client.put_object, Bucket=bucket, Key="a", Body=b"x" * 100)
        with pytest.raises(ClientError) as caught:
            while not first.done():
                client.put_object(Bucket=bucket, Key="b", Body=b"")
                client.put_object(Bucket=bucket, Key="b", Body=b"x")
        assert caught.value.response["Error"]["Code"] == "SlowDown"
        assert int(caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) > 10
        limit(server, "remove", "--user", arn)
        first.result(30)
    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x" * 100


def test_settings(s3, server, bucket, user):
    arn, _ = user
    assert limit(server, "list") == {"Limits": []}
    limit(server, "set", "--user", arn, "--requests-per-second", "100", "--bytes-out-per-second", "10M")
    assert limit(server, "show", "--user", arn) == {
        "User": arn, "RequestsPerSecond": "100", "RequestsBurst": "25",
        "BytesOutPerSecond": str(10 << 20), "BytesOutBurst": str(10 << 18)}
    # What is not given stays, and none takes away.
    limit(server, "set", "--user", arn, "--bytes-out-per-second", "none", "--requests-burst", "7")
    assert limit(server, "show", "--user", arn) == {"User": arn, "RequestsPerSecond": "100", "RequestsBurst": "7"}
    limit(server, "set", "--tenant", "default", "--weight", "5")
    limit(server, "set", "--bucket", bucket, "--bytes-in-per-second", "1G")
    assert [sorted(found)[:2] for found in limit(server, "list")["Limits"]] == [
        ["Bucket", "BytesInBurst"], ["Tenant", "Weight"], ["RequestsBurst", "RequestsPerSecond"]]
    assert limit(server, "show", "--tenant", "default") == {"Tenant": "default", "Weight": "5"}
    assert "NoSuchEntity" in limit(server, "set", "--bucket", "no-such-bucket", "--requests-per-second", "1", status=1)
    assert "NoSuchEntity" in limit(server, "set", "--tenant", "nowhere", "--requests-per-second", "1", status=1)
    assert "ValidationError" in limit(server, "set", "--user", "alice", "--requests-per-second", "1", status=1)
    assert "ValidationError" in limit(server, "set", "--user", arn, "--weight", "2", status=1)
    assert "NoSuchEntity" in limit(server, "remove", "--user", "arn:aws:iam::000000000000:user/x", status=1)
    for wrong in (["--requests-per-second", "0"], ["--requests-per-second", "x"], []):
        limit(server, "set", "--user", arn, *wrong, status=64)
    limit(server, "set", "--user", arn, "--bucket", bucket, "--requests-per-second", "1", status=64)


def test_only_the_operator_sets_limits(server, bucket, alt):
    other = {"MARTLET_ROOT_USER": ALT["accessKey"], "MARTLET_ROOT_PASSWORD": ALT["secretKey"]}
    for arguments in (("set", "--bucket", bucket, "--requests-per-second", "1"), ("list",), ("show", "--bucket", bucket)):
        assert "AccessDenied" in limit(server, *arguments, status=1, environment=other)


def test_limits_outlive_a_restart_and_requests_wait_their_turn(tmp_path):
    environment = {"MARTLET_REQUESTS_MAX": "2", "MARTLET_REQUESTS_WAITING_MAX": "1000", "MARTLET_LOOPS": "1"}
    server = Server(tmp_path, drives=1, environment=environment).start()
    client = server.client()
    client.create_bucket(Bucket="waiting")
    limit(server, "set", "--bucket", "waiting", "--requests-per-second", "1000000", "--requests-burst", "1000000")
    limit(server, "set", "--tenant", "default", "--weight", "9")
    before = limit(server, "list")
    assert server.stop() == 0
    server.start()
    assert limit(server, "list") == before
    client = server.client()

    def put_and_get(i):
        client.put_object(Bucket="waiting", Key=str(i), Body=bytes([i]) * (i * 30_000))
        return client.get_object(Bucket="waiting", Key=str(i))["Body"].read() == bytes([i]) * (i * 30_000)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert all(pool.map(put_and_get, range(96)))
    # Somebody waited, and nothing is held once all are answered.
    found = metrics(server)
    assert found["martlet_request_waits_total", ("tenant", "default")] > 0
    assert found["martlet_requests_under_way", ("tenant", "default")] == 0
    assert found["martlet_requests_waiting", ("tenant", "default")] == 0
    assert server.stop() == 0


def test_more_than_may_wait_are_refused(tmp_path):
    environment = {"MARTLET_REQUESTS_MAX": "1", "MARTLET_REQUESTS_WAITING_MAX": "0", "MARTLET_LOOPS": "1"}
    server = Server(tmp_path, drives=1, environment=environment).start()
    client = server.client()
    client.create_bucket(Bucket="full")

    def put(i):
        return count_admitted(lambda: client.put_object(Bucket="full", Key=str(i), Body=b"x" * 200_000), 4)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        admitted = sum(pool.map(put, range(32)))
    found = metrics(server)
    assert admitted + found.get(("martlet_throttled_requests_total", ("limit", "queue"), ("tenant", "default")), 0) == 128
    assert admitted >= 1
    assert found["martlet_requests_under_way", ("tenant", "default")] == 0
    assert client.list_objects_v2(Bucket="full")["KeyCount"] <= admitted
    assert server.stop() == 0


def test_a_client_that_stalls_holds_up_nobody(tmp_path):
    environment = {"MARTLET_REQUESTS_MAX": "1", "MARTLET_LOOPS": "1"}
    server = Server(tmp_path, drives=1, environment=environment).start()
    client = server.client()
    client.create_bucket(Bucket="stalls")
    from helpers import signed

    headers = signed(server, "PUT", "/stalls/slow", {"Content-Length": "1000"})
    connection = server.socket()
    lines = ["PUT /stalls/slow HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode() + b"half")
    for i in range(20):
        client.put_object(Bucket="stalls", Key=str(i), Body=b"x" * 1000)
    connection.sendall(b"x" * 996)
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    connection.close()
    assert server.stop() == 0


def test_a_refusal_is_a_document_with_the_code(s3, server, bucket, user):
    limit(server, "set", "--bucket", bucket, "--requests-per-second", "1", "--requests-burst", "1")
    for _ in range(100):
        status, headers, body = raw(server, "GET", f"/{bucket}?list-type=2")
        if status == 503:
            break
    assert status == 503 and b"<Code>SlowDown</Code>" in body
    fields = {k.lower(): v for k, v in dict(headers).items()}
    assert fields["retry-after"] == "1" and fields["content-type"] == "application/xml"
    assert b"Retry-After" not in body


def metrics(server):
    text = server.ops("/metrics")[1].decode()
    return {(s.name, *sorted(s.labels.items())): s.value for f in text_string_to_metric_families(text) for s in f.samples}

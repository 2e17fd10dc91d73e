"""/metrics is well formed, and Docs/operations/monitoring.md names all of it; the access log has the fields that its page lists."""

import json
import re

import pytest
from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from exercise import exercise
from martlet_server import ACCESS_KEY, ROOT, SECRET_KEY

PAGE = (ROOT / "Docs/operations/monitoring.md").read_text()


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A server that has answered requests of several kinds, its metrics, and its access log's lines once it has stopped."""
    from martlet_server import Server

    directory = tmp_path_factory.mktemp("monitoring")
    server = Server(directory, drives=4, environment={"MARTLET_ACCESS_LOG": str(directory / "access.log")}).start()
    client = server.client()
    exercise(client)
    with pytest.raises(ClientError):
        client.get_object(Bucket="exercise", Key="missing")
    with pytest.raises(ClientError):
        server.client(secret_key="wrong-secret").list_buckets()
    text = server.ops("/metrics")[1].decode()
    assert server.stop() == 0
    lines = [json.loads(line) for line in (directory / "access.log").read_text().splitlines()]
    return text, lines, (directory / "access.log").read_text()


def test_metrics_parse_and_explain_themselves(busy):
    text, _, _ = busy
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a family comes twice"
    for family in families:
        assert family.documentation and family.type != "unknown", family.name
    samples = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
    assert len(samples) == len(set(samples)), "a sample comes twice"
    for name in re.findall(r"^(\w+)(?:{| )", text, re.M):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert f"# TYPE {name} " in text or f"# TYPE {base} histogram" in text, f"{name} has no TYPE"
    for family in families:
        if family.type == "counter":
            assert all(s.name.endswith("_total") for s in family.samples), family.name


def test_the_page_names_every_metric_and_no_other(busy):
    served = set(re.findall(r"^# TYPE (\w+) ", busy[0], re.M))
    named = set(re.findall(r"`((?:martlet|process)_\w+)`", PAGE))
    assert served - named == set(), "missing on the page"
    assert named - served == set(), "on the page, and not served"
    assert len(served) > 50


def test_metrics_count_what_happened(busy):
    values = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in text_string_to_metric_families(busy[0]) for s in f.samples}

    def value(name, **labels):
        return values[name, tuple(sorted(labels.items()))]

    assert value("martlet_s3_requests_total", api="PutObject", **{"class": "2xx"}) == 5
    assert value("martlet_s3_requests_total", api="UploadPart", **{"class": "2xx"}) == 2
    assert value("martlet_s3_errors_total", code="NoSuchKey") == 1
    assert value("martlet_s3_errors_total", code="SignatureDoesNotMatch") == 1
    assert value("martlet_s3_request_seconds_count", api="PutObject") == 5
    assert value("martlet_s3_request_seconds_bucket", api="PutObject", le="+Inf") == 5
    assert value("martlet_s3_received_bytes_total", api="PutObject") >= 3_205_001
    for slot in "0123":
        assert value("martlet_drive_online", set="0", slot=slot) == 1
        assert value("martlet_drive_log_records_total", set="0", slot=slot) > 0
        assert value("martlet_drive_poisoned", set="0", slot=slot) == 0
    assert value("martlet_set_drives_whole", set="0") == value("martlet_set_drives", set="0") == 4
    assert value("martlet_set_write_quorum", set="0") == 3


def test_the_access_log_has_the_fields_of_its_page(busy):
    _, lines, text = busy
    page = (ROOT / "Docs/operations/access-log.md").read_text()
    named = re.findall(r"^\| `(\w+)` ", page, re.M)
    for line in lines:
        assert list(line) == named, line
    apis = {line["api"] for line in lines}
    assert {"CreateBucket", "PutObject", "GetObject", "ListObjectsV2", "UploadPart", "CompleteMultipartUpload", "DeleteObject"} <= apis
    missing = next(line for line in lines if line["object"] == "missing")
    assert missing["statusCode"] == 404 and missing["error"] == "NoSuchKey" and missing["accessKey"] == ACCESS_KEY
    assert SECRET_KEY not in text and "Signature=" not in text and "wrong-secret" not in text

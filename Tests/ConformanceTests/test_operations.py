"""The ops address, and that nothing secret is in what the server writes."""

from martlet_server import SECRET_KEY


def test_health(server):
    for path in ("/health/live", "/health/ready"):
        assert server.ops(path)[0] == 200


def test_health_beside_s3(server):
    import urllib.request

    for path in ("/minio/health/live", "/minio/health/ready", "/minio/health/cluster"):
        assert urllib.request.urlopen(server.endpoint + path).status == 200


def test_metrics_count_requests(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, body = server.ops("/metrics")
    text = body.decode()
    assert status == 200
    assert 'martlet_s3_requests_total{api="PutObject",class="2xx"}' in text
    assert 'martlet_s3_request_seconds_bucket{api="PutObject",le="+Inf"}' in text
    assert "martlet_drive_" in text


def test_secrets_are_nowhere(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    import urllib.request

    urllib.request.urlopen(url).read()
    signature = url.split("X-Amz-Signature=")[1].split("&")[0]
    written = server.log() + server.ops("/metrics")[1].decode()
    assert SECRET_KEY not in written and signature not in written

import pytest

from helpers import code_of, raw, refused


def test_a_created_bucket_is_listed_and_found(s3, new_name):
    name = new_name()
    answer = s3.create_bucket(Bucket=name)
    assert answer["Location"] == f"/{name}"
    assert name in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_creating_an_own_bucket_again_in_the_default_region_succeeds(s3, bucket):
    # us-east-1 answers 200 for a bucket that the caller already owns.
    assert s3.create_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Upper", "under_score", "-dash", "dash-", "a..b", "192.168.0.1", "xn--a", "a-s3alias"])
def test_bad_bucket_names_are_refused(server, name):
    status, _, body = raw(server, "PUT", f"/{name}")
    assert (status, code_of(body)) == (400, "InvalidBucketName")


def test_a_missing_bucket_is_404_everywhere(s3, new_name):
    name = new_name()
    with refused("404", 404):
        s3.head_bucket(Bucket=name)
    for call in (s3.list_objects_v2, s3.list_objects, s3.delete_bucket, s3.get_bucket_location, s3.list_multipart_uploads):
        with refused("NoSuchBucket", 404):
            call(Bucket=name)
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket=name, Key="k", Body=b"x")
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket=name, Key="k")


def test_only_empty_buckets_are_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.delete_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket=bucket)


def test_a_bucket_name_can_be_used_again_and_starts_empty(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_buckets_are_listed_in_pages(s3, new_name):
    names = sorted("paged-" + new_name() for _ in range(5))
    for name in names:
        s3.create_bucket(Bucket=name)
    seen, token = [], None
    while True:
        options = {"ContinuationToken": token} if token else {}
        page = s3.list_buckets(Prefix="paged-", MaxBuckets=2, **options)
        assert len(page["Buckets"]) <= 2 and page["Prefix"] == "paged-"
        seen += [b["Name"] for b in page["Buckets"]]
        token = page.get("ContinuationToken")
        if not token:
            break
    assert seen == names


def test_the_location_of_the_default_region_is_empty(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_head_bucket_names_the_region(s3, bucket):
    headers = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-bucket-region"] == "us-east-1"


def test_virtual_host_addressing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/b c", Body=b"virtual")
    import http.client
    from urllib.parse import urlsplit

    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/b c"})
    # The same request, signed for the virtual host.
    client = server.client(config={"s3": {"addressing_style": "virtual"}})
    client.meta.endpoint_url
    import botocore.auth, botocore.awsrequest, botocore.credentials
    from martlet_server import ACCESS_KEY, SECRET_KEY

    host = f"{bucket}.s3.localhost:{server.port}"
    request = botocore.awsrequest.AWSRequest("GET", f"http://{host}/a/b%20c")
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(request)
    connection = server.connect()
    connection.putrequest("GET", "/a/b%20c", skip_host=True)
    connection.putheader("Host", host)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"virtual")
    assert urlsplit(url).path.endswith("/a/b%20c")


def test_what_is_not_built_is_not_implemented(s3, bucket):
    with refused("NotImplemented", 501):
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]})

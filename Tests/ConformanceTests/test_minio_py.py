"""Every public method of minio-py that concerns buckets and objects. What needs something that is not built ends in NotImplemented."""

import datetime
import io
import json

import pytest
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED, GOVERNANCE, REPLACE, ComposeSource, CopySource, Filter, SnowballObject, Tags
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.datatypes import PostPolicy
from minio.lifecycleconfig import Expiration, LifecycleConfig
from minio.lifecycleconfig import Rule as LifecycleRule
from minio.notificationconfig import NotificationConfig, QueueConfig
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.replicationconfig import Destination, ReplicationConfig
from minio.replicationconfig import Rule as ReplicationRule
from minio.retention import Retention
from minio.select import CSVInputSerialization, CSVOutputSerialization, SelectRequest
from minio.sseconfig import Rule as EncryptionRule
from minio.sseconfig import SSEConfig
from minio.versioningconfig import SUSPENDED, VersioningConfig

from martlet_server import ACCESS_KEY, SECRET_KEY

SOON = datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)

# Public methods without a request of their own, and two whose requests S3 does not have: listening never ends, prompting asks a language model.
WITHOUT_REQUESTS = {"listen_bucket_notification", "prompt_object", "set_app_info", "trace_on", "trace_off", "enable_accelerate_endpoint", "disable_accelerate_endpoint", "enable_dualstack_endpoint",
                    "disable_dualstack_endpoint", "enable_virtual_style_endpoint", "disable_virtual_style_endpoint"}
called = set()


class Recorded(Minio):
    def __getattribute__(self, name):
        if not name.startswith("_"):
            called.add(name)
        return super().__getattribute__(name)


@pytest.fixture(scope="module")
def client(server):
    import ssl

    import urllib3

    pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=server.authority)) if server.authority else None
    return Recorded(f"127.0.0.1:{server.port}", access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=bool(server.authority),
                    region="us-east-1", http_client=pool)


@pytest.fixture
def made(client, new_name):
    name = new_name()
    client.make_bucket(name)
    return name


def put(client, bucket, key, data=b"x", **options):
    return client.put_object(bucket, key, io.BytesIO(data), len(data), **options)


def read(client, bucket, key, **options):
    answer = client.get_object(bucket, key, **options)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def refuses(code, call, *arguments, **options):
    with pytest.raises(S3Error) as caught:
        call(*arguments, **options)
    assert caught.value.code == code, caught.value


def test_buckets(client, made, new_name):
    assert client.bucket_exists(made) and not client.bucket_exists(new_name())
    assert made in [b.name for b in client.list_buckets()]
    refuses("NoSuchBucket", client.remove_bucket, new_name())
    put(client, made, "k")
    refuses("BucketNotEmpty", client.remove_bucket, made)
    client.remove_object(made, "k")
    client.remove_bucket(made)
    assert not client.bucket_exists(made)


def test_objects(client, made, tmp_path):
    result = put(client, made, "a/b", b"hello", content_type="text/plain", metadata={"colour": "blue"})
    assert result.etag == "5d41402abc4b2a76b9719d911017c592" and result.version_id is None
    stat = client.stat_object(made, "a/b")
    assert (stat.size, stat.etag, stat.content_type, stat.metadata["x-amz-meta-colour"]) == (5, result.etag, "text/plain", "blue")
    assert stat.last_modified.tzinfo and read(client, made, "a/b") == b"hello"
    assert read(client, made, "a/b", offset=1, length=3) == b"ell" and read(client, made, "a/b", offset=3) == b"lo"
    refuses("NoSuchKey", client.get_object, made, "none")
    refuses("NoSuchKey", client.stat_object, made, "none")
    client.remove_object(made, "none")


def test_files_and_parts(client, made, tmp_path):
    data = bytes(range(256)) * 4096 * 11
    path = tmp_path / "file"
    path.write_bytes(data)
    etag = client.fput_object(made, "file", str(path), part_size=5 << 20).etag
    assert etag.endswith("-3")
    client.fget_object(made, "file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data
    # A stream of which nobody knows the length.
    client.put_object(made, "stream", io.BytesIO(data), -1, part_size=5 << 20)
    assert read(client, made, "stream") == data
    client.compose_object(made, "both", [ComposeSource(made, "file"), ComposeSource(made, "stream", offset=1, length=100)])
    assert read(client, made, "both") == data + data[1:101]


def test_copies(client, made):
    put(client, made, "k", b"hello", metadata={"a": "1"})
    client.copy_object(made, "copy", CopySource(made, "k"))
    assert client.stat_object(made, "copy").metadata["x-amz-meta-a"] == "1"
    client.copy_object(made, "copy", CopySource(made, "k"), metadata={"b": "2"}, metadata_directive=REPLACE)
    found = client.stat_object(made, "copy").metadata
    assert found["x-amz-meta-b"] == "2" and "x-amz-meta-a" not in found
    with pytest.raises(S3Error) as caught:
        client.copy_object(made, "copy", CopySource(made, "none"))
    assert caught.value.code == "NoSuchKey"
    refuses("PreconditionFailed", client.copy_object, made, "copy", CopySource(made, "k", match_etag="wrong"))


def test_listing(client, made):
    keys = ["a", "a/b", "a/c/d", "b c", "é", "z+%"]
    for key in keys:
        put(client, made, key)
    assert [o.object_name for o in client.list_objects(made, recursive=True)] == sorted(keys, key=str.encode)
    # Prefixes come behind the objects of their page.
    assert [o.object_name for o in client.list_objects(made)] == ["a", "b c", "z+%", "é", "a/"]
    assert [o.object_name for o in client.list_objects(made, prefix="a/", recursive=True)] == ["a/b", "a/c/d"]
    assert [o.object_name for o in client.list_objects(made, start_after="a/c/d", recursive=True)] == ["b c", "z+%", "é"]
    assert [o.object_name for o in client.list_objects(made, recursive=True, use_api_v1=True)] == sorted(keys, key=str.encode)
    assert [o.object_name for o in client.list_objects(made, recursive=True, include_version=True)] == sorted(keys, key=str.encode)
    assert next(client.list_objects(made, fetch_owner=True)).owner_id


def test_deleting_many(client, made):
    for index in range(20):
        put(client, made, f"k{index}")
    assert list(client.remove_objects(made, [DeleteObject(f"k{index}") for index in range(20)])) == []
    assert list(client.list_objects(made)) == []


def test_presigned_urls(client, server, made):
    import urllib3

    pool = urllib3.PoolManager(ca_certs=server.authority) if server.authority else urllib3.PoolManager()
    assert pool.request("PUT", client.presigned_put_object(made, "k"), body=b"hello").status == 200
    assert pool.request("GET", client.presigned_get_object(made, "k")).data == b"hello"
    named = client.presigned_get_object(made, "k", response_headers={"response-content-type": "text/x"})
    assert pool.request("GET", named).headers["content-type"] == "text/x"
    assert pool.request("DELETE", client.get_presigned_url("DELETE", made, "k")).status == 204
    policy = PostPolicy(made, datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1))
    policy.add_starts_with_condition("key", "up/")
    policy.add_content_length_range_condition(1, 100)
    form = client.presigned_post_policy(policy)
    form.update(key="up/x", file=("name", b"posted"))
    assert pool.request("POST", f"{server.endpoint}/{made}", fields=form).status == 204
    assert read(client, made, "up/x") == b"posted"
    form.update(file=("name", b"p" * 101))
    assert pool.request("POST", f"{server.endpoint}/{made}", fields=form).status == 400


def test_versions(client, made):
    assert client.get_bucket_versioning(made).status in (None, "Off")
    client.set_bucket_versioning(made, VersioningConfig(ENABLED))
    assert client.get_bucket_versioning(made).status == ENABLED
    first, second = put(client, made, "k", b"1").version_id, put(client, made, "k", b"2").version_id
    assert read(client, made, "k", version_id=first) == b"1" and client.stat_object(made, "k").version_id == second
    client.remove_object(made, "k")
    found = list(client.list_objects(made, include_version=True))
    # Markers come behind the versions of their page.
    assert [(o.version_id, o.is_delete_marker) for o in found[:2]] == [(second, False), (first, False)]
    assert [(o.is_delete_marker, o.is_latest) for o in found[2:]] == [(True, "true")]
    refuses("NoSuchKey", client.stat_object, made, "k")
    errors = client.remove_objects(made, [DeleteObject("k", o.version_id) for o in found])
    assert list(errors) == [] and list(client.list_objects(made, include_version=True)) == []
    client.set_bucket_versioning(made, VersioningConfig(SUSPENDED))
    assert client.get_bucket_versioning(made).status == SUSPENDED


def test_tags(client, made):
    assert client.get_bucket_tags(made) is None
    tags = Tags.new_bucket_tags()
    tags["team"] = "blue"
    client.set_bucket_tags(made, tags)
    assert dict(client.get_bucket_tags(made)) == {"team": "blue"}
    client.delete_bucket_tags(made)
    assert client.get_bucket_tags(made) is None
    tags = Tags.new_object_tags()
    tags["a b"] = "c/d"
    put(client, made, "k", tags=tags)
    assert dict(client.get_object_tags(made, "k")) == {"a b": "c/d"}
    tags["e"] = ""
    client.set_object_tags(made, "k", tags)
    assert dict(client.get_object_tags(made, "k")) == {"a b": "c/d", "e": ""}
    client.delete_object_tags(made, "k")
    assert client.get_object_tags(made, "k") is None


def test_policies(client, made):
    refuses("NoSuchBucketPolicy", client.get_bucket_policy, made)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"],
                                                      "Resource": [f"arn:aws:s3:::{made}/*"]}]}
    client.set_bucket_policy(made, json.dumps(policy))
    assert json.loads(client.get_bucket_policy(made)) == policy
    client.delete_bucket_policy(made)
    refuses("NoSuchBucketPolicy", client.get_bucket_policy, made)


def test_object_lock(client, new_name):
    name = new_name()
    client.make_bucket(name, object_lock=True)
    assert client.get_object_lock_config(name).mode is None
    client.set_object_lock_config(name, ObjectLockConfig(GOVERNANCE, 2, DAYS))
    config = client.get_object_lock_config(name)
    assert (config.mode, config.duration, config.duration_unit) == (GOVERNANCE, 2, DAYS)
    assert put(client, name, "default").version_id and client.get_object_retention(name, "default").mode == GOVERNANCE
    client.delete_object_lock_config(name)
    assert client.get_object_lock_config(name).mode is None
    assert client.get_object_retention(name, put_unlocked(client, name)) is None
    client.set_object_retention(name, "free", Retention(COMPLIANCE, SOON))
    assert client.get_object_retention(name, "free").retain_until_date == SOON
    version = put(client, name, "held", retention=Retention(GOVERNANCE, SOON), legal_hold=True).version_id
    assert client.is_object_legal_hold_enabled(name, "held")
    refuses("AccessDenied", client.remove_object, name, "held", version)
    client.disable_object_legal_hold(name, "held")
    assert not client.is_object_legal_hold_enabled(name, "held")
    client.enable_object_legal_hold(name, "held")
    assert client.is_object_legal_hold_enabled(name, "held")
    client.disable_object_legal_hold(name, "held")
    assert [e.code for e in client.remove_objects(name, [DeleteObject("held", version)])] == ["AccessDenied"]
    assert list(client.remove_objects(name, [DeleteObject("held", version)], bypass_governance_mode=True)) == []


def put_unlocked(client, name):
    put(client, name, "free")
    return "free"


def test_append_and_snowball(client, made):
    put(client, made, "log", b"one")
    client.append_object(made, "log", io.BytesIO(b"two"), 3)
    assert read(client, made, "log") == b"onetwo"
    client.upload_snowball_objects(made, [SnowballObject("s/1", data=io.BytesIO(b"1"), length=1), SnowballObject("s/2", data=io.BytesIO(b"22"), length=2)])
    assert read(client, made, "s/1") == b"1" and read(client, made, "s/2") == b"22"


def test_what_is_not_built(client, made):
    put(client, made, "k", b"a,b\n")
    assert client.get_bucket_encryption(made) is None and client.get_bucket_lifecycle(made) is None
    assert client.get_bucket_replication(made) is None
    notification = client.get_bucket_notification(made)
    assert not (notification.queue_config_list or notification.topic_config_list or notification.cloud_func_config_list)
    client.delete_bucket_encryption(made)
    client.delete_bucket_lifecycle(made)
    client.delete_bucket_replication(made)
    refuses("NotImplemented", client.set_bucket_encryption, made, SSEConfig(EncryptionRule.new_sse_s3_rule()))
    refuses("NotImplemented", client.set_bucket_lifecycle, made,
            LifecycleConfig([LifecycleRule(status=ENABLED, rule_filter=Filter(prefix="x"), rule_id="a", expiration=Expiration(days=1))]))
    refuses("NotImplemented", client.set_bucket_replication, made,
            ReplicationConfig("r", [ReplicationRule(ENABLED, Filter(prefix=""), destination=Destination("arn:aws:s3:::b"), priority=1)]))
    refuses("NotImplemented", client.set_bucket_notification, made,
            NotificationConfig(queue_config_list=[QueueConfig(["s3:ObjectCreated:*"], queue="arn:aws:sqs:::q")]))
    refuses("NotImplemented", client.delete_bucket_notification, made)
    refuses("NotImplemented", client.select_object_content, made, "k",
            SelectRequest("select * from S3Object", CSVInputSerialization(), CSVOutputSerialization()))


def test_every_method_was_called():
    public = {name for name in dir(Minio) if not name.startswith("_") and callable(getattr(Minio, name))}
    assert public - WITHOUT_REQUESTS - called == set()

"""Object lock: configuration, retention, legal hold, and that nothing removes what they keep."""

import base64
import datetime
import hashlib

import pytest

from helpers import code_of, raw, refused


def later(**span):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(**span)


def md5(body):
    return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}


@pytest.fixture
def locked(s3, new_name):
    name = new_name()
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def keep(s3, bucket, mode, until=None, key="k", **options):
    return s3.put_object(
        Bucket=bucket, Key=key, Body=b"kept", ObjectLockMode=mode, ObjectLockRetainUntilDate=until or later(days=1),
        **options)["VersionId"]


def test_a_bucket_made_with_object_lock(s3, locked):
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"


def test_object_lock_on_a_bucket_that_exists(s3, bucket):
    configuration = {"ObjectLockEnabled": "Enabled"}
    with refused("ObjectLockConfigurationNotFoundError", 404):
        s3.get_object_lock_configuration(Bucket=bucket)
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def rule(mode="GOVERNANCE", **period):
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": mode, **period}}}


def test_default_retention(s3, locked):
    for configuration, days in ((rule(Days=1), 1), (rule("COMPLIANCE", Years=1), 365)):
        s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=configuration)
        assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == configuration
        version = s3.put_object(Bucket=locked, Key="k", Body=b"x")["VersionId"]
        retention = s3.get_object_retention(Bucket=locked, Key="k", VersionId=version)["Retention"]
        assert retention["Mode"] == configuration["Rule"]["DefaultRetention"]["Mode"]
        assert abs(retention["RetainUntilDate"] - later(days=days)) < datetime.timedelta(minutes=5)
        with refused("AccessDenied", 403):
            s3.delete_object(Bucket=locked, Key="k", VersionId=version)
    # What a write brings goes before the default; multipart uploads and copies get it too.
    version = keep(s3, locked, "GOVERNANCE", later(days=3))
    assert s3.head_object(Bucket=locked, Key="k", VersionId=version)["ObjectLockMode"] == "GOVERNANCE"
    s3.copy_object(Bucket=locked, Key="copy", CopySource={"Bucket": locked, "Key": "k"})
    assert s3.head_object(Bucket=locked, Key="copy")["ObjectLockMode"] == "COMPLIANCE"
    upload = s3.create_multipart_upload(Bucket=locked, Key="m")["UploadId"]
    etag = s3.upload_part(Bucket=locked, Key="m", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(
        Bucket=locked, Key="m", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s3.head_object(Bucket=locked, Key="m")["ObjectLockMode"] == "COMPLIANCE"
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    s3.put_object(Bucket=locked, Key="free", Body=b"x")
    assert "ObjectLockMode" not in s3.head_object(Bucket=locked, Key="free")


@pytest.mark.parametrize("configuration, code", [
    (rule(Days=0), "InvalidArgument"), (rule(Years=-1), "InvalidArgument"), (rule(Days=36501), "InvalidArgument"),
    (rule("governance", Days=1), "MalformedXML"), (rule(Days=1, Years=1), "MalformedXML"), (rule(), "MalformedXML"),
    ({"ObjectLockEnabled": "Disabled"}, "MalformedXML"), ({}, "MalformedXML"),
])
def test_configurations_that_are_wrong(s3, locked, configuration, code):
    with refused(code, 400):
        s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=configuration)


def test_governance(s3, locked):
    until = later(days=1)
    version = keep(s3, locked, "GOVERNANCE", until)
    head = s3.head_object(Bucket=locked, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
    assert "ObjectLockLegalHoldStatus" not in head
    with refused("AccessDenied", 403):
        s3.delete_object(Bucket=locked, Key="k", VersionId=version)
    answer = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]})
    assert [e["Code"] for e in answer["Errors"]] == ["AccessDenied"] and "Deleted" not in answer
    # A marker removes nothing.
    marker = s3.delete_object(Bucket=locked, Key="k")["VersionId"]
    s3.delete_object(Bucket=locked, Key="k", VersionId=marker)

    def retain(mode, date, **options):
        s3.put_object_retention(
            Bucket=locked, Key="k", Retention={"Mode": mode, "RetainUntilDate": date}, **options)

    retain("GOVERNANCE", later(days=2))
    for mode, date in (("GOVERNANCE", later(days=1)), ("COMPLIANCE", later(days=3))):
        with refused("AccessDenied", 403):
            retain(mode, date)
    retain("GOVERNANCE", later(days=1), BypassGovernanceRetention=True)
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"]["RetainUntilDate"] < later(days=1, minutes=5)
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=locked, Key="k", VersionId=version)


def test_retention_can_be_removed_with_the_bypass_only(s3, server, locked):
    keep(s3, locked, "GOVERNANCE")
    body = b"<Retention/>"
    status, _, answer = raw(server, "PUT", f"/{locked}/k?retention", body=body, headers=md5(body))
    assert (status, code_of(answer)) == (403, "AccessDenied")
    status, _, _ = raw(server, "PUT", f"/{locked}/k?retention", body=body,
                       headers={**md5(body), "x-amz-bypass-governance-retention": "true"})
    assert status == 200
    with refused("NoSuchObjectLockConfiguration", 404):
        s3.get_object_retention(Bucket=locked, Key="k")


def test_compliance(s3, locked):
    until = later(days=1)
    version = keep(s3, locked, "COMPLIANCE", until)
    for options in ({}, {"BypassGovernanceRetention": True}):
        with refused("AccessDenied", 403):
            s3.delete_object(Bucket=locked, Key="k", VersionId=version, **options)
        for mode, date in (("COMPLIANCE", later(hours=1)), ("GOVERNANCE", later(days=2))):
            with refused("AccessDenied", 403):
                s3.put_object_retention(
                    Bucket=locked, Key="k", Retention={"Mode": mode, "RetainUntilDate": date}, **options)
    answer = s3.delete_objects(
        Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]}, BypassGovernanceRetention=True)
    assert [e["Code"] for e in answer["Errors"]] == ["AccessDenied"]
    s3.put_object_retention(Bucket=locked, Key="k", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later(days=2)})
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=locked)


def test_legal_hold(s3, locked):
    version = s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert s3.get_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"]["Status"] == "ON"
    for options in ({}, {"BypassGovernanceRetention": True}):
        with refused("AccessDenied", 403):
            s3.delete_object(Bucket=locked, Key="k", VersionId=version, **options)
    s3.put_object_legal_hold(Bucket=locked, Key="k", VersionId=version, LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"]["Status"] == "OFF"
    assert s3.head_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "OFF"
    s3.delete_object(Bucket=locked, Key="k", VersionId=version)


def test_a_multipart_object_is_kept(s3, locked):
    upload = s3.create_multipart_upload(
        Bucket=locked, Key="k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=later(days=1),
        ObjectLockLegalHoldStatus="ON")["UploadId"]
    etag = s3.upload_part(Bucket=locked, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    version = s3.complete_multipart_upload(
        Bucket=locked, Key="k", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})["VersionId"]
    head = s3.head_object(Bucket=locked, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    with refused("AccessDenied", 403):
        s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)


def test_what_has_no_lock(s3, bucket, locked):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": later(days=1)}
    for call, options in (
        (s3.get_object_retention, {}), (s3.get_object_legal_hold, {}),
        (s3.put_object_retention, {"Retention": retention}), (s3.put_object_legal_hold, {"LegalHold": {"Status": "ON"}}),
    ):
        with refused("InvalidRequest", 400):
            call(Bucket=bucket, Key="k", **options)
    with refused("InvalidRequest", 400):
        keep(s3, bucket, "GOVERNANCE")
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
    s3.put_object(Bucket=locked, Key="k", Body=b"x")
    for call in (s3.get_object_retention, s3.get_object_legal_hold):
        with refused("NoSuchObjectLockConfiguration", 404):
            call(Bucket=locked, Key="k")
        with refused("NoSuchKey", 404):
            call(Bucket=locked, Key="missing")


def test_requests_that_are_wrong(s3, server, locked):
    s3.put_object(Bucket=locked, Key="k", Body=b"x")
    date = later(days=1).strftime("%Y-%m-%dT%H:%M:%SZ")
    for headers in (
        {"x-amz-object-lock-mode": "GOVERNANCE"}, {"x-amz-object-lock-retain-until-date": date},
        {"x-amz-object-lock-mode": "governance", "x-amz-object-lock-retain-until-date": date},
        {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "2001-01-01T00:00:00Z"},
        {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "tomorrow"},
        {"x-amz-object-lock-legal-hold": "on"},
    ):
        status, _, body = raw(server, "PUT", f"/{locked}/k", body=b"x", headers={**md5(b"x"), **headers})
        assert (status, code_of(body)) == (400, "InvalidArgument"), headers
    # What is to be kept needs a digest.
    status, _, body = raw(server, "PUT", f"/{locked}/k", body=b"x", headers={
        "x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": date})
    assert (status, code_of(body)) == (400, "InvalidRequest")
    for path, document in (
        ("retention", "<Retention><Mode>governance</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>" % date),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>"),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate></Retention>"),
        ("legal-hold", "<LegalHold><Status>On</Status></LegalHold>"), ("legal-hold", "<LegalHold/>"),
    ):
        status, _, body = raw(server, "PUT", f"/{locked}/k?{path}", body=document.encode(), headers=md5(document.encode()))
        assert (status, code_of(body)) == (400, "MalformedXML"), document
        status, _, body = raw(server, "PUT", f"/{locked}/k?{path}", body=document.encode())
        assert (status, code_of(body)) == (400, "InvalidRequest"), document
    with refused("InvalidArgument", 400):
        s3.put_object_retention(Bucket=locked, Key="k", Retention={
            "Mode": "GOVERNANCE", "RetainUntilDate": datetime.datetime(2001, 1, 1)})


def test_locks_survive_a_restart(s3, server, locked):
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=rule(Days=2))
    version = keep(s3, locked, "COMPLIANCE")
    server.stop()
    server.start()
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == rule(Days=2)
    with refused("AccessDenied", 403):
        s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)

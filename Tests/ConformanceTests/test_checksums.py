import base64
import hashlib
import os
import zlib

import pytest

from helpers import code_of, raw, refused

MIB = 1 << 20


def crc64nvme(data):
    """Bit by bit: slow, and written apart from the server's."""
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x9A6C9329AC4BC9B5 if crc & 1 else 0)
    return base64.b64encode((crc ^ 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")).decode()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


REFERENCE = {
    "CRC32": lambda d: base64.b64encode(zlib.crc32(d).to_bytes(4, "big")).decode(),
    "CRC32C": crc32c,
    "CRC64NVME": crc64nvme,
    "SHA1": lambda d: base64.b64encode(hashlib.sha1(d).digest()).decode(),
    "SHA256": lambda d: base64.b64encode(hashlib.sha256(d).digest()).decode(),
}


@pytest.mark.parametrize("algorithm", REFERENCE)
def test_a_given_checksum_is_verified_and_returned(server, s3, bucket, algorithm):
    data = os.urandom(5000)
    name = f"x-amz-checksum-{algorithm.lower()}"
    status, headers, body = raw(server, "PUT", f"/{bucket}/k", {name: REFERENCE[algorithm](data)}, body=data)
    assert status == 200, body
    assert headers[name] == REFERENCE[algorithm](data) and headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"] == REFERENCE[algorithm](data)
    assert f"Checksum{algorithm}" not in s3.head_object(Bucket=bucket, Key="k")
    status, _, body = raw(server, "PUT", f"/{bucket}/wrong", {name: REFERENCE[algorithm](b"other")}, body=data)
    assert (status, code_of(body)) == (400, "BadDigest")
    status, _, body = raw(server, "PUT", f"/{bucket}/wrong", {name: "bm9uc2Vuc2U"}, body=data)
    assert (status, code_of(body)) == (400, "InvalidRequest")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="wrong")


def test_without_a_checksum_crc64nvme_is_stored(server, s3, bucket):
    data = b"some data"
    status, _, _ = raw(server, "PUT", f"/{bucket}/k", body=data)
    assert status == 200
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == crc64nvme(data) and head["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize("algorithm", REFERENCE)
def test_a_trailing_checksum(s3, bucket, algorithm):
    data = os.urandom(100_000)
    # botocore sends the checksum as a trailer for seekable bodies over the wire when asked to.
    answer = s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumAlgorithm=algorithm)
    assert answer[f"Checksum{algorithm}"]
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data and got[f"Checksum{algorithm}"] == answer[f"Checksum{algorithm}"]


@pytest.mark.parametrize("algorithm,kind", [("CRC32", "COMPOSITE"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE"),
                                            ("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT")])
def test_multipart_checksums(s3, bucket, algorithm, kind):
    parts = [os.urandom(5 * MIB), os.urandom(1000)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    done = []
    for number, data in enumerate(parts, 1):
        answer = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload["UploadId"], PartNumber=number, Body=data, ChecksumAlgorithm=algorithm)
        done.append({"PartNumber": number, "ETag": answer["ETag"], f"Checksum{algorithm}": answer[f"Checksum{algorithm}"]})
    answer = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload["UploadId"], MultipartUpload={"Parts": done})
    assert answer["ChecksumType"] == kind
    name = f"Checksum{algorithm}"
    if kind == "COMPOSITE":
        binary = b"".join(base64.b64decode(d[name]) for d in done)
        assert answer[name] == f"{REFERENCE[algorithm](binary)}-2"
    elif algorithm == "CRC32":
        assert answer[name] == REFERENCE["CRC32"](b"".join(parts))
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[name] == answer[name] and head["ChecksumType"] == kind


def test_full_object_is_for_crcs_only(s3, bucket):
    with refused("InvalidRequest", 400):
        s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
    with refused("InvalidRequest", 400):
        s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC64NVME", ChecksumType="COMPOSITE")


def test_two_checksums_at_once_are_refused(server, bucket):
    headers = {"x-amz-checksum-crc32": REFERENCE["CRC32"](b"x"), "x-amz-checksum-sha1": REFERENCE["SHA1"](b"x")}
    status, _, body = raw(server, "PUT", f"/{bucket}/k", headers, body=b"x")
    assert (status, code_of(body)) == (400, "InvalidRequest")

"""A round of ordinary work: what a server in unusual surroundings must still do."""

import random


def exercise(client, bucket="exercise"):
    chance = random.Random(5)
    client.create_bucket(Bucket=bucket)
    sizes = [0, 1, 5_000, 200_000, 3_000_000]
    objects = {f"dir/{size}": chance.randbytes(size) for size in sizes}
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = [chance.randbytes(5 << 20), chance.randbytes(70_000)]
    done = [
        {"PartNumber": n, "ETag": client.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n, Body=part)["ETag"]}
        for n, part in enumerate(parts, 1)
    ]
    client.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": done})
    objects["parts"] = b"".join(parts)
    check(client, objects, bucket)
    client.delete_object(Bucket=bucket, Key="dir/1")
    del objects["dir/1"]
    check(client, objects, bucket)
    return objects


def check(client, objects, bucket="exercise"):
    listed = {o["Key"]: o["Size"] for o in client.list_objects_v2(Bucket=bucket).get("Contents", [])}
    assert listed == {key: len(body) for key, body in objects.items()}
    for key, body in objects.items():
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    tail = client.get_object(Bucket=bucket, Key="parts", Range="bytes=-70001")["Body"].read()
    assert tail == objects["parts"][-70001:]

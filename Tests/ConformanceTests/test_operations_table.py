"""Docs/S3.md says of every operation what the server does."""

import datetime

import botocore.session
import pytest
from botocore.exceptions import ClientError

import operations_table

MODEL = botocore.session.get_session().get_service_model("s3")
NAMES = sorted(MODEL.operation_names)


def minimal(shape, bucket, name=""):
    """The least that the model takes for a shape."""
    if shape.type_name == "structure":
        members = {m: s for m, s in shape.members.items() if m in shape.required_members}
        if not members and getattr(shape, "is_tagged_union", False):
            members = dict(list(shape.members.items())[:1])
        return {m: minimal(s, bucket, m) for m, s in members.items()}
    if shape.type_name == "list":
        return [minimal(shape.member, bucket, name)]
    if shape.type_name == "timestamp":
        return datetime.datetime(2040, 1, 1)
    if shape.type_name in ("integer", "long"):
        return 1
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "blob":
        return b"x"
    if name == "Bucket":
        return bucket
    if name in ("CopySource", "RenameSource"):
        return f"{bucket}/key"
    return (shape.enum or ["key".ljust(shape.metadata.get("min", 0), "x")])[0]


def test_every_operation_of_the_model_is_in_the_table():
    assert set(NAMES) - set(operations_table.operations()) == set()
    assert set(operations_table.REFUSED) <= set(operations_table.operations())


def rows(page):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")][1:]


def test_the_page_is_what_the_generator_makes():
    # The tests that call an operation grow with every file; that those named exist is enough.
    found, made = rows(operations_table.PAGE.read_text()), rows(operations_table.page())
    assert [row[:3] for row in found] == [row[:3] for row in made], "run python3 Tests/support/operations_table.py"
    files = {path.name for path in (operations_table.ROOT / "Tests" / "ConformanceTests").glob("*.py")}
    assert all(set(row[3].split(", ")) <= files for row in found)


# These share method and URL with others, answer on hosts of their own, or delete what the next one asks for.
ELSEWHERE = {"CreateBucket", "DeleteBucket", "WriteGetObjectResponse", "CreateSession", "ListDirectoryBuckets", "PutBucketLifecycle",
             "PutBucketNotification"}


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ELSEWHERE])
def test_an_operation_is_what_the_table_says(s3, bucket, name):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    operation = MODEL.operation_model(name)
    parameters = minimal(operation.input_shape, bucket) if operation.input_shape else {}
    code = ""
    try:
        answer = getattr(s3, operations_table.snake(name))(**parameters)
        if "Body" in answer:
            answer["Body"].close()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 or code in ("NotImplemented", "501"), error.response
    assert (code in ("NotImplemented", "501")) == (name in operations_table.REFUSED), code

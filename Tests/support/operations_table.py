"""The table of Docs/S3.md: every operation of the S3 model, whether it works, and the tests that call it.

`python3 Tests/support/operations_table.py` writes the page; a conformance test compares it and asks a server about each row.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "Docs" / "S3.md"

METADATA = "S3 Metadata tables are a service of their own"
DIRECTORY = "directory buckets (S3 Express) do not exist here"
LATER = "not built yet"
REFUSED = {
    "CreateBucketMetadataConfiguration": METADATA,
    "CreateBucketMetadataTableConfiguration": METADATA,
    "DeleteBucketMetadataConfiguration": METADATA,
    "DeleteBucketMetadataTableConfiguration": METADATA,
    "GetBucketMetadataConfiguration": METADATA,
    "GetBucketMetadataTableConfiguration": METADATA,
    "UpdateBucketMetadataInventoryTableConfiguration": METADATA,
    "UpdateBucketMetadataJournalTableConfiguration": METADATA,
    "CreateSession": DIRECTORY,
    "ListDirectoryBuckets": DIRECTORY,
    "GetObjectTorrent": "AWS has retired it",
    "PutBucketAbac": LATER,
    "PutBucketAnalyticsConfiguration": "there is no storage class analysis",
    "PutBucketMetricsConfiguration": "there is no CloudWatch; metrics of the server are on the ops address",
    "PutBucketIntelligentTieringConfiguration": "there are no tiers yet",
    "PutBucketEncryption": LATER,
    "PutBucketLifecycle": LATER,
    "PutBucketLifecycleConfiguration": LATER,
    "PutBucketNotification": LATER,
    "PutBucketNotificationConfiguration": LATER,
    "PutBucketReplication": LATER,
    "RestoreObject": "no object is archived until there are tiers",
    "SelectObjectContent": "AWS closed it to new customers",
    "UpdateObjectEncryption": LATER,
    "WriteGetObjectResponse": "there is no Object Lambda",
}
NOTES = {
    "PutBucketAccelerateConfiguration": "`Suspended` only; `Enabled` is NotImplemented",
    "PutBucketRequestPayment": "stored and returned; nobody is charged",
    "GetBucketAbac": "always disabled",
    "GetBucketAnalyticsConfiguration": "none can be stored, so NoSuchConfiguration",
    "GetBucketMetricsConfiguration": "none can be stored, so NoSuchConfiguration",
    "GetBucketIntelligentTieringConfiguration": "none can be stored, so NoSuchConfiguration",
    "GetBucketEncryption": "none can be stored, so not found",
    "GetBucketLifecycle": "none can be stored, so not found",
    "GetBucketLifecycleConfiguration": "none can be stored, so not found",
    "GetBucketReplication": "none can be stored, so not found",
    "GetBucketNotification": "none can be stored, so empty",
    "GetBucketNotificationConfiguration": "none can be stored, so empty",
    "PostObject": "the HTML form; not in the model",
    "Preflight": "OPTIONS; not in the model",
}
BY_HAND = {"PostObject": ["test_post.py"], "Preflight": ["test_cors.py"]}


def operations():
    """The names of all operations, from the router's own list."""
    text = (ROOT / "Sources" / "S3Protocol" / "S3Operation.swift").read_text()
    return sorted(n[0].upper() + n[1:] for n in re.findall(r"^    case (\w+)$", text, re.MULTILINE))


def snake(name):
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().replace("objects_v2", "objects_v2")


def callers():
    """For each method name, the conformance test files that use it."""
    found = {}
    for path in sorted((ROOT / "Tests" / "ConformanceTests").glob("test_*.py")):
        if path.name == "test_operations_table.py":
            continue
        text = path.read_text()
        for name in set(re.findall(r"[.\"'](\w+)\b", text)):
            found.setdefault(name, []).append(path.name)
    return found


def page():
    used = callers()
    lines = [
        "# The operations of S3", "",
        "Made by `python3 Tests/support/operations_table.py`; test_operations_table.py fails when an operation of the S3 model is missing, when a",
        "row says something else than the server, or when this page is out of date. Refused operations answer NotImplemented (501).", "",
        "| operation | state | remarks | tests |", "|---|---|---|---|",
    ]
    for name in operations():
        state = "refused" if name in REFUSED else "works"
        remark = REFUSED.get(name) or NOTES.get(name, "")
        tests = BY_HAND.get(name) or used.get(snake(name)) or ["test_operations_table.py"]
        lines.append(f"| {name} | {state} | {remark} | {', '.join(tests[:3])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())

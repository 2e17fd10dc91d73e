"""Writes the checked-in vectors of S3ProtocolTests from botocore: its service model and its signer.

    python3 Tests/Vectors/s3_protocol.py     (needs botocore; the vectors change only when its model does)
"""
import datetime
import gzip
import json
import os
from unittest import mock
from urllib.parse import urlsplit

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "S3ProtocolTests")
MODEL = os.path.join(os.path.dirname(botocore.__file__), "data/s3/2006-03-01/service-2.json")


def model():
    if os.path.exists(MODEL):
        return json.load(open(MODEL))
    return json.load(gzip.open(MODEL + ".gz"))


def write(name, variable, comment, lines):
    with open(os.path.join(OUT, name), "w") as out:
        out.write("// Written by Tests/Vectors/s3_protocol.py: change that, not this.\n\n")
        out.write(f"/// {comment}\nlet {variable} = #\"\"\"\n")
        for line in lines:
            out.write("    " + line + "\n")
        out.write("    \"\"\"#\n")


def routes():
    m = model()
    for name, operation in sorted(m["operations"].items()):
        http = operation["http"]
        shape = m["shapes"].get(operation.get("input", {}).get("shape", ""), {})
        members = shape.get("members", {})
        target = http["requestUri"].replace("{Bucket}", "bucket").replace("{Key+}", "some/key")
        query, headers = [], ["host=s3.example.com"]
        for required in shape.get("required", []):
            member = members[required]
            location = member.get("locationName", required)
            if member.get("location") == "querystring":
                query.append(f"{location}=1")
            elif member.get("location") == "header":
                headers.append(f"{location}=bucket/source")
        # GET /?max-directory-buckets is the only thing that tells ListDirectoryBuckets from ListBuckets on one host.
        if name == "ListDirectoryBuckets":
            query.append("max-directory-buckets=10")
        if query:
            target += ("&" if "?" in target else "?") + "&".join(query)
        yield "\t".join([name, http["method"], target, ",".join(headers)])


NOW = datetime.datetime(2026, 9, 1, 12, 30, 45)
CASES = [
    ("GET", "/bucket/plain.txt", {}),
    ("GET", "/bucket/a%20b/%C3%A9%2B%26%3D%3F%23%25.txt", {}),
    ("GET", "/bucket/dots/../up/./here//twice", {}),
    ("GET", "/bucket/star%2Atilde~bang%21paren%28%29quote%27", {}),
    ("GET", "/bucket?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&max-keys=10", {}),
    ("GET", "/bucket?prefix=&delimiter=%2F&acl", {}),
    ("GET", "/bucket?b=2&a=2&a=1&A=3&a-b=4&a.b=5&a%20=6", {}),
    ("HEAD", "/bucket", {}),
    ("PUT", "/bucket/key", {"x-amz-meta-Spaces": "  many   inner    spaces ", "Content-Type": "text/plain; charset=utf-8"}),
    ("PUT", "/bucket/key", {"x-amz-acl": "private", "x-amz-storage-class": "STANDARD", "If-None-Match": "*"}),
    ("POST", "/bucket/key?uploads", {"x-amz-checksum-algorithm": "CRC64NVME"}),
    ("PUT", "/bucket/key?partNumber=3&uploadId=a.b-c_d~e", {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
    ("DELETE", "/bucket/key?versionId=null", {"x-amz-bypass-governance-retention": "true"}),
    ("GET", "/", {"Range": "bytes=0-9"}),
]


def signatures():
    credentials = Credentials("AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)
    session = Credentials("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+and=")
    for who in (credentials, session):
        for method, target, headers in CASES:
            for kind in ("header", "query"):
                request = AWSRequest(method=method, url="https://s3.example.com:9000" + target, headers=dict(headers), data=b"")
                if kind == "header":
                    signer = botocore.auth.S3SigV4Auth(who, "s3", "eu-west-1")
                else:
                    signer = botocore.auth.S3SigV4QueryAuth(who, "s3", "eu-west-1", expires=900)
                with mock.patch("botocore.auth.get_current_datetime", lambda *a, **k: NOW):
                    signer.add_auth(request)
                prepared = request.prepare()
                parts = urlsplit(prepared.url)
                path = parts.path + ("?" + parts.query if parts.query else "")
                sent = {"host": parts.netloc}
                for name, value in prepared.headers.items():
                    if name.lower() in ("content-length",):
                        continue
                    sent[name] = value if isinstance(value, str) else value.decode()
                # Fields are separated by tabs, a header's name from its value by a colon.
                yield "\t".join([kind, method, path] + [f"{name}:{value}" for name, value in sorted(sent.items())])




write("RouteVectors.swift", "routeVectors", "Operation, method, target and header fields of every operation in the service model.", routes())
write("SignatureVectors.swift", "signatureVectors", "Kind, method, target and header fields of requests signed by botocore's own signer.", signatures())

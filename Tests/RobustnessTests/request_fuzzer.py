"""Mutated requests against the real server over loopback.

Three kinds of mutants: a request changed before it is signed, so that the change reaches what lies behind the signature; the bytes
of a signed request changed anywhere; and broken framing. Every answer must be HTTP, none may be an error of the server's own, and
none may fail to come. As a program it does the large runs: `python3 request_fuzzer.py --requests 2000000 --workers 3 --seed 1`.
"""

import argparse
import base64
import collections
import functools
import json
import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import time
import zlib

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from martlet_server import ACCESS_KEY, SECRET_KEY, Server
from requests_corpus import Request, corpus
from wire import UNSIGNED, BadAnswer, Connection, NoAnswer, Signer, content_md5, target

# The only errors from 500 up that a client's fault may have: not implemented, slow down, HTTP version.
ALLOWED = {501, 503, 505}
BIG = bytes(range(256)) * 1600
VALUES = [b"", b" ", b"-1", b"0", b"1", b"10000", b"10001", b"2147483648", b"4294967296", b"9223372036854775807", b"9223372036854775808",
          b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999999", b"0x10", b"1e9", b"+5", b"NaN", b"null", b"true",
          b"*", b"/", b"//", b"..", b"/../..", b"a/b/c", b"%", b"%00", b"%zz", b"%ff%fe", b"%2e%2e%2f", b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80",
          b"\xf4\x90\x80\x80", b"\xe2\x80\xae", "é日本💾".encode(), b"a" * 1024, b"b" * 1025, b"c" * 9000, b"\t", b"a\tb", b'"', b'""', b"'", b"<x>",
          b"&amp;", b"&#0;", b"${filename}", b"${aws:username}", b"bytes=0-0", b"bytes=-0", b"bytes=-1", b"bytes=5-2", b"bytes=0-", b"bytes=9223372036854775807-",
          b"bytes=0-1,5-6", b"bytes=-9223372036854775809", b"Thu, 01 Jan 1970 00:00:00 GMT", b"Thu, 31 Feb 2026 99:00:00 GMT", b"2026-02-30T00:00:00Z",
          b"0000-00-00T00:00:00Z", b"9999-12-31T23:59:59.999999999Z", b"-0001-01-01T00:00:00Z", b"20260101T000000Z", b"AAAA", b"AAAAAA==", b"====",
          b"d41d8cd98f00b204e9800998ecf8427e", b"arn:aws:s3:::", b"arn:aws:iam::1:root", b"null-1", b"STANDARD", b"GLACIER", b"COMPLIANCE", b"aws-chunked,aws-chunked",
          b"x" * 63, b"00000000000000000000000000000000", b"ffffffffffffffffffffffffffffffff", b"chunked", b"gzip", b"100-continue", b"close", b"keep-alive", b"127.0.0.1"]
NAMES = [b"Range", b"If-Match", b"If-None-Match", b"If-Modified-Since", b"If-Unmodified-Since", b"Content-Type", b"Content-MD5", b"Content-Encoding", b"Expires",
         b"Cache-Control", b"Content-Disposition", b"Content-Language", b"Origin", b"Date", b"Host", b"Cookie", b"Accept-Encoding", b"Expect", b"Connection",
         b"TE", b"Trailer", b"Upgrade", b"X-Forwarded-For", b"x-amz-acl", b"x-amz-copy-source", b"x-amz-copy-source-range", b"x-amz-copy-source-if-match",
         b"x-amz-metadata-directive", b"x-amz-tagging", b"x-amz-tagging-directive", b"x-amz-storage-class", b"x-amz-meta-", b"x-amz-meta-a", b"x-amz-date",
         b"x-amz-content-sha256", b"x-amz-security-token", b"x-amz-checksum-crc32", b"x-amz-checksum-crc32c", b"x-amz-checksum-crc64nvme", b"x-amz-checksum-sha1",
         b"x-amz-checksum-sha256", b"x-amz-checksum-algorithm", b"x-amz-sdk-checksum-algorithm", b"x-amz-checksum-type", b"x-amz-decoded-content-length",
         b"x-amz-trailer", b"x-amz-object-lock-mode", b"x-amz-object-lock-retain-until-date", b"x-amz-object-lock-legal-hold", b"x-amz-bypass-governance-retention",
         b"x-amz-expected-bucket-owner", b"x-amz-source-expected-bucket-owner", b"x-amz-request-payer", b"x-amz-mp-object-size", b"x-amz-write-offset-bytes",
         b"x-amz-rename-source", b"x-amz-object-attributes", b"x-amz-max-parts", b"x-amz-part-number-marker", b"x-amz-grant-read", b"x-amz-grant-full-control",
         b"x-amz-object-ownership", b"x-amz-bucket-object-lock-enabled", b"x-amz-server-side-encryption", b"x-amz-server-side-encryption-customer-algorithm",
         b"x-amz-website-redirect-location", b"x-amz-if-match-size", b"x-amz-if-match-last-modified-time", b"x-amz-optional-object-attributes", b"x-amz-mfa"]
PARAMETERS = [b"versionId", b"uploadId", b"partNumber", b"max-keys", b"max-parts", b"max-uploads", b"prefix", b"delimiter", b"marker", b"key-marker", b"start-after",
              b"continuation-token", b"version-id-marker", b"upload-id-marker", b"encoding-type", b"list-type", b"uploads", b"tagging", b"acl", b"versions",
              b"delete", b"policy", b"cors", b"attributes", b"retention", b"legal-hold", b"object-lock", b"website", b"logging", b"renameObject", b"session",
              b"response-content-type", b"response-content-disposition", b"response-expires", b"x-id", b"X-Amz-Expires", b"X-Amz-Signature", b"X-Amz-Algorithm",
              b"X-Amz-Credential", b"Signature", b"AWSAccessKeyId", b"Action", b"fetch-owner", b"max-buckets", b"bucket-region", b"torrent", b"select"]
METHODS = [b"GET", b"HEAD", b"PUT", b"POST", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"get", b"M" * 40]
PIECES = [b"<a>", b"</a>", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<![CDATA[", b"]]>", b"<?x?>", b"<!--", b"-->", b"&lt;", b"&#x10FFFF;", b"&#0;", b"&b;",
          b"<Key>", b"</Key>", b"<a>" * 40, b"</a>" * 40, b"{", b"}", b"[", b"]", b"[" * 200, b'{"a":' * 200, b'"', b"\\", b"\\u0000", b"\\ud800", b",", b":", b"null",
          b"1e999", b"-0", b"\r\n", b"\r\n\r\n", b"--BoundarY", b"--BoundarY--", b"\0", b";chunk-signature=", b"0\r\n\r\n", b"%", b"&", b"=", b"=&=", b"a" * 5000]


class Mutator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.choice, self.below = self.random.choice, self.random.randrange

    def bytes(self, data):
        """A few changes anywhere."""
        data = bytearray(data)
        for _ in range(self.choice((1, 1, 1, 2, 3, 8))):
            at = self.below(len(data) + 1)
            what = self.below(9)
            if what == 0 and data:
                data[at % len(data)] = self.below(256)
            elif what == 1 and data:
                data[at % len(data)] ^= 1 << self.below(8)
            elif what == 2:
                del data[at:at + self.choice((1, 2, 5, 40, 400))]
            elif what == 3:
                data[at:at] = self.choice(PIECES)
            elif what == 4:
                data[at:at] = self.choice(VALUES)
            elif what == 5:
                data[at:at] = data[at:at + self.choice((1, 4, 30, 300))]
            elif what == 6:
                del data[at:]
            elif what == 7:
                data[at:at] = bytes([self.below(256)])
            else:
                # A number becomes another.
                digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
                if digits:
                    start = end = self.choice(digits)
                    while end < len(data) and 48 <= data[end] <= 57:
                        end += 1
                    data[start:end] = self.choice(VALUES[:17])
        return bytes(data)

    def value(self, old):
        what = self.below(4)
        return self.choice(VALUES) if what < 2 else self.bytes(old) if what == 2 else old + self.choice(VALUES)

    def path(self, path):
        what = self.below(5)
        if what == 0:
            return path + self.choice((b"/", b"//", b"/..", b"/%2e%2e/", b"%00", b"/\xff", b"/" + b"k" * 1024, b"/" + b"k" * 1025, b"/%ED%A0%80", b"?", b"%"))
        if what == 1:
            return path + b"/" + self.choice(VALUES).replace(b" ", b"%20").replace(b"\t", b"%09")
        if what == 2:
            return self.choice((b"/", b"//", b"*", b"/a", b"/minio", b"/minio/health/ready", b"/no-such-bucket/x", b"/B/x", b"/a..b/x", b"/192.168.1.1/k"))
        return bytes(byte for byte in self.bytes(path) if byte > 32 and byte != 127) or b"/"

    def header_safe(self, value):
        return bytes(byte for byte in value if byte >= 32 and byte != 127 or byte == 9)

    def request(self, request):
        """Changes a request before it is signed."""
        request = request.copy()
        for _ in range(self.choice((1, 1, 1, 2, 2, 4))):
            what = self.below(12)
            if what == 0:
                request.method = self.choice(METHODS)
            elif what == 1:
                request.path = self.path(request.path)
            elif what in (2, 3) and request.query:
                at = self.below(len(request.query))
                name, value = request.query[at]
                request.query[at] = (self.value(name), value) if self.below(6) == 0 else (name, self.value(value))
            elif what == 4:
                request.query.insert(self.below(len(request.query) + 1), (self.choice(PARAMETERS), self.choice(VALUES)))
            elif what in (5, 6) and request.headers:
                at = self.below(len(request.headers))
                name, value = request.headers[at]
                request.headers[at] = (name, self.header_safe(self.value(value)))
            elif what == 7:
                request.headers.append((self.choice(NAMES), self.header_safe(self.choice(VALUES))))
            elif what == 8 and request.headers:
                request.headers.append(self.choice(request.headers))
            elif what == 9 and len(request.headers) + len(request.query) > 0:
                pairs = self.choice([p for p in (request.headers, request.query) if p])
                del pairs[self.below(len(pairs))]
            elif request.body or what == 11:
                request.body = self.bytes(request.body)[:60_000]
        return request


class Sender:
    """Signs and frames requests as bytes."""

    def __init__(self, port):
        self.host = b"127.0.0.1:%d" % port
        self.signers = {name: Signer(ACCESS_KEY, SECRET_KEY, name.encode()) for name in ("s3", "iam", "sts")}

    def bytes(self, request, chance):
        query, headers, body = list(request.query), [(b"Host", self.host), *request.headers], request.body
        if request.digest:
            headers.append((b"Content-MD5", content_md5(body)))
        how, signer = request.how, self.signers["s3"]
        if how == "presigned":
            query = signer.presigned(request.method, request.path, query, self.host)
        elif how in ("iam", "sts"):
            import hashlib
            headers, _, _ = self.signers[how].headers(request.method, request.path, query, headers, hashlib.sha256(body).hexdigest().encode())
        elif how == "header":
            headers, _, _ = signer.headers(request.method, request.path, query, headers, UNSIGNED)
        elif how.startswith("chunks"):
            trailer = [(b"x-amz-checksum-crc32", base64.b64encode(zlib.crc32(body).to_bytes(4, "big")))] if how == "chunks-trailer" else None
            kind = b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + (b"-TRAILER" if trailer else b"")
            headers.append((b"x-amz-decoded-content-length", b"%d" % len(body)))
            if trailer:
                headers.append((b"x-amz-trailer", b"x-amz-checksum-crc32"))
            headers, seed, when = signer.headers(request.method, request.path, query, headers, kind)
            body = signer.chunks([body[at:at + 8192] for at in range(0, len(body), 8192)], seed, when, trailer)
        elif how == "unsigned-trailer":
            sum32 = base64.b64encode(zlib.crc32(body).to_bytes(4, "big"))
            headers += [(b"x-amz-decoded-content-length", b"%d" % len(body)), (b"x-amz-trailer", b"x-amz-checksum-crc32")]
            headers, _, _ = signer.headers(request.method, request.path, query, headers, b"STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\nx-amz-checksum-crc32:" + sum32 + b"\r\n\r\n"
        if how not in ("anonymous", "presigned", "header") and chance.below(4) == 0:
            # The framing itself, changed behind the signature of the head.
            body = chance.bytes(body)
        if body or request.method in (b"PUT", b"POST"):
            if chance.below(20) == 0:
                headers.append((b"Transfer-Encoding", b"chunked"))
                body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:99], body[99:]) if p) + b"0\r\n\r\n"
            else:
                headers.append((b"Content-Length", b"%d" % len(body)))
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return request.method + b" " + target(request.path, query) + b" HTTP/1.1\r\n" + lines + b"\r\n" + body


class Failure(Exception):
    pass


class Fuzzer:
    """One worker: a bucket of its own that is made anew again and again, and one connection."""
    FRESH = 2000

    def __init__(self, port, worker, seed, timeout=30):
        self.port, self.worker, self.seed, self.timeout = port, worker, seed, timeout
        self.sender, self.mutator = Sender(port), Mutator((seed << 16) + worker)
        self.connection, self.generation = None, 0
        self.statuses, self.codes = collections.Counter(), collections.Counter()
        self.requests, self.sent, self.unanswered = [], 0, 0

    def ask(self, method, path, query=(), headers=(), body=b""):
        """One good request; it must succeed."""
        request = Request(method, path, query, headers, body)
        connection = Connection(self.port, self.timeout)
        connection.send(self.sender.bytes(request, Never))
        status, headers, body, _ = connection.answer(method)
        connection.close()
        if status >= 300:
            raise Failure(f"a good request is refused with {status}: {method} {path} {body}")
        return headers, body

    def begin(self):
        self.generation += 1
        bucket = b"fuzz-%d-%d-%d" % (self.seed, self.worker, self.generation)
        lock = [(b"x-amz-bucket-object-lock-enabled", b"true")] if self.generation % 3 == 0 else []
        self.ask(b"PUT", b"/" + bucket, headers=lock)
        version, etag = b"null", b'"x"'
        for number in range(8):
            headers, _ = self.ask(b"PUT", b"/%s/k%d" % (bucket, number), body=b"0123456789" * 50 * number)
            version, etag = headers.get(b"x-amz-version-id", b"null"), headers[b"etag"]
        self.ask(b"PUT", b"/%s/big" % bucket, body=BIG)
        _, body = self.ask(b"POST", b"/%s/mp" % bucket, [(b"uploads", b"")])
        upload = body.split(b"<UploadId>")[1].split(b"</UploadId>")[0]
        self.ask(b"PUT", b"/%s/mp" % bucket, [(b"partNumber", b"1"), (b"uploadId", upload)], body=b"part")
        _, body = self.ask(b"GET", b"/")
        owner = body.split(b"<ID>")[1].split(b"</ID>")[0]
        self.requests = corpus(bucket, upload, version, etag, owner, self.sender.signers["s3"])

    def step(self):
        if self.sent % self.FRESH == 0:
            self.begin()
        self.sent += 1
        mutator = self.mutator
        request = mutator.choice(self.requests)
        kind = mutator.below(10)
        if kind < 7:
            mutant = mutator.request(request) if mutator.below(30) else request
            data = self.sender.bytes(mutant, mutator)
            # A changed head may ask for another length than it brings, and TRACE and such are answered with a close.
            clean = mutant is request or not any(n.lower() in (b"content-length", b"transfer-encoding", b"connection", b"expect") for n, _ in mutant.headers)
            self.exchange(data, mutant.method, clean, mutant)
        else:
            data = self.sender.bytes(request, Never)
            if kind == 9:
                end = data.find(b"\r\n\r\n") + 4
                data = mutator.bytes(data[:end]) + data[end:] if mutator.below(2) else data + mutator.choice((data, mutator.bytes(data)))[:3000]
            else:
                data = mutator.bytes(data)
            self.exchange(data, None, False, None)

    def exchange(self, data, method, clean, mutant):
        try:
            if clean:
                self.patient(data, method)
            else:
                self.broken(data)
        except (BadAnswer, Failure, TimeoutError) as error:
            text = mutant.to_json() if mutant else base64.b64encode(data).decode()
            raise Failure(f"{type(error).__name__} {error} (seed {self.seed}, worker {self.worker}, request {self.sent})\n{text}\n{data[:2000]!r}") from error

    def patient(self, data, method):
        """A request whose framing is right: an answer must come, on a connection that may go on."""
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = Connection(self.port, self.timeout)
            try:
                self.connection.send(data)
                status, headers, body, goes_on = self.connection.answer(method)
                break
            except (NoAnswer, ConnectionError):
                # Closed behind an answer that said so, or in the middle of a refused body.
                self.connection.close()
                self.connection = None
                if fresh and attempt == 2:
                    raise Failure("no answer")
        self.judge(status, headers, body)
        if not goes_on:
            self.connection.close()
            self.connection = None

    def broken(self, data):
        """Bytes that may be anything: the server answers or closes, and does not wait for more once our side has ended."""
        connection = Connection(self.port, self.timeout)
        try:
            connection.send(data)
            connection.half_close()
            answered = False
            while True:
                # Which method the server saw is not known: what follows a head is looked at only when it must be there.
                status, headers = connection._head()
                answered = True
                self.judge(status, dict(headers), b"")
                if status >= 200:
                    connection.drain()
                    break
        except NoAnswer:
            self.unanswered += not answered
        except ConnectionError:
            self.unanswered += 1
        finally:
            connection.close()

    def judge(self, status, headers, body):
        self.statuses[status] += 1
        if b"<Code>" in body:
            self.codes[body.split(b"<Code>")[1].split(b"<")[0]] += 1
        if status >= 500 and status not in ALLOWED or status < 100:
            raise Failure(f"status {status}: {body[:500]!r}")
        if status == 503:
            raise Failure(f"503 without anything being full: {body[:500]!r}")


class Never:
    """No chance at all."""
    @staticmethod
    def below(count):
        return count - 1


def is_sound(port, timeout=30):
    """The server still does an ordinary round of work."""
    fuzzer = Fuzzer(port, 999, int(time.time()), timeout)
    fuzzer.begin()


def work(port, worker, seed, count, seconds, out):
    fuzzer, failures = Fuzzer(port, worker, seed), []
    ends, told = time.monotonic() + seconds, 0
    while fuzzer.sent < count and time.monotonic() < ends and len(failures) < 20:
        try:
            fuzzer.step()
        except Failure as failure:
            failures.append(str(failure))
            out.put(("failure", worker, str(failure)))
            fuzzer.connection = None
        except (NoAnswer, OSError) as error:
            out.put(("failure", worker, f"the server is gone: {error!r} at request {fuzzer.sent}"))
            failures.append("gone")
            time.sleep(0.2)
        if fuzzer.sent - told >= 10_000:
            told = fuzzer.sent
            out.put(("progress", worker, told))
    out.put(("done", worker, (fuzzer.sent, fuzzer.unanswered, dict(fuzzer.statuses), dict(fuzzer.codes))))


def run(port, workers, seed, count, seconds, tell=lambda text: None):
    """(requests, failures, statuses, codes)"""
    queue = multiprocessing.get_context("fork").Queue()
    each = -(-count // workers)
    processes = [multiprocessing.get_context("fork").Process(target=work, args=(port, n, seed, each, seconds, queue)) for n in range(workers)]
    for process in processes:
        process.start()
    left, failures, sent = workers, [], 0
    statuses, codes = collections.Counter(), collections.Counter()
    while left:
        kind, worker, what = queue.get()
        if kind == "failure":
            failures.append(what)
            tell(f"FAILURE {what}")
        elif kind == "progress":
            tell(f"{time.strftime('%H:%M:%S')} worker {worker}: {what}")
        else:
            left -= 1
            sent += what[0]
            statuses.update(what[2])
            codes.update(what[3])
            statuses["no answer"] += what[1]
    for process in processes:
        process.join()
    return sent, failures, statuses, codes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        server = Server(directory, drives=4).start()
        try:
            began = time.monotonic()
            sent, failures, statuses, codes = run(
                server.port, arguments.workers, arguments.seed, arguments.requests, arguments.seconds, functools.partial(print, flush=True))
            print(f"{sent} requests in {time.monotonic() - began:.0f} s, {len(failures)} failures")
            print("statuses", json.dumps({str(k): v for k, v in sorted(statuses.items(), key=lambda p: -p[1])}))
            print("codes", {k.decode(): v for k, v in sorted(codes.items(), key=lambda p: -p[1])})
            if server.running:
                is_sound(server.port)
                print("exit status", server.stop())
            else:
                print("THE SERVER ENDED", server.process.poll(), server.log())
        finally:
            if server.running:
                server.kill()


if __name__ == "__main__":
    main()

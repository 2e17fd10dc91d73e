"""Requests as bytes: a signer of its own, and a connection that reads answers strictly. No client library stands between the
test and the server: what is sent is what the test wrote."""

import base64
import hashlib
import hmac
import socket
import time
import urllib.parse

from martlet_server import ACCESS_KEY, SECRET_KEY

REGION = b"us-east-1"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().encode()
UNSIGNED = b"UNSIGNED-PAYLOAD"


class Signer:
    def __init__(self, access, secret, service=b"s3"):
        self.access, self.secret, self.service = access.encode(), secret.encode(), service
        self.keys = {}

    def key(self, date):
        if date not in self.keys:
            key = b"AWS4" + self.secret
            for piece in (date, REGION, self.service, b"aws4_request"):
                key = hmac.digest(key, piece, "sha256")
            self.keys[date] = key
        return self.keys[date]

    def scope(self, date):
        return b"/".join((date, REGION, self.service, b"aws4_request"))

    def sign(self, when, canonical):
        """Hex digits of the signature of a canonical request."""
        date = when[:8]
        text = b"\n".join((b"AWS4-HMAC-SHA256", when, self.scope(date), hashlib.sha256(canonical).hexdigest().encode()))
        return hmac.digest(self.key(date), text, "sha256").hex().encode()

    def headers(self, method, path, query, headers, payload, when=None):
        """The headers with a version 4 signature; `headers` is a list of pairs with Host in it, `query` of decoded pairs."""
        when = when or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()).encode()
        headers = [*headers, (b"x-amz-content-sha256", payload), (b"x-amz-date", when)]
        folded = {}
        for name, value in headers:
            name = name.lower()
            if name == b"host" or name.startswith(b"x-amz-"):
                folded.setdefault(name, []).append(b" ".join(value.replace(b"\t", b" ").split(b" ")).strip())
        signed = b";".join(sorted(folded))
        lines = b"".join(name + b":" + b",".join(folded[name]) + b"\n" for name in sorted(folded))
        canonical = b"\n".join((method, canonical_path(path), canonical_query(query), lines, signed, payload))
        signature = self.sign(when, canonical)
        value = b"AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.access, self.scope(when[:8]), signed, signature)
        return headers + [(b"Authorization", value)], signature, when

    def presigned(self, method, path, query, host, expires=b"3600", when=None):
        """The query, decoded, of a presigned request."""
        when = when or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()).encode()
        query = [*query, (b"X-Amz-Algorithm", b"AWS4-HMAC-SHA256"), (b"X-Amz-Credential", self.access + b"/" + self.scope(when[:8])),
                 (b"X-Amz-Date", when), (b"X-Amz-Expires", expires), (b"X-Amz-SignedHeaders", b"host")]
        canonical = b"\n".join((method, canonical_path(path), canonical_query(query), b"host:" + host + b"\n", b"host", UNSIGNED))
        return [*query, (b"X-Amz-Signature", self.sign(when, canonical))]

    def chunks(self, pieces, seed, when, trailers=None):
        """The body of signed chunks; `trailers` are pairs, or None for a body without a trailer."""
        previous, out = seed, []
        for piece in [*pieces, b""]:
            text = b"\n".join((b"AWS4-HMAC-SHA256-PAYLOAD", when, self.scope(when[:8]), previous, EMPTY_SHA256,
                               hashlib.sha256(piece).hexdigest().encode()))
            previous = hmac.digest(self.key(when[:8]), text, "sha256").hex().encode()
            out.append(b"%x;chunk-signature=%s\r\n" % (len(piece), previous))
            if piece:
                out.append(piece + b"\r\n")
        if trailers is not None:
            lines = b"".join(name + b":" + value + b"\n" for name, value in trailers)
            text = b"\n".join((b"AWS4-HMAC-SHA256-TRAILER", when, self.scope(when[:8]), previous, hashlib.sha256(lines).hexdigest().encode()))
            out += [name + b":" + value + b"\r\n" for name, value in trailers]
            out.append(b"x-amz-trailer-signature:" + hmac.digest(self.key(when[:8]), text, "sha256").hex().encode() + b"\r\n")
        return b"".join(out) + b"\r\n"


def quote(text, safe=""):
    return urllib.parse.quote_from_bytes(text, safe=safe + "-_.~").encode()


def canonical_path(path):
    return quote(urllib.parse.unquote_to_bytes(path), safe="/")


def canonical_query(query):
    return b"&".join(b"=".join(pair) for pair in sorted((quote(name), quote(value)) for name, value in query))


def target(path, query):
    """Names without a value keep their `=`; servers read both alike."""
    return path + (b"?" + b"&".join(quote(name) + b"=" + quote(value) for name, value in query) if query else b"")


def content_md5(body):
    return base64.b64encode(hashlib.md5(body).digest())


class BadAnswer(Exception):
    """The server's answer is not HTTP, or not of the length it says."""


class NoAnswer(Exception):
    """The connection ended without one byte of an answer."""


class Connection:
    """One connection. `answer` reads one response and returns (status, headers, body, whether the connection goes on)."""

    def __init__(self, port, timeout=30, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.socket.close()

    def _more(self):
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return len(data)

    def answer(self, method=b"GET"):
        while True:
            status, headers = self._head()
            if status >= 200:
                break
        lengths = [value for name, value in headers if name == b"content-length"]
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        closes = any(name == b"connection" and value.lower() == b"close" for name, value in headers)
        if method == b"HEAD" or status in (204, 304):
            body = b""
        elif codings:
            body = self._chunked()
        elif len(lengths) == 1:
            body = self._exactly(int(lengths[0]))
        else:
            raise BadAnswer(f"{status} without a length")
        return status, dict(headers), body, not closes

    def _head(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if not self._more():
                if self.buffer:
                    raise BadAnswer(f"the answer ends in its head: {self.buffer[:200]}")
                raise NoAnswer()
        lines = self.buffer[:end].split(b"\r\n")
        self.buffer = self.buffer[end + 4:]
        pieces = lines[0].split(b" ", 2)
        if len(pieces) < 2 or pieces[0] != b"HTTP/1.1" or len(pieces[1]) != 3 or not pieces[1].isdigit():
            raise BadAnswer(f"no status line: {lines[0][:200]}")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or not name or b" " in name or b"\n" in line or b"\r" in line or b"\0" in line:
                raise BadAnswer(f"no header: {line[:200]}")
            headers.append((name.lower(), value.strip()))
        return int(pieces[1]), headers

    def _exactly(self, count):
        while len(self.buffer) < count:
            if not self._more():
                raise BadAnswer(f"the body ends after {len(self.buffer)} of {count} bytes")
        body, self.buffer = self.buffer[:count], self.buffer[count:]
        return body

    def _chunked(self):
        body = b""
        while True:
            while (end := self.buffer.find(b"\r\n")) < 0:
                if not self._more():
                    raise BadAnswer("the body ends in a chunk's size")
            size = int(self.buffer[:end], 16)
            self.buffer = self.buffer[end + 2:]
            piece = self._exactly(size + 2)
            if piece[size:] != b"\r\n":
                raise BadAnswer("a chunk without an end")
            if size == 0:
                return body
            body += piece[:size]

    def drain(self):
        """All that still comes."""
        while self._more():
            self.buffer = b""


class Client:
    """Signed requests over one connection, made anew when it breaks."""

    def __init__(self, port, timeout=60):
        self.port, self.timeout, self.signer, self.connection = port, timeout, Signer(ACCESS_KEY, SECRET_KEY), None

    def ask(self, method, path, query=(), headers=(), body=b""):
        headers = [(b"Host", b"127.0.0.1:%d" % self.port), *headers]
        headers, _, _ = self.signer.headers(method, path, query, headers, UNSIGNED)
        if body or method in (b"PUT", b"POST"):
            headers.append((b"Content-Length", b"%d" % len(body)))
        data = method + b" " + target(path, query) + b" HTTP/1.1\r\n" + b"".join(n + b": " + v + b"\r\n" for n, v in headers) + b"\r\n" + body
        try:
            if not self.connection:
                self.connection = Connection(self.port, self.timeout)
            self.connection.send(data)
            status, headers, body, goes_on = self.connection.answer(method)
        except (BadAnswer, NoAnswer, OSError):
            self.close()
            raise
        if not goes_on:
            self.close()
        return status, headers, body

    def good(self, *arguments, **more):
        status, headers, body = self.ask(*arguments, **more)
        assert status < 300, (status, arguments[:2], body)
        return headers, body

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

"""A provider of identities that says what a test wants: it signs forged tokens, rotates its keys, and goes down."""

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_number(value, width):
    return b64(value.to_bytes(width, "big"))


class Provider:
    def __init__(self, certificate, key):
        self.certificate, self.private = certificate, key
        self.port = 0
        self.questions = 0
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.id = "first"
        self.start()

    @property
    def issuer(self):
        return f"https://localhost:{self.port}/realm"

    def start(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.questions += self.path.endswith("/keys")
                documents = {"/realm/.well-known/openid-configuration": {"issuer": provider.issuer, "jwks_uri": provider.issuer + "/keys"},
                             "/realm/keys": {"keys": provider.keys()}}
                found = documents.get(self.path)
                body = json.dumps(found).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.private)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def rotate(self, name):
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.id = name

    def keys(self):
        numbers = self.rsa.public_key().public_numbers()
        point = self.ec.public_key().public_numbers()
        return [{"kty": "RSA", "use": "sig", "kid": self.id, "n": b64_number(numbers.n, 256), "e": "AQAB"},
                {"kty": "EC", "use": "sig", "kid": "ec", "crv": "P-256", "x": b64_number(point.x, 32), "y": b64_number(point.y, 32)}]

    def claims(self, **changes):
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "ada", "aud": "martlet", "iat": now, "exp": now + 600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header=None, key=None, **claims):
        """A token of this provider; `header` and `key` forge one."""
        header = {"alg": "RS256", "kid": self.id, **(header or {})}
        signed = (b64(json.dumps(header).encode()) + "." + b64(json.dumps(self.claims(**claims)).encode())).encode()
        key = key or self.rsa
        if header["alg"] == "none":
            signature = b""
        elif header["alg"] == "HS256":
            # Key confusion: the public key, which everybody has, as the secret of an HMAC.
            pem = self.rsa.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            signature = hmac.new(pem, signed, hashlib.sha256).digest()
        elif header["alg"] == "ES256":
            r, s = utils.decode_dss_signature(self.ec.sign(signed, ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        else:
            signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return signed.decode() + "." + b64(signature)

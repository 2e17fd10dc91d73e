"""The requests that mutations start from: one or more of every kind that the S3 endpoint takes."""

import base64
import hashlib
import hmac
import json
import time


class Request:
    """A request before it is signed. `how` is how it is signed and framed; `digest` adds a Content-MD5 of the final body."""

    __slots__ = ("method", "path", "query", "headers", "body", "how", "digest")

    def __init__(self, method, path, query=(), headers=(), body=b"", how="header", digest=False):
        self.method, self.path, self.body, self.how, self.digest = method, path, body, how, digest
        self.query, self.headers = list(query), list(headers)

    def copy(self):
        return Request(self.method, self.path, self.query, self.headers, self.body, self.how, self.digest)

    def to_json(self):
        text = lambda value: value.decode("latin-1")
        pairs = lambda value: [[text(a), text(b)] for a, b in value]
        return json.dumps({"method": text(self.method), "path": text(self.path), "query": pairs(self.query), "how": self.how,
                           "headers": pairs(self.headers), "body": text(self.body), "digest": self.digest})

    @classmethod
    def from_json(cls, line):
        found = json.loads(line)
        byte = lambda value: value.encode("latin-1")
        pairs = lambda value: [(byte(a), byte(b)) for a, b in value]
        return cls(byte(found["method"]), byte(found["path"]), pairs(found["query"]), pairs(found["headers"]), byte(found["body"]),
                   found["how"], found["digest"])


def xml(name, inner):
    return f'<?xml version="1.0" encoding="UTF-8"?><{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{name}>'.encode()


GRANTS = ("<Owner><ID>{id}</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
          "xsi:type=\"CanonicalUser\"><ID>{id}</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant><Grant><Grantee "
          "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/AllUsers"
          "</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList>")
CONFIGURATIONS = {
    b"versioning": xml("VersioningConfiguration", "<Status>Enabled</Status>"),
    b"tagging": xml("Tagging", "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag><Tag><Key>c</Key><Value>d e</Value></Tag></TagSet>"),
    b"cors": xml("CORSConfiguration", "<CORSRule><ID>one</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://*.example.com"
                 "</AllowedOrigin><AllowedHeader>*</AllowedHeader><ExposeHeader>etag</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule>"),
    b"website": xml("WebsiteConfiguration", "<IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>e.html</Key>"
                    "</ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>docs/</KeyPrefixEquals></Condition><Redirect>"
                    "<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules>"),
    b"logging": xml("BucketLoggingStatus", "<LoggingEnabled><TargetBucket>{bucket}</TargetBucket><TargetPrefix>logs/</TargetPrefix></LoggingEnabled>"),
    b"requestPayment": xml("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"),
    b"accelerate": xml("AccelerateConfiguration", "<Status>Suspended</Status>"),
    b"ownershipControls": xml("OwnershipControls", "<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>"),
    b"publicAccessBlock": xml("PublicAccessBlockConfiguration", "<BlockPublicAcls>false</BlockPublicAcls><IgnorePublicAcls>false"
                              "</IgnorePublicAcls><BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>"),
    b"object-lock": xml("ObjectLockConfiguration", "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE"
                        "</Mode><Days>1</Days></DefaultRetention></Rule>"),
    b"lifecycle": xml("LifecycleConfiguration", "<Rule><ID>r</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status><Expiration>"
                      "<Days>1</Days></Expiration></Rule>"),
    b"acl": xml("AccessControlPolicy", GRANTS),
    b"encryption": xml("ServerSideEncryptionConfiguration", "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
                       "</ApplyServerSideEncryptionByDefault></Rule>"),
    b"notification": xml("NotificationConfiguration", "<QueueConfiguration><Queue>arn:aws:sqs:us-east-1:1:q</Queue><Event>s3:ObjectCreated:*"
                         "</Event></QueueConfiguration>"),
    b"replication": xml("ReplicationConfiguration", "<Role>arn:aws:iam::1:role/r</Role><Rule><Status>Enabled</Status></Rule>"),
}
POLICY = ('{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:List*"],'
          '"Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"],"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},'
          '"StringLike":{"s3:prefix":["a*","${aws:username}"]},"NumericLessThan":{"s3:max-keys":"10"},'
          '"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}]}')


def fill(text, bucket, owner):
    return text.replace(b"{bucket}", bucket).replace(b"{id}", owner)


def form(fields, file):
    out = b""
    for name, value in fields:
        out += b'--BoundarY\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
    return out + b'--BoundarY\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\n' + file + \
        b"\r\n--BoundarY--\r\n"


def signed_form(bucket, signer):
    now = time.gmtime()
    when = time.strftime("%Y%m%dT%H%M%SZ", now).encode()
    expires = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 86400 * 6))
    credential = signer.access + b"/" + signer.scope(when[:8])
    policy = base64.b64encode(json.dumps({"expiration": expires, "conditions": [
        {"bucket": bucket.decode()}, ["starts-with", "$key", ""], ["content-length-range", 0, 100000], {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
        {"x-amz-credential": credential.decode()}, {"x-amz-date": when.decode()}, ["starts-with", "$x-amz-meta-a", ""],
        ["eq", "$success_action_status", "201"]]}).encode())
    signature = hmac.new(signer.key(when[:8]), policy, hashlib.sha256).hexdigest().encode()
    return form([(b"key", b"form/${filename}"), (b"x-amz-meta-a", b"v"), (b"success_action_status", b"201"), (b"policy", policy),
                 (b"x-amz-algorithm", b"AWS4-HMAC-SHA256"), (b"x-amz-credential", credential), (b"x-amz-date", when),
                 (b"x-amz-signature", signature)], b"contents of a form\r\n--Bound")


def corpus(bucket, upload, version, etag, owner, signer):
    """All requests, for a bucket with the objects k0…k7, a multipart upload `upload` of key `mp` with one part, and a version."""
    b, R = b"/" + bucket, Request
    out = [R(b"GET", b"/"), R(b"GET", b"/", [(b"max-buckets", b"5"), (b"prefix", b"fu"), (b"continuation-token", b"abc")]),
           R(b"HEAD", b), R(b"GET", b, [(b"location", b"")]), R(b"PUT", b + b"-new", body=xml("CreateBucketConfiguration",
           "<LocationConstraint>us-east-1</LocationConstraint>")), R(b"DELETE", b + b"-new"),
           R(b"OPTIONS", b + b"/k1", headers=[(b"Origin", b"http://a.example.com"), (b"Access-Control-Request-Method", b"GET"),
                                             (b"Access-Control-Request-Headers", b"x-amz-date, range")], how="anonymous")]
    for how in ("header", "presigned", "anonymous"):
        out += [
            R(b"GET", b + b"/k1", headers=[(b"Range", b"bytes=10-99")], how=how),
            R(b"GET", b + b"/k2", [(b"response-content-type", b"text/plain"), (b"response-expires", b"x"), (b"partNumber", b"1")], how=how),
            R(b"HEAD", b + b"/k3", headers=[(b"If-None-Match", etag), (b"If-Modified-Since", b"Thu, 01 Jan 2026 00:00:00 GMT")], how=how),
            R(b"GET", b + b"/big", headers=[(b"If-Match", etag), (b"Range", b"bytes=-4096"), (b"x-amz-checksum-mode", b"ENABLED")], how=how),
            R(b"PUT", b + b"/k4", headers=[(b"x-amz-meta-one", b"two"), (b"Content-Type", b"text/plain"), (b"x-amz-tagging", b"a=b&c=d")],
              body=b"some words " * 20, how=how),
            R(b"GET", b, [(b"list-type", b"2"), (b"delimiter", b"/"), (b"prefix", b"k"), (b"max-keys", b"3"), (b"start-after", b"k0"),
                          (b"encoding-type", b"url"), (b"fetch-owner", b"true")], how=how),
            R(b"DELETE", b + b"/k5", how=how)]
    out += [
        R(b"GET", b + b"/k1", [(b"versionId", version)]), R(b"DELETE", b + b"/k1", [(b"versionId", version)]),
        R(b"GET", b, [(b"prefix", b""), (b"marker", b"k2"), (b"delimiter", b"k")]),
        R(b"GET", b, [(b"versions", b""), (b"key-marker", b"k1"), (b"version-id-marker", version), (b"max-keys", b"2")]),
        R(b"GET", b, [(b"uploads", b""), (b"key-marker", b"a"), (b"upload-id-marker", upload), (b"delimiter", b"/")]),
        R(b"GET", b, [(b"list-type", b"2"), (b"continuation-token", b"AQJrMg")]),
        R(b"PUT", b + b"/k6", headers=[(b"x-amz-checksum-crc32", b"AAAAAA=="), (b"If-None-Match", b"*")], body=b""),
        R(b"PUT", b + b"/k6", headers=[(b"x-amz-checksum-sha256", base64.b64encode(hashlib.sha256(b"x" * 300).digest())),
                                       (b"x-amz-object-lock-mode", b"GOVERNANCE"), (b"x-amz-object-lock-retain-until-date", b"2026-12-01T00:00:00Z"),
                                       (b"x-amz-acl", b"public-read"), (b"x-amz-storage-class", b"REDUCED_REDUNDANCY"), (b"Cache-Control", b"no-cache"),
                                       (b"Expires", b"Thu, 01 Dec 2026 16:00:00 GMT"), (b"Content-Encoding", b"gzip")], body=b"x" * 300, digest=True),
        R(b"PUT", b + b"/k7", headers=[(b"x-amz-write-offset-bytes", b"0")], body=b"appended" * 9),
        R(b"PUT", b + b"/k7", headers=[(b"x-amz-server-side-encryption", b"AES256"), (b"x-amz-website-redirect-location", b"/x")], body=b"y"),
        R(b"PUT", b + b"/renamed", [(b"renameObject", b"")], [(b"x-amz-rename-source", b + b"/k7")]),
        R(b"PUT", b + b"/copy", headers=[(b"x-amz-copy-source", b + b"/k1"), (b"x-amz-metadata-directive", b"REPLACE"), (b"x-amz-meta-q", b"r"),
                                         (b"x-amz-copy-source-if-match", etag), (b"x-amz-tagging-directive", b"REPLACE"), (b"x-amz-tagging", b"k=v")]),
        R(b"PUT", b + b"/copy", headers=[(b"x-amz-copy-source", b + b"/k1?versionId=" + version)]),
        R(b"POST", b + b"/mp2", [(b"uploads", b"")], [(b"x-amz-checksum-algorithm", b"CRC32C"), (b"x-amz-checksum-type", b"COMPOSITE")]),
        R(b"PUT", b + b"/mp", [(b"partNumber", b"2"), (b"uploadId", upload)], body=b"part two " * 30),
        R(b"PUT", b + b"/mp", [(b"partNumber", b"3"), (b"uploadId", upload)],
          [(b"x-amz-copy-source", b + b"/big"), (b"x-amz-copy-source-range", b"bytes=0-9999")]),
        R(b"GET", b + b"/mp", [(b"uploadId", upload), (b"max-parts", b"2"), (b"part-number-marker", b"1")]),
        R(b"POST", b + b"/mp", [(b"uploadId", upload)], [(b"x-amz-mp-object-size", b"300")],
          body=xml("CompleteMultipartUpload", "<Part><PartNumber>1</PartNumber><ETag>&quot;9a0364b9e99bb480dd25e1f0284c8555&quot;</ETag></Part>"
                   "<Part><PartNumber>2</PartNumber><ETag>x</ETag><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part>")),
        R(b"DELETE", b + b"/mp2", [(b"uploadId", upload)]),
        R(b"GET", b + b"/k1", [(b"attributes", b"")], [(b"x-amz-object-attributes", b"ETag,Checksum,ObjectParts,StorageClass,ObjectSize"),
                                                       (b"x-amz-max-parts", b"3"), (b"x-amz-part-number-marker", b"0")]),
        R(b"POST", b, [(b"delete", b"")], body=xml("Delete", "<Object><Key>k5</Key></Object><Object><Key>k6</Key><VersionId>" + version.decode()
          + "</VersionId></Object><Object><Key>gone</Key><ETag>*</ETag><Size>5</Size></Object><Quiet>false</Quiet>"), digest=True),
        R(b"PUT", b, [(b"policy", b"")], body=fill(POLICY.encode(), bucket, owner)), R(b"GET", b, [(b"policy", b"")]),
        R(b"DELETE", b, [(b"policy", b"")]), R(b"GET", b, [(b"policyStatus", b"")]),
        R(b"PUT", b + b"/k1", [(b"tagging", b"")], body=CONFIGURATIONS[b"tagging"], digest=True),
        R(b"PUT", b + b"/k1", [(b"retention", b"")], body=xml("Retention", "<Mode>GOVERNANCE</Mode><RetainUntilDate>2026-12-01T00:00:00Z</RetainUntilDate>"),
          digest=True),
        R(b"PUT", b + b"/k1", [(b"legal-hold", b"")], body=xml("LegalHold", "<Status>OFF</Status>"), digest=True),
        R(b"PUT", b + b"/k1", [(b"acl", b"")], body=fill(CONFIGURATIONS[b"acl"], bucket, owner)),
        R(b"PUT", b + b"/k2", [(b"acl", b"")], [(b"x-amz-grant-read", b'id="' + owner + b'", uri="http://acs.amazonaws.com/groups/global/AllUsers"')]),
        R(b"POST", b + b"/k1", [(b"restore", b"")], body=xml("RestoreRequest", "<Days>1</Days>")),
        R(b"POST", b + b"/k1", [(b"select", b""), (b"select-type", b"2")], body=xml("SelectObjectContentRequest", "<Expression>x</Expression>")),
        R(b"GET", b"/minio/health/live", how="anonymous"), R(b"GET", b"/minio/health/cluster", how="anonymous"),
        R(b"PATCH", b + b"/k1"), R(b"GET", b + b"/k1", [(b"X-Amz-Security-Token", b"abcd")]),
        R(b"GET", b + b"/k1", headers=[(b"Authorization", b"AWS key:c2lnbmF0dXJlc2lnbmF0dXJlc2k=")], how="anonymous"),
        R(b"GET", b + b"/k1", [(b"AWSAccessKeyId", b"key"), (b"Signature", b"abc="), (b"Expires", b"1900000000")], how="anonymous"),
        R(b"POST", b, headers=[(b"Content-Type", b"multipart/form-data; boundary=BoundarY")], body=signed_form(bucket, signer), how="anonymous"),
        R(b"POST", b, headers=[(b"Content-Type", b'multipart/form-data; boundary="BoundarY"')],
          body=form([(b"key", b"anon"), (b"acl", b"private")], b"x" * 99), how="anonymous"),
    ]
    for name, body in CONFIGURATIONS.items():
        out += [R(b"PUT", b, [(name, b"")], body=fill(body, bucket, owner), digest=True), R(b"GET", b, [(name, b"")])]
    out += [R(b"DELETE", b, [(name, b"")]) for name in (b"cors", b"tagging", b"website", b"lifecycle", b"publicAccessBlock")]
    for how in ("chunks", "chunks-trailer", "unsigned-trailer"):
        out += [R(b"PUT", b + b"/k3", headers=[(b"Content-Encoding", b"aws-chunked")], body=b"chunked words " * 700, how=how),
                R(b"PUT", b + b"/mp", [(b"partNumber", b"1"), (b"uploadId", upload)], body=b"chunked part", how=how)]
    for action in ("GetCallerIdentity", "GetSessionToken&DurationSeconds=900", "ListUsers&MaxItems=3", "CreateUser&UserName=u1&Path=/a/", "DeleteUser&UserName=u1",
                   "GetUser&UserName=u1", "PutUserPolicy&UserName=u1&PolicyName=p&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D",
                   "CreateAccessKey&UserName=u1", "ListAccessKeys&UserName=u1", "CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D", "GetAccountSummary",
                   "AssumeRole&RoleArn=arn:aws:iam::1:role/r&RoleSessionName=s&Tags.member.1.Key=a&Tags.member.1.Value=b",
                   "AssumeRoleWithWebIdentity&WebIdentityToken=eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJodHRwOi8veCJ9.c2ln&RoleSessionName=s",
                   "AssumeRoleWithLDAPIdentity&LDAPUsername=a&LDAPPassword=b", "SimulatePrincipalPolicy&ActionNames.member.1=s3:GetObject&PolicySourceArn=x",
                   "CreateGroup&GroupName=g", "AddUserToGroup&GroupName=g&UserName=u1", "TagUser&UserName=u1&Tags.member.1.Key=a&Tags.member.1.Value=b"):
        service = "sts" if "Assume" in action or "Session" in action or "Caller" in action else "iam"
        version_of = "2011-06-15" if service == "sts" else "2010-05-08"
        out.append(R(b"POST", b"/", headers=[(b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8")],
                     body=f"Action={action}&Version={version_of}".encode(), how=service))
    return out

"""Tenants: namespaces of buckets and identities in one server, made and ended by its operator."""

import http.client
import json
import ssl

import pytest
from admin import admin
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from helpers import code_of, refused
from martlet_server import ACCESS_KEY, SECRET_KEY, Server
from tenants import Tenant, at, own_certificate, pair

HOST = "acme.example"
ROOT = (ACCESS_KEY, SECRET_KEY)


@pytest.fixture(scope="module")
def acme(server):
    return Tenant(server, "acme", hosts=[HOST, "deep.storage.example"])


@pytest.fixture(scope="module")
def other(server):
    return Tenant(server, "other-tenant", hosts=["other.example"])


def test_buckets_of_one_name_in_two_tenants(s3, acme, bucket):
    theirs = acme.s3()
    with refused("NoSuchBucket", 404):
        theirs.list_objects_v2(Bucket=bucket)
    theirs.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="key", Body=b"ours")
    theirs.put_object(Bucket=bucket, Key="key", Body=b"theirs")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"ours"
    assert theirs.get_object(Bucket=bucket, Key="key")["Body"].read() == b"theirs"
    assert [b["Name"] for b in theirs.list_buckets()["Buckets"]] == [bucket]
    assert theirs.list_buckets()["Owner"]["ID"] == acme.id != s3.list_buckets()["Owner"]["ID"]
    assert theirs.get_bucket_acl(Bucket=bucket)["Owner"]["ID"] == acme.id
    theirs.delete_object(Bucket=bucket, Key="key")
    theirs.delete_bucket(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"ours"


def test_only_the_operator_manages_tenants(server, acme, other):
    environment = {"MARTLET_ROOT_USER": acme.access_key, "MARTLET_ROOT_PASSWORD": acme.secret_key}
    for words in (["tenant", "list"], ["tenant", "show", "acme"], ["tenant", "create", "mine"], ["tenant", "set", "acme", "--buckets", "1"],
                  ["tenant", "suspend", "other-tenant"], ["tenant", "delete", "other-tenant"], ["account", "list"],
                  ["user", "list", "--tenant", "other-tenant"], ["bucket", "quota", "b", "--tenant", "other-tenant"]):
        said = admin(server, *words, environment=environment, status=1)
        assert "AccessDenied" in said and "other" not in said, said
    assert {t["Name"] for t in admin(server, "tenant", "list")["Tenants"]} >= {"default", "acme", "other-tenant"}
    shown = acme.show()
    assert shown["Hosts"] == [HOST, "deep.storage.example"] and shown["Status"] == "Active", shown
    assert shown["RootAccount"] == acme.number and shown["UsedBuckets"] == "0"
    assert "NoSuchEntity" in admin(server, "tenant", "show", "nobody", status=1)
    for name, host, code in (("acme", "new.example", "EntityAlreadyExists"), ("new", HOST, "EntityAlreadyExists"),
                             ("Upper", "new.example", "ValidationError"), ("new", "not a host", "ValidationError")):
        assert code in admin(server, "tenant", "create", name, "--host", host, status=1)
    assert "InvalidInput" in admin(server, "tenant", "suspend", "default", status=1)
    assert "InvalidInput" in admin(server, "tenant", "delete", "default", status=1)


def test_the_host_decides_before_the_key(server, s3, acme, other, new_name):
    name = new_name()
    theirs = acme.s3()
    theirs.create_bucket(Bucket=name)
    theirs.put_object(Bucket=name, Key="key", Body=b"theirs")
    # By path and by a host below the tenant's, of both hosts.
    for host in (HOST, "deep.storage.example"):
        assert at(server, host, f"/{name}/key", pair(acme))[2] == b"theirs"
        assert at(server, f"{name}.{host}", "/key", pair(acme))[2] == b"theirs"
    assert at(server, HOST.upper() + ".", f"/{name}/key", pair(acme))[0] == 200
    # Another tenant's key is none there, as one that nobody has; the default tenant is another too.
    for access in (pair(other), ROOT, ("AKIANOBODY", "x" * 20)):
        status, _, body = at(server, HOST, f"/{name}/key", access)
        assert (status, code_of(body)) == (403, "InvalidAccessKeyId")
    assert at(server, "other.example", f"/{name}/key", pair(other))[0] == 404
    # Elsewhere the key decides.
    assert at(server, "unknown.example", f"/{name}/key", pair(acme))[2] == b"theirs"
    # Nobody in particular is the host's tenant's, else the default one's.
    policy = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}}
    theirs.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    assert at(server, HOST, f"/{name}/key")[2] == b"theirs"
    assert at(server, f"{name}.{HOST}", "/key")[2] == b"theirs"
    assert code_of(at(server, "unknown.example", f"/{name}/key")[2]) == "NoSuchBucket"
    s3.create_bucket(Bucket=name)
    assert code_of(at(server, "unknown.example", f"/{name}/key")[2]) == "AccessDenied"


def test_hosts_of_tenants_come_before_the_servers_domains(server, other, new_name):
    name = new_name()
    other.s3().create_bucket(Bucket=name)
    # Without the tenant it is the bucket "inner" of the server's domain s3.localhost.
    other.set("--host", "other.example", "--host", "inner.s3.localhost")
    assert at(server, "inner.s3.localhost", f"/{name}?location", pair(other))[0] == 200
    assert at(server, f"{name}.inner.s3.localhost", "/?location", pair(other))[0] == 200
    other.set("--host", "other.example")
    assert code_of(at(server, "inner.s3.localhost", "/?location", pair(other))[2]) == "NoSuchBucket"


def test_a_suspended_tenant_is_refused_at_once(server, s3, new_name):
    tenant, name = Tenant(server, hosts=["sleepy.example"]), new_name()
    theirs = tenant.s3()
    theirs.create_bucket(Bucket=name)
    url = theirs.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "key"})
    connection = server.connect()

    def presigned():
        connection.request("GET", url.split(str(server.port), 1)[1])
        response = connection.getresponse()
        return response.status, response.read()

    assert presigned()[0] == 404
    iam = tenant.call("iam")
    key = iam.create_user(UserName="ann") and iam.create_access_key(UserName="ann")["AccessKey"]
    tenant.suspend()
    for client in (theirs, server.client(access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])):
        with refused("AccessDenied", 403) as caught:
            client.list_buckets()
        assert "suspended" in caught.value.response["Error"]["Message"]
    with refused("AccessDenied", 403):
        iam.list_users()
    with refused("AccessDenied", 403):
        tenant.call("sts").get_caller_identity()
    status, body = presigned()
    assert (status, code_of(body)) == (403, "AccessDenied")
    for host in ("sleepy.example", f"{name}.sleepy.example", f"{name}.s3-website.sleepy.example"):
        status, _, body = at(server, host, "/")
        assert status == 403 and b"suspended" in body, body
    s3.list_buckets()
    tenant.resume()
    assert presigned()[0] == 404 and theirs.list_buckets()["Buckets"][0]["Name"] == name


def test_a_tenant_is_deleted_when_it_has_no_buckets(server, new_name):
    tenant, name = Tenant(server, hosts=["gone.example"]), new_name()
    theirs = tenant.s3()
    theirs.create_bucket(Bucket=name)
    tenant.call("iam").create_user(UserName="ann")
    said = admin(server, "tenant", "delete", tenant.name, status=1)
    assert "DeleteConflict" in said and name in said
    theirs.delete_bucket(Bucket=name)
    theirs.create_bucket(Bucket=name)
    theirs.delete_bucket(Bucket=name)
    admin(server, "tenant", "delete", tenant.name)
    with refused("InvalidAccessKeyId", 403):
        theirs.list_buckets()
    assert not any(a["Number"] == tenant.number for a in admin(server, "account", "list")["Accounts"])
    # Name, host and account are free again, and the new tenant has nothing of the old one.
    again = Tenant(server, tenant.name, hosts=["gone.example"], limits=["--number", tenant.number, "--id", tenant.id])
    assert again.call("iam").list_users()["Users"] == [] and again.s3().list_buckets()["Buckets"] == []


def test_accounts_of_tenants(server, acme, other):
    """Names of accounts, users and roles mean something within a tenant only."""
    made = [admin(server, "account", "create", "billing", "--tenant", t.name, "--email", "b@example.com") for t in (acme, other)]
    assert made[0]["Number"] != made[1]["Number"] and made[0]["Tenant"] == "acme"
    assert "NoSuchEntity" in admin(server, "account", "info", "billing", status=1)
    assert admin(server, "account", "info", "billing", "--tenant", "other-tenant")["Number"] == made[1]["Number"]
    listed = admin(server, "account", "list", "--tenant", "acme")["Accounts"]
    assert {a["Name"] for a in listed} == {"acme", "billing"}
    admin(server, "user", "create", "ann", "--tenant", "acme", "--policy", "readwrite")
    admin(server, "user", "create", "ann", "--tenant", "other-tenant", "--account", "billing")
    assert [u["UserName"] for u in acme.call("iam").list_users()["Users"]] == ["ann"]
    assert other.call("iam").list_users()["Users"] == []
    for tenant in (acme, other):
        tenant.call("iam").create_account_alias(AccountAlias="same-alias")


def test_tenants_live_through_a_restart(tmp_path):
    server = Server(tmp_path / "restart", drives=1).start()
    tenant = Tenant(server, "kept", hosts=["kept.example"], limits=["--capacity", "10", "--user-buckets", "1"])
    tenant.s3().create_bucket(Bucket="same")
    server.client().create_bucket(Bucket="same")
    tenant.s3().put_object(Bucket="same", Key="k", Body=b"12345")
    assert server.stop() == 0, server.log()
    server.start()
    theirs = tenant.s3()
    assert theirs.get_object(Bucket="same", Key="k")["Body"].read() == b"12345"
    with refused("QuotaExceeded", 403):
        theirs.put_object(Bucket="same", Key="l", Body=b"123456")
    with refused("TooManyBuckets", 400):
        theirs.create_bucket(Bucket="second")
    with refused("NoSuchKey"):
        server.client().get_object(Bucket="same", Key="k")
    shown = tenant.show()
    assert (shown["Bytes"], shown["UsedBytes"], shown["UserBuckets"], shown["Hosts"]) == ("10", "5", "1", ["kept.example"])
    assert server.stop() == 0, server.log()


def test_a_tenant_made_again_after_its_identities_were_lost_has_its_buckets(tmp_path):
    server = Server(tmp_path / "lost", drives=1).start()
    tenant = Tenant(server, "kept")
    tenant.s3().create_bucket(Bucket="bucket")
    tenant.s3().put_object(Bucket="bucket", Key="k", Body=b"12345")
    assert server.stop() == 0, server.log()
    (server.directory / "state" / "root.key").unlink()
    server.arguments = ["--forget-identities"]
    server.start()
    with refused("InvalidAccessKeyId"):
        tenant.s3().list_buckets()
    again = Tenant(server, "kept", limits=["--id", tenant.id])
    assert again.s3().get_object(Bucket="bucket", Key="k")["Body"].read() == b"12345"
    with refused("NoSuchBucket"):
        Tenant(server, "another").s3().get_object(Bucket="bucket", Key="k")
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tenants-tls"), drives=1, tls=True)
    own_certificate(server, "acme", "tls-acme.example", "*.tls-acme.example")
    own_certificate(server, "other", "tls-other.example")
    yield server.start()
    assert server.stop() == 0, server.log()


def test_tenants_have_certificates_of_their_own_and_connections_are_for_one(secure):
    acme = Tenant(secure, "acme", hosts=["tls-acme.example"])
    Tenant(secure, "other-tenant", hosts=["tls-other.example"])
    acme.s3().create_bucket(Bucket="bucket")

    def ask(name, host, path="/", access=None):
        """Status and code of a request for `host` on a connection for `name`, and the names of its certificate."""
        context = secure.trust()
        context.check_hostname = False
        plain = http.client.socket.create_connection(("127.0.0.1", secure.port), timeout=30)
        connection = http.client.HTTPConnection("127.0.0.1", secure.port)
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        names = [value for _, value in connection.sock.getpeercert()["subjectAltName"]]
        request = AWSRequest("GET", f"https://{host}{path}", headers={"Host": host})
        S3SigV4Auth(Credentials(*(access or pair(acme))), "s3", "us-east-1").add_auth(request)
        connection.request("GET", path, headers=dict(request.headers.items()))
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, code_of(body) if response.status >= 400 else "", names

    assert ask("tls-acme.example", "tls-acme.example") == (200, "", ["tls-acme.example", "*.tls-acme.example"])
    assert ask("bucket.tls-acme.example", "bucket.tls-acme.example")[0] == 200
    assert ask("tls-acme.example", "bucket.tls-acme.example")[0] == 200
    assert ask("tls-other.example", "tls-other.example") == (403, "InvalidAccessKeyId", ["tls-other.example"])
    for name, host in (("tls-acme.example", "tls-other.example"), ("tls-other.example", "tls-acme.example"),
                       ("tls-acme.example", "localhost"), ("localhost", "tls-acme.example")):
        assert ask(name, host)[:2] == (421, "MisdirectedRequest"), (name, host)
    assert ask("localhost", "localhost", access=ROOT)[0] == 200

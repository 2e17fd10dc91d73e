"""Sign-on with tokens of OpenID Connect providers and with names and passwords of a directory."""

import concurrent.futures
import json
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

import accounts
import certificates
import slapd
from helpers import refused
from martlet_server import Server
from openid_provider import Provider, b64
from tenants import Tenant, at
from test_iam import allow, document, service
from test_sts import session

NO_ROLE = "arn:minio:iam:::role/none-of-an-account"

ENTRIES = f"""
dn: {slapd.BASE}
objectClass: domain
dc: example

dn: ou=people,{slapd.BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{slapd.BASE}
objectClass: organizationalUnit
ou: groups

dn: cn=lookup,{slapd.BASE}
objectClass: person
cn: lookup
sn: lookup
userPassword: lookup-secret
""" + "".join(f"""
dn: uid={uid},ou=people,{slapd.BASE}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
userPassword: {uid}-secret
""" for uid in ("ada", "bob", "eve")) + f"""
dn: cn=Engineers,ou=groups,{slapd.BASE}
objectClass: groupOfNames
cn: Engineers
member: uid=ada,ou=people,{slapd.BASE}

dn: cn=Staff,ou=groups,{slapd.BASE}
objectClass: groupOfNames
cn: Staff
member: cn=Engineers,ou=groups,{slapd.BASE}
member: cn=Staff,ou=groups,{slapd.BASE}
"""


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def idp(tls):
    provider = Provider(*tls[1:])
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def made_elsewhere():
    """A provider that knows nothing of this project."""
    with warnings.catch_warnings(record=True):
        import oidc_provider_mock

    user = oidc_provider_mock.User(sub="grace", claims={"policy": ["readonly"], "email": "grace@example.com"})
    with oidc_provider_mock.run_server_in_thread(user_claims=[user]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def ldap(tmp_path_factory, tls):
    if not slapd.BINARY.exists():
        pytest.skip("slapd is not installed")
    directory = slapd.Directory(tmp_path_factory.mktemp("slapd"), *tls, ENTRIES)
    directory.start(secure=False)
    yield directory
    directory.stop()


def directory_settings(ldap, authority):
    return {
        "MARTLET_LDAP_URLS": f"ldap://127.0.0.1:{ldap.plain},ldaps://127.0.0.1:{ldap.secure}", "MARTLET_LDAP_START_TLS": "on",
        "MARTLET_LDAP_CA_FILE": str(authority), "MARTLET_LDAP_BIND_DN": f"cn=lookup,{slapd.BASE}",
        "MARTLET_LDAP_BIND_PASSWORD": "lookup-secret", "MARTLET_LDAP_USER_BASES": f"ou=people,{slapd.BASE}",
        "MARTLET_LDAP_GROUP_BASES": f"ou=groups,{slapd.BASE}", "MARTLET_LDAP_TIMEOUT_SECONDS": "5",
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory, tls, idp, made_elsewhere):
    directory = tmp_path_factory.mktemp("sign-on")
    environment = {
        "MARTLET_ACCOUNTS_FILE": accounts.write(directory), "NO_PROXY": "*", "MARTLET_OPENID_CA_FILE": str(tls[0]),
        "MARTLET_OPENID_OWN_ISSUER": idp.issuer, "MARTLET_OPENID_OWN_CLIENT_IDS": "martlet,other-app",
        "MARTLET_OPENID_OWN_GROUPS_CLAIM": "realm_access.roles",
        # The same provider for other clients, whose sessions belong to another account.
        "MARTLET_OPENID_ROLE_ISSUER": idp.issuer, "MARTLET_OPENID_ROLE_CLIENT_IDS": "role-app",
        "MARTLET_OPENID_ROLE_ROLE_ARN": f"arn:aws:iam::{accounts.ALT['number']}:role/visitors",
        "MARTLET_OPENID_ALL_ISSUER": idp.issuer, "MARTLET_OPENID_ALL_CLIENT_IDS": "all-app",
        "MARTLET_OPENID_ALL_POLICIES": "readwrite", "MARTLET_OPENID_ALL_ACCOUNT": accounts.ALT["number"],
        "MARTLET_OPENID_ELSEWHERE_ISSUER": made_elsewhere, "MARTLET_OPENID_ELSEWHERE_CLIENT_IDS": "console",
    }
    server = Server(directory, environment=environment).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="module")
def iam(server):
    return service(server, "iam")


@pytest.fixture(scope="module")
def sts(server):
    return unsigned(server)


@pytest.fixture(scope="module")
def filled(server):
    client = server.client()
    client.create_bucket(Bucket="filled")
    client.put_object(Bucket="filled", Key="ada/k", Body=b"a")
    client.put_object(Bucket="filled", Key="bob/k", Body=b"b")
    return client


def unsigned(server):
    return boto3.client("sts", endpoint_url=server.endpoint, region_name="us-east-1", config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}))


def assume(sts, token, role=NO_ROLE, **options):
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="session", WebIdentityToken=token, **options)


# --- Tokens


def test_a_token_whose_claim_names_policies_gives_credentials(server, idp, sts, filled):
    answer = assume(sts, idp.token(policy=["readonly", "there-is-none"]))
    assert answer["SubjectFromWebIdentityToken"] == "ada" and answer["Provider"] == idp.issuer and answer["Audience"] == "martlet"
    assert 3500 < answer["Credentials"]["Expiration"].timestamp() - time.time() < 3700
    client = session(server, answer["Credentials"])
    assert client.get_object(Bucket="filled", Key="ada/k")["Body"].read() == b"a"
    with refused("AccessDenied", 403):
        client.put_object(Bucket="filled", Key="x", Body=b"")
    who = session(server, answer["Credentials"], "sts").get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"] and "external-user/openid/localhost" in who["Arn"]
    both = assume(sts, idp.token(policy="readonly, writeonly"), DurationSeconds=900)["Credentials"]
    session(server, both).put_object(Bucket="filled", Key="x", Body=b"")
    assert both["Expiration"].timestamp() - time.time() < 1000
    narrow = assume(sts, idp.token(policy="readonly"), Policy=document(allow("s3:ListBucket")))["Credentials"]
    session(server, narrow).list_objects_v2(Bucket="filled")
    with refused("AccessDenied", 403):
        session(server, narrow).get_object(Bucket="filled", Key="ada/k")


def test_signatures_on_curves(server, idp, sts):
    session(server, assume(sts, idp.token({"alg": "ES256", "kid": "ec"}, policy="readonly"))["Credentials"]).list_buckets()


def test_the_form_of_other_servers_clients(server, idp, filled):
    """Everything in the query, no role and no body."""
    from minio import Minio
    from minio.credentials import WebIdentityProvider

    provider = WebIdentityProvider(jwt_provider_func=lambda: {"id_token": idp.token(policy="readonly"), "expires_in": "900"},
                                   sts_endpoint=server.endpoint)
    client = Minio(endpoint=f"127.0.0.1:{server.port}", secure=server.certs is not None, credentials=provider)
    assert [found.object_name for found in client.list_objects("filled", prefix="ada/")] == ["ada/k"]


def test_an_sdk_finds_its_token_in_a_file(server, idp, tmp_path, monkeypatch):
    """As pods of Kubernetes do: with the variables that AWS's SDKs know. The role is that of an account which made its provider known."""
    alt = service(server, "iam", accounts.ALT["accessKey"], accounts.ALT["secretKey"])
    arn = alt.create_open_id_connect_provider(Url=idp.issuer, ClientIDList=["pods"])["OpenIDConnectProviderArn"]
    role = alt.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity"}}))["Role"]["Arn"]
    alt.attach_role_policy(RoleName="web", PolicyArn="arn:aws:iam::aws:policy/readwrite")
    (tmp_path / "token").write_text(idp.token(aud="pods", sub="system:serviceaccount:apps:web"))
    for name, value in {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_SESSION_NAME": "web",
                        "AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
                        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    client = boto3.Session().client("s3", config=Config(s3={"addressing_style": "path"}))
    client.create_bucket(Bucket="of-the-pod")
    assert client.list_buckets()["Owner"]["ID"] == accounts.ALT["id"]


def test_providers_and_roles_of_a_tenant_are_found_on_its_hosts_only(server, idp):
    tenant, other = Tenant(server, hosts=["signing.example"]), Tenant(server, hosts=["stranger.example"])
    iam = tenant.call("iam")
    arn = iam.create_open_id_connect_provider(Url=idp.issuer, ClientIDList=["tenant-app"])["OpenIDConnectProviderArn"]
    role = iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity"}}))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="web", PolicyArn="arn:aws:iam::aws:policy/readwrite")

    def ask(host, role, token):
        form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "session",
                "WebIdentityToken": token}
        status, _, body = at(server, host, "/", method="POST", body=urllib.parse.urlencode(form),
                             headers={"Content-Type": "application/x-www-form-urlencoded"})
        return status, body.decode()

    token = idp.token(aud="tenant-app", sub="ada")
    status, body = ask("signing.example", role, token)
    assert status == 200 and f"arn:aws:sts::{tenant.number}:assumed-role/web/session" in body
    key, secret, session_token = (body.split(f"<{name}>")[1].split("<")[0] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    assert at(server, "signing.example", "/", (key, secret, session_token))[0] == 200
    assert at(server, "stranger.example", "/", (key, secret, session_token))[0] == 403
    # Elsewhere the role and its provider are like others that are not there; the configuration's are the default tenant's.
    missing = role.replace("role/web", "role/none").replace(tenant.number, "999999999999")
    for host, audience in (("stranger.example", "tenant-app"), ("127.0.0.1", "tenant-app"), ("127.0.0.1", "martlet"), ("signing.example", "martlet")):
        asked = idp.token(aud=audience, sub="ada")
        found, unknown = ask(host, role, asked), ask(host, missing, asked)
        assert found[0] in (400, 403), (host, audience, found)
        if host != "signing.example":
            codes = [text.split("<Code>")[1].split("</Message>")[0] for text in (found[1], unknown[1])]
            assert found[0] == unknown[0] and codes[0] == codes[1], (host, audience, codes)
    assert ask("stranger.example", NO_ROLE, idp.token(aud="all-app"))[0] == 400
    assert ask("127.0.0.1", NO_ROLE, idp.token(aud="all-app"))[0] == 200
    assert other.call("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_sessions_belong_to_the_account_that_the_provider_is_for(server, idp, sts, filled):
    client = session(server, assume(sts, idp.token(aud="all-app"))["Credentials"])
    client.create_bucket(Bucket="of-the-other-account")
    assert client.list_buckets()["Owner"]["ID"] == accounts.ALT["id"]
    with refused("AccessDenied", 403):
        client.list_objects_v2(Bucket="filled")
    with refused("AccessDenied", 403):
        filled.list_objects_v2(Bucket="of-the-other-account")


def test_a_provider_has_a_role_for_calls_without_one(server, idp, sts):
    with refused("AccessDenied", 403):
        assume(sts, idp.token(aud="role-app"))
    alt = service(server, "iam", accounts.ALT["accessKey"], accounts.ALT["secretKey"])
    name = idp.issuer.removeprefix("https://")
    alt.create_role(RoleName="visitors", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{accounts.ALT['number']}:oidc-provider/{name}"},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {f"{name}:department": "physics"}}}}))
    alt.put_role_policy(RoleName="visitors", PolicyName="own", PolicyDocument=document(
        allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"jwt:email": "ada@example.com"}})))
    with refused("AccessDenied", 403):
        assume(sts, idp.token(aud="role-app", department="art"))
    answer = assume(sts, idp.token(aud="role-app", department="physics", email="ada@example.com"))
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/visitors/session")
    session(server, answer["Credentials"]).list_buckets()
    other = assume(sts, idp.token(aud="role-app", department="physics", email="eve@example.com"))
    with refused("AccessDenied", 403):
        session(server, other["Credentials"]).list_buckets()


def test_a_session_opens_nothing_but_what_it_was_given(server, idp, sts, filled):
    """No name that is chosen elsewhere stands for a user, a role or a session here."""
    answer = assume(sts, idp.token(sub="root", policy="writeonly"))
    credentials = answer["Credentials"]
    for action in ("get_session_token", "get_federation_token"):
        with refused("AccessDenied", 403):
            getattr(session(server, credentials, "sts"), action)(**({"Name": "root"} if "federation" in action else {}))
    with refused("AccessDenied", 403):
        session(server, credentials, "iam").list_users()
    account = answer["AssumedRoleUser"]["Arn"].split(":")[4]
    filled.put_bucket_policy(Bucket="filled", Policy=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::filled", "arn:aws:s3:::filled/*"],
        "Principal": {"AWS": [f"arn:aws:sts::{account}:federated-user/root", f"arn:aws:sts::{account}:assumed-role/root/session"]}}}))
    with refused("AccessDenied", 403):
        session(server, credentials).list_objects_v2(Bucket="filled")
    filled.delete_bucket_policy(Bucket="filled")


def test_groups_of_a_claim_are_groups_of_the_account(server, idp, sts, iam, filled):
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="own", PolicyDocument=document(
        allow("s3:GetObject", "arn:aws:s3:::filled/${jwt:preferred_username}/*")))
    answer = assume(sts, idp.token(realm_access={"roles": ["nobody", "/readers"]}, preferred_username="ada"))
    client = session(server, answer["Credentials"])
    client.get_object(Bucket="filled", Key="ada/k")
    with refused("AccessDenied", 403):
        client.get_object(Bucket="filled", Key="bob/k")
    iam.delete_group_policy(GroupName="readers", PolicyName="own")
    with refused("AccessDenied", 403):
        client.get_object(Bucket="filled", Key="ada/k")
    with refused("AccessDenied", 403):
        assume(sts, idp.token(policy="there-is-none"))
    with refused("AccessDenied", 403):
        assume(sts, idp.token())


def test_tokens_that_are_not_right(idp, sts):
    from cryptography.hazmat.primitives.asymmetric import rsa

    now = int(time.time())
    good = idp.token(policy="readonly")
    assume(sts, good)
    parts = good.split(".")
    stolen = b64(json.dumps(idp.claims(policy="consoleAdmin")).encode())
    bad = {
        "another audience": idp.token(aud="somebody-else", policy="readonly"),
        "a note of a log-out": idp.token({"typ": "logout+jwt"}, policy="readonly"),
        "another issuer": idp.token(iss="https://localhost:1/realm", policy="readonly"),
        "not yet": idp.token(nbf=now + 3600, policy="readonly"),
        "from the future": idp.token(iat=now + 3600, policy="readonly"),
        "never ends": idp.token(exp=None, policy="readonly"),
        "alg none": idp.token({"alg": "none"}, policy="readonly"),
        "key confusion": idp.token({"alg": "HS256"}, policy="readonly"),
        "another's key": idp.token(key=rsa.generate_private_key(65537, 2048), policy="readonly"),
        "other claims": ".".join([parts[0], stolen, parts[2]]),
        "no signature": f"{parts[0]}.{parts[1]}.",
        "a key that is not published": idp.token({"kid": "x"}, policy="readonly"),
        "an address of a key": idp.token({"kid": "y", "jku": "https://localhost:1/keys"}, policy="readonly"),
        "two algorithms": ".".join([b64(b'{"alg":"none","alg":"RS256"}'), parts[1], parts[2]]),
        "critical": idp.token({"crit": ["b64"], "b64": False}, policy="readonly"),
        "no token": "abcd",
    }
    for name, token in bad.items():
        with refused("InvalidIdentityToken", 400):
            print(name)
            assume(sts, token)
    with refused("ExpiredTokenException", 400):
        assume(sts, idp.token(exp=now - 3600, policy="readonly"))
    with refused("IDPRejectedClaim", 403):
        assume(sts, idp.token(sub=None, policy="readonly"))
    with refused("PackedPolicyTooLarge", 400):
        assume(sts, idp.token(policy="readonly", groups=[f"group-{number}" * 5 for number in range(200)]))
    with refused("ValidationError", 400):
        assume(sts, good, DurationSeconds=43_201)


def test_a_role_trusts_a_provider_that_its_account_made(server, idp, sts, iam, filled):
    arn = iam.create_open_id_connect_provider(Url=idp.issuer, ClientIDList=["app"], ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    name = idp.issuer.removeprefix("https://")
    assert arn.endswith(f":oidc-provider/{name}")
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"], found["ThumbprintList"]) == (name, ["app"], ["a" * 40])
    assert [provider["Arn"] for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [arn]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "empty", "Value": ""}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["team", "none"])
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "empty", "Value": ""}]
    with refused("EntityAlreadyExists", 409):
        iam.create_open_id_connect_provider(Url=idp.issuer, ClientIDList=["app"])
    with refused("InvalidInput", 400):
        iam.create_open_id_connect_provider(Url="http://localhost/realm", ClientIDList=["app"])

    def trust(**statement):
        return json.dumps({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{name}:aud": "app"}, "StringLike": {f"{name}:sub": "system:*"}}, **statement}})

    role = iam.create_role(RoleName="pods", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    iam.attach_role_policy(RoleName="pods", PolicyArn="arn:aws:iam::aws:policy/readonly")
    answer = assume(sts, idp.token(aud="app", sub="system:pod"), role)
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/pods/session")
    client = session(server, answer["Credentials"])
    client.list_objects_v2(Bucket="filled")
    with refused("AccessDenied", 403):
        client.put_object(Bucket="filled", Key="x", Body=b"")
    for token in (idp.token(aud="app", sub="ada"), idp.token(aud="martlet", sub="system:pod"),
                  idp.token(aud="app", azp="other-app", sub="system:pod")):
        with refused("AccessDenied", 403):
            assume(sts, token, role)
    with refused("InvalidIdentityToken", 400):
        assume(sts, idp.token(aud="nobody", sub="system:pod"), role)
    # Neither everybody nor another provider is this one.
    for principal in ({"AWS": "*"}, {"Federated": arn + "x"}):
        iam.update_assume_role_policy(RoleName="pods", PolicyDocument=trust(Principal=principal))
        with refused("AccessDenied", 403):
            assume(sts, idp.token(aud="app", sub="system:pod"), role)
    iam.update_assume_role_policy(RoleName="pods", PolicyDocument=trust())
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    with refused("InvalidIdentityToken", 400):
        assume(sts, idp.token(aud="app", sub="system:pod"), role)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    assume(sts, idp.token(aud="app", sub="system:pod"), role)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity", 404):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("InvalidIdentityToken", 400):
        assume(sts, idp.token(aud="app", sub="system:pod"), role)


def test_keys_rotate_and_a_provider_that_is_down_locks_nobody_out(server, idp, sts, filled):
    assume(sts, idp.token(policy="readonly"))
    old = idp.token(policy="readonly")
    idp.rotate("second")
    deadline = time.monotonic() + 60
    while True:
        # Other tests have used up the questions that may be asked at once: the next one is due within some seconds.
        try:
            assume(sts, idp.token(policy="readonly"))
            break
        except sts.exceptions.InvalidIdentityTokenException:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    with refused("InvalidIdentityToken", 400):
        assume(sts, old)
    idp.stop()
    try:
        # The last good keys serve, and local identities need nobody.
        credentials = assume(sts, idp.token(policy="readonly"))["Credentials"]
        session(server, credentials).list_objects_v2(Bucket="filled")
        filled.list_buckets()
    finally:
        idp.start()


def test_invented_keys_are_no_load_on_the_provider(idp, sts):
    assume(sts, idp.token(policy="readonly"))
    before = idp.questions
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: attempt(sts, idp.token({"kid": f"k{number}"}, policy="readonly")), range(60)))
    assert set(results) == {"InvalidIdentityToken"}
    assert idp.questions - before <= 7


def attempt(sts, token):
    try:
        assume(sts, token)
        return ""
    except sts.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def test_a_provider_that_was_never_reached(tmp_path, tls):
    environment = {"NO_PROXY": "*", "MARTLET_OPENID_X_ISSUER": f"https://localhost:{slapd.free_port()}", "MARTLET_OPENID_X_CLIENT_IDS": "martlet"}
    provider = Provider(*tls[1:])
    try:
        # Its certificate is of an authority that this server does not know.
        environment |= {"MARTLET_OPENID_Y_ISSUER": provider.issuer, "MARTLET_OPENID_Y_CLIENT_IDS": "martlet"}
        server = Server(tmp_path, environment=environment).start()
        for issuer in (environment["MARTLET_OPENID_X_ISSUER"], provider.issuer):
            with refused("IDPCommunicationError", 400):
                assume(unsigned(server), provider.token(iss=issuer, policy="readonly"))
        server.client().list_buckets()
        with refused("InvalidParameterValue", 400):
            ldap_sign_on(server, "ada", "ada-secret")
        assert provider.questions == 0
        assert server.stop() == 0
    finally:
        provider.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_provider_made_elsewhere(server, made_elsewhere, sts, filled):
    """The whole way of a person: the provider's form, its code, its token."""
    import httpx

    address = {"client_id": "console", "redirect_uri": "http://localhost/back", "response_type": "code", "scope": "openid email", "state": "s"}
    with httpx.Client(trust_env=False) as client:
        form = client.post(f"{made_elsewhere}/oauth2/authorize", params=address, data={"sub": "grace"})
        code = urllib.parse.parse_qs(urllib.parse.urlparse(form.headers["location"]).query)["code"][0]
        answer = client.post(f"{made_elsewhere}/oauth2/token", auth=("console", "any"), data={
            "grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/back"}).json()
    credentials = assume(sts, answer["id_token"])["Credentials"]
    client = session(server, credentials)
    client.get_object(Bucket="filled", Key="ada/k")
    with refused("AccessDenied", 403):
        client.put_object(Bucket="filled", Key="x", Body=b"")


# --- Directories


@pytest.fixture(scope="module")
def staff(tmp_path_factory, tls, ldap):
    """A server whose people are in a directory."""
    directory = tmp_path_factory.mktemp("staff")
    file = directory / "sign-on.json"
    file.write_text(json.dumps({"ldap": {"policies": {f"UID=eve, ou=people,{slapd.BASE}": ["readonly"]}}}))
    file.chmod(0o600)
    server = Server(directory, environment={**directory_settings(ldap, tls[0]), "MARTLET_SIGN_ON_FILE": str(file)}).start()
    client = server.client()
    client.create_bucket(Bucket="filled")
    client.put_object(Bucket="filled", Key="ada/k", Body=b"a")
    client.put_object(Bucket="filled", Key="bob/k", Body=b"b")
    yield server
    assert server.stop() == 0, server.log()


def ldap_sign_on(server, name, password, **options):
    """Sends what clients of other servers send, and raises what botocore would."""
    sts = unsigned(server)
    fields = {"Action": "AssumeRoleWithLDAPIdentity", "Version": "2011-06-15", "LDAPUsername": name, "LDAPPassword": password, **options}
    request = urllib.request.Request(server.endpoint + "/", data=urllib.parse.urlencode(fields).encode(), method="POST")
    try:
        text = urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        code = text.split("<Code>")[1].split("<")[0]
        raise sts.exceptions.ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": error.code}}, "LDAP") from None
    return {name: text.split(f"<{name}>")[1].split("<")[0] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}


def directory_policy(server, action, name, policy):
    """A call of the IAM endpoint that AWS does not have."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    from martlet_server import ACCESS_KEY, SECRET_KEY

    body = urllib.parse.urlencode({"Action": f"Martlet{action}DirectoryPolicy", "DistinguishedName": name,
                                   "PolicyArn": policy if policy.startswith("arn:") else f"arn:aws:iam::aws:policy/{policy}"})
    request = botocore.awsrequest.AWSRequest("POST", server.endpoint + "/", data=body,
                                             headers={"Content-Type": "application/x-www-form-urlencoded"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY), "iam", "us-east-1").add_auth(request)
    urllib.request.urlopen(urllib.request.Request(request.url, data=body.encode(), headers=dict(request.headers.items()), method="POST")).read()


def test_a_name_and_a_password_give_what_the_entry_and_its_groups_have(staff):
    with refused("AccessDenied", 403):
        ldap_sign_on(staff, "ada", "ada-secret")
    directory_policy(staff, "Attach", f"CN=engineers, OU=Groups,{slapd.BASE}", "writeonly")
    credentials = ldap_sign_on(staff, "ada", "ada-secret")
    client = session(staff, credentials)
    client.put_object(Bucket="filled", Key="ada/k", Body=b"c")
    with refused("AccessDenied", 403):
        client.get_object(Bucket="filled", Key="ada/k")
    # The group of the group; what it gets counts at once.
    directory_policy(staff, "Attach", f"cn=Staff,ou=groups,{slapd.BASE}", "readonly")
    assert client.get_object(Bucket="filled", Key="ada/k")["Body"].read() == b"c"
    directory_policy(staff, "Detach", f"cn=Staff,ou=groups,{slapd.BASE}", "readonly")
    with refused("AccessDenied", 403):
        client.get_object(Bucket="filled", Key="ada/k")
    with refused("AccessDenied", 403):
        ldap_sign_on(staff, "bob", "bob-secret")
    directory_policy(staff, "Attach", f"uid=bob,ou=people,{slapd.BASE}", "readonly")
    session(staff, ldap_sign_on(staff, "bob", "bob-secret")).list_buckets()


def test_policies_know_who_signed_on(staff):
    policy = document(allow("s3:GetObject", "arn:aws:s3:::filled/${ldap:username}/*",
                            Condition={"ForAnyValue:StringLike": {"ldap:groups": "cn=Engineers,*"}}))
    arn = service(staff, "iam").create_policy(PolicyName="own", PolicyDocument=policy)["Policy"]["Arn"]
    directory_policy(staff, "Attach", f"uid=ada,ou=people,{slapd.BASE}", arn)
    client = session(staff, ldap_sign_on(staff, "ada", "ada-secret"))
    client.get_object(Bucket="filled", Key="ada/k")
    with refused("AccessDenied", 403):
        client.get_object(Bucket="filled", Key="bob/k")
    # The directory takes these for the same name; policies see how the entry spells it.
    for name in ("ADA", " ada  ", "\uff41da"):
        session(staff, ldap_sign_on(staff, name, "ada-secret")).get_object(Bucket="filled", Key="ada/k")


def test_other_servers_clients_and_policies_of_the_file(staff):
    from minio import Minio
    from minio.credentials import LdapIdentityProvider

    client = Minio(endpoint=f"127.0.0.1:{staff.port}", secure=staff.certs is not None,
                   credentials=LdapIdentityProvider(staff.endpoint, "eve", "eve-secret"))
    assert "ada/k" in [found.object_name for found in client.list_objects("filled", recursive=True)]


@pytest.mark.parametrize("name, password", [
    ("ada", "wrong"), ("ada", "bob-secret"), ("nobody", "ada-secret"), ("*", "ada-secret"), ("ad*", "ada-secret"),
    ("ada)(uid=*", "ada-secret"), ("*)(|(uid=ada", "ada-secret"), ("ada\\", "ada-secret"), ("ada\x00", "ada-secret"),
    (f"uid=ada,ou=people,{slapd.BASE}", "ada-secret"), ("a" * 300, "ada-secret"),
])
def test_wrong_names_and_passwords_are_one_refusal(staff, name, password):
    with refused("AccessDenied", 403):
        ldap_sign_on(staff, name, password)


def test_an_empty_password_is_no_password(staff):
    for name, password in (("ada", ""), ("", "ada-secret"), ("", "")):
        with refused("MissingParameter", 400):
            ldap_sign_on(staff, name, password)


def test_a_directory_that_is_down_locks_nobody_out(staff, ldap):
    directory_policy(staff, "Attach", f"uid=ada,ou=people,{slapd.BASE}", "readonly")
    credentials = ldap_sign_on(staff, "ada", "ada-secret")
    ldap.stop()
    try:
        with refused("IDPCommunicationError", 400):
            ldap_sign_on(staff, "ada", "ada-secret")
        session(staff, credentials).list_buckets()
        staff.client().list_buckets()
        # Only the second address answers, under TLS from the first byte.
        ldap.start(plain=False)
        session(staff, ldap_sign_on(staff, "ada", "ada-secret")).list_buckets()
        with refused("AccessDenied", 403):
            ldap_sign_on(staff, "ada", "wrong")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(lambda _: ldap_sign_on(staff, "ada", "ada-secret")["AccessKeyId"], range(24)))) == 24
    finally:
        ldap.stop()
        ldap.start()


def test_a_directory_that_is_silent_ends_the_wait(tmp_path, tls):
    """It takes connections and says nothing, where TLS is expected to begin."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)

        class Ports:
            plain = secure = silent.getsockname()[1]

        settings = {**directory_settings(Ports, tls[0]), "MARTLET_LDAP_TIMEOUT_SECONDS": "1", "MARTLET_LDAP_URLS": f"ldaps://127.0.0.1:{Ports.secure}"}
        server = Server(tmp_path, environment=settings).start()

        def code(_):
            with refused("IDPCommunicationError", 400):
                ldap_sign_on(server, "ada", "ada-secret")

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            waiting = [pool.submit(code, number) for number in range(12)]
            server.client().list_buckets()
            for answer in waiting:
                answer.result(timeout=60)
        assert server.stop() == 0


def test_what_was_given_survives_a_restart(staff):
    iam = service(staff, "iam")
    arn = iam.create_open_id_connect_provider(Url="https://id.example.com/realm/", ClientIDList=["b", "a"], Tags=[{"Key": "k", "Value": "v"}])[
        "OpenIDConnectProviderArn"]
    assert arn.endswith(":oidc-provider/id.example.com/realm")
    before = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert before["ClientIDList"] == ["b", "a"] and before["Tags"] == [{"Key": "k", "Value": "v"}]
    directory_policy(staff, "Attach", f"uid=bob,ou=people,{slapd.BASE}", "readonly")
    staff.stop()
    staff.start()
    after = service(staff, "iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert {**after, "ResponseMetadata": 0} == {**before, "ResponseMetadata": 0}
    session(staff, ldap_sign_on(staff, "bob", "bob-secret")).list_buckets()


def test_a_directory_whose_certificate_is_of_an_unknown_authority(tmp_path, ldap):
    other = certificates.make(tmp_path / "other", "other")
    server = Server(tmp_path / "server", environment=directory_settings(ldap, other[0])).start()
    with refused("IDPCommunicationError", 400):
        ldap_sign_on(server, "ada", "ada-secret")
    assert server.stop() == 0
